"""Where a point is in words: the area that holds it, and the nearest name people would say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from babel.numbers import format_decimal

from geo import areas, crs
from geo import cells as grid
from pipelines.naming import Namer
from pipelines.texts import language, text

if TYPE_CHECKING:
    import sqlalchemy as sa
    from numpy.typing import NDArray

    from pipelines.reference import Reference
    from store.places import AreaRow, FacilityRow

NEAR_M = 250.0  # a name this close stands for the place itself
REACH_M = {8: 420.0, 9: 160.0, 10: 60.0, 11: 25.0}  # how far a cell reaches from its middle
FARTHEST_M = 6_000.0
NAMED_AREAS = ("priority", "nightlife", "district")
DIRECTIONS = ("n", "ne", "e", "se", "s", "sw", "w", "nw")
KILOMETRE = 1_000


@dataclass(frozen=True, slots=True)
class Spot:
    """A point in words."""

    name: str  # with its area, for a list: "Årby, vid Årbyskolan"
    short: str  # for a map: "Årbyskolan"; "" where nothing near has a name


@dataclass(frozen=True, slots=True)
class Near:
    """The nearest of some facilities."""

    facility: FacilityRow
    distance_m: float


class Spots:
    """Knows the municipality's areas, squares, stops, streets, tunnels and schools."""

    def __init__(self, connection: sa.Connection, reference: Reference) -> None:
        """Read the names."""
        self._epsg = reference.profile.metric_epsg
        self._areas = [row for row in reference.areas if row.kind in NAMED_AREAS]
        namer = Namer(connection, reference.profile)
        self._names, self._points = namer.known, namer.points

    def metres(self, lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn (n, 2) degrees into metres."""
        return np.column_stack(
            crs.transform(lonlat[:, 0], lonlat[:, 1], crs.WGS84, self._epsg)
        ).reshape(-1, 2)

    def of(
        self, lonlat: NDArray[np.float64], near_m: float = NEAR_M, within: str = ""
    ) -> list[Spot]:
        """Say where points are.

        Parameters
        ----------
        lonlat
            (n, 2) degrees.
        near_m
            A name this close stands for the point itself.
        within
            The area in which everything lies anyway, which is left out; "" leaves none out.
        """
        holder = self.holders(lonlat)
        at = self.metres(lonlat)
        away, which = areas.nearest_m(at[:, 0], at[:, 1], self._points)
        found = []
        for row, area in enumerate(holder):
            name = "" if area is None or area.name == within else area.name
            beside = float(away[row]) <= near_m
            near = self._near(at[row], int(which[row]), float(away[row]), near_m)
            short = self._names[int(which[row])] if beside else ""
            found.append(Spot(_said(name, near, within, lonlat[row]), short))
        return found

    def cells(self, numbers: NDArray[np.int64], within: str = "") -> list[Spot]:
        """Say where cells of one size are, as `of` does."""
        if not numbers.size:
            return []
        near_m = REACH_M[grid.resolution(int(numbers[0]))]
        return self.of(np.column_stack(grid.middles(numbers)), near_m, within)

    def holders(self, lonlat: NDArray[np.float64]) -> list[AreaRow | None]:
        """Find the smallest named area that holds each point."""
        outlines = [row.outline for row in self._areas]
        holder = areas.locate(lonlat[:, 0], lonlat[:, 1], outlines)
        return [None if row == areas.NOWHERE else self._areas[row] for row in holder.tolist()]

    def nearest(self, lonlat: NDArray[np.float64], facilities: list[FacilityRow]) -> Near | None:
        """Find the facility nearest to a point (1, 2); None where there is none."""
        at = self.metres(lonlat)
        listed = np.array([(row.lon, row.lat) for row in facilities]).reshape(-1, 2)
        away, which = areas.nearest_m(at[:, 0], at[:, 1], self.metres(listed))
        return Near(facilities[int(which[0])], float(away[0])) if np.isfinite(away[0]) else None

    def _near(self, at: NDArray[np.float64], which: int, away_m: float, near_m: float) -> str:
        if away_m <= near_m:
            return text("spot-beside", name=self._names[which])
        if away_m > FARTHEST_M:
            return ""
        east, north = at - self._points[which]
        eighth = round(float(np.arctan2(east, north)) / np.pi * 4) % len(DIRECTIONS)
        return text(
            "spot-away",
            distance=distance(away_m),
            direction=text(f"direction-{DIRECTIONS[eighth]}"),
            name=self._names[which],
        )


def _said(area: str, near: str, within: str, lonlat: NDArray[np.float64]) -> str:
    if area and near:
        return text("spot-in-area", area=area, near=near)
    words = area or near or within
    if not words:
        lon, lat = lonlat.tolist()
        return text("spot-degrees", lat=number(lat, 3), lon=number(lon, 3))
    return words[0].upper() + words[1:]


def distance(metres: float) -> str:
    """Write a distance: in tens of metres, from a kilometre on in kilometres with one decimal."""
    rounded = round(metres / 10) * 10
    if rounded >= KILOMETRE:
        return text("distance-km", n=number(metres / KILOMETRE, 1))
    return text("distance-m", n=rounded)


def number(value: float, decimals: int = 0) -> str:
    """Write a number the way the language does."""
    shown = round(value, decimals) if decimals else round(value)
    return str(format_decimal(shown, locale=language()))
