"""Where rows are: given coordinates checked, and words looked up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geo import crs
from geo.address import impersonal, name_key
from pipelines import fields
from pipelines.derive import ELSEWHERE
from pipelines.locator import UNPLACED, Locator, PlaceWords
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


def check_municipality(batch: Batch, at: Points, label: str) -> None:
    """Note a fault where a row without a point belongs to another municipality.

    Its street may exist here too, and then it would be placed where it did not happen.
    """
    own = _municipality(label)
    column = batch.column("municipality")
    foreign = {cell: cell != "" and _municipality(cell) != own for cell in set(column.cells)}
    elsewhere = np.array([foreign[cell] for cell in column.cells], dtype=bool)
    odd = np.flatnonzero(elsewhere & ~np.isfinite(at.lon)).tolist()
    batch.faults.add(odd, "other-municipality", column.name, column.cells)


def _municipality(name: str) -> str:
    return name_key(name).removesuffix(" kommun").removesuffix("s")


def _uncertainty(batch: Batch) -> NDArray[np.float64]:
    rule = batch.layout.uncertainty
    if not rule.column:
        return np.full(batch.size, rule.default)
    cells = batch.source_column(rule.column)
    return np.array([rule.values.get(cell, rule.default) for cell in cells], dtype=float)


@dataclass(frozen=True, slots=True)
class Words:
    """What n rows say about their places, column by column."""

    street: Sequence[str]
    number: Sequence[str]
    crossing: Sequence[str]
    place: Sequence[str]
    area: Sequence[str]

    @classmethod
    def of(cls, batch: Batch) -> Words:
        """Pick the place columns of a batch; a person's name or flat is not kept."""
        columns = (batch.column(name).cells for name in cls.__slots__)
        return cls(*([impersonal(cell[:LONGEST_TEXT]) for cell in cells] for cells in columns))

    def rows(self, positions: Sequence[int]) -> Words:
        """Pick some rows."""
        columns = (getattr(self, name) for name in self.__slots__)
        return Words(*([cells[n] for n in positions] for cells in columns))

    def row(self, position: int) -> PlaceWords:
        """Give one row's words."""
        return PlaceWords(*(getattr(self, name)[position] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Given:
    """What is known of n places before any words are looked up; NaN where nothing is."""

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    uncertainty_m: NDArray[np.float64]
    match_type: list[str]
    match_score: NDArray[np.float64]
    match_source: list[str]
    matched_text: list[str]

    @classmethod
    def coordinates(cls, at: Points, rows: NDArray[np.intp], source: str) -> Given:
        """Take the coordinates that some rows of a file carry."""
        n = rows.size
        where = at.lon[rows], at.lat[rows], at.uncertainty_m[rows]
        return cls(*where, ["coordinates"] * n, np.full(n, 100.0), [source] * n, [""] * n)


def place(given: Given, words: Words, locator: Locator, deriver: Deriver) -> Placing:
    """Place rows by what is given, else by their words; the one way for new and stored rows."""
    lon, lat, uncertainty = given.lon.copy(), given.lat.copy(), given.uncertainty_m.copy()
    types, scores = list(given.match_type), given.match_score.copy()
    sources, matched = list(given.match_source), list(given.matched_text)
    options: list[Any] = [None] * lon.size
    for position in np.flatnonzero(~np.isfinite(lon)).tolist():
        match = locator.locate(words.row(position))
        types[position], scores[position] = match.match_type, match.score
        sources[position], matched[position] = match.source, match.matched_text
        options[position] = candidates(match)
        if match.lon is not None and match.lat is not None:
            lon[position], lat[position] = match.lon, match.lat
        uncertainty[position] = np.nan if match.uncertainty_m is None else match.uncertainty_m
    given_points = np.array([kind == "coordinates" for kind in types], dtype=bool)
    pile = given_points & deriver.at_known_centre(lon, lat)
    # A row that is known by its area only belongs to that area, not to what lies at its middle.
    named = [
        matched[n]
        if types[n] == "area"
        else words.area[n] or ELSEWHERE
        if pile[n] or types[n] in UNPLACED
        else ""
        for n in range(len(types))
    ]
    at = deriver.locate(lon, lat, named)
    return Placing(
        street=words.street,
        street_number=words.number,
        crossing=words.crossing,
        place_name=words.place,
        area_name=words.area,
        match_type=types,
        match_score=scores,
        uncertainty_m=uncertainty,
        match_source=sources,
        matched_text=matched,
        candidates=options,
        pile=pile,
        lon=lon,
        lat=lat,
        x_m=at.x_m,
        y_m=at.y_m,
        cell=at.cell,
        area_id=at.area_id,
        district_id=at.district_id,
    )


def candidates(match: Match) -> list[dict[str, object]] | None:
    """Write an ambiguous match's candidates as JSON values; None where there are none."""
    if not match.candidates:
        return None
    return [
        {"label": c.label, "lon": c.lon, "lat": c.lat, "score": c.score} for c in match.candidates
    ]
