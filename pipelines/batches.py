"""One batch of rows on its way in: columns picked, cells read, faults noted, rows placed."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from geo import crs, windows
from geo.observations import LIGHTS, TYPES
from pipelines import fields, personal
from pipelines.fields import Column, Faults
from pipelines.locator import Locator, PlaceWords
from pipelines.mapping import ANY_OTHER, Layout
from store.incidents import Events
from store.observations import Sightings
from store.records import Placing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from geo.gazetteer import Match
    from pipelines.derive import Deriver
    from pipelines.readers import Rows

KEY_BYTES = 16
OLDEST_YEAR = 1990  # older dates are a spreadsheet's null or a typing error
LONGEST_SPAN_DAYS = 366
LONGEST_TEXT = 120
LONGEST_NOTE = 1_000
DAY = np.timedelta64(1, "D")
SECOND = np.timedelta64(1, "s")


@dataclass(frozen=True, slots=True)
class Frame:
    """How a file's coordinates are to be read."""

    epsg: int
    swapped: bool = False


class Batch:
    """Rows of one source with their fields and the faults found so far."""

    def __init__(self, rows: Rows, header: list[str], layout: Layout) -> None:
        """Pick the layout's columns; a row with too few or too many cells is a fault."""
        self.rows = rows
        self.layout = layout
        self.faults = Faults()
        self.size = len(rows.lines)
        self._columns = self._by_name(header)
        self.masked = self._refuse_personal()

    def _by_name(self, header: list[str]) -> dict[str, list[str]]:
        width = len(header)
        cells = self.rows.cells
        ragged = [n for n, row in enumerate(cells) if len(row) != width]
        if ragged:
            widths = [str(len(row)) for row in cells]
            self.faults.add(ragged, "wrong-cell-count", "", widths)
            blank = [""] * width
            cells = [row if len(row) == width else blank for row in cells]
        columns = zip(*cells, strict=True)
        return {
            name: [cell.strip() for cell in column]
            for name, column in zip(header, columns, strict=True)
        }

    def _refuse_personal(self) -> dict[int, str]:
        """Find rows with a personal identity number; give their masked raw texts."""
        masked = personal.masked_lines(self.rows.raws)
        self.faults.add(masked, "personal-number", "", [])
        return masked

    def column(self, name: str) -> Column:
        """Give a field's cells after constants and value maps."""
        if name in self.layout.constants:
            return Column(name, [self.layout.constants[name]] * self.size)
        source = self.layout.columns.get(name)
        if source is None:
            return fields.empty(self.size)
        cells: Sequence[str] = self._columns[source]
        values = self.layout.values.get(name)
        if values is not None:
            known = {key.casefold(): value for key, value in values.items()}
            other = values.get(ANY_OTHER)
            cells = [
                known.get(cell.casefold(), other if other is not None else cell) for cell in cells
            ]
        return Column(source, cells)

    def source_column(self, name: str) -> list[str]:
        """Give a column of the file by its own name."""
        return self._columns[name]

    def require(self, column: Column, reason: str) -> None:
        """Note a fault where a field is missing."""
        self.faults.add(np.flatnonzero(~column.given).tolist(), reason, column.name, [])

    def good(self) -> NDArray[np.intp]:
        """Give the positions of rows without a fault."""
        fine = np.ones(self.size, dtype=bool)
        fine[list(self.faults.found)] = False
        return np.flatnonzero(fine)

    def raw(self, position: int) -> str:
        """Give a row's raw text, masked where it held a personal identity number."""
        return self.masked.get(position, self.rows.raws[position])

    def digests(self) -> list[bytes]:
        """Fingerprint what each row says in the columns that are read."""
        read = [self._columns[name] for name in sorted(self.layout.needed_columns())]
        return [
            hashlib.blake2b("\x1f".join(cells).encode(), digest_size=KEY_BYTES).digest()
            for cells in zip(*read, strict=True)
        ]


# --- places --------------------------------------------------------------------------------


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


def placing(
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


# --- times ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Times:
    """When n rows happened: UTC instants, flags, local weekday and minute."""

    starts: NDArray[np.datetime64]
    ends: NDArray[np.datetime64]
    flags: NDArray[np.int64]
    day_only: NDArray[np.bool_]
    weekday: NDArray[np.int64]
    minute: NDArray[np.int64]


DAY_ONLY = 4  # joins windows.SKIPPED and windows.REPEATED in the flags


def times(batch: Batch, timezone: str, now: datetime) -> Times:
    """Read start and end; what cannot be, or lies in the future, is a fault."""
    begins = "starts" if batch.layout.kind == "incidents" else "observed"
    start, start_day_only, start_column = _moment(batch, begins, timezone)
    end, end_day_only, end_column = _moment(batch, "ends", timezone)
    forced = _forced_day_only(batch)
    start_day_only |= forced
    start[forced] = start[forced].astype("datetime64[D]")
    missing = np.flatnonzero(np.isnat(start)).tolist()
    batch.faults.add(missing, "start-missing", start_column, [])
    # A day without a clock time is an event somewhere within that day.
    through = start_day_only & np.isnat(end)
    end[through] = start[through] + DAY
    end[end_day_only & ~np.isnat(end)] += DAY
    _refuse_odd(batch, start, end, (start_column, end_column), now, timezone)
    utc, flags = windows.to_utc(start, timezone)
    until, _ = windows.to_utc(end, timezone)
    minutes = start.astype("datetime64[m]").astype(np.int64)
    days = start.astype("datetime64[D]").astype(np.int64)
    return Times(
        utc,
        until,
        flags.astype(np.int64) | (start_day_only.astype(np.int64) * DAY_ONLY),
        start_day_only,
        (days + 3) % 7 + 1,
        minutes % fields.MINUTES_A_DAY,
    )


def _moment(
    batch: Batch, which: str, timezone: str
) -> tuple[NDArray[np.datetime64], NDArray[np.bool_], str]:
    """Read one end of the event, from one column or from a date and a clock time."""
    layout = batch.layout
    if f"{which}_date" not in layout.columns:
        column = batch.column(which)
        wall, day_only = fields.datetimes(column, layout.datetime_formats, timezone, batch.faults)
        return wall, day_only, column.name
    column = batch.column(f"{which}_date")
    wall, _ = fields.datetimes(column, layout.date_formats, timezone, batch.faults)
    minutes = fields.clock_minutes(batch.column(f"{which}_time"), layout.time_formats, batch.faults)
    clock = minutes >= 0
    wall[clock] += minutes[clock].astype("timedelta64[m]")
    return wall, ~clock & ~np.isnat(wall), column.name


def _forced_day_only(batch: Batch) -> NDArray[np.bool_]:
    column, values = batch.layout.date_only_when
    if not column:
        return np.zeros(batch.size, dtype=bool)
    return np.array([cell in values for cell in batch.source_column(column)])


def _refuse_odd(
    batch: Batch,
    start: NDArray[np.datetime64],
    end: NDArray[np.datetime64],
    columns: tuple[str, str],
    now: datetime,
    timezone: str,
) -> None:
    """Note what cannot be true: before 1990, in the future, ending before it began."""
    today = windows.to_local(np.array([now.replace(tzinfo=None)], "datetime64[s]"), timezone)[0]
    tomorrow = today.astype("datetime64[D]") + DAY
    for bad, reason, column, moment in (
        (start < np.datetime64(date(OLDEST_YEAR, 1, 1)), "time-too-old", columns[0], start),
        (start >= tomorrow, "time-in-future", columns[0], start),
        (end < start, "ends-before-start", columns[1], end),
        (
            end - start > np.timedelta64(LONGEST_SPAN_DAYS * 86_400, "s"),
            "span-too-long",
            columns[1],
            end,
        ),
    ):
        if bad.any():
            shown = np.datetime_as_string(moment).tolist()
            batch.faults.add(np.flatnonzero(bad).tolist(), reason, column, shown)


@dataclass(frozen=True, slots=True)
class Told:
    """What the rows of a batch say an incident was."""

    code: NDArray[np.object_]
    category: NDArray[np.object_]
    count: NDArray[np.int64]
    registered: NDArray[np.object_]


def read_kind(batch: Batch, deriver: Deriver) -> Told:
    """Read what each incident was; a missing or unknown code or category is a fault."""
    codes = fields.offence_codes(batch.column("code"))
    categories = batch.column("category")
    ever = date(OLDEST_YEAR, 1, 1)
    known = {code: deriver.offences.rule(code, ever) is not None for code in set(codes) - {""}}
    bad_code = [n for n, code in enumerate(codes) if code and not known[code]]
    batch.faults.add(bad_code, "unknown-code", batch.column("code").name, codes)
    named = {slug: deriver.offences.knows_category(slug) for slug in set(categories.cells) - {""}}
    bad_name = [
        n for n, slug in enumerate(categories.cells) if slug and not codes[n] and not named[slug]
    ]
    batch.faults.add(bad_name, "unknown-category", categories.name, categories.cells)
    neither = [n for n, slug in enumerate(categories.cells) if not slug and not codes[n]]
    batch.faults.add(neither, "code-missing", batch.column("code").name, [])
    return Told(
        np.array(codes, dtype=object),
        np.array(categories.cells, dtype=object),
        fields.counts(batch.column("count"), batch.faults),
        _registered(batch, deriver.profile.timezone),
    )


def _registered(batch: Batch, timezone: str) -> NDArray[np.object_]:
    """Read the day on which the police registered each event; None where none is given."""
    column = batch.column("registered")
    formats = (*batch.layout.date_formats, *batch.layout.datetime_formats)
    wall, _ = fields.datetimes(column, formats, timezone, batch.faults)
    return wall.astype("datetime64[D]").astype(object)


def events(batch: Batch, fresh: NDArray[np.intp], told: Told, when: Times, at: Around) -> Events:
    """Tell what the rows to be stored are."""
    codes, given = told.code[fresh], told.category[fresh]
    starts, ends = when.starts[fresh], when.ends[fresh]
    place = at.placing
    around = at.deriver.surroundings(place.lon, place.lat, place.x_m, place.y_m)
    kind = at.deriver.categorise(codes, given, starts, around)
    premises = batch.column("premises").cells
    return Events(
        code=codes.tolist(),
        source_category=given.tolist(),
        premises=[premises[position][:LONGEST_TEXT] for position in fresh.tolist()],
        category=kind.category.tolist(),
        on_map=kind.on_map,
        count=told.count[fresh],
        starts_at=starts,
        ends_at=ends,
        time_flags=when.flags[fresh],
        registered_on=told.registered[fresh].tolist(),
        local_weekday=when.weekday[fresh],
        local_minute=when.minute[fresh],
        in_windows=at.deriver.in_windows(starts, ends),
    )


@dataclass(frozen=True, slots=True)
class Around:
    """Where the rows to be stored are, and the profile that knows what is there."""

    placing: Placing
    deriver: Deriver


@dataclass(frozen=True, slots=True)
class Seen:
    """What the rows of a batch say was seen on a walk."""

    type: list[str]
    severity: NDArray[np.int64]
    light: list[str]


MOST_SEVERE = 3


def read_sighting(batch: Batch) -> Seen:
    """Read what each observation was; type, severity or light that cannot be read is a fault."""
    types = fields.choices(batch.column("type"), TYPES, "unknown-type", batch.faults)
    batch.require(batch.column("type"), "type-missing")
    lights = fields.choices(batch.column("light"), LIGHTS, "unknown-light", batch.faults)
    column = batch.column("severity")
    severity = fields.numbers(column, batch.faults)
    severity[np.isnan(severity)] = 0
    odd = np.flatnonzero(~np.isin(severity, range(MOST_SEVERE + 1)))
    batch.faults.add(odd.tolist(), "severity-out-of-range", column.name, column.cells)
    return Seen(types, np.where(np.isfinite(severity), severity, 0).astype(np.int64), lights)


def sightings(batch: Batch, fresh: NDArray[np.intp], seen: Seen, when: Times) -> Sightings:
    """Tell what the rows to be stored saw; notes wait for somebody to review them."""
    walks, notes = batch.column("walk").cells, batch.column("note").cells
    picked = fresh.tolist()
    return Sightings(
        observed_at=when.starts[fresh],
        type=[seen.type[n] for n in picked],
        severity=seen.severity[fresh].tolist(),
        light=[seen.light[n] for n in picked],
        walk=[walks[n][:LONGEST_TEXT] for n in picked],
        note=[notes[n][:LONGEST_NOTE] for n in picked],
        reviewed=[False] * len(picked),
    )


class Occurrences:
    """How often each digest has been met in this file, in 8 bytes a row."""

    def __init__(self) -> None:
        """Begin with none."""
        self._met = np.empty(0, dtype=np.uint64)

    def before(self, digests: Sequence[bytes]) -> NDArray[np.int64]:
        """Tell how often each digest was met in earlier batches."""
        short = _short(digests)
        return np.searchsorted(self._met, short, "right") - np.searchsorted(self._met, short)

    def add(self, digests: Sequence[bytes]) -> None:
        """Remember the digests of a batch."""
        self._met = np.sort(np.concatenate([self._met, _short(digests)]), kind="stable")

    def number(self, digests: Sequence[bytes]) -> list[int]:
        """Count up rows that say the same: 0 for the first, 1 for its twin, and so on."""
        within: Counter[bytes] = Counter()
        numbers = []
        for digest, earlier in zip(digests, self.before(digests).tolist(), strict=True):
            numbers.append(earlier + within[digest])
            within[digest] += 1
        self.add(digests)
        return numbers


def _short(digests: Sequence[bytes]) -> NDArray[np.uint64]:
    return np.frombuffer(b"".join(digest[:8] for digest in digests), dtype=np.uint64)
