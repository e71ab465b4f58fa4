"""Files of rows: CSV, XLSX, GeoJSON and Parquet, all as batches of text cells.

Whatever the format, a row keeps its line (the record's number for formats without lines), its
raw text and its cells, so that a row that fails can be shown, corrected and handed in again.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from geo.errors import UnreadableFile
from pipelines import bounded, containers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

ROWS_AT_ONCE = 50_000
PARQUET_ROWS_AT_ONCE = 1_000  # of up to MOST_COLUMNS cells of up to LONGEST_CELL
LONGEST_NAME = 255  # bytes, as file systems have it
LONGEST_CELL = 10_000
LONGEST_ROW = 1_000_000
MOST_COLUMNS = 1_000
SAMPLE_BYTES = 1 << 20
RAW_DELIMITER = ";"  # of raw texts from formats that are not text themselves
DELIMITERS = (";", "\t", ",", "|")
XLSX_MOST_CELLS = 20_000_000  # also empty ones: a sheet is read as a full rectangle
GEOJSON_MOST_BYTES = 200 * 1024 * 1024
GEOJSON_DEEPEST = 20
# Bytes that begin "å", "ä" or "ö" in UTF-8; in cp1252 they would read as "Ã" and never occur.
_SWEDISH_UTF8 = (b"\xc3\xa5", b"\xc3\xa4", b"\xc3\xb6", b"\xc3\x85", b"\xc3\x84", b"\xc3\x96")


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a file: line numbers, raw texts and cells, in step."""

    lines: list[int]
    raws: list[str]
    cells: list[list[str]]


@dataclass(frozen=True, slots=True)
class Source:
    """An opened file: its header, how it was read, and its rows."""

    header: list[str]
    encoding: str
    delimiter: str
    batches: Iterable[Rows]


def open_rows(path: Path, *, encoding: str = "", delimiter: str = "") -> Source:
    """Open a file of rows by its ending; encoding and delimiter are recognised where not given.

    Raises
    ------
    UnreadableFile
        It does not exist, is empty, or cannot be read as what its name claims. The values name
        line and column as far as they are known. Faults deep in a large file come while its
        batches are read.
    """
    require_file(path)
    jobs = {
        ".xlsx": (xlsx_rows, "xlsx"),
        ".geojson": (geojson_rows, "utf-8"),
        ".json": (geojson_rows, "utf-8"),
        ".parquet": (parquet_rows, "parquet"),
    }
    job, named = jobs.get(path.suffix.lower(), (None, ""))
    if job is None:
        return _csv(path, encoding, delimiter)
    return _from_child(path, job, named)


def require_file(path: Path) -> None:
    """Refuse what is no file, is empty, may not be read, or has a name nobody can show.

    Raises
    ------
    UnreadableFile
        The message says which of these it is.
    """
    _require_name(path)
    try:
        if path.is_dir():
            raise UnreadableFile("file-is-folder", file=path.name)
        if not path.is_file():
            raise UnreadableFile("no-file", file=path.name)
        with path.open("rb") as file:
            first = file.read(1)
    except OSError as fault:
        raise UnreadableFile("file-closed", file=path.name) from fault
    if not first:
        raise UnreadableFile("file-empty", file=path.name)


def _require_name(path: Path) -> None:
    """Refuse a name that would break a line of a report, a log or an HTTP header."""
    hidden = [sign for sign in path.name if unicodedata.category(sign) in _UNSHOWN]
    if hidden or len(path.name.encode(errors="replace")) > LONGEST_NAME:
        shown = "".join("�" if sign in hidden else sign for sign in path.name[:80])
        raise UnreadableFile("file-name", file=shown, most=LONGEST_NAME)


_UNSHOWN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}  # control signs, half characters, line ends


def as_line(cells: Iterable[str], delimiter: str = RAW_DELIMITER) -> str:
    """Write cells as one CSV record without its line end."""
    text = io.StringIO()
    # Only a writer that knows a line end puts cells that hold one into quotes.
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n")


def from_line(raw: str, delimiter: str) -> list[str]:
    """Read the cells of a raw text; a broken quote is read as it stands."""
    return next(csv.reader([raw], delimiter=delimiter), [])


def _require_columns(path: Path, header: Sequence[str]) -> None:
    if len(header) > MOST_COLUMNS:
        raise UnreadableFile(
            "too-many-columns", file=path.name, columns=len(header), most=MOST_COLUMNS
        )


def _from_child(path: Path, job: Callable[[Path], Iterator[Any]], encoding: str) -> Source:
    """Read a format that is not text in a child with limits, and give its rows the form of text."""
    answers = bounded.answers(job, path, {})
    header = next(answers)
    records = ((number, as_line(cells), cells) for number, cells in answers)
    return Source(header, encoding, RAW_DELIMITER, _in_batches(records))


def _require_cells(path: Path, number: int, cells: list[str]) -> list[str]:
    if any(len(cell) > LONGEST_CELL for cell in cells):
        raise UnreadableFile("cell-too-long", file=path.name, line=number, most=LONGEST_CELL)
    return cells


def _in_batches(records: Iterable[tuple[int, str, list[str]]]) -> Iterator[Rows]:
    stream = iter(records)
    while some := list(islice(stream, ROWS_AT_ONCE)):
        lines, raws, cells = zip(*some, strict=True)
        yield Rows(list(lines), list(raws), list(cells))


# --- CSV -----------------------------------------------------------------------------------


def _csv(path: Path, encoding: str, delimiter: str) -> Source:
    _require_text(path, marked=bool(encoding))
    encoding = encoding or _encoding(path)
    with _text(path, encoding) as file:
        first = _guarded_read(path, file, SAMPLE_BYTES)
    if not first.strip():
        raise UnreadableFile("file-empty", file=path.name)
    if "\x00" in first:
        raise UnreadableFile("file-binary", file=path.name)
    delimiter = delimiter or _delimiter(first)
    records = _csv_records(path, encoding, delimiter)
    _, _, header = next(records)
    _require_columns(path, header)
    return Source([name.strip() for name in header], encoding, delimiter, _in_batches(records))


def _require_text(path: Path, *, marked: bool) -> None:
    """Refuse what bears the name of a table and is a program, a document or a web page."""
    with path.open("rb") as file:
        start = file.read(SNIFFED_BYTES)
    if b"\x00" in start and not (marked or start.startswith(_UTF16)):
        raise UnreadableFile("file-binary", file=path.name)
    words = start.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    for mark, kind in _DOCUMENTS.items():
        if words.startswith(mark):
            raise UnreadableFile("file-other-kind", file=path.name, kind=kind)


SNIFFED_BYTES = 4096
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DOCUMENTS = {
    b"%pdf-": "PDF",
    b"{\\rtf": "RTF",
    b"<!doctype": "HTML",
    b"<html": "HTML",
    b"<?xml": "XML",
}


def _text(path: Path, encoding: str) -> io.TextIOWrapper:
    try:
        return path.open(encoding=encoding, newline="")
    except LookupError as fault:
        raise UnreadableFile("unknown-encoding", file=path.name, encoding=encoding) from fault


def _guarded_read(path: Path, file: io.TextIOWrapper, size: int) -> str:
    try:
        return file.read(size)
    except UnicodeDecodeError as fault:
        raise _broken_encoding(path, str(file.encoding)) from fault


def _encoding(path: Path) -> str:
    """Recognise UTF-8 (with or without a mark), UTF-16 by its mark, or else cp1252."""
    with path.open("rb") as file:
        mark = file.read(4)
    if mark.startswith(_UTF16):
        return "utf-16"
    if _decodes(path, "utf-8"):
        return "utf-8-sig" if mark.startswith(codecs.BOM_UTF8) else "utf-8"
    with path.open("rb") as file:
        sample = file.read(SAMPLE_BYTES)
    if any(letter in sample for letter in _SWEDISH_UTF8):
        raise _broken_encoding(path, "utf-8")
    if _decodes(path, "cp1252"):
        return "cp1252"
    raise _broken_encoding(path, "cp1252")


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while block := file.read(SAMPLE_BYTES):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _broken_encoding(path: Path, encoding: str) -> UnreadableFile:
    """Say in which line and column the first byte stands that cannot be read."""
    if codecs.lookup(encoding).name.startswith(("utf-16", "utf-32")):  # line ends of many bytes
        return UnreadableFile("broken-encoding-end", file=path.name, encoding=encoding)
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError as fault:
                return UnreadableFile(
                    "broken-encoding",
                    file=path.name,
                    line=number,
                    column=len(line[: fault.start].decode(encoding)) + 1,
                    value=line[fault.start : fault.start + 1].hex(),
                    encoding=encoding,
                )
    return UnreadableFile("broken-encoding-end", file=path.name, encoding=encoding)


def _delimiter(text: str) -> str:
    """Choose the delimiter that splits the first rows into the most, and equally many, cells."""
    lines = text.splitlines()[:50]

    def score(mark: str) -> tuple[int, int]:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=mark) if row]
        except csv.Error:  # a cell that long is refused with its line when it is read
            return 0, 0
        alike = sum(width == widths[0] for width in widths)
        return (alike * (widths[0] > 1), widths[0])

    return max(DELIMITERS, key=score)


class _Lines:
    """The lines of a file, each remembered until the record that it belongs to is whole."""

    def __init__(self, path: Path, file: io.TextIOWrapper) -> None:
        self._path, self._file = path, file
        self._taken: list[str] = []
        self.start = 1  # the line on which the record at hand begins

    def __iter__(self) -> Iterator[str]:
        """Yield lines; one that never ends comes in pieces, of which `raw` refuses the first."""
        taken, length = self._taken, 0
        for line in iter(partial(self._file.readline, LONGEST_ROW + 1), ""):
            length = length + len(line) if taken else 0
            if length > LONGEST_ROW:  # quotes that were opened and never closed
                raise self._too_long()
            taken.append(line)
            yield line

    def raw(self) -> str:
        """Give the text of the record that is whole now."""
        raw = "".join(self._taken).rstrip("\r\n")
        self._taken.clear()
        if len(raw) > LONGEST_ROW:
            raise self._too_long()
        if "\x00" in raw:
            raise UnreadableFile("nul-character", file=self._path.name, line=self.start)
        return raw

    def _too_long(self) -> UnreadableFile:
        name = self._path.name
        return UnreadableFile("row-too-long", file=name, line=self.start, most=LONGEST_ROW)


def _csv_records(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, str, list[str]]]:
    """Read records with the line on which each begins and its raw text."""
    csv.field_size_limit(LONGEST_CELL)
    with _text(path, encoding) as file:
        lines = _Lines(path, file)
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                raw = lines.raw()
                if cells:
                    yield lines.start, raw, cells
                lines.start = reader.line_num + 1
        except UnicodeDecodeError as fault:
            raise _broken_encoding(path, encoding) from fault
        except csv.Error as fault:
            raise _broken_csv(path, lines.start, str(fault)) from fault


def _broken_csv(path: Path, line: int, fault: str) -> UnreadableFile:
    if "field larger" in fault:
        return UnreadableFile("cell-too-long", file=path.name, line=line, most=LONGEST_CELL)
    return UnreadableFile("broken-quotes", file=path.name, line=line)


# --- XLSX ----------------------------------------------------------------------------------


def xlsx_rows(path: Path) -> Iterator[Any]:
    """Yield the header of a workbook's first sheet, then number and cells of each row.

    A job of `bounded`: a workbook of some kilobytes can ask for gigabytes by naming one long text
    in very many cells.
    """
    _refuse_bomb(path)
    from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415 - costs 10 ms

    try:
        with CalamineWorkbook.from_path(path) as book:
            sheet = book.get_sheet_by_index(0)
    except CalamineError as fault:
        raise UnreadableFile("not-xlsx", file=path.name) from fault
    margin: list[object] = [""] * (sheet.start[1] if sheet.start else 0)

    def filled() -> Iterator[tuple[int, list[object]]]:
        for number, row in enumerate(sheet.iter_rows(), 1):
            if any(cell != "" for cell in row):
                yield number, [*margin, *row]

    rows = filled()
    number, first = next(rows, (1, []))
    header = [_cell(value) for value in first]
    while header and not header[-1]:
        header.pop()
    if not header:
        raise UnreadableFile("file-empty", file=path.name)
    _require_columns(path, header)
    yield [name.strip() for name in _require_cells(path, number, header)]
    timed = _timed_columns(row for _, row in islice(filled(), 1, None))
    for number, row in rows:
        cells = [_cell(v, timed=n in timed) for n, v in enumerate(row[: len(header)])]
        yield number, _require_cells(path, number, cells)


def _timed_columns(rows: Iterable[Sequence[object]]) -> set[int]:
    """Tell which columns hold clock times; a sheet writes midnight as a mere day."""
    return {
        position
        for row in rows
        for position, value in enumerate(row)
        if isinstance(value, datetime) and _whole_second(value).time() != time()
    }


def _whole_second(value: datetime) -> datetime:
    """Round: spreadsheets count days in fractions, so midnight may read 23:59:59.914."""
    return (value + timedelta(milliseconds=500)).replace(microsecond=0)


def _refuse_bomb(path: Path) -> None:
    """Refuse a workbook that would fill the memory, before anything is parsed.

    A sheet is read as the rectangle from its first cell to its last, so one stray cell can be a
    bomb.
    """
    extents: defaultdict[str, _Extent] = defaultdict(_Extent)

    def see(part: str, block: bytes) -> None:
        extents[part].see(block)
        if extents[part].cells > XLSX_MOST_CELLS:
            raise UnreadableFile("xlsx-bomb", file=path.name)

    containers.inspect(path, see)


class _Extent:
    """How far the cells of a sheet reach, by their references (r="C17")."""

    def __init__(self) -> None:
        self.columns = self.rows = 0
        self._rest = b""

    def see(self, block: bytes) -> None:
        """Look at the next part of the sheet; a reference may lie across two parts."""
        found = _REFERENCE.findall(self._rest + block)
        self._rest = block[-_LONGEST_REFERENCE:]
        if found:
            columns, rows = zip(*found, strict=True)
            self.columns = max(self.columns, *map(_column_number, set(columns)))
            self.rows = max(self.rows, *map(int, set(rows)))

    @property
    def cells(self) -> int:
        """Count the cells of the rectangle from the sheet's corner."""
        return self.columns * self.rows


_REFERENCE = re.compile(rb"""\sr\s*=\s*["']([A-Z]{1,3})(\d{1,7})["']""")
_LONGEST_REFERENCE = 32


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def _cell(value: object, *, timed: bool = False) -> str:
    """Write a typed cell as a CSV would have it; a `timed` column's days are its midnights."""
    match value:
        case None:
            return ""
        case str():
            return value if value.isprintable() else _storable(value)
        case bool():
            return str(int(value))
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case date() | time() | timedelta():
            return _moment(value, timed=timed)
        case _:
            return str(value)


def _moment(value: date | time | timedelta, *, timed: bool) -> str:
    match value:
        case datetime():
            whole = _whole_second(value)
            if timed or whole.time() != time():
                return whole.isoformat(sep=" ", timespec="seconds")
            return whole.date().isoformat()
        case date():
            return f"{value.isoformat()} 00:00:00" if timed else value.isoformat()
        case time():
            return value.isoformat(timespec="seconds")
        case _:
            return str(timedelta(seconds=round(value.total_seconds())))


def _storable(text: str) -> str:
    """Replace what no database keeps: NUL, and halves of characters that JSON can spell."""
    return text.encode(errors="replace").decode().replace("\x00", "\ufffd")


# --- GeoJSON -------------------------------------------------------------------------------


def geojson_rows(path: Path) -> Iterator[Any]:
    """Yield the names of a GeoJSON file's properties, then number and cells of each object.

    A job of `bounded`: JSON takes several times its own size in memory.
    """
    features = features_of(path)
    found: dict[str, None] = {}
    for feature in features:
        found.update(dict.fromkeys(feature.get("properties") or {}))
    names = [name for name in found if _plain(name) not in _POSITION]
    header = [_cell(name).strip() for name in (*names, *_POSITION)]
    _require_columns(path, header)
    yield _require_cells(path, 1, header)
    for number, feature in enumerate(features, 1):
        yield number, _require_cells(path, number, _feature_cells(feature, names))


def features_of(path: Path) -> list[dict[str, Any]]:
    """Read the objects of a GeoJSON file.

    Raises
    ------
    UnreadableFile
        It is no list of objects, is empty, too large, or nested deeper than any honest file.
    """
    if path.stat().st_size > GEOJSON_MOST_BYTES:
        raise UnreadableFile("file-too-large", file=path.name, most=GEOJSON_MOST_BYTES)
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as fault:
        raise UnreadableFile("not-geojson", file=path.name) from fault
    _refuse_depth(path, document, GEOJSON_DEEPEST)
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or not all(map(_is_feature, features)):
        raise UnreadableFile("not-geojson", file=path.name)
    if not features:
        raise UnreadableFile("file-empty", file=path.name)
    return features


_POSITION = ("longitude", "latitude")  # columns made of the geometry


def _plain(name: str) -> str:
    return name.strip().casefold()


def _refuse_depth(path: Path, value: object, left: int) -> None:
    """Refuse nesting that no honest file has, before anything walks down into it."""
    if not isinstance(value, dict | list):
        return
    if left == 0:
        raise UnreadableFile("geojson-too-deep", file=path.name, most=GEOJSON_DEEPEST)
    for inner in value.values() if isinstance(value, dict) else value:
        _refuse_depth(path, inner, left - 1)


def _is_feature(feature: object) -> bool:
    return isinstance(feature, dict) and all(
        isinstance(feature.get(part), dict | None) for part in ("properties", "geometry")
    )


def _feature_cells(feature: dict[str, Any], names: list[str]) -> list[str]:
    """Give a feature's values and its point; without a point, the coordinates it names."""
    properties = feature.get("properties") or {}
    geometry = feature.get("geometry") or {}
    position = geometry.get("coordinates") if geometry.get("type") == "Point" else None
    if not isinstance(position, list) or len(position) < len(_POSITION):
        given = {_plain(name): value for name, value in properties.items()}
        position = [given.get(name) for name in _POSITION]
    return [_cell(value) for value in (*map(properties.get, names), *position[:2])]


# --- Parquet -------------------------------------------------------------------------------


def parquet_rows(path: Path) -> Iterator[Any]:
    """Yield a Parquet file's column names, then number and cells of each row.

    A job of `bounded`: a value that is written once can stand for any number of rows.
    """
    import pyarrow as pa  # noqa: PLC0415 - costs 100 ms and is needed for this format only
    import pyarrow.parquet as pq  # noqa: PLC0415

    number = 0
    try:
        file = pq.ParquetFile(path)
        header = [str(name).strip() for name in file.schema_arrow.names]
        _require_columns(path, header)
        yield _require_cells(path, 1, header)
        timed = [pa.types.is_timestamp(field.type) for field in file.schema_arrow]
        for batch in file.iter_batches(batch_size=PARQUET_ROWS_AT_ONCE, use_threads=False):
            columns = [
                [_cell(value, timed=clock) for value in column.to_pylist()]
                for column, clock in zip(batch.columns, timed, strict=True)
            ]
            for cells in zip(*columns, strict=True):
                number += 1
                yield number, _require_cells(path, number, list(cells))
    except pa.ArrowMemoryError:  # the limit of the child, not a fault of the format
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError) as fault:
        raise UnreadableFile("not-parquet", file=path.name) from fault
