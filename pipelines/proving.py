"""Try the maps on the town's own events: how much of what came next would they have found.

For each origin the maps see twelve months and are scored on the next three. What they are measured
against is the simplest map of all: the cells that were busiest before. The result belongs to the
run whose events it used, and the map page shows it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geo import backtest, cells, crs, lattice, windows
from geo.errors import NotFound, TooFewObservations
from geo.map_products import MapChoices, standard_maps
from pipelines.analyse import enters_cells, sample_of
from pipelines.judging import FEWEST, busy_cells, known_points
from store import places, runs
from store.runs import LayerInfo

if TYPE_CHECKING:
    import sqlalchemy as sa
    from numpy.typing import NDArray

    from geo.profile import Profile
    from store.db import Store
    from store.incidents import Sample
    from store.runs import Run

KIND = "usefulness"
RESOLUTION = 9
SEED = 20_260_115  # stored with the result
MONTHS_A_YEAR = 12


@dataclass(frozen=True, slots=True)
class Proven:
    """How one map did on one share of the built area."""

    product: str  # count, kde, gi_star or dbscan
    area_share: float
    hit_rate: float  # share of the events that came
    hit_rate_low: float
    hit_rate_high: float
    pai: float
    finding: str


@dataclass(frozen=True, slots=True)
class Proof:
    """How the maps of a run did, and on how much."""

    run: int
    origins: int
    tested: int  # events that came after an origin
    outside: int  # events of the whole record on no built cell: no map could find them
    scores: tuple[Proven, ...]


def prove(store: Store) -> Proof:
    """Test the maps of the run in force on its own events; a second time gives the same result.

    Raises
    ------
    NotFound
        Nothing was analysed yet.
    TooFewObservations
        Fewer than fifteen whole months, no events to test on, or so few events and no address
        register that there is no ground to test on.
    """
    with store.read() as connection:
        run = runs.current(connection)
        if run is None:
            raise NotFound("no-run")
        known = found(connection, run)
        if known is not None:
            return known
        record, grid, area = _record(connection, run)
    if not area.size:
        raise TooFewObservations("backtest-no-ground", fewest=FEWEST)
    maps = standard_maps(lattice.neighbours(area), MapChoices())
    choice = backtest.RollingOrigin()
    result = backtest.backtest(record, grid, maps, choice, np.random.default_rng(SEED))
    proof = Proof(
        run.id,
        len(result.origins),
        result.tested,
        result.outside,
        tuple(_proven(score) for score in result.scores),
    )
    with store.write() as connection:
        parameters: dict[str, Any] = asdict(proof) | {"choice": asdict(choice), "seed": SEED}
        layer = LayerInfo(KIND, "backtest", parameters, "analyst", "exact", result.tested)
        runs.add_layer(connection, run.id, layer)
    return proof


def found(connection: sa.Connection, run: Run) -> Proof | None:
    """Give what was proven of a run; None where nobody has tried."""
    layer = runs.layers(connection, run.id).get(KIND)
    if layer is None:
        return None
    kept = layer.parameters
    scores = tuple(Proven(**score) for score in kept["scores"])
    return Proof(kept["run"], kept["origins"], kept["tested"], kept["outside"], scores)


def _proven(score: backtest.Score) -> Proven:
    numbers = {
        name: float(getattr(score, name))
        for name in ("area_share", "hit_rate", "hit_rate_low", "hit_rate_high", "pai")
    }
    return Proven(product=score.product, finding=score.finding.value, **numbers)


def _record(
    connection: sa.Connection, run: Run
) -> tuple[backtest.Record, backtest.Grid, NDArray[np.int64]]:
    """Put the events of whole months on the municipality's cells."""
    profile = places.profile(connection)
    sample = sample_of(connection, run.period_start, run.period_end)
    which, month = _whole_months(sample, run, profile)
    own = cells.parents(sample.cell[which], RESOLUTION)
    area = _built(connection, own, sample.count[which])
    centre = crs.transform(*cells.middles(area), crs.WGS84, profile.metric_epsg)
    grid = backtest.Grid(*centre, cells.areas_m2(area))
    at = np.minimum(np.searchsorted(area, own), max(area.size - 1, 0))
    inside = area[at] == own if area.size else np.zeros(own.shape, dtype=bool)
    record = backtest.Record(
        x_m=sample.x_m[which],
        y_m=sample.y_m[which],
        cell=np.where(inside, at, -1),
        events=sample.count[which],
        period=month,
    )
    return record, grid, area


def _built(
    connection: sa.Connection, own: NDArray[np.int64], events: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Find the cells where somebody lives or works: any map finds the town in a forest.

    Those that hold an address or another known place; without an address register those that
    `pipelines.judging` takes for the town, over the whole period: that favours no map over
    another, but all of them over chance.
    """
    lon, lat = known_points(connection)
    if lon.size:
        return np.unique(cells.parents(cells.index(lon, lat), RESOLUTION))
    return busy_cells(own, events)


def _whole_months(
    sample: Sample, run: Run, profile: Profile
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Choose the events of the total in months that lie wholly in the run, and number the months.

    The last month is usually cut off by the day of the newest event: it would look like a decline.
    """
    total = [c.code for c in profile.categories if c.in_total and c.on_map]
    tolerance_m = float(run.parameters["tolerance_m"])
    inside = enters_cells(sample, tolerance_m) & np.isin(sample.category.astype(str), total)
    local = windows.to_local(sample.starts_at, profile.timezone).astype("datetime64[M]")
    edges = np.array([edge.replace(tzinfo=None) for edge in (run.period_start, run.period_end)])
    first, end = windows.to_local(edges.astype("datetime64[s]"), profile.timezone)
    opening = first.astype("datetime64[M]")
    if opening.astype("datetime64[s]") < first:
        opening += 1
    which = np.flatnonzero(inside & (local >= opening) & (local < end.astype("datetime64[M]")))
    return which, local[which].astype(np.int64)
