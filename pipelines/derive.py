"""What follows from a record and the place profile: cell, area, category, windows.

Ingest derives it for new rows; a changed profile has it derived anew for all (`refresh`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from geo import areas, cells, crs, windows
from geo.offences import OffenceTable, Surroundings
from pipelines.locator import known_centres
from store import places

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa
    from numpy.typing import NDArray

    from geo.offences import Categorised
    from geo.profile import Profile
    from store.places import AreaRow
    from store.records import Placing

FOCUS_KINDS = ("priority", "nightlife")
SCHOOL_GROUNDS_M = 100.0  # a code that is public at schools only counts within this distance
ELSEWHERE = "\0"  # stands for an area that is not known
CENTRE_M = 1.0
PRECISE_M = 75.0  # a vaguer point does not tell what lies around it


@dataclass(frozen=True, slots=True)
class Located:
    """Where n records lie; NaN, None and False where the place is not known."""

    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    cell: list[int | None]
    area_id: list[int | None]
    district_id: list[int | None]


class Deriver:
    """The profile and its places, ready to be asked about many records."""

    def __init__(self, connection: sa.Connection) -> None:
        """Read the profile in force.

        Raises
        ------
        NotFound
            None was loaded yet.
        """
        self.profile: Profile = places.profile(connection)
        self.revision = places.revision(connection)
        self.offences = OffenceTable(self.profile)
        everywhere = places.areas(connection)
        self._focus = [area for area in everywhere if area.kind in FOCUS_KINDS]
        self._core = [area for area in everywhere if area.kind == "nightlife"]
        self._districts = [area for area in everywhere if area.kind == "district"]
        # Of namesakes the area in focus is meant, as in the gazetteer.
        self._by_name = {area.name.casefold(): area for area in self._districts + self._focus}
        centres = known_centres(connection)
        self._centres = np.column_stack(
            crs.transform(centres[:, 0], centres[:, 1], crs.WGS84, self.profile.metric_epsg)
        )
        self._schools = self._metres(connection, "school")
        self._venues = self._metres(connection, "venue")

    def _metres(self, connection: sa.Connection, kind: str) -> NDArray[np.float64]:
        there = places.facilities(connection, kind)
        lon = np.array([facility.lon for facility in there])
        lat = np.array([facility.lat for facility in there])
        return np.column_stack(crs.transform(lon, lat, crs.WGS84, self.profile.metric_epsg))

    def locate(
        self, lon: NDArray[np.float64], lat: NDArray[np.float64], named: Sequence[str]
    ) -> Located:
        """Find metres, cell and areas of records.

        Parameters
        ----------
        lon, lat
            (n,) degrees, NaN where there is no point.
        named
            (n,) the area that a record is known by instead of a point; "" where the point counts.
        """
        known = np.isfinite(lon)
        x_m, y_m = np.full(lon.shape, np.nan), np.full(lon.shape, np.nan)
        x_m[known], y_m[known] = crs.transform(
            lon[known], lat[known], crs.WGS84, self.profile.metric_epsg
        )
        index = np.full(lon.shape, None, dtype=object)
        index[known] = cells.index(lon[known], lat[known])
        return Located(
            x_m,
            y_m,
            index.tolist(),
            self._inside(lon, lat, self._focus, named),
            self._inside(lon, lat, self._districts, named),
        )

    def _inside(
        self,
        lon: NDArray[np.float64],
        lat: NDArray[np.float64],
        candidates: list[AreaRow],
        named: Sequence[str],
    ) -> list[int | None]:
        which = areas.locate(lon, lat, [area.outline for area in candidates])
        ids: list[int | None] = [
            candidates[i].id if i != areas.NOWHERE else None for i in which.tolist()
        ]
        for position, name in enumerate(named):
            if name:
                ids[position] = self._holding(name.casefold(), candidates)
        return ids

    def _holding(self, name: str, candidates: list[AreaRow]) -> int | None:
        """Find the candidate that is the named area, or that holds all of it."""
        own = self._by_name.get(name)
        if own is None:
            return None
        holders = [area for area in candidates if area.outline.covers(own.outline)]
        return min(holders, key=lambda area: area.outline.area).id if holders else None

    def at_known_centre(
        self, lon: NDArray[np.float64], lat: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Tell which points are the middle of an area or municipality: a register's "unknown"."""
        x_m, y_m = crs.transform(lon, lat, crs.WGS84, self.profile.metric_epsg)
        away, _ = areas.nearest_m(x_m, y_m, self._centres)
        return away <= CENTRE_M

    def surroundings(self, at: Placing) -> Surroundings:
        """Tell which records lie in the nightlife core or by a venue, and which by a school.

        Only a point that is precise enough can be there; a record known by its area alone is in
        the core if that area is the core.
        """
        precise = (at.uncertainty_m <= PRECISE_M) & ~at.pile
        in_core = areas.locate(at.lon, at.lat, [a.outline for a in self._core]) != areas.NOWHERE
        to_venue, _ = areas.nearest_m(at.x_m, at.y_m, self._venues)
        to_school, _ = areas.nearest_m(at.x_m, at.y_m, self._schools)
        core_ids = [area.id for area in self._core]
        by_name = np.array([kind == "area" for kind in at.match_type], dtype=bool)
        known_core = np.array([area_id in core_ids for area_id in at.area_id], dtype=bool)
        near_venue = to_venue <= self.profile.venue_distance_m
        return Surroundings(
            at_nightlife=(precise & (in_core | near_venue)) | (by_name & known_core),
            at_school=precise & (to_school <= SCHOOL_GROUNDS_M),
        )

    def categorise(
        self,
        code: NDArray[np.object_],
        source_category: NDArray[np.object_],
        starts: NDArray[np.datetime64],
        around: Surroundings,
    ) -> Categorised:
        """Tell what each incident is and whether its kind may enter map layers."""
        local = windows.to_local(starts, self.profile.timezone)
        year = local.astype("datetime64[Y]").astype(np.int64) + 1970
        return self.offences.categorise(code, source_category, year, around)

    def in_windows(
        self, starts: NDArray[np.datetime64], ends: NDArray[np.datetime64]
    ) -> NDArray[np.int64]:
        """Set bit i where at least half of an event lies in the profile's window i."""
        bits = np.zeros(starts.shape, dtype=np.int64)
        if starts.size:
            for bit, opening in enumerate(self.openings(starts, ends)):
                inside = opening.shares(starts, ends) >= windows.WHOLE_EVENT_SHARE
                bits |= inside.astype(np.int64) << bit
        return bits

    def openings(
        self, starts: NDArray[np.datetime64], ends: NDArray[np.datetime64]
    ) -> list[windows.Occurrences]:
        """List when each of the profile's windows was open while these events happened."""
        days = days_around(starts, ends)
        return [
            windows.occurrences(window, days, self.profile.timezone, self.profile.terms)
            for window in self.profile.windows
        ]


def days_around(starts: NDArray[np.datetime64], ends: NDArray[np.datetime64]) -> tuple[date, date]:
    """Give the local days, ``first <= day < after``, that n > 0 events reach in any timezone."""
    last = np.fmax(starts.max(), np.nanmax(np.append(ends, starts.max())))
    first: date = starts.min().astype("datetime64[D]").item() - timedelta(days=1)
    after: date = last.astype("datetime64[D]").item() + timedelta(days=2)
    return first, after
