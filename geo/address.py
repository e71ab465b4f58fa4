"""What a written Swedish location says: a street and number, a crossing, a named place.

Nothing here knows which streets exist; that is `geo.gazetteer`. Every pattern is bounded, so the
time grows linearly with the text, also for text made to be slow.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_SEGMENTS: Final = 6  # pieces between commas that are looked at; the rest is prose
MOST_PARTS: Final = 4  # pieces of one segment, "A/B" has two
MOST_WORDS: Final = 12  # a longer name is prose and is not looked up
MOST_MARKS: Final = 30  # the longest run of marks in Unicode's stream-safe text (UAX 15)
SHORTEST_STEM: Final = 3  # letters before an abbreviation: "nyg." may be, "kg." is not

# The last part of a street name: indefinite form -> the form on street signs.
ENDINGS: Final = {
    "väg": "vägen",
    "gata": "gatan",
    "gat": "gatan",
    "gränd": "gränden",
    "stig": "stigen",
    "torg": "torget",
    "plan": "planen",
    "park": "parken",
    "allé": "allén",
}
STREET_ENDINGS: Final = (
    "gatan",
    "vägen",
    "gränden",
    "stigen",
    "leden",
    "allén",
    "esplanaden",
    "gata",
    "väg",
    "gränd",
    "stig",
    "led",
    "allé",
)
SQUARE_ENDINGS: Final = ("torget", "torg", "planen", "plan", "parken", "park", "backen", "bron")

_SIGNS = str.maketrans(
    dict.fromkeys("‐‑‒–—―−", "-")  # every dash reads as a hyphen
    | dict.fromkeys("’‘´`", "'")
    | dict.fromkeys("\u2044\u2215×", "/")  # fraction and division slash; A×B is a crossing
    | dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", "")  # invisible
)

_DIRECTIONS = {"n": "norra", "s": "södra", "v": "västra", "ö": "östra"}
_COLONS = {
    "s:t": "sankt",
    "s:ta": "sankta",
    "st:a": "stora",
    "l:a": "lilla",
    "n:a": "norra",
    "s:a": "södra",
    "v:a": "västra",
    "ö:a": "östra",
}
_ABBREVIATIONS = {
    "gat": "gatan",
    "g": "gatan",
    "väg": "vägen",
    "v": "vägen",
    "gr": "gränden",
    "pl": "planen",
}
# Whole words that happen to end like an abbreviation: "vid Årby torg." is no Årby torgatan.
_WHOLE_WORDS = ("torg", "berg", "borg", "skog", "stig", "äng", "väg", "ring", "ung", "hav")

_DIRECTION = re.compile(r"^([nsvö])\. ?(?=[^\W\d_]{3})")
_COLON = re.compile(r"(?<![\w:])(?:s:ta|s:t|st:a|l:a|n:a|s:a|v:a|ö:a)(?![\w:])\.?")
_ABBREVIATION = re.compile(r"(?:gat|väg|gr|pl|g|v)\.$")
_NOT_WORD = re.compile(r"[\W_]+")

_CARE_OF = re.compile(r"(?<!\w)c/o [^,;]*")  # a person's name: never looked at
_DETAIL = re.compile(
    r"(?<!\w)(?:lgh|lägenhet|uppgång|uppg|våning|vån|port|ingång|trappa|tr)\.? ?(?:nr\.? ?)?"
    r"(?:\d{1,5}[a-z]?|[a-z])(?!\w)"
)
_POSTCODE = re.compile(r"(?<![\w:-])(?:se?-)?([1-9]\d{2}) ?(\d{2})(?![\w:-])")
_KEYWORD = re.compile(
    r",? ?(?<!\w)(?:(?:i|vid) )?(?:gatu|väg)?(?:korsningen|korsning|korsn\.?|hörnet|hörnan|hörn)"
    r"(?: (?:av|mellan|med|vid))?(?!\w) ?"
)
_GLUED = re.compile(r"(?<=[^\W\d_]{4})(?=\d)")
_AT_NUMBER = re.compile(
    r" (?:(?:i höjd med|vid|utanför|framför|mittemot) (?:(?:nr|nummer|no)\.? )?"
    r"|(?:nr|nummer|no)\.? ?)(?=\d)"
)
_SEGMENT = re.compile(r"[,;()]")
_SEPARATOR = re.compile(
    r" ?([/&+]) ?(?=[^\d\s])"
    r"| (x|och|samt|-|i höjd med|i närheten av|mitt emot|vid|utanför|framför|bakom|mittemot|intill"
    r"|bredvid|nära) (?=[^\d\s])"
)
_CROSSING_SIGNS = frozenset({"/", "x"})
_AWAY = re.compile(r"(?:^| )(?:mellan|mot|i riktning|riktning) ")  # no place follows
_LEADING = re.compile(
    r"(?:(?:i höjd med|i närheten av|i anslutning till|i anslutning|längs med|mitt emot|inne på"
    r"|inne i|vid|utanför|framför|bakom|mittemot|nära|intill|invid|bredvid|på|i|under|över|längs"
    r"|utmed|ovanför|nedanför|kring|runt|omkring|gångtunneln?|tunneln?|gångbron?|gångvägen"
    r"|gångväg|cykelvägen|cykelväg|busshållplatsen|busshållplats|hållplatsen|hållplats|hpl\.?"
    r"|parkeringsplatsen|parkeringsplats|parkeringen|parkering|p-platsen|p-plats|rondellen"
    r"|rondell|cirkulationsplatsen|cirkulationsplats|viadukten|viadukt|trappan|området"
    r"|stadsdelen|bostadsområdet|adressen|adress)(?: |: ?))+"
)
_STOP_WORD = re.compile(r"(?<!\w)(?:busshållplats(?:en)?|hållplats(?:en)?|hpl)(?!\w)")
_NUMBER = re.compile(
    r" (\d{1,4})(?:( ?[a-hj-wyz]|[ix])(?!\w))?(?![\w:])"
    r"(?: ?(?:-|/|&|\+|och|samt) ?(\d{1,4})(?: ?[a-z])?(?![\w:]))?"
)
_LETTER_RANGE = re.compile(r" ?[-/&+] ?[a-z](?!\w)")
_ONLY_NUMBER = re.compile(r"\d{1,4}")
_PLACE_IN = re.compile(r"^(?:i|på) ")


@dataclass(frozen=True, slots=True)
class ParsedAddress:
    """A location text taken apart. Every name is a key as `name_key` makes them."""

    text: str  # the whole text, normalised, without c/o and a name
    street: str = ""  # only together with a number
    number: int | None = None
    number_to: int | None = None  # other end of 12-14
    letter: str = ""
    crossing: tuple[str, ...] = ()  # names that may be two crossing streets
    marked: bool = False  # a word or sign says that it is a crossing
    names: tuple[str, ...] = ()  # what the text is about, most specific first
    context: tuple[str, ...] = ()  # where that is: village, area, city
    postcode: str = ""
    city: str = ""  # what stands after the postcode
    at_stop: bool = False  # the text says bus stop


@dataclass(frozen=True, slots=True)
class _Part:
    """One piece of a segment: "utanför Nygatan 3 b" -> its names and number."""

    names: tuple[str, ...]  # as written, without "utanför", without the number
    number: int | None
    number_to: int | None
    letter: str
    rest: str  # what follows the number

    @property
    def street(self) -> str:
        return self.names[-1] if self.names else ""


@dataclass(frozen=True, slots=True)
class _Segment:
    """What stands between two commas."""

    text: str
    parts: tuple[_Part, ...]
    sign: bool  # "/" or "x" between two parts

    @property
    def numbered(self) -> _Part | None:
        return next((part for part in self.parts if part.number is not None), None)


def normalise(text: str) -> str:
    """Answer which text this is, whatever case, Unicode form and kind of dash it came in.

    Idempotent; NFD and NFC input give the same NFC output. A pile of more than `MOST_MARKS`
    combining marks on one letter is no text: the rest of it is dropped, because putting marks in
    order takes time that grows with the square of the pile.
    """
    if len(text) > MOST_MARKS and not text.isascii():
        text = "".join(_with_few_marks(text))
    plain = unicodedata.normalize("NFD", text).translate(_SIGNS).casefold()
    return " ".join(unicodedata.normalize("NFC", plain).split())


def _with_few_marks(text: str) -> Iterator[str]:
    marks = 0
    for sign in text:
        marks = marks + 1 if unicodedata.combining(sign) else 0
        if marks <= MOST_MARKS:
            yield sign


def name_key(name: str) -> str:
    """Answer under which key a street or place name stands: "Kungsg." -> "kungsgatan".

    Lower case, abbreviations written out, no punctuation. A direction is written out only when
    a full stop follows the letter. Idempotent.
    """
    return _key(normalise(name))


def loose_key(key: str) -> str:
    """Answer under which key spellings of one name meet: "skol väg" and "skolvägen".

    Takes and gives keys of `name_key`; spaces vanish and the last part takes its definite form.
    """
    tight = key.replace(" ", "")
    for ending, definite in ENDINGS.items():
        if tight.endswith(ending):
            return tight.removesuffix(ending) + definite
    return tight


def postcode_key(postcode: str) -> str:
    """Answer which five digits a postcode has: "SE-632 20" -> "63220"; "" when it has none."""
    digits = "".join(sign for sign in postcode if sign in "0123456789")
    return digits if digits.strip("0") else ""


_CARE_OF_AS_WRITTEN = re.compile(r"(?<!\w)c/o [^,;]*", re.IGNORECASE)
_FLAT_AS_WRITTEN = re.compile(r"(?<!\w)(?:lgh|lägenhet)\.? ?(?:nr\.? ?)?\d*", re.IGNORECASE)


def impersonal(text: str) -> str:
    """Take a person's name (c/o) and the number of a flat out of a location text.

    A home is more than a map needs; what is taken out here is never stored.
    """
    if "/" not in text and "l" not in text and "L" not in text:
        return text
    without = _FLAT_AS_WRITTEN.sub("", _CARE_OF_AS_WRITTEN.sub("", text))
    return text if without == text else " ".join(without.split()).strip(" ,;")


def parse(text: str) -> ParsedAddress:
    """Take a location text apart without knowing which streets exist.

    Parameters
    ----------
    text
        Free text of one row. The caller bounds its length; 10,000 characters stay fast.

    Notes
    -----
    Postcode and city, lgh/uppg/vån and c/o are taken off; "vid", "utanför" and the like are
    skipped; a property designation ("Tuna 1:15") is not a street number.
    """
    clean = _CARE_OF.sub("", normalise(text)).strip()
    body, postcode, city = _without_postcode(_DETAIL.sub("", clean))
    body, keywords = _KEYWORD.subn("/", body)
    segments = _segments(_AT_NUMBER.sub(" ", _GLUED.sub(" ", body)))
    about = next((piece for piece in segments if piece.numbered), None)
    numbered = about.numbered if about else None
    about = about or next(iter(segments), None)
    others = [piece for piece in segments if piece is not about]
    crossing = _crossing(segments if keywords or about is None else [about])
    return ParsedAddress(
        text=clean,
        street=numbered.street if numbered else "",
        number=numbered.number if numbered else None,
        number_to=_number_to(numbered, others) if numbered else None,
        letter=numbered.letter if numbered else "",
        crossing=crossing,
        marked=bool(keywords) or (about is not None and about.sign),
        names=_names(clean, [about] if numbered and about else segments),
        context=_context(about, others),
        postcode=postcode,
        city=city,
        at_stop=_STOP_WORD.search(clean) is not None,
    )


def _key(text: str) -> str:
    """Make a key of text that is already normalised."""
    if ":" in text:
        text = _COLON.sub(lambda found: _COLONS[found[0].rstrip(".")], text)
    if "." in text:
        text = _DIRECTION.sub(lambda found: _DIRECTIONS[found[1]] + " ", text)
        short = _ABBREVIATION.search(text)
        if short and _abbreviates(text, short.start()):
            text = text[: short.start()] + _ABBREVIATIONS[short[0][:-1]]
    return _NOT_WORD.sub(" ", text).strip()


def _abbreviates(text: str, start: int) -> bool:
    """Tell "kungsg." and "stora g." from a word at the end of a sentence."""
    return (start >= SHORTEST_STEM or text[start - 1 : start] == " ") and not text[:-1].endswith(
        _WHOLE_WORDS
    )


def _without_postcode(body: str) -> tuple[str, str, str]:
    """Cut the postcode and the city after it: (what is left, postcode, city key)."""
    found = _POSTCODE.search(body)
    if found is None:
        return body, "", ""
    city, *tail = _SEGMENT.split(body[found.end() :], 1)
    left = ",".join([body[: found.start()], *tail])
    return left, found[1] + found[2], _short(_key(city.strip(" .")))


def _segments(body: str) -> list[_Segment]:
    cut = (_AWAY.split(piece.strip(), 1)[0] for piece in _SEGMENT.split(body, MOST_SEGMENTS))
    pieces = (piece.strip(" -/&+:") for piece in cut)
    return [_segment(piece) for piece in pieces if piece][:MOST_SEGMENTS]


def _segment(text: str) -> _Segment:
    pieces = _SEPARATOR.split(text, MOST_PARTS - 1)
    signs = [sign or word for sign, word in zip(pieces[1::3], pieces[2::3], strict=True)]
    return _Segment(
        text=text,
        parts=tuple(_part(piece) for piece in pieces[::3] if piece),
        sign=not _CROSSING_SIGNS.isdisjoint(signs),
    )


def _part(text: str) -> _Part:
    leading = _LEADING.match(text)
    bare = text[leading.end() :] if leading else text
    found = _NUMBER.search(bare)
    if found is None or not any(sign.isalpha() for sign in bare[: found.start()]):
        return _Part(_distinct(_key(text), _key(bare)), None, None, "", "")
    rest = bare[found.end() :]
    letter = "" if _LETTER_RANGE.match(rest) else (found[2] or "").strip()
    return _Part(
        names=_distinct(_key(text), _key(bare), _key(bare[: found.start()].rstrip(" ,"))),
        number=int(found[1]),
        number_to=int(found[3]) if found[3] else None,
        letter=letter,
        rest=_short(_key(_PLACE_IN.sub("", rest.strip()))),
    )


def _number_to(part: _Part, others: list[_Segment]) -> int | None:
    """Give the other end of "12-14", also when written "12, 14"."""
    if part.number_to is not None:
        return part.number_to
    alone = (piece.text for piece in others if _ONLY_NUMBER.fullmatch(piece.text))
    return next(map(int, alone), None)


def _crossing(segments: list[_Segment]) -> tuple[str, ...]:
    names = _distinct(*(part.street for piece in segments for part in piece.parts))
    return names[:MOST_PARTS] if len(names) > 1 else _side_by_side(names)


def _side_by_side(names: tuple[str, ...]) -> tuple[str, ...]:
    """Split "nygatan storgatan": two names where the first ends like a street."""
    words = names[0].split()[:MOST_WORDS] if names else []
    for index, word in enumerate(words[:-1], start=1):
        if word.endswith(STREET_ENDINGS):
            return " ".join(words[:index]), " ".join(words[index:])
    return ()


def _names(clean: str, segments: list[_Segment]) -> tuple[str, ...]:
    """List the names the text may be about: the whole text, segments, their parts."""
    inner = (
        name
        for piece in segments
        for name in (_key(piece.text), *(name for part in piece.parts for name in part.names))
    )
    return _distinct(_key(clean), *inner)


def _context(about: _Segment | None, others: list[_Segment]) -> tuple[str, ...]:
    rest = (part.rest for part in about.parts) if about else ()
    return _distinct(
        *rest, *(name for piece in others for part in piece.parts for name in part.names)
    )


def _short(key: str) -> str:
    """Give up on keys too long to be a name."""
    return key if key.count(" ") < MOST_WORDS else ""


def _distinct(*keys: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(short for key in keys if (short := _short(key))))
