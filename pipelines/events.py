"""The reported events that a question means, one by one: for hot times, schools, nights, change.

They are the events that the run in force counted, by the same rules: a number here and the same
number on the map are equal, also where more has been taken in since. Only analysts' pages ask.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from geo import windows
from pipelines.analyse import enters_cells
from pipelines.answers import MUNICIPALITY
from pipelines.derive import days_around
from pipelines.periods import local
from store import incidents, registrations
from store.runs import NEWEST

if TYPE_CHECKING:
    from datetime import date

    import sqlalchemy as sa
    from numpy.typing import NDArray

    from geo.profile import Profile
    from geo.windows import Occurrences
    from pipelines.answers import Basis
    from pipelines.questions import Question
    from store.incidents import Sample


@dataclass(frozen=True, slots=True)
class Events:
    """n reported events and the share of each that lies in the question's window."""

    of: Sample  # n rows
    share: NDArray[np.float64]  # (n,) of its time inside the window; 1 for every instant
    placed: NDArray[np.bool_]  # (n,) known well enough where to stand in a cell

    @property
    def whole(self) -> NDArray[np.int64]:
        """Count the events that have at least half of their time in the window: (n,)."""
        return self.of.count * (self.share >= windows.WHOLE_EVENT_SHARE)

    @property
    def certain(self) -> NDArray[np.int64]:
        """Count the events that lie wholly in the window: (n,)."""
        return self.of.count * (self.share >= 1)

    def where(self, which: NDArray[np.bool_]) -> Events:
        """Keep some of the rows."""
        return Events(_rows(self.of, which), self.share[which], self.placed[which])


def found(connection: sa.Connection, on: Basis, question: Question) -> Events:
    """Find the events of a question: its area, kinds, period and window; the box is not looked at.

    No categories means those that belong to the total. None before the first run.
    """
    if on.run is None:
        return _nothing()
    profile = on.reference.profile
    start, end = on.run.period_start, on.run.period_end
    if question.period is not None:
        start = max(start, question.period.start or start)
        end = min(end, question.period.end or end)
    newest = on.run.parameters.get(NEWEST)
    parts = list(incidents.samples(connection, start, end, newest)) if start < end else []
    if not parts:
        return _nothing()
    everything = _joined(parts)
    kept = everything.on_map & np.isin(everything.category, _kinds(profile, question))
    area = next((row for row in on.reference.areas if row.id == question.area_id), None)
    if area is not None and area.kind != MUNICIPALITY:
        kept &= (everything.area_id == area.id) | (everything.district_id == area.id)
    sample = _rows(everything, kept)
    placed = enters_cells(sample, float(on.run.parameters["tolerance_m"]))
    return in_window(Events(sample, np.ones(placed.shape), placed), profile, question.window)


def last_registered(connection: sa.Connection, on: Basis) -> date | None:
    """Give the last day whose registrations the run in force could know; None where none is."""
    if on.run is None:
        return None
    counted_on = local(on.run.created_at, on.reference.profile.timezone).date()
    return registrations.latest(connection, counted_on, on.run.parameters.get(NEWEST))


def occurrences(profile: Profile, window: str, days: tuple[date, date]) -> Occurrences:
    """List when one of the profile's windows is open on the local days ``first <= day < after``."""
    chosen = next(each for each in profile.windows if each.name == window)
    return windows.occurrences(chosen, days, profile.timezone, profile.terms)


def in_window(events: Events, profile: Profile, window: str) -> Events:
    """Give the same events with their shares of another window."""
    if not events.share.size:
        return events
    starts, ends = events.of.starts_at, events.of.ends_at
    opening = occurrences(profile, window, days_around(starts, ends))
    return replace(events, share=opening.shares(starts, ends))


def _kinds(profile: Profile, question: Question) -> list[str]:
    if question.categories:
        return list(question.categories)
    return [each.code for each in profile.categories if each.in_total and each.on_map]


def _joined(parts: list[Sample]) -> Sample:
    first = parts[0]
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in first.__slots__
    }
    return type(first)(**columns)


def _rows(sample: Sample, which: NDArray[np.bool_]) -> Sample:
    columns: dict[str, Any] = {name: getattr(sample, name)[which] for name in sample.__slots__}
    return type(sample)(**columns)


def _nothing() -> Events:
    empty = np.empty(0, dtype=np.int64)
    instants, flags = empty.astype("datetime64[s]"), empty.astype(bool)
    metres = empty.astype(float)
    sample = incidents.Sample(
        id=empty,
        category=empty.astype(object),
        on_map=flags,
        count=empty,
        starts_at=instants,
        ends_at=instants,
        x_m=metres,
        y_m=metres,
        cell=empty,
        uncertainty_m=metres,
        pile=flags,
        area_id=empty,
        district_id=empty,
    )
    return Events(sample, metres, flags)
