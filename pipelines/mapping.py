"""Which column of a source means what: mapping files, and the layouts known without one."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

import pandas as pd

from geo.errors import InvalidParameter, UnreadableFile
from pipelines import personal

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Mapping as Table
    from pathlib import Path

INCIDENT_FIELDS = (
    *("source_id", "code", "category", "count", "premises", "registered"),
    *("starts", "starts_date", "starts_time", "ends", "ends_date", "ends_time"),
    *("lon", "lat", "easting", "northing"),
    *("street", "number", "crossing", "place", "area", "municipality"),
)
OBSERVATION_FIELDS = (
    *("source_id", "observed", "type", "severity", "light", "walk", "note"),
    *("lon", "lat", "easting", "northing"),
    *("street", "number", "crossing", "place", "area"),
)
FIELDS = {"incidents": INCIDENT_FIELDS, "observations": OBSERVATION_FIELDS}
DATETIMES = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%d",
    "%Y%m%d",
)
DATES = ("%Y-%m-%d", "%Y%m%d")
TIMES = ("%H:%M", "%H%M", "%H:%M:%S", "%H.%M")
ANY_OTHER = "*"
COORDINATES_UNCERTAINTY_M = 10.0


@dataclass(frozen=True, slots=True)
class ByColumn:
    """A rule that depends on the value of one source column."""

    column: str
    values: Table[str, float]
    default: float


@dataclass(frozen=True, slots=True)
class Layout:
    """How one source is read. `columns` maps our field to the source's column."""

    kind: str
    source: str
    columns: Table[str, str]
    values: Table[str, Table[str, str]] = field(default_factory=dict)
    constants: Table[str, str] = field(default_factory=dict)
    datetime_formats: tuple[str, ...] = DATETIMES
    date_formats: tuple[str, ...] = DATES
    time_formats: tuple[str, ...] = TIMES
    encoding: str = ""
    delimiter: str = ""
    epsg: int | None = None
    uncertainty: ByColumn = field(
        default_factory=lambda: ByColumn("", {}, COORDINATES_UNCERTAINTY_M)
    )
    coordinates_when: tuple[str, frozenset[str]] = ("", frozenset())
    date_only_when: tuple[str, frozenset[str]] = ("", frozenset())

    def document(self) -> dict[str, Any]:
        """Write the layout as plain JSON values, to be kept with an import."""
        return {
            **asdict(self),
            "coordinates_when": [self.coordinates_when[0], sorted(self.coordinates_when[1])],
            "date_only_when": [self.date_only_when[0], sorted(self.date_only_when[1])],
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Read a layout that `document` wrote."""
        lists = ("datetime_formats", "date_formats", "time_formats")
        pairs = ("coordinates_when", "date_only_when")
        return cls(
            **{
                **document,
                **{name: tuple(document[name]) for name in lists},
                **{name: (document[name][0], frozenset(document[name][1])) for name in pairs},
                "uncertainty": ByColumn(**document["uncertainty"]),
            }
        )

    def needed_columns(self) -> set[str]:
        """Name every source column that this layout reads."""
        extra = {self.uncertainty.column, self.coordinates_when[0], self.date_only_when[0]}
        return (set(self.columns.values()) | extra) - {""}


def load(path: Path) -> Layout:
    """Read a mapping file.

    Raises
    ------
    UnreadableFile
        It is missing or is not TOML.
    InvalidParameter
        It names a setting or a field that does not exist, gives one a value that cannot be
        used, or lacks its kind, source or columns.
    """
    document = _toml(path)
    _require_form(path, document)
    kind = document.get("kind", "")
    if kind not in FIELDS:
        raise InvalidParameter("mapping-kind", file=path.name, value=kind)
    source = document.get("source", "")
    if not source.strip():
        raise InvalidParameter("mapping-source", file=path.name)
    for part in ("columns", "constants", "values"):
        unknown = sorted(set(document.get(part, {})) - set(FIELDS[kind]))
        if unknown:
            raise InvalidParameter("mapping-field", file=path.name, part=part, value=unknown[0])
    if not document.get("columns"):
        raise InvalidParameter("mapping-columns", file=path.name)
    return Layout(
        kind=kind,
        source=source.strip(),
        columns=document["columns"],
        values=document.get("values", {}),
        constants={name: str(value) for name, value in document.get("constants", {}).items()},
        datetime_formats=tuple(document.get("datetime_formats", DATETIMES)),
        date_formats=tuple(document.get("date_formats", DATES)),
        time_formats=tuple(document.get("time_formats", TIMES)),
        encoding=document.get("encoding", ""),
        delimiter=document.get("delimiter", ""),
        epsg=document.get("epsg"),
        uncertainty=_uncertainty(document.get("uncertainty", {})),
        coordinates_when=_when(document.get("when", {}), "coordinates"),
        date_only_when=_when(document.get("date_only", {}), "values"),
    )


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as fault:
        raise UnreadableFile("no-file", file=path.name) from fault
    except IsADirectoryError as fault:
        raise UnreadableFile("file-is-folder", file=path.name) from fault
    except PermissionError as fault:
        raise UnreadableFile("file-closed", file=path.name) from fault
    except UnicodeDecodeError as fault:
        raise UnreadableFile("mapping-encoding", file=path.name) from fault
    except tomllib.TOMLDecodeError as fault:
        found = re.search(r"line (\d+)", str(fault))  # absent where the fault is the end
        line = int(found[1]) if found else path.read_bytes().count(b"\n") + 1
        raise UnreadableFile("mapping-not-toml", file=path.name, line=line) from fault


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_delimiter(value: object) -> bool:
    return isinstance(value, str) and len(value) == 1 and value not in '"\r\n'


def _is_epsg(value: object) -> bool:
    return type(value) is int and value > 0


def _is_metres(value: object) -> bool:
    return type(value) in {int, float} and 0 <= float(str(value)) < FARTHEST_M


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int | float)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _are_formats(value: object) -> bool:
    """Tell whether these are patterns for dates and times that can be used."""
    if not isinstance(value, list) or not value or not _are_texts(value):
        return False
    try:
        for pattern in value:
            pd.to_datetime(pd.Series(["-"]), format=pattern, errors="coerce")
    except ValueError:
        return False
    return True


def _table_of(fits: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, dict) and all(map(fits, value.values()))


def _choice_of(values: str) -> Callable[[object], bool]:
    """Describe a table that names a column and the values that count."""
    return lambda value: (
        isinstance(value, dict)
        and set(value) == {"column", values}
        and _is_text(value["column"])
        and _are_texts(value[values])
    )


def _is_uncertainty(value: object) -> bool:
    """Tell whether this names a column and gives metres for its values."""
    if not isinstance(value, dict):
        return False
    metres = {key: metres for key, metres in value.items() if key != "column"}
    return _is_text(value.get("column", "")) and all(map(_is_metres, metres.values()))


FARTHEST_M = 1e6
_FORM: dict[str, Callable[[object], bool]] = {
    "kind": _is_text,
    "source": _is_text,
    "encoding": _is_text,
    "delimiter": _is_delimiter,
    "epsg": _is_epsg,
    "columns": _table_of(_is_text),
    "constants": _table_of(_is_scalar),
    "values": _table_of(_table_of(_is_text)),
    "datetime_formats": _are_formats,
    "date_formats": _are_formats,
    "time_formats": _are_formats,
    "uncertainty": _is_uncertainty,
    "when": _choice_of("coordinates"),
    "date_only": _choice_of("values"),
}


def _require_form(path: Path, document: dict[str, Any]) -> None:
    """Refuse a setting that does not exist, or whose value cannot be used."""
    for name, value in document.items():
        if name not in _FORM:
            raise InvalidParameter("mapping-key", file=path.name, value=name)
        if not _FORM[name](value):
            raise InvalidParameter("mapping-value", file=path.name, part=name)


def _uncertainty(part: dict[str, Any]) -> ByColumn:
    default = float(part.get("default", COORDINATES_UNCERTAINTY_M))
    values = {k: float(v) for k, v in part.items() if k not in {"column", "default"}}
    return ByColumn(part.get("column", ""), values, default)


def _when(part: dict[str, Any], values: str) -> tuple[str, frozenset[str]]:
    return part.get("column", ""), frozenset(part.get(values, ()))


# The two layouts in which Swedish police exports have been seen, and our own.
POLICE_AREAS = Layout(
    kind="incidents",
    source="polisen",
    columns={
        "registered": "inskrivningsdatum",
        "street": "gata",
        "area": "basområde",
        "code": "brottskod",
        "count": "antal",
        "starts_date": "brottsdag start",
        "ends_date": "brottsdag slut",
        "starts_time": "brottstid start",
        "ends_time": "brottstid slut",
    },
    date_formats=("%m/%d/%Y", "%m/%d/%y", "%Y-%m-%d"),
    time_formats=("%H%M", "%H:%M", "%H:%M:%S"),
)
POLICE_POINTS = Layout(
    kind="incidents",
    source="polisen",
    columns={
        "source_id": "id",
        "code": "brottskod",
        "lat": "latitude",
        "lon": "longitude",
        "street": "gata",
        "number": "gatunr",
        "municipality": "kommun",
        "starts": "brottsdatumtid_start",
        "ends": "brottsdatumtid_slut",
        "registered": "inskrivningsdatum",
        "count": "antal",
    },
)
WALK = Layout(
    kind="observations",
    source="trygghetsvandring",
    columns={
        "source_id": "id",
        "observed": "datum",
        "type": "typ",
        "severity": "allvar",
        "light": "ljus",
        "walk": "vandring",
        "note": "anteckning",
        "lon": "longitud",
        "lat": "latitud",
        "street": "gata",
        "number": "gatunr",
        "place": "plats",
        "area": "område",
    },
)
KNOWN = (POLICE_AREAS, POLICE_POINTS, WALK)
ALIASES = {
    "brottstid start (hhmm)": "brottstid start",
    "brottstid slut (hhmm)": "brottstid slut",
    "longitude": "longitud",
    "latitude": "latitud",
}
LONGEST_LIST = 300
OWN_ALIASES = {"lon": "longitude", "lat": "latitude"}
FEWEST_SHARED = 4


def recognise(header: list[str], kind: str) -> Layout:
    """Find the known layout of a header, or the one whose columns bear our own field names.

    Raises
    ------
    InvalidParameter
        None fits: the file needs a mapping.
    """
    names = {_plain(name): name for name in header if name.strip()}
    own = {name: names[name] for name in FIELDS[kind] if name in names}
    if "lon" not in own:  # GeoJSON has its point in columns of ours
        own |= {name: names[long] for name, long in OWN_ALIASES.items() if long in names}
    best, columns = None, own
    for layout in KNOWN:
        if layout.kind == kind:
            found = _matched(layout, names)
            if len(found) > len(columns):
                best, columns = layout, found
    _require_single(header, columns)
    if len(columns) < FEWEST_SHARED:
        raise InvalidParameter("unknown-columns", columns=shown(header), kind=kind)
    if best is None:
        return Layout(kind=kind, source="egen", columns=columns)
    return Layout(
        kind=kind,
        source=best.source,
        columns=columns,
        date_formats=best.date_formats,
        time_formats=best.time_formats,
    )


def _require_single(header: list[str], columns: dict[str, str]) -> None:
    """Refuse two columns whose names differ by case or blanks only: it would be a guess."""
    plain = [_plain(name) for name in header]
    for name in columns.values():
        if plain.count(_plain(name)) > 1:
            raise InvalidParameter("column-twice", column=name)


def _matched(layout: Layout, names: dict[str, str]) -> dict[str, str]:
    known = {**names, **{ALIASES[name]: own for name, own in names.items() if name in ALIASES}}
    return {ours: known[theirs] for ours, theirs in layout.columns.items() if theirs in known}


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).split()).casefold()


def shown(header: list[str]) -> str:
    """List a file's columns for a message; a file without a header shows its first row here."""
    return personal.mask(", ".join(header)[:LONGEST_LIST])[0]


def require_columns(layout: Layout, header: list[str]) -> None:
    """Refuse a file that lacks a column which its mapping reads, or names one twice.

    Raises
    ------
    InvalidParameter
        The message names the column and those that the file has.
    """
    for name in sorted(layout.needed_columns()):
        if name not in header:
            raise InvalidParameter("column-missing", column=name, columns=shown(header))
        if header.count(name) > 1:
            raise InvalidParameter("column-twice", column=name)
    when = {"starts", "starts_date", "observed"} & set(layout.columns)
    if not when:
        raise InvalidParameter("column-for-time", columns=shown(header))
