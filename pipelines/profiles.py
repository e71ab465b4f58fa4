"""Place profiles: a folder of small tables about one municipality, read and checked strictly.

A folder holds ``profile.toml`` and five tables: ``outlines.csv``, ``facilities.csv``,
``places.csv``, ``categories.csv`` and ``offences.csv``. Every row names its source. These files
are edited by hand, so a fault is reported with file, line, column and value.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
import tomllib
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import shapely

from geo import crs
from geo.errors import InvalidParameter, NotFound
from geo.profile import (
    AREA_KINDS,
    FACILITY_KINDS,
    PLACE_KINDS,
    PLACE_RULES,
    Area,
    Category,
    Facility,
    LocalEvent,
    NamedPlace,
    OffenceRule,
    Profile,
    ReferenceSet,
)
from geo.windows import Span, WeeklyWindow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Envelope = tuple[float, float, float, float]

SHIPPED: Final = Path(__file__).with_name("profiles")
SETTINGS: Final = "profile.toml"
FEWEST_CORNERS: Final = 3
COLUMNS: Final = {
    "outlines.csv": ("kind", "name", "vertex", "lon", "lat", "source", "note"),
    "facilities.csv": ("kind", "name", "form", "lon", "lat", "source"),
    "places.csv": ("kind", "name", "lon", "lat", "uncertainty_m", "source"),
    "categories.csv": (
        *("code", "label", "theme", "enforcement_driven", "in_total", "on_map"),
        "source",
    ),
    "offences.csv": (
        *("code", "label", "valid_from", "valid_to", "category", "nightlife", "place"),
        *("note", "source"),
    ),
}

T = TypeVar("T")


def available() -> list[str]:
    """Name the profiles that ship with the product."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{SETTINGS}"))


def load(source: str | Path) -> ReferenceSet:
    """Read a profile by its shipped name, or from a folder.

    Raises
    ------
    NotFound
        Neither a shipped profile nor a folder with a ``profile.toml``.
    InvalidParameter
        A file is missing, cannot be read, or holds something that cannot be used; the error's
        values name file, line, column and value as far as they apply.
    """
    folder = SHIPPED / source if str(source) in available() else Path(source)
    if not (folder / SETTINGS).is_file():
        raise NotFound("profile-not-found", name=str(source), available=", ".join(available()))
    profile = _profile(folder)

    def facility(row: _Row) -> Facility:
        lon, lat = row.point(profile.envelope)
        kind = row.choice("kind", FACILITY_KINDS)
        return Facility(kind, row.text("name"), lon, lat, row.text("source"), row.cells["form"])

    def place(row: _Row) -> NamedPlace:
        lon, lat = row.point(profile.envelope)
        kind, uncertainty_m = row.choice("kind", PLACE_KINDS), row.positive("uncertainty_m")
        return NamedPlace(kind, row.text("name"), lon, lat, uncertainty_m, row.text("source"))

    return ReferenceSet(
        profile=profile,
        areas=_areas(_rows(folder / "outlines.csv"), profile.envelope),
        facilities=_entries(_rows(folder / "facilities.csv"), facility),
        places=_entries(_rows(folder / "places.csv"), place),
        addresses=(),
    )


def digest(reference: ReferenceSet) -> str:
    """Fingerprint a reference set: SHA-256 of its content, whatever the order of its places."""
    content = {"profile": _canonical(reference.profile)} | {
        name: sorted((_canonical(entry) for entry in entries), key=json.dumps)
        for name, entries in (
            ("areas", reference.areas),
            ("facilities", reference.facilities),
            ("places", reference.places),
            ("addresses", reference.addresses),
        )
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: object) -> object:
    """Turn a frozen value into what JSON can hold, the same on every machine."""
    if is_dataclass(value):
        return {field.name: _canonical(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_canonical(part) for part in value]
    if isinstance(value, shapely.Geometry):
        return shapely.to_wkb(shapely.normalize(value), hex=True)
    return value.isoformat() if isinstance(value, date) else value


# --- the tables --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of a table, which knows where it stands."""

    file: str
    line: int
    cells: dict[str, str]

    def fault(self, code: str, column: str, **more: object) -> InvalidParameter:
        """Say what is wrong with one cell, and where it is."""
        place = {"file": self.file, "line": self.line, "column": column}
        return InvalidParameter(code, **place, value=self.cells[column], **more)

    def text(self, column: str) -> str:
        if not self.cells[column]:
            raise self.fault("profile-cell-empty", column)
        return self.cells[column]

    def choice(self, column: str, allowed: Iterable[str]) -> str:
        if self.cells[column] not in allowed:
            raise self.fault("profile-choice", column, allowed=", ".join(allowed))
        return self.cells[column]

    def number(self, column: str) -> float:
        try:
            value = float(self.text(column))
        except ValueError as cause:
            raise self.fault("profile-number", column) from cause
        if not math.isfinite(value):
            raise self.fault("profile-number", column)
        return value

    def positive(self, column: str) -> float:
        value = self.number(column)
        if value <= 0:
            raise self.fault("profile-number", column)
        return value

    def flag(self, column: str) -> bool:
        return self.choice(column, ("true", "false")) == "true"

    def day(self, column: str) -> date | None:
        if not self.cells[column]:
            return None
        try:
            return date.fromisoformat(self.cells[column])
        except ValueError as cause:
            raise self.fault("profile-date", column) from cause

    def point(self, envelope: Envelope) -> tuple[float, float]:
        """Read lon and lat, which must lie in the profile's envelope."""
        lon, lat = self.number("lon"), self.number("lat")
        west, south, east, north = envelope
        if not west <= lon <= east:
            raise self.fault("profile-outside", "lon")
        if not south <= lat <= north:
            raise self.fault("profile-outside", "lat")
        return lon, lat


def _rows(path: Path) -> list[_Row]:
    """Read a table whose columns must be exactly those of `COLUMNS`."""
    columns = COLUMNS[path.name]
    lines = csv.reader(_text(path).splitlines(), strict=True)
    try:
        header = tuple(next(lines, ()))
        if header != columns:
            expected, found = ", ".join(columns), ", ".join(header)
            raise InvalidParameter(
                "profile-columns", file=path.name, expected=expected, found=found
            )
        rows = []
        for cells in lines:
            if len(cells) != len(columns):
                where = {"file": path.name, "line": lines.line_num}
                raise InvalidParameter(
                    "profile-cells", **where, expected=len(columns), found=len(cells)
                )
            stripped = [cell.strip() for cell in cells]
            rows.append(_Row(path.name, lines.line_num, dict(zip(columns, stripped, strict=True))))
    except csv.Error as cause:
        raise InvalidParameter("profile-csv", file=path.name, line=lines.line_num) from cause
    return rows


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as cause:
        raise InvalidParameter("profile-file-missing", file=path.name) from cause
    except UnicodeDecodeError as cause:
        raise InvalidParameter("profile-encoding", file=path.name) from cause


def _areas(rows: Sequence[_Row], envelope: Envelope) -> tuple[Area, ...]:
    """Join the corners of each outline, which stand in order, numbered from 1."""
    corners: dict[tuple[str, str], list[_Row]] = {}
    for row in rows:
        key = row.choice("kind", AREA_KINDS), row.text("name")
        known = corners.setdefault(key, [])
        if row.cells["vertex"] != str(len(known) + 1):
            raise row.fault("profile-vertex-order", "vertex", expected=len(known) + 1)
        known.append(row)
    if not any(kind == "municipality" for kind, _ in corners):
        raise InvalidParameter("profile-municipality-missing", file="outlines.csv")
    return tuple(_area(own, envelope) for own in corners.values())


def _area(corners: Sequence[_Row], envelope: Envelope) -> Area:
    first = corners[0]
    points = [row.point(envelope) for row in corners]
    if len(set(points)) < FEWEST_CORNERS:
        raise first.fault("profile-outline-corners", "name", fewest=FEWEST_CORNERS)
    outline = shapely.Polygon(points)
    if not outline.is_valid:
        raise first.fault("profile-outline-crosses", "name")
    for row in corners:
        if (row.text("source"), row.cells["note"]) != (first.text("source"), first.cells["note"]):
            raise row.fault("profile-outline-source", "source")
    return Area(
        kind=first.cells["kind"],
        name=first.cells["name"],
        outline=outline,
        source=first.cells["source"],
        note=first.cells["note"],
    )


def _entries(rows: Sequence[_Row], read: Callable[[_Row], T]) -> tuple[T, ...]:
    """Read rows that must differ in kind and name."""
    seen: set[tuple[str, str]] = set()
    entries = []
    for row in rows:
        key = row.cells["kind"], row.cells["name"]
        if key in seen:
            raise row.fault("profile-duplicate", "name")
        seen.add(key)
        entries.append(read(row))
    return tuple(entries)


def _categories(rows: Sequence[_Row]) -> tuple[Category, ...]:
    categories: dict[str, Category] = {}
    for row in rows:
        row.text("source")
        category = Category(
            code=row.text("code"),
            label=row.text("label"),
            theme=row.text("theme"),
            enforcement_driven=row.flag("enforcement_driven"),
            in_total=row.flag("in_total"),
            on_map=row.flag("on_map"),
        )
        if category.code in categories:
            raise row.fault("profile-duplicate", "code")
        categories[category.code] = category
    return tuple(categories.values())


def _offences(rows: Sequence[_Row], categories: Sequence[Category]) -> tuple[OffenceRule, ...]:
    """Read the codes; the years of one code must not overlap."""
    known = [category.code for category in categories]
    rules: list[OffenceRule] = []
    years: dict[str, list[tuple[date, date]]] = {}
    for row in rows:
        row.text("source")
        rule = OffenceRule(
            code=row.text("code"),
            label=row.text("label"),
            valid_from=row.day("valid_from"),
            valid_to=row.day("valid_to"),
            category=row.choice("category", known),
            nightlife=row.flag("nightlife"),
            place=row.choice("place", PLACE_RULES),
        )
        span = rule.valid_from or date.min, rule.valid_to or date.max
        if span[0] >= span[1]:
            raise row.fault("profile-years", "valid_to")
        own = years.setdefault(rule.code, [])
        if any(span[0] < end and start < span[1] for start, end in own):
            raise row.fault("profile-duplicate", "code")
        own.append(span)
        rules.append(rule)
    return tuple(rules)


# --- profile.toml ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Block:
    """A table of ``profile.toml`` that knows its own name and refuses unknown keys."""

    values: dict[str, object]
    name: str = ""

    @classmethod
    def read(cls, path: Path) -> Self:
        try:
            return cls(tomllib.loads(_text(path)))
        except tomllib.TOMLDecodeError as cause:
            found = re.search(r"line (\d+)", str(cause))
            line = int(found[1]) if found else _text(path).count("\n") + 1
            raise InvalidParameter("profile-toml", file=path.name, line=line) from cause

    def fault(self, code: str, key: str, **more: object) -> InvalidParameter:
        return InvalidParameter(code, file=SETTINGS, key=f"{self.name}{key}", **more)

    def only(self, *keys: str) -> None:
        for key in self.values:
            if key not in keys:
                raise self.fault("profile-key-unknown", key)

    def take(self, key: str, kind: type[T]) -> T:
        """Give a value of one kind; a whole number may stand for a decimal one."""
        if key not in self.values:
            raise self.fault("profile-key-missing", key)
        value = self.values[key]
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind or value == "":
            raise self.fault("profile-value", key, value=value)
        return value

    def many(self, key: str, kind: type[T]) -> list[T]:
        """Give the values of a list, which may be absent."""
        found = self.take(key, list) if key in self.values else []
        items = _Block({str(n): item for n, item in enumerate(found)}, f"{self.name}{key}.")
        return [items.take(n, kind) for n in items.values]

    def blocks(self, key: str) -> list[_Block]:
        found = self.many(key, dict)
        return [_Block(block, f"{self.name}{key}.{n}.") for n, block in enumerate(found)]


def _profile(folder: Path) -> Profile:
    block = _Block.read(folder / SETTINGS)
    block.only(
        *("name", "label", "timezone", "metric_epsg", "source_epsgs", "envelope", "windows"),
        *("terms", "venue_distance_m", "nightlife_category", "events"),
    )
    categories = _categories(_rows(folder / "categories.csv"))
    nightlife = block.take("nightlife_category", str)
    if nightlife not in {category.code for category in categories}:
        raise block.fault("profile-value", "nightlife_category", value=nightlife)
    distance_m = block.take("venue_distance_m", float)
    if not 0 < distance_m < math.inf:
        raise block.fault("profile-value", "venue_distance_m", value=distance_m)
    return Profile(
        name=block.take("name", str),
        label=block.take("label", str),
        timezone=_timezone(block),
        metric_epsg=_metric_epsg(block),
        source_epsgs=_source_epsgs(block),
        envelope=_envelope(block),
        windows=_windows(block),
        terms=_terms(block),
        categories=categories,
        offences=_offences(_rows(folder / "offences.csv"), categories),
        venue_distance_m=distance_m,
        nightlife_category=nightlife,
        events=_events(block),
    )


def _timezone(block: _Block) -> str:
    name = block.take("timezone", str)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as cause:
        raise block.fault("profile-value", "timezone", value=name) from cause
    return name


def _metric_epsg(block: _Block) -> int:
    epsg = block.take("metric_epsg", int)
    if not crs.is_metric(epsg):
        raise block.fault("profile-crs-not-metric", "metric_epsg", value=epsg)
    return epsg


def _source_epsgs(block: _Block) -> tuple[int, ...]:
    codes = block.many("source_epsgs", int)
    for code in codes:
        crs.name(code)  # refuses a code that does not exist
    if not codes or len(set(codes)) < len(codes):
        raise block.fault("profile-value", "source_epsgs", value=codes)
    return tuple(codes)


def _envelope(block: _Block) -> Envelope:
    bounds = block.many("envelope", float)
    match bounds:
        case [west, south, east, north] if -180 <= west < east <= 180 and (  # noqa: PLR2004 - degrees
            -90 <= south < north <= 90  # noqa: PLR2004 - degrees
        ):
            return west, south, east, north
    raise block.fault("profile-value", "envelope", value=bounds)


def _windows(block: _Block) -> tuple[WeeklyWindow, ...]:
    windows: dict[str, WeeklyWindow] = {}
    for own in block.blocks("windows"):
        own.only("name", "label", "term_only", "spans")
        name = own.take("name", str)
        if name in windows:
            raise own.fault("profile-value", "name", value=name)
        windows[name] = WeeklyWindow(
            name=name,
            label=own.take("label", str),
            spans=tuple(_span(span) for span in own.blocks("spans")),
            term_only=own.take("term_only", bool) if "term_only" in own.values else False,
        )
    if not windows:
        raise block.fault("profile-key-missing", "windows")
    return tuple(windows.values())


def _span(block: _Block) -> Span:
    block.only("day", "from", "to")
    try:
        return Span(block.take("day", int), _minute(block, "from"), _minute(block, "to"))
    except InvalidParameter as cause:
        if cause.code.startswith("profile-"):
            raise
        raise block.fault("profile-value", "day", value=block.values) from cause


def _minute(block: _Block, key: str) -> int:
    """Read a clock time as minutes after midnight; "24:00" ends a day."""
    clock = block.take(key, str)
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d|24:00", clock):
        raise block.fault("profile-value", key, value=clock)
    return int(clock[:2]) * 60 + int(clock[3:])


def _terms(block: _Block) -> tuple[tuple[date, date], ...]:
    """Read the school terms; the file names their last day, the profile the day after it."""
    terms = []
    for own in block.blocks("terms"):
        own.only("first", "last", "note")
        first, last = own.take("first", date), own.take("last", date)
        if last < first:
            raise own.fault("profile-value", "last", value=last)
        terms.append((first, last + timedelta(days=1)))
    for (_, end), (start, _) in pairwise(terms):
        if start < end:
            raise block.fault("profile-terms-order", "terms", value=start)
    return tuple(terms)


def _events(block: _Block) -> tuple[LocalEvent, ...]:
    """Read local events, whose last day is included; they are marked and change no number."""
    events = []
    for own in block.blocks("events"):
        own.only("name", "first", "last", "note")
        first, last = own.take("first", date), own.take("last", date)
        if last < first:
            raise own.fault("profile-value", "last", value=last)
        events.append(LocalEvent(own.take("name", str), first, last))
    return tuple(events)
