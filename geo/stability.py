"""Verdicts on cells: whether a raised cell outlives another cell size and a moved grid.

How a cell gets its verdict, in five sentences:

1. Its events are compared with what a uniform level over the study area's exposure would give,
   and the chance of so many is corrected for every cell of the map (at most 5 % false ones).
2. Fewer than five whole events never make a claim.
3. The grid is moved six times, by half a cell of resolution 9 in six directions: in at least four
   of them, at least half of the cell's events must again lie in cells that are raised.
4. At least half of its events must also lie in raised cells one step coarser or one step finer
   (resolution 8, which is not judged itself, may confirm resolution 9).
5. All of this must hold again when the events whose time is uncertain are left out.

In 3 and 4 a cell is "raised" when it has five events and p is at most 0.05: the place is already
chosen there and only looked at again, so nothing has to be corrected for a search.

The exposure is a set of weighted points, moved and indexed exactly like the events: the middles of
the resolution-11 cells with their area inside the study area, or addresses with 1 each. Events
recorded at addresses need addresses (or inhabitants): against square metres every block of flats
is a hot spot, because an address holds all of its events and the lawn beside it none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from geo import cells
from geo.checks import require_positive, require_same_length, require_weights
from geo.errors import InvalidParameter
from geo.ratios import require_counts
from geo.verdicts import (
    USUAL_DEMANDS,
    Demands,
    Excess,
    Judgement,
    Rest,
    Support,
    Verdict,
    chance,
    excess,
    judge,
    overdispersed_chance,
    overdispersed_excess,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import shapely
    from numpy.typing import NDArray

    _Counts = NDArray[np.int64]
    _Exposures = NDArray[np.float64]

METRES_A_DEGREE = 111_195.0  # of latitude, on the sphere H3 uses
MOVED_FROM = 9  # the resolution whose cell width sets how far the grid is moved


@dataclass(frozen=True, slots=True)
class Moves:
    """Which cell sizes are judged, how often the grid is moved, and how many must agree."""

    coarsest: int = 9  # H3 resolution, at least 8
    finest: int = 11  # H3 resolution, at most 11
    moves: int = 6  # directions, evenly around
    agreeing: int = 4  # of the moves
    held_share: float = 0.5  # of a cell's events that must lie in raised cells

    def __post_init__(self) -> None:
        """Refuse what no later code should have to think about."""
        if not cells.RESOLUTIONS[0] <= self.coarsest <= self.finest <= cells.FINEST:
            raise InvalidParameter("resolutions", coarsest=self.coarsest, finest=self.finest)
        require_positive(moves=self.moves, agreeing=self.agreeing)
        if self.agreeing > self.moves:
            raise InvalidParameter("agreeing-above-moves", agreeing=self.agreeing, moves=self.moves)
        if not 0 < self.held_share <= 1:
            raise InvalidParameter("not-a-share", name="held_share", value=self.held_share)

    @property
    def laid(self) -> range:
        """The resolutions that are judged, and before them one that may only confirm."""
        return range(max(self.coarsest - 1, cells.RESOLUTIONS[0]), self.finest + 1)


@dataclass(frozen=True, slots=True)
class Incidents:
    """Events on p places."""

    count: NDArray[np.int64]  # (p,) whole events on each place
    certain: NDArray[np.int64]  # (p,) those of them whose time is certain

    def __post_init__(self) -> None:
        """Refuse more certain events than events."""
        require_same_length(count=self.count, certain=self.certain)
        require_counts(count=self.count, certain=self.certain)
        if (self.certain > self.count).any():
            raise InvalidParameter("certain-above-count")


@dataclass(frozen=True, slots=True)
class Layout:
    """One grid over the study area: its cells, ascending, and what each holds of the exposure."""

    cells: NDArray[np.int64]  # (m,)
    exposure: NDArray[np.float64]  # (m,)


@dataclass(frozen=True, slots=True)
class Grids:
    """The study area under the grid as it is and under the grid moved. Made once per area."""

    choice: Moves
    offsets: NDArray[np.float64]  # (moves + 1, 2) degrees east and north; the first is 0, 0
    layouts: tuple[tuple[Layout, ...], ...]  # [move][resolution]


@dataclass(frozen=True, slots=True)
class Seen:
    """Places under one grid: the cells they lie in, and all other cells of the study area."""

    cells: NDArray[np.int64]  # (m,) ascending, each with a place
    exposure: NDArray[np.float64]  # (m,) 0 where only an event is
    row: NDArray[np.intp]  # (p,) position of each place's cell
    rest: Rest  # the cells without a place

    def per_cell(self, events: NDArray[np.int64]) -> NDArray[np.int64]:
        """Add up the events on the places of each cell: (p,) -> (m,)."""
        return np.bincount(self.row, events, self.cells.size).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Placed:
    """Places under every grid of a study area. Made once for all questions about them."""

    choice: Moves
    seen: tuple[tuple[Seen, ...], ...]  # [move][resolution]


@dataclass(frozen=True, slots=True)
class CellVerdicts:
    """The cells of one resolution with what was found and what may be said."""

    resolution: int
    cells: NDArray[np.int64]  # (m,) ascending
    found: Excess
    agreeing: NDArray[np.int64]  # (m,) moved grids that agree; 0 where the cell is not raised
    judgement: Judgement


def lay_grids(
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    exposure: NDArray[np.float64],
    choice: Moves = Moves(),
) -> Grids:
    """Tell which exposure every cell has, under the grid as it is and under moved ones.

    Parameters
    ----------
    lon, lat
        (g,) points in degrees that carry the exposure of the study area: the middles of its
        resolution-11 cells, or addresses.
    exposure
        (g,) true area of the cell inside the study area, or 1 for an address, or inhabitants.
    choice
        Cell sizes and moves.

    Returns
    -------
    Grids for `cell_verdicts`; they depend on the study area alone, so keep them.

    Raises
    ------
    InvalidParameter
        Shapes differ, degrees out of range, a negative or infinite exposure, or none at all.

    Notes
    -----
    Moving the points by an offset is moving the grid by its opposite. The offset is half the
    distance between the middles of resolution-9 cells here (true area, not the published
    average), which is an arbitrary but fixed part of the finer grids. Cells are told apart at
    resolution 11, so at the border of a moved grid an event can fall into a cell that no middle
    falls into; it then supports nothing, which is cautious. Not for study areas that hold a pole.
    """
    require_same_length(lon=lon, lat=lat, exposure=exposure)
    _require_degrees(lon, lat)
    require_weights(exposure)
    if not exposure.sum() > 0:
        raise InvalidParameter("no-exposure")
    offsets = _offsets(lon, lat, choice.moves)
    layouts = tuple(_laid(_moved(lon, lat, offset), exposure, choice.laid) for offset in offsets)
    return Grids(choice, offsets, layouts)


def lay_grids_over(
    outline: shapely.Polygon | shapely.MultiPolygon, choice: Moves = Moves()
) -> Grids:
    """Tell which area every cell has inside a study area, under the grid as it is and moved.

    Parameters
    ----------
    outline
        The study area in lon/lat degrees.
    choice
        Cell sizes and moves.

    Returns
    -------
    As `lay_grids`, from the middles of the resolution-11 cells and their square metres inside.

    Raises
    ------
    InvalidParameter
        No area, or not an outline (see `geo.cells.cover`).
    """
    cover = cells.cover(outline, cells.FINEST)
    if not cover.cells.size:
        raise InvalidParameter("no-exposure")
    return lay_grids(*cells.middles(cover.cells), cover.share * cover.area_m2, choice)


def place(lon: NDArray[np.float64], lat: NDArray[np.float64], grids: Grids) -> Placed:
    """Tell in which cell of every grid each place lies.

    Parameters
    ----------
    lon, lat
        (p,) places in degrees, those outside the study area left out. Equal places need not be
        collapsed, but it is faster.
    grids
        From `lay_grids`; one study area.

    Returns
    -------
    What `cell_verdicts` asks for: it answers for the cells with a place, compared with all cells
    of the study area. Cells with places but no exposure are added to those, with exposure 0.

    Raises
    ------
    InvalidParameter
        Shapes differ, or degrees out of range.
    """
    require_same_length(lon=lon, lat=lat)
    _require_degrees(lon, lat)
    seen = []
    for offset, layouts in zip(grids.offsets, grids.layouts, strict=True):
        fine = _moved(lon, lat, offset)
        pairs = zip(layouts, grids.choice.laid, strict=True)
        seen.append(tuple(_seen(layout, fine, resolution) for layout, resolution in pairs))
    return Placed(grids.choice, tuple(seen))


def cell_verdicts(
    incidents: Incidents,
    placed: Placed,
    demands: Demands = USUAL_DEMANDS,
) -> tuple[CellVerdicts, ...]:
    """Tell which cells hold more events than the study area's own level, and how surely.

    Parameters
    ----------
    incidents
        Events on the places.
    placed
        From `place`; one study area.
    demands
        The limits.

    Returns
    -------
    One result for each resolution, coarse to fine.

    Raises
    ------
    InvalidParameter
        There are not as many counts as places.

    Notes
    -----
    The rules stand at the top of geo/stability.py, the null in `geo.verdicts.excess`: events fall
    independently with one level per exposure. Real places differ by themselves;
    `overdispersed_cell_verdicts` asks whether a cell stands out from *that*. On pure noise at
    most 5 % of maps show any established cell at any of the three resolutions, and a cell five
    times as hot is found in most maps once 15 events are expected in it
    (tests/golden/test_calibration.py). Raised is not dangerous, and not raised is not calm.
    """
    return _judged(incidents, placed, demands, _Null(_plain_excess, _plain_chance))


def overdispersed_cell_verdicts(
    incidents: Incidents,
    placed: Placed,
    demands: Demands = USUAL_DEMANDS,
) -> tuple[CellVerdicts, ...]:
    """Tell which cells stand out even when places differ by themselves, and how surely.

    As `cell_verdicts`, with `geo.verdicts.overdispersed_excess`: the variation beyond chance is
    estimated from the other cells of the same grid.
    """
    return _judged(incidents, placed, demands, _Null(_careful_excess, overdispersed_chance))


def _require_degrees(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> None:
    if not ((np.abs(lon) <= 180) & (np.abs(lat) < 90)).all():  # noqa: PLR2004 - degrees
        raise InvalidParameter("not-degrees")


def _offsets(lon: NDArray[np.float64], lat: NDArray[np.float64], moves: int) -> NDArray[np.float64]:
    """Give (moves + 1, 2) degrees east and north: no move, then half a cell in each direction."""
    middle = np.array([np.median(lon)]), np.array([np.median(lat)])
    area = cells.areas_m2(cells.parents(cells.index(*middle), MOVED_FROM))[0]
    half_m = np.sqrt(2 * area / np.sqrt(3)) / 2  # hexagon's middles lie sqrt(2 A / sqrt 3) apart
    angle = 2 * np.pi * np.arange(moves) / moves
    north = half_m * np.sin(angle) / METRES_A_DEGREE
    east = half_m * np.cos(angle) / METRES_A_DEGREE / np.cos(np.radians(middle[1]))
    return np.vstack([[0.0, 0.0], np.column_stack([east, north])])


def _moved(
    lon: NDArray[np.float64], lat: NDArray[np.float64], offset: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Give the resolution-11 cell of each point after moving it; unmoved ones exactly."""
    return cells.index(lon + offset[0], lat + offset[1])


def _laid(
    fine: NDArray[np.int64], exposure: NDArray[np.float64], resolutions: range
) -> tuple[Layout, ...]:
    layouts = []
    for resolution in resolutions:
        found, row = np.unique(cells.parents(fine, resolution), return_inverse=True)
        held = np.bincount(row, exposure, found.size).astype(np.float64)
        layouts.append(Layout(found, held))
    return tuple(layouts)


def _seen(layout: Layout, fine: NDArray[np.int64], resolution: int) -> Seen:
    held, row = np.unique(cells.parents(fine, resolution), return_inverse=True)
    at = np.minimum(np.searchsorted(layout.cells, held), layout.cells.size - 1)
    known = layout.cells[at] == held
    exposure = np.where(known, layout.exposure[at], 0.0)
    left = np.ones(layout.cells.size, dtype=bool)
    left[at[known]] = False
    others = layout.exposure[left]
    rest = Rest(int((others > 0).sum()), float(others.sum()), float(others @ others))
    return Seen(held, exposure, row, rest)


@dataclass(frozen=True, slots=True)
class _Examined:
    """What one set of events shows at one resolution."""

    found: Excess
    agreeing: NDArray[np.int64]  # (m,)
    support: Support


@dataclass(frozen=True, slots=True)
class _Null:
    """What chance is taken to be: with all that is told of it, and its p alone."""

    excess: Callable[[_Counts, _Exposures, Rest], Excess]
    chance: Callable[[_Counts, _Exposures, Rest], NDArray[np.float64]]


def _plain_excess(count: _Counts, exposure: _Exposures, rest: Rest) -> Excess:
    return excess(count, exposure, rest=rest)


def _plain_chance(count: _Counts, exposure: _Exposures, rest: Rest) -> NDArray[np.float64]:
    return chance(count, exposure, rest=rest)


def _careful_excess(count: _Counts, exposure: _Exposures, rest: Rest) -> Excess:
    return overdispersed_excess(count, exposure, rest=rest)


def _judged(
    incidents: Incidents, placed: Placed, demands: Demands, null: _Null
) -> tuple[CellVerdicts, ...]:
    """Examine all events, then those with certain times, and judge."""
    here = placed.seen[0]
    require_same_length(count=incidents.count, place=here[0].row)
    laid = placed.choice.laid
    every = _examined(incidents.count, placed, demands, null)
    surely = every
    if (incidents.certain != incidents.count).any():
        surely = _examined(incidents.certain, placed, demands, null)
    verdicts = []
    for at, resolution in enumerate(laid):
        if resolution < placed.choice.coarsest:
            continue
        whole, part = every[at], surely[at]
        lost = _established(whole, demands) & ~_established(part, demands)
        support = replace(whole.support, certain=~lost)
        judgement = judge(whole.found, support, demands)
        found = here[at].cells
        verdicts.append(CellVerdicts(resolution, found, whole.found, whole.agreeing, judgement))
    return tuple(verdicts)


def _established(examined: _Examined, demands: Demands) -> NDArray[np.bool_]:
    return judge(examined.found, examined.support, demands).all_of(Verdict.ESTABLISHED)


def _examined(
    events: NDArray[np.int64],
    placed: Placed,
    demands: Demands,
    null: _Null,
) -> tuple[_Examined, ...]:
    """Test every cell, then look again at the raised ones' events in other cells."""
    here, choice = placed.seen[0], placed.choice
    found = [null.excess(seen.per_cell(events), seen.exposure, seen.rest) for seen in here]
    first = [(each.count >= demands.minimum) & (each.q <= demands.fdr) for each in found]
    again = [
        _again(each.count, each.p, demands)[seen.row]
        for each, seen in zip(found, here, strict=True)
    ]
    agreeing = [np.zeros(each.count.size, dtype=np.int64) for each in found]
    if any(raised.any() for raised in first):
        for moved in placed.seen[1:]:
            for at, seen in enumerate(moved):
                count = seen.per_cell(events)
                p = null.chance(count, seen.exposure, seen.rest)
                hot = _again(count, p, demands)[seen.row]
                agreeing[at] += first[at] & _held(events, hot, here[at], choice)
    results = []
    for at, seen in enumerate(here):
        steps = [again[k] for k in (at - 1, at + 1) if 0 <= k < len(here)]
        confirmed = [_held(events, hot, seen, choice) for hot in steps]
        resolutions = np.logical_or.reduce(confirmed) if confirmed else None
        support = Support(resolutions=resolutions, grids=agreeing[at] >= choice.agreeing)
        results.append(_Examined(found[at], agreeing[at], support))
    return tuple(results)


def _again(count: NDArray[np.int64], p: NDArray[np.float64], demands: Demands) -> NDArray[np.bool_]:
    """Tell which cells are raised when nobody searched for them: (m,)."""
    return (count >= demands.minimum) & (p <= demands.alpha)


def _held(
    events: NDArray[np.int64], hot: NDArray[np.bool_], seen: Seen, choice: Moves
) -> NDArray[np.bool_]:
    """Tell of which cells enough events lie on hot places: (m,)."""
    count = seen.per_cell(events)
    return (count > 0) & (seen.per_cell(events * hot) >= choice.held_share * count)
