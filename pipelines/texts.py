"""The sentences people read: one catalogue per language, keyed by message code."""

from __future__ import annotations

import gettext
import io
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from babel.dates import get_day_names, get_month_names
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

if TYPE_CHECKING:
    from geo.errors import LagesbildError

LOCALE = Path(__file__).with_name("locale")
SWEDISH = "sv"


@cache
def _catalogue(language: str) -> gettext.GNUTranslations:
    with (LOCALE / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def text(code: str, /, **values: object) -> str:
    """Give the sentence of a message code with its values filled in.

    A code without a sentence is a fault of ours that a test finds; a reader still sees the code.
    """
    sentence = _catalogue(SWEDISH).gettext(code)
    return sentence.format_map(_Shown(values))


def sentence(error: LagesbildError) -> str:
    """Say what went wrong."""
    return text(error.code, **error.values)


def month_name(month: int) -> str:
    """Give the name of a month, 1 to 12."""
    return str(get_month_names("wide", locale=SWEDISH)[month])


def day_name(weekday: int) -> str:
    """Give the short name of an ISO weekday, 1 to 7."""
    return str(get_day_names("abbreviated", locale=SWEDISH)[weekday - 1])


class _Shown(dict[str, object]):
    """Values of a sentence; one that is missing is left out rather than failing twice."""

    def __missing__(self, name: str) -> str:
        return "–"
