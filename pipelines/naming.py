"""Readable names for spots on the map: the nearest place somebody would mention."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geo import areas, crs
from store import places

if TYPE_CHECKING:
    import sqlalchemy as sa
    from numpy.typing import NDArray

    from geo.profile import Profile

FARTHEST_M = 400.0
SPEAKING = ("place", "bus_stop", "street")
REGISTERED = "Hållplats "  # what a register adds to a name and a reader does not need


class Namer:
    """Knows the profile's squares, stops, streets, tunnels and schools, and no venue.

    A list that names places after venues would rank venues.
    """

    def __init__(self, connection: sa.Connection, profile: Profile) -> None:
        """Read the places that may lend their name."""
        known = [
            (place.lon, place.lat, place.name.removeprefix(REGISTERED))
            for place in places.named_places(connection)
            if place.kind in SPEAKING
        ]
        known += [(row.lon, row.lat, row.name) for row in places.facilities(connection, "school")]
        self.known = [name for _, _, name in known]
        lonlat = np.array([(lon, lat) for lon, lat, _ in known], dtype=float).reshape(-1, 2)
        self.points = np.column_stack(
            crs.transform(lonlat[:, 0], lonlat[:, 1], crs.WGS84, profile.metric_epsg)
        )

    def names(self, x_m: NDArray[np.float64], y_m: NDArray[np.float64]) -> list[str]:
        """Name each point after the nearest place; "" where none is within 400 m."""
        distance, which = areas.nearest_m(x_m, y_m, self.points)
        return [
            self.known[nearest] if away <= FARTHEST_M else ""
            for away, nearest in zip(distance.tolist(), which.tolist(), strict=True)
        ]
