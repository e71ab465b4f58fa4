"""What the windows and categories of a profile are called, in the language that is spoken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.texts import SWEDISH, known, language, text

if TYPE_CHECKING:
    from geo.profile import Category
    from geo.windows import WeeklyWindow


def window(found: WeeklyWindow) -> str:
    """Name a weekly window."""
    return _said(f"window-name-{found.name}", found.label)


def category(found: Category) -> str:
    """Name a category."""
    return _said(f"category-{found.code}", found.label)


def _said(code: str, label: str) -> str:
    """Take a municipality's own word; in another language the catalogue's where it has one."""
    return text(code) if language() != SWEDISH and known(code) else label
