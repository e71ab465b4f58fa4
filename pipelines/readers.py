"""Files of rows: CSV, XLSX, GeoJSON and Parquet, all as batches of text cells.

Whatever the format, a row keeps its line (the record's number for formats without lines), its
raw text and its cells, so that a row that fails can be shown, corrected and handed in again.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import zipfile
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from geo.errors import UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

ROWS_AT_ONCE = 50_000
LONGEST_CELL = 10_000
SAMPLE_BYTES = 1 << 20
RAW_DELIMITER = ";"  # of raw texts from formats that are not text themselves
DELIMITERS = (";", "\t", ",", "|")
XLSX_MOST_BYTES = 200 * 1024 * 1024
XLSX_MOST_RATIO = 100
XLSX_RATIO_FROM = 1024 * 1024  # a small file may compress well without being a bomb
XLSX_MOST_ENTRIES = 200
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
    if not path.is_file():
        raise UnreadableFile("no-file", file=path.name)
    if path.stat().st_size == 0:
        raise UnreadableFile("file-empty", file=path.name)
    readers: dict[str, Callable[[], Source]] = {
        ".xlsx": lambda: _xlsx(path),
        ".geojson": lambda: _geojson(path),
        ".json": lambda: _geojson(path),
        ".parquet": lambda: _parquet(path),
    }
    return readers.get(path.suffix.lower(), lambda: _csv(path, encoding, delimiter))()


def as_line(cells: Iterable[str], delimiter: str = RAW_DELIMITER) -> str:
    """Write cells as one CSV record without its line end."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="").writerow(cells)
    return text.getvalue()


def from_line(raw: str, delimiter: str) -> list[str]:
    """Read the cells of a raw text; a broken quote is read as it stands."""
    return next(csv.reader([raw], delimiter=delimiter), [])


def _in_batches(records: Iterable[tuple[int, str, list[str]]]) -> Iterator[Rows]:
    stream = iter(records)
    while some := list(islice(stream, ROWS_AT_ONCE)):
        lines, raws, cells = zip(*some, strict=True)
        yield Rows(list(lines), list(raws), list(cells))


# --- CSV -----------------------------------------------------------------------------------


def _csv(path: Path, encoding: str, delimiter: str) -> Source:
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
    return Source([name.strip() for name in header], encoding, delimiter, _in_batches(records))


def _text(path: Path, encoding: str) -> io.TextIOWrapper:
    try:
        codecs.lookup(encoding)
    except LookupError as fault:
        raise UnreadableFile("unknown-encoding", file=path.name, encoding=encoding) from fault
    return path.open(encoding=encoding, newline="")


def _guarded_read(path: Path, file: io.TextIOWrapper, size: int) -> str:
    try:
        return file.read(size)
    except UnicodeDecodeError as fault:
        raise _broken_encoding(path, str(file.encoding)) from fault


def _encoding(path: Path) -> str:
    """Recognise UTF-8 (with or without a mark), UTF-16 by its mark, or else cp1252."""
    with path.open("rb") as file:
        mark = file.read(4)
    if mark.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
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
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError as fault:
                return UnreadableFile(
                    "broken-encoding",
                    file=path.name,
                    line=number,
                    column=fault.start + 1,
                    value=line[fault.start : fault.start + 1].hex(),
                    encoding=encoding,
                )
    return UnreadableFile("broken-encoding-end", file=path.name, encoding=encoding)


def _delimiter(text: str) -> str:
    """Choose the delimiter that splits the first rows into the most, and equally many, cells."""
    lines = text.splitlines()[:50]

    def score(mark: str) -> tuple[int, int]:
        widths = [len(row) for row in csv.reader(lines, delimiter=mark) if row]
        alike = sum(width == widths[0] for width in widths)
        return (alike * (widths[0] > 1), widths[0])

    return max(DELIMITERS, key=score)


def _csv_records(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, str, list[str]]]:
    """Read records with the line on which each begins and its raw text."""
    taken: list[str] = []

    def remembering(file: io.TextIOWrapper) -> Iterator[str]:
        for line in file:
            taken.append(line)
            yield line

    csv.field_size_limit(LONGEST_CELL)
    with _text(path, encoding) as file:
        reader = csv.reader(remembering(file), delimiter=delimiter, strict=True)
        line = 1
        try:
            for cells in reader:
                raw = "".join(taken).rstrip("\r\n")
                taken.clear()
                if cells:
                    yield line, raw, cells
                line = reader.line_num + 1
        except UnicodeDecodeError as fault:
            raise _broken_encoding(path, encoding) from fault
        except csv.Error as fault:
            raise _broken_csv(path, line, str(fault)) from fault


def _broken_csv(path: Path, line: int, fault: str) -> UnreadableFile:
    if "field larger" in fault:
        return UnreadableFile("cell-too-long", file=path.name, line=line, most=LONGEST_CELL)
    if "NUL" in fault:
        return UnreadableFile("file-binary", file=path.name)
    return UnreadableFile("broken-quotes", file=path.name, line=line)


# --- XLSX ----------------------------------------------------------------------------------


def _xlsx(path: Path) -> Source:
    _refuse_bomb(path)
    from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415 - costs 10 ms

    try:
        with CalamineWorkbook.from_path(path) as book:
            rows = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except CalamineError as fault:
        raise UnreadableFile("not-xlsx", file=path.name) from fault
    filled = [(n, row) for n, row in enumerate(rows, 1) if any(cell != "" for cell in row)]
    if not filled:
        raise UnreadableFile("file-empty", file=path.name)
    header = [_cell(value) for value in filled[0][1]]
    while header and not header[-1]:
        header.pop()
    records = (
        (number, as_line(cells), cells)
        for number, row in filled[1:]
        for cells in [[_cell(value) for value in row[: len(header)]]]
    )
    return Source([name.strip() for name in header], "xlsx", RAW_DELIMITER, _in_batches(records))


def _refuse_bomb(path: Path) -> None:
    """Refuse a workbook that would fill the memory, before anything is parsed.

    The sizes that a zip file states may lie, so its members are inflated and counted.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > XLSX_MOST_ENTRIES:
                raise UnreadableFile("xlsx-bomb", file=path.name, why="entries")
            inflated = 0
            for member in members:
                for block in _blocks(archive, member):
                    inflated += len(block)
                    _refuse_size(path, inflated)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as fault:
        raise UnreadableFile("not-xlsx", file=path.name) from fault


def _blocks(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(member) as file:
        while block := file.read(SAMPLE_BYTES):
            yield block


def _refuse_size(path: Path, inflated: int) -> None:
    if inflated > XLSX_MOST_BYTES:
        raise UnreadableFile("xlsx-bomb", file=path.name, why="size")
    if inflated > max(XLSX_RATIO_FROM, XLSX_MOST_RATIO * path.stat().st_size):
        raise UnreadableFile("xlsx-bomb", file=path.name, why="ratio")


def _cell(value: object) -> str:  # noqa: PLR0911 - one line a type
    """Write a typed cell as a CSV would have it."""
    match value:
        case None:
            return ""
        case str():
            return value[: LONGEST_CELL + 1]
        case bool():
            return "1" if value else "0"
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case datetime():
            whole = value if value.microsecond == 0 else value + timedelta(milliseconds=500)
            return whole.replace(microsecond=0).isoformat(sep=" ")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return (datetime.min + value).time().isoformat()  # noqa: DTZ901 - a clock time only
        case _:
            return str(value)


# --- GeoJSON -------------------------------------------------------------------------------


def _geojson(path: Path) -> Source:
    if path.stat().st_size > GEOJSON_MOST_BYTES:
        raise UnreadableFile("file-too-large", file=path.name, most=GEOJSON_MOST_BYTES)
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as fault:
        raise UnreadableFile("not-geojson", file=path.name) from fault
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or not all(isinstance(f, dict) for f in features):
        raise UnreadableFile("not-geojson", file=path.name)
    if not features:
        raise UnreadableFile("file-empty", file=path.name)
    names: dict[str, None] = {}
    for feature in features:
        names.update(dict.fromkeys(feature.get("properties") or {}))
    header = [*names, "longitude", "latitude"]
    records = (
        (number, as_line(cells), cells)
        for number, feature in enumerate(features, 1)
        for cells in [_feature_cells(feature, list(names))]
    )
    return Source(header, "utf-8", RAW_DELIMITER, _in_batches(records))


def _feature_cells(feature: dict[str, Any], names: list[str]) -> list[str]:
    properties = feature.get("properties") or {}
    geometry = feature.get("geometry") or {}
    position = geometry.get("coordinates") if geometry.get("type") == "Point" else None
    lon, lat = (position or ["", ""])[:2] if isinstance(position, list | None) else ("", "")
    return [*(_cell(properties.get(name)) for name in names), _cell(lon), _cell(lat)]


# --- Parquet -------------------------------------------------------------------------------


def _parquet(path: Path) -> Source:
    import pyarrow as pa  # noqa: PLC0415 - costs 100 ms and is needed for this format only
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as fault:
        raise UnreadableFile("not-parquet", file=path.name) from fault
    header = [str(name) for name in file.schema_arrow.names]

    def records() -> Iterator[tuple[int, str, list[str]]]:
        number = 0
        for batch in file.iter_batches(batch_size=ROWS_AT_ONCE):
            columns = [[_cell(value) for value in column.to_pylist()] for column in batch.columns]
            for cells in zip(*columns, strict=True):
                number += 1
                yield number, as_line(cells), list(cells)

    return Source(header, "parquet", RAW_DELIMITER, _in_batches(records()))
