"""What was seen on safety walks near places, as it is shown to whoever asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from geo import crs
from pipelines import answers, roles
from pipelines.answers import AT_HOME, MOST_OBSERVATIONS, Window
from pipelines.questions import Question

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa
    from numpy.typing import NDArray

    from pipelines.answers import Basis
    from pipelines.questions import Period
    from store.observations import ObservationRow

NEAR_M = 75.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One observation, and how far from a place it stands."""

    row: ObservationRow
    distance_m: float | None  # None: it is shown in the middle of its block, not where it is


class Sightings:
    """The observations of a period that a reader may see; the public sees none."""

    def __init__(self, connection: sa.Connection, on: Basis, period: Period | None = None) -> None:
        """Read them, moved to the middle of their block where the reader is shown them so."""
        self._epsg = on.reference.profile.metric_epsg
        self._exact = on.role == roles.COORDINATOR
        self.rows: list[ObservationRow] = []
        if on.role != roles.PUBLIC:
            asked = Window(MOST_OBSERVATIONS)
            found = answers.observations(connection, on, Question(period=period), asked)
            self.rows = [row for row in found.rows if row.lon is not None and row.lat is not None]
        at = np.array([(row.lon, row.lat) for row in self.rows], dtype=float).reshape(-1, 2)
        self._tree = shapely.STRtree(self._flat(shapely.points(at)))

    def counts(self, grounds: Sequence[shapely.Geometry]) -> list[int]:
        """Tell how many lie within 75 metres of each of some shapes in lon/lat."""
        shapes = self._flat(np.array(grounds, dtype=object))
        met = self._tree.query(shapes, predicate="dwithin", distance=NEAR_M)[0]
        return [int(n) for n in np.bincount(met, minlength=len(grounds))]

    def near(self, ground: shapely.Geometry) -> list[Seen]:
        """List those within 75 metres of a shape in lon/lat, the nearest and latest first."""
        (shape,) = self._flat(np.array([ground], dtype=object))
        found = []
        for which in self._tree.query(shape, predicate="dwithin", distance=NEAR_M).tolist():
            row = self.rows[which]
            vague = row.match_type in AT_HOME and not self._exact
            away_m = float(shapely.distance(shape, self._tree.geometries[which]))
            found.append((away_m, Seen(row, None if vague else away_m)))
        found.sort(key=lambda each: each[1].row.observed_at, reverse=True)
        return [seen for _, seen in sorted(found, key=lambda each: each[0])]

    def _flat(self, shapes: NDArray[np.object_]) -> NDArray[np.object_]:
        """Turn degrees into metres, all shapes at once."""

        def metres(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.column_stack(crs.transform(lonlat[:, 0], lonlat[:, 1], crs.WGS84, self._epsg))

        flat: NDArray[np.object_] = shapely.transform(shapes, metres)
        return flat
