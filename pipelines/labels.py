"""What windows, categories and the places that a release makes are called, in any language."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from pipelines.texts import SWEDISH, known, language, speaking, text

if TYPE_CHECKING:
    from geo.profile import Category
    from geo.windows import WeeklyWindow

# Names that `grounds` gives, kept in a release as they were said when it was built.
_MADE = (
    *("release-schools", "release-rest", "release-outside", "release-elsewhere"),
    "release-unknown",
)


def window(found: WeeklyWindow) -> str:
    """Name a weekly window."""
    return _said(f"window-name-{found.name}", found.label)


def category(found: Category) -> str:
    """Name a category."""
    return _said(f"category-{found.code}", found.label)


def _said(code: str, label: str) -> str:
    """Take a municipality's own word; in another language the catalogue's where it has one."""
    return text(code) if language() != SWEDISH and known(code) else label


def place(name: str) -> str:
    """Name a place or zone of a release; one that the release itself has made is a sentence."""
    code = _made().get(name)
    return text(code) if code else name


@cache
def _made() -> dict[str, str]:
    with speaking(SWEDISH):
        return {text(code): code for code in _MADE}
