"""Where rows are: given coordinates checked, and words looked up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geo import crs
from pipelines import fields
from pipelines.locator import Locator, PlaceWords
from store.records import Placing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geo.gazetteer import Match
    from pipelines.batches import Batch
    from pipelines.derive import Deriver


LONGEST_TEXT = 120


@dataclass(frozen=True, slots=True)
class Frame:
    """How a file's coordinates are to be read."""

    epsg: int
    swapped: bool = False


@dataclass(frozen=True, slots=True)
class Points:
    """Given coordinates in lon/lat; NaN where a row has none or one that is set aside."""

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    uncertainty_m: NDArray[np.float64]
    outside: int  # rows whose coordinates lie outside the municipality


def given_coordinates(batch: Batch) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read the coordinates as the file has them: east (or lon) and north (or lat)."""
    metric = "easting" in batch.layout.columns
    east = fields.numbers(batch.column("easting" if metric else "lon"), batch.faults)
    north = fields.numbers(batch.column("northing" if metric else "lat"), batch.faults)
    half = np.isfinite(east) != np.isfinite(north)
    name = batch.column("northing" if metric else "lat").name
    batch.faults.add(np.flatnonzero(half).tolist(), "half-a-coordinate", name, [])
    column, values = batch.layout.coordinates_when
    if column:
        unwanted = np.array([cell not in values for cell in batch.source_column(column)])
        east[unwanted] = north[unwanted] = np.nan
    zero = (east == 0) & (north == 0)
    batch.faults.add(np.flatnonzero(zero).tolist(), "coordinates-zero", name, [])
    missing = zero | half
    east[missing] = north[missing] = np.nan
    return east, north


def points(
    batch: Batch,
    given: tuple[NDArray[np.float64], NDArray[np.float64]],
    frame: Frame,
    envelope: tuple[float, float, float, float],
) -> Points:
    """Turn given coordinates into lon/lat; outside the municipality is a fault."""
    east, north = given[::-1] if frame.swapped else given
    known = np.isfinite(east) & np.isfinite(north)
    lon, lat = np.full(east.shape, np.nan), np.full(east.shape, np.nan)
    lon[known], lat[known] = crs.transform(east[known], north[known], frame.epsg, crs.WGS84)
    outside = known & ~crs.inside(lon, lat, envelope)
    shown = (
        [f"{x:g}, {y:g}" for x, y in zip(given[0], given[1], strict=True)] if outside.any() else []
    )
    column = batch.column("northing" if "northing" in batch.layout.columns else "lat").name
    batch.faults.add(np.flatnonzero(outside).tolist(), "outside-municipality", column, shown)
    lon[outside] = lat[outside] = np.nan
    return Points(lon, lat, _uncertainty(batch), int(outside.sum()))


def _uncertainty(batch: Batch) -> NDArray[np.float64]:
    rule = batch.layout.uncertainty
    if not rule.column:
        return np.full(batch.size, rule.default)
    cells = batch.source_column(rule.column)
    return np.array([rule.values.get(cell, rule.default) for cell in cells], dtype=float)


@dataclass(frozen=True, slots=True)
class _Words:
    """What each row of a batch says about its place, column by column."""

    street: Sequence[str]
    number: Sequence[str]
    crossing: Sequence[str]
    place: Sequence[str]
    area: Sequence[str]

    @classmethod
    def of(cls, batch: Batch, rows: list[int]) -> _Words:
        """Pick the place columns of some rows."""
        columns = (batch.column(name).cells for name in cls.__slots__)
        return cls(*([cells[row][:LONGEST_TEXT] for row in rows] for cells in columns))

    def row(self, position: int) -> PlaceWords:
        """Give one row's words."""
        return PlaceWords(*(getattr(self, name)[position] for name in self.__slots__))

    def texts(self) -> list[str]:
        """Give each row's most precise words, to be kept with the record."""
        columns = zip(self.street, self.number, self.crossing, self.place, self.area, strict=True)
        return [
            crossing or f"{street} {number}".strip() or place or area
            for street, number, crossing, place, area in columns
        ]


def locate(
    batch: Batch,
    good: NDArray[np.intp],
    at: Points,
    locator: Locator,
    deriver: Deriver,
) -> Placing:
    """Place the good rows: by their coordinates, else by their words."""
    words = _Words.of(batch, good.tolist())
    lon, lat, uncertainty = at.lon[good], at.lat[good], at.uncertainty_m[good]
    n = good.size
    types, scores = ["coordinates"] * n, np.full(n, 100.0)
    sources, matched = [batch.layout.source] * n, [""] * n
    options: list[Any] = [None] * n
    for position in np.flatnonzero(~np.isfinite(lon)).tolist():
        match = locator.locate(words.row(position))
        types[position], scores[position] = match.match_type, match.score
        sources[position], matched[position] = match.source, match.matched_text
        options[position] = candidates(match)
        if match.lon is not None and match.lat is not None:
            lon[position], lat[position] = match.lon, match.lat
        uncertainty[position] = np.nan if match.uncertainty_m is None else match.uncertainty_m
    place = deriver.locate(lon, lat, words.area)
    return Placing(
        place_text=words.texts(),
        match_type=types,
        match_score=scores,
        uncertainty_m=uncertainty,
        match_source=sources,
        matched_text=matched,
        candidates=options,
        pile=np.zeros(n, dtype=bool),
        lon=lon,
        lat=lat,
        x_m=place.x_m,
        y_m=place.y_m,
        cell=place.cell,
        area_id=place.area_id,
        district_id=place.district_id,
    )


def candidates(match: Match) -> list[dict[str, object]] | None:
    """Write an ambiguous match's candidates as JSON values; None where there are none."""
    if not match.candidates:
        return None
    return [
        {"label": c.label, "lon": c.lon, "lat": c.lat, "score": c.score} for c in match.candidates
    ]
