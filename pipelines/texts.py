"""The sentences people read: one catalogue per language, keyed by message code."""

from __future__ import annotations

import gettext
import io
import re
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from babel.dates import get_day_names, get_month_names
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from geo.errors import LagesbildError

LOCALE = Path(__file__).with_name("locale")
SWEDISH, ENGLISH = "sv", "en"
LANGUAGES = (SWEDISH, ENGLISH)  # the first is spoken where nobody has chosen
BROWSER = "js-"  # codes of the sentences that pages hand on to their scripts
# Control characters, what turns the direction of writing, and halves of signs.
_NO_SIGN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_spoken: ContextVar[str] = ContextVar("language", default=SWEDISH)


def language() -> str:
    """Tell which language is spoken here and now."""
    return _spoken.get()


@contextmanager
def speaking(chosen: str) -> Iterator[None]:
    """Speak a language for a while; one that we do not know is Swedish."""
    before = _spoken.set(chosen if chosen in LANGUAGES else SWEDISH)
    try:
        yield
    finally:
        _spoken.reset(before)


@cache
def _catalogue(spoken: str) -> gettext.GNUTranslations:
    with (LOCALE / f"{spoken}.po").open("rb") as file:
        catalogue = read_po(file, locale=spoken)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def text(code: str, /, **values: object) -> str:
    """Give the sentence of a message code with its values filled in.

    A code without a sentence is a fault of ours that a test finds; a reader still sees the code.
    """
    sentence = _catalogue(language()).gettext(code)
    return sentence.format_map(_Shown(values))


def known(code: str) -> bool:
    """Tell whether there is a sentence for a code."""
    return _catalogue(language()).gettext(code) != code


@cache
def _for_browser(spoken: str) -> dict[str, str]:
    with (LOCALE / f"{spoken}.po").open("rb") as file:
        messages = read_po(file, locale=spoken)
    return {
        str(message.id).removeprefix(BROWSER): str(message.string)
        for message in messages
        if str(message.id).startswith(BROWSER)
    }


def for_browser() -> dict[str, str]:
    """Give the sentences that scripts say, by their codes without the prefix."""
    return _for_browser(language())


def sentence(error: LagesbildError) -> str:
    """Say what went wrong."""
    return text(error.code, **error.values)


def month_name(month: int) -> str:
    """Give the name of a month, 1 to 12."""
    return str(get_month_names("wide", locale=language())[month])


def day_name(weekday: int) -> str:
    """Give the short name of an ISO weekday, 1 to 7."""
    return str(get_day_names("abbreviated", locale=language())[weekday - 1])


def listed(words: Sequence[str]) -> str:
    """Put words in a row: "a, b och c"."""
    return str(format_list(words, locale=language()))


class _Shown(dict[str, object]):
    """Values of a sentence; one that is missing is left out rather than failing twice.

    Signs that are none, which somebody may write into a link or a file, are shown as such.
    """

    def __getitem__(self, name: str) -> object:
        value = super().__getitem__(name)
        return _NO_SIGN.sub("\N{REPLACEMENT CHARACTER}", value) if isinstance(value, str) else value

    def __missing__(self, name: str) -> str:
        return "–"
