"""One batch of rows on its way in: columns picked, cells read, faults noted, rows placed."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
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
        masked: dict[int, str] = {}
        for position, raw in enumerate(self.rows.raws):
            text, found = personal.mask(raw)
            if found:
                masked[position] = text
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


def place_words(batch: Batch) -> list[PlaceWords]:
    """Collect what each row says about its place."""
    columns = [
        [cell[:LONGEST_TEXT] for cell in batch.column(name).cells]
        for name in ("street", "number", "crossing", "place", "area")
    ]
    return [PlaceWords(*words) for words in zip(*columns, strict=True)]


def placing(
    batch: Batch,
    good: NDArray[np.intp],
    at: Points,
    locator: Locator,
    deriver: Deriver,
) -> Placing:
    """Place the good rows: by their coordinates, else by their words."""
    all_words = place_words(batch)
    words = [all_words[position] for position in good.tolist()]
    lon, lat, uncertainty = at.lon[good], at.lat[good], at.uncertainty_m[good]
    n = good.size
    types, scores = ["coordinates"] * n, np.full(n, 100.0)
    sources, matched = [batch.layout.source] * n, [""] * n
    options: list[Any] = [None] * n
    for position in np.flatnonzero(~np.isfinite(lon)).tolist():
        match = locator.locate(words[position])
        types[position], scores[position] = match.match_type, match.score
        sources[position], matched[position] = match.source, match.matched_text
        options[position] = candidates(match)
        if match.lon is not None and match.lat is not None:
            lon[position], lat[position] = match.lon, match.lat
        uncertainty[position] = np.nan if match.uncertainty_m is None else match.uncertainty_m
    place = deriver.locate(lon, lat, [each.area for each in words])
    return Placing(
        place_text=[each.text for each in words],
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
    shown = np.datetime_as_string(start).tolist()
    shown_end = np.datetime_as_string(end).tolist()
    for bad, reason, column, cells in (
        (start < np.datetime64(date(OLDEST_YEAR, 1, 1)), "time-too-old", columns[0], shown),
        (start >= tomorrow, "time-in-future", columns[0], shown),
        (end < start, "ends-before-start", columns[1], shown_end),
        (
            end - start > np.timedelta64(LONGEST_SPAN_DAYS * 86_400, "s"),
            "span-too-long",
            columns[1],
            shown_end,
        ),
    ):
        batch.faults.add(np.flatnonzero(bad).tolist(), reason, column, cells)


def _registered(batch: Batch, timezone: str, faults: Faults) -> list[date | None]:
    """Read the day on which the police registered each event."""
    column = batch.column("registered")
    formats = (*batch.layout.date_formats, *batch.layout.datetime_formats)
    wall, _ = fields.datetimes(column, formats, timezone, faults)
    days: list[date | None] = wall.astype("datetime64[D]").tolist()
    return days


# --- incidents and observations ------------------------------------------------------------


def events(
    batch: Batch, good: NDArray[np.intp], when: Times, at: Placing, deriver: Deriver
) -> Events:
    """Tell what the good rows are."""
    codes = np.array(fields.offence_codes(batch.column("code")), dtype=object)[good]
    given = np.array(batch.column("category").cells, dtype=object)[good]
    starts, ends = when.starts[good], when.ends[good]
    around = deriver.surroundings(at.lon, at.lat, at.x_m, at.y_m)
    kind = deriver.categorise(codes, given, starts, around)
    days = _registered(batch, deriver.profile.timezone, Faults())
    premises = batch.column("premises").cells
    return Events(
        code=codes.tolist(),
        source_category=given.tolist(),
        premises=[premises[position][:LONGEST_TEXT] for position in good.tolist()],
        category=kind.category.tolist(),
        on_map=kind.on_map,
        count=fields.counts(batch.column("count"), Faults())[good],
        starts_at=starts,
        ends_at=ends,
        time_flags=when.flags[good],
        registered_on=[days[position] for position in good.tolist()],
        local_weekday=when.weekday[good],
        local_minute=when.minute[good],
        in_windows=deriver.in_windows(starts, ends),
    )


def check_kind(batch: Batch, deriver: Deriver) -> None:
    """Note a fault where an incident's code or category is missing or unknown."""
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
    fields.counts(batch.column("count"), batch.faults)
    _registered(batch, deriver.profile.timezone, batch.faults)


def sightings(batch: Batch, good: NDArray[np.intp], when: Times) -> Sightings:
    """Tell what the good rows saw; notes wait for somebody to review them."""
    types = fields.choices(batch.column("type"), TYPES, "unknown-type", Faults())
    lights = fields.choices(batch.column("light"), LIGHTS, "unknown-light", Faults())
    severity = fields.numbers(batch.column("severity"), Faults())
    walks, notes = batch.column("walk").cells, batch.column("note").cells
    picked = good.tolist()
    return Sightings(
        observed_at=when.starts[good],
        type=[types[n] for n in picked],
        severity=[0 if np.isnan(severity[n]) else int(severity[n]) for n in picked],
        light=[lights[n] for n in picked],
        walk=[walks[n][:LONGEST_TEXT] for n in picked],
        note=[notes[n][:LONGEST_NOTE] for n in picked],
        reviewed=[False] * len(picked),
    )


MOST_SEVERE = 3


def check_sighting(batch: Batch) -> None:
    """Note a fault where an observation's type, severity or light cannot be read."""
    fields.choices(batch.column("type"), TYPES, "unknown-type", batch.faults)
    batch.require(batch.column("type"), "type-missing")
    fields.choices(batch.column("light"), LIGHTS, "unknown-light", batch.faults)
    column = batch.column("severity")
    severity = fields.numbers(column, batch.faults)
    bad = np.isfinite(severity) & ~np.isin(severity, range(MOST_SEVERE + 1))
    batch.faults.add(
        np.flatnonzero(bad).tolist(), "severity-out-of-range", column.name, column.cells
    )


@dataclass(slots=True)
class Occurrences:
    """How often each row without an id has been met in this file, in 8 bytes a row."""

    seen: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, dtype=np.uint64))

    def number(self, digests: Sequence[bytes]) -> list[int]:
        """Count up rows that say the same: 0 for the first, 1 for its twin, and so on."""
        short = np.frombuffer(b"".join(d[:8] for d in digests), dtype=np.uint64)
        before = np.searchsorted(self.seen, short, "right") - np.searchsorted(self.seen, short)
        within: Counter[int] = Counter()
        numbers = []
        for key, earlier in zip(short.tolist(), before.tolist(), strict=True):
            numbers.append(earlier + within[key])
            within[key] += 1
        self.seen = np.sort(np.concatenate([self.seen, short]), kind="stable")
        return numbers
