"""A second opinion from the municipality's own geocoding server, only when one is configured.

Locations of incidents must not leave the network: the great public servers are refused, no
redirect is followed, no proxy is used, and only the location itself is sent. An answer is believed
only when its name is that of the text and its place is inside the municipality.
"""

from __future__ import annotations

import importlib
import json
import logging
import math
import time
from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

import numpy as np
from rapidfuzz import fuzz

from geo.address import loose_key, name_key, parse
from geo.crs import inside
from geo.errors import InvalidParameter
from geo.gazetteer import (
    ADDRESS_M,
    CROSSING_M,
    FUZZY_CUT,
    MOST_CANDIDATES,
    NOWHERE,
    SAME_PLACE_M,
    SAME_STREET_M,
    STREET_M,
    Candidate,
    Match,
    plausible,
)
from pipelines import outside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from geo.address import ParsedAddress
    from geo.gazetteer import ToMetres

KINDS: Final = ("nominatim", "photon", "pelias")
# Services on the open internet that people configure by habit.
PUBLIC_HOSTS: Final = frozenset(
    {"nominatim.openstreetmap.org", "photon.komoot.io", "api.geocode.earth"}
)
LARGEST_ANSWER: Final = 1_000_000  # bytes
LONGEST_TEXT: Final = 200  # characters; longer is prose
MOST_ANSWERS: Final = 5
MOST_FAILURES: Final = 5  # in a row, then the server is left alone
PAUSE_S: Final = 60.0

PLACE_M: Final = 75.0
UNKNOWN_REACH_M: Final = {"place": 75.0, "street": 500.0, "area": 2000.0}
PRECISION: Final = ("address", "address_without_letter", "place", "street", "area")

_AREA_TYPES = frozenset(
    {"area", "borough", "city", "city_district", "county", "district", "hamlet", "localadmin"}
    | {"locality", "municipality", "neighbourhood", "quarter", "region", "state", "suburb"}
    | {"town", "village", "administrative", "country", "macroregion", "isolated_dwelling"}
)
_GUESSES = frozenset({"interpolated", "fallback", "centroid"})


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one answer may take, and the clock that counts the pause after failures."""

    timeout_s: float = 5.0
    clock: Callable[[], float] = time.monotonic


class Geocoder(Protocol):
    """What finds places for texts: the offline gazetteer, or an own server."""

    def locate(self, text: str, *, area: str = "") -> Match:
        """Answer where a text is; `area` tells namesakes apart."""
        ...


class _Fault(Exception):
    """The server gave no usable answer; the argument is a message code."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """One result, whichever server gave it."""

    level: str  # address, place, street, area
    name: str
    street: str
    number: str
    label: str
    lon: float
    lat: float
    box: tuple[float, float, float, float] | None  # west, south, east, north


@dataclass(frozen=True, slots=True)
class _Accepted:
    """A result that answers the text."""

    match_type: str
    score: float
    answer: _Answer
    reach_m: float


class OnlineGeocoder:
    """Asks one server, believes it within limits, and leaves it alone when it fails.

    `outcomes` counts what happened to each text: `hit`, `miss`, `ambiguous`, `not-asked`, or the
    code of a fault, so that an import can report that the server did not answer.
    """

    def __init__(
        self,
        kind: str,
        ask: Callable[[str], Iterable[Any]],
        envelope: tuple[float, float, float, float],
        to_metres: ToMetres,
        clock: Callable[[], float],
    ) -> None:
        """Keep the parts; use `connect`."""
        self.outcomes: Counter[str] = Counter()
        self._kind = kind
        self._ask = ask
        self._envelope = envelope
        self._to_metres = to_metres
        self._clock = clock
        self._failures = 0
        self._paused_until = -math.inf

    def locate(self, text: str, *, area: str = "") -> Match:
        """Answer where the server says a text is; a silent or odd server is no match.

        Crossings are not asked for: no answer could be checked against both streets.
        """
        parsed = parse(text)
        query = _query(parsed, area)
        if not query or len(query) > LONGEST_TEXT:
            outcome, match = "not-asked", NOWHERE
        elif self._clock() < self._paused_until:
            outcome, match = "geocoder-paused", NOWHERE
        else:
            outcome, match = self._answer(parsed, query)
        self.outcomes[outcome] += 1
        return match

    def _answer(self, parsed: ParsedAddress, query: str) -> tuple[str, Match]:
        try:
            answers = [_read(location.raw, self._kind) for location in self._ask(query) or ()]
        except _Fault as fault:
            return self._failed(str(fault))
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            # geopy reads the answer's fields unguarded; any of these means "not that format".
            return self._failed("geocoder-answer-unreadable")
        self._failures = 0
        accepted = [found for answer in answers if (found := self._judge(parsed, answer))]
        if not accepted:
            return "miss", NOWHERE
        match = self._choose(accepted)
        return ("ambiguous" if match.match_type == "ambiguous" else "hit"), match

    def _failed(self, code: str) -> tuple[str, Match]:
        """Count a failure; after the pause one more is enough for the next pause."""
        self._failures += 1
        if self._failures >= MOST_FAILURES:
            self._paused_until = self._clock() + PAUSE_S
        return code, NOWHERE

    def _judge(self, parsed: ParsedAddress, answer: _Answer) -> _Accepted | None:
        """Accept an answer that lies inside the municipality and bears the asked name."""
        if not inside(np.array(answer.lon), np.array(answer.lat), self._envelope):
            return None
        judged = _numbered(parsed, answer) if parsed.number is not None else _named(parsed, answer)
        if judged is None:
            return None
        match_type, score = judged
        return _Accepted(match_type, score, answer, self._reach_m(match_type, answer))

    def _reach_m(self, match_type: str, answer: _Answer) -> float:
        if match_type == "address":
            return ADDRESS_M
        if match_type == "address_without_letter":
            return CROSSING_M
        if answer.box is None:
            return UNKNOWN_REACH_M[match_type]
        west, south, east, north = answer.box
        x, y = self._to_metres(np.array([west, east]), np.array([south, north]))
        least = PLACE_M if match_type == "place" else STREET_M
        return max(least, math.hypot(x[1] - x[0], y[1] - y[0]) / 2)

    def _choose(self, accepted: list[_Accepted]) -> Match:
        """Take the most precise answer, unless equally precise ones lie elsewhere."""
        finest = min((found.match_type for found in accepted), key=PRECISION.index)
        alike = sorted(
            (found for found in accepted if found.match_type == finest),
            key=lambda found: (-found.score, found.reach_m, found.answer.label, found.answer.lon),
        )
        best = alike[0]
        x, y = self._to_metres(
            np.array([found.answer.lon for found in alike]),
            np.array([found.answer.lat for found in alike]),
        )
        apart = float(np.hypot(x - x[0], y - y[0]).max())
        if apart > (SAME_STREET_M if finest in ("street", "area") else SAME_PLACE_M):
            named = (found.answer for found in alike[:MOST_CANDIDATES])
            candidates = tuple(Candidate(a.label, a.lon, a.lat, best.score) for a in named)
            return Match("ambiguous", None, None, best.score, None, self._kind, "", candidates)
        return Match(
            match_type=finest,
            lon=best.answer.lon,
            lat=best.answer.lat,
            score=best.score,
            uncertainty_m=max(best.reach_m, apart),
            source=self._kind,
            matched_text=best.answer.label,
        )


def connect(
    kind: str,
    url: str,
    user_agent: str,
    *,
    envelope: tuple[float, float, float, float],
    to_metres: ToMetres,
    patience: Patience | None = None,
) -> OnlineGeocoder:
    """Prepare an own server; nothing is sent before the first `locate`.

    Parameters
    ----------
    kind
        One of `KINDS`.
    url
        Base address of the server, http or https, with a path if it has one.
    user_agent
        How the server sees this installation.
    envelope
        West, south, east, north of the municipality in degrees; answers outside are rejected.
    to_metres
        (lon, lat) -> (x, y) in the profile's metric system.
    patience
        How long to wait; `Patience()` when not given.

    Raises
    ------
    InvalidParameter
        `geocoder-kind-unknown`, `geocoder-url-invalid`, `geocoder-public`,
        `geocoder-user-agent-missing`, or `geocoder-extra-missing` when geopy is not installed.
    """
    if kind not in KINDS:
        raise InvalidParameter("geocoder-kind-unknown", kind=kind, known=", ".join(KINDS))
    if not user_agent.strip() or not (user_agent.isascii() and user_agent.isprintable()):
        raise InvalidParameter("geocoder-user-agent-missing")
    scheme, domain = _server(url)
    # geopy logs each request with its text at debug level; locations do not belong in logs.
    logging.getLogger("geopy").setLevel(logging.WARNING)
    patience = patience or Patience()
    settings = {
        "domain": domain,
        "scheme": scheme,
        "user_agent": user_agent,
        "timeout": patience.timeout_s,
    }
    ask = _asker(kind, settings, envelope)
    return OnlineGeocoder(kind, ask, envelope, to_metres, patience.clock)


def _server(url: str) -> tuple[str, str]:
    """Check the address: (scheme, host with port and path)."""
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError as fault:
        raise InvalidParameter("geocoder-url-invalid") from fault
    if not usable or "@" in parts.netloc or parts.query or parts.fragment:
        raise InvalidParameter("geocoder-url-invalid")
    if parts.hostname in PUBLIC_HOSTS:
        raise InvalidParameter("geocoder-public", host=parts.hostname)
    return parts.scheme, parts.netloc + parts.path.rstrip("/")


def _asker(
    kind: str, settings: Mapping[str, object], envelope: tuple[float, float, float, float]
) -> Callable[[str], Iterable[Any]]:
    """Set geopy up for one server, with the transport below instead of its own."""
    try:
        geocoders = importlib.import_module("geopy.geocoders")
        adapters = importlib.import_module("geopy.adapters")
    except ModuleNotFoundError as fault:
        raise InvalidParameter("geocoder-extra-missing") from fault
    transport = type(
        "Transport",
        (adapters.BaseSyncAdapter,),
        {"get_json": staticmethod(_fetch), "get_text": staticmethod(_fetch)},
    )
    west, south, east, north = envelope
    box = ((south, west), (north, east))
    options: dict[str, dict[str, object]] = {
        "nominatim": {"viewbox": box, "bounded": True, "addressdetails": True, "language": "sv"}
        | {"limit": MOST_ANSWERS},
        "photon": {"bbox": box, "limit": MOST_ANSWERS},
        "pelias": {"boundary_rect": box, "language": "sv"},
    }
    geocode = getattr(geocoders, kind.capitalize())(adapter_factory=transport, **settings).geocode
    return lambda query: (geocode(query, exactly_one=False, **options[kind]) or [])[:MOST_ANSWERS]


def _fetch(url: str, *, timeout: float, headers: Mapping[str, str]) -> object:
    """Get JSON from a URL: one request, no redirect, no proxy, bounded in time and size."""
    try:
        answer = outside.ask(url, headers, seconds=timeout, most_bytes=LARGEST_ANSWER)
    except outside.Unanswered as fault:
        raise _Fault("geocoder-timeout" if fault.late else "geocoder-unreachable") from fault
    return _json(answer.status, answer.body)


def _json(status: int, body: bytes) -> object:
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        raise _Fault("geocoder-redirect")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise _Fault("geocoder-busy")
    if status != HTTPStatus.OK:
        raise _Fault("geocoder-http-error")
    if len(body) > LARGEST_ANSWER:
        raise _Fault("geocoder-answer-too-large")
    try:
        answer: object = json.loads(body)
    except (ValueError, RecursionError) as fault:
        raise _Fault("geocoder-answer-unreadable") from fault
    return answer


def _query(parsed: ParsedAddress, area: str) -> str:
    """Word the question: no more of the text than the place itself; "" = do not ask."""
    if parsed.number is not None:
        named = f"{parsed.street} {parsed.number}{parsed.letter}"
        where = parsed.city or name_key(area)
    elif parsed.marked or not parsed.names:
        return ""
    else:
        named, where = parsed.text, name_key(area)
    return ", ".join(filter(None, (named, where if where not in named else "")))


def _numbered(parsed: ParsedAddress, answer: _Answer) -> tuple[str, float] | None:
    """Judge an answer to "nygatan 3": that house, or that street, but no other house."""
    score = _alike(parsed.street, answer.street or answer.name)
    if score < FUZZY_CUT:
        return None
    asked = f"{parsed.number}{parsed.letter}"
    if answer.number:
        number = answer.number.replace(" ", "").casefold()
        if number == asked:
            return "address", score
        same = number.rstrip("abcdefghijklmnopqrstuvwxyz") == str(parsed.number)
        return ("address_without_letter", score) if same else None
    return ("street", score) if answer.level == "street" else None


def _named(parsed: ParsedAddress, answer: _Answer) -> tuple[str, float] | None:
    """Judge an answer to a text without a number by its name."""
    score = max((_alike(name, answer.name) for name in parsed.names), default=0.0)
    if score < FUZZY_CUT:
        return None
    return ("place" if answer.level == "address" else answer.level), score


def _alike(name: str, answer: str) -> float:
    key = name_key(answer)
    if not key or not plausible(name, key):
        return 0.0
    return float(fuzz.ratio(loose_key(name), loose_key(key)))


def _read(raw: Mapping[str, Any], kind: str) -> _Answer:
    """Read one result of geopy's."""
    return _read_nominatim(raw) if kind == "nominatim" else _read_feature(raw, kind)


def _read_nominatim(raw: Mapping[str, Any]) -> _Answer:
    address = raw.get("address") or {}
    box = [float(edge) for edge in raw.get("boundingbox") or ()]
    label = str(raw.get("display_name") or "")
    number = str(address.get("house_number") or "")
    level = "street" if raw.get("class") == "highway" else "place"
    if _AREA_TYPES & {raw.get("addresstype"), raw.get("type")} or raw.get("class") == "boundary":
        level = "area"
    return _Answer(
        level="address" if number else level,
        name=str(raw.get("name") or label.split(",", maxsplit=1)[0]),
        street=str(address.get("road") or address.get("pedestrian") or address.get("square") or ""),
        number=number,
        label=label,
        lon=float(raw["lon"]),
        lat=float(raw["lat"]),
        box=(box[2], box[0], box[3], box[1]) if box else None,
    )


def _read_feature(raw: Mapping[str, Any], kind: str) -> _Answer:
    """Read a GeoJSON feature; Photon has `type` and `extent`, Pelias `layer` and `bbox`."""
    found = raw["properties"]
    lon, lat = raw["geometry"]["coordinates"][:2]
    sort = str(found.get("layer" if kind == "pelias" else "type") or "")
    guessed = not _GUESSES.isdisjoint((found.get("match_type"), found.get("accuracy")))
    number = "" if guessed else str(found.get("housenumber") or "")
    name = str(found.get("name") or "")
    street = str(found.get("street") or "")
    where = str(found.get("locality") or found.get("city") or "")
    return _Answer(
        level="address" if number else _level(sort),
        name=name or street,
        street=street,
        number=number,
        label=", ".join(filter(None, (name or f"{street} {number}".strip(), where))),
        lon=float(lon),
        lat=float(lat),
        box=_box(raw, found),
    )


def _level(sort: str) -> str:
    if sort in _AREA_TYPES:
        return "area"
    return "street" if sort == "street" else "place"


def _box(
    raw: Mapping[str, Any], found: Mapping[str, Any]
) -> tuple[float, float, float, float] | None:
    """Give west, south, east, north; Photon writes north before south."""
    extent = found.get("extent")
    if extent:
        west, north, east, south = map(float, extent)
        return west, south, east, north
    if raw.get("bbox"):
        west, south, east, north = map(float, raw["bbox"])
        return west, south, east, north
    return None
