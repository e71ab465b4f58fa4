"""What can be asked of the map: the same questions from the page, the API and the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from geo import cells
from geo.errors import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from geo.profile import Profile
    from store.records import BBox

SCOPES = ("all", "school-100", "school-300", "school-500", "core")
DEFAULT_RESOLUTION = 9


@dataclass(frozen=True, slots=True)
class Period:
    """Half-open span of UTC instants; None is open."""

    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question; equal questions are equal values.

    Layers are counted by local month: `period` means the months that it touches. No categories
    means every category of events, and of layers those that belong to the total.
    """

    area_id: int | None = None
    categories: tuple[str, ...] = ()
    window: str = "all"
    period: Period | None = None
    resolution: int = DEFAULT_RESOLUTION
    scope: str = "all"
    bbox: BBox | None = None


def check(question: Question, profile: Profile) -> None:
    """Refuse what the profile does not know; categories kept off maps do not exist out here.

    Raises
    ------
    InvalidParameter
        ``unknown-value`` for a category, window or scope; ``resolution`` for another resolution.
    """
    shown = [category.code for category in profile.categories if category.on_map]
    for code in question.categories:
        _known("category", code, shown)
    _known("window", question.window, [window.name for window in profile.windows])
    if question.resolution not in cells.RESOLUTIONS:
        raise InvalidParameter("resolution", resolution=question.resolution, allowed="8, 9, 10, 11")
    _known("scope", question.scope, SCOPES)


def _known(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise InvalidParameter("unknown-value", name=name, value=value[:40], known=", ".join(known))
