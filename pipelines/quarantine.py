"""Rows that were set aside: written out for correction, and handed in again."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from geo.errors import InvalidParameter, NotFound
from pipelines import readers, spreadsheet
from pipelines.ingest import Options, take_in
from pipelines.mapping import Layout
from pipelines.readers import RAW_DELIMITER, Rows, Source, as_line, from_line
from pipelines.spreadsheet import as_written
from store import imports
from store.files import whole_file
from store.imports import Opening

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import sqlalchemy as sa

    from pipelines.ingest import Report
    from store.db import Store
    from store.imports import QuarantineRow

ID, LINE, REASON = "karantän-id", "karantän-rad", "karantän-orsak"


def export(store: Store, import_id: int, target: Path) -> int:
    """Write an import's rows that are still set aside as CSV for Excel; give how many.

    Only the owner of the new file may read it.

    The columns are those of the file they came from, behind three of our own that must stay.

    Raises
    ------
    NotFound
        No such import, or nothing of it is set aside.
    Conflict
        The file exists.
    """
    with store.read() as connection:
        batch = imports.batch(connection, import_id)
        rows = imports.quarantine(connection, import_id)
    if not rows:
        raise NotFound("nothing-in-quarantine", id=import_id)
    delimiter = str(batch.report.get("delimiter") or readers.RAW_DELIMITER)
    header = [str(name) for name in batch.report["header"]]
    with whole_file(target) as draft:
        spreadsheet.write_csv(
            draft,
            [ID, LINE, REASON, *header],
            ([row.id, row.line, row.reason, *from_line(row.raw, delimiter)] for row in rows),
        )
    return len(rows)


def retry(store: Store, path: Path, options: Options, now: datetime) -> list[Report]:
    """Hand corrected rows in again, each import's rows under their own source.

    Rows that are accepted now, or that turn out to be known, leave the quarantine; those that
    fail again are set aside anew with their new reason.

    Raises
    ------
    InvalidParameter
        The three leading columns are missing, or an id is not in the quarantine.
    """
    table = readers.open_rows(path)
    if table.header[:3] != [ID, LINE, REASON]:
        raise InvalidParameter("not-a-quarantine-file", file=path.name, columns=f"{ID}, {LINE}")
    corrected: dict[str, tuple[int, list[str]]] = {}
    for rows in table.batches:
        for line, cells in zip(rows.lines, rows.cells, strict=True):
            number = cells[0].strip()
            if not number.isdigit() or number in corrected:
                raise InvalidParameter("quarantine-id", file=path.name, line=line, value=cells[0])
            corrected[number] = (
                line,
                [as_written(cell) for cell in cells[3:]] or [""],
            )  # an empty line would be no row
    with store.write_alone() as connection:
        waiting = {str(row.id): row for row in imports.quarantine(connection)}
        by_import: dict[int, list[tuple[QuarantineRow, list[str]]]] = defaultdict(list)
        for number, (line, cells) in corrected.items():
            row = waiting.get(number)
            if row is None:
                raise InvalidParameter("quarantine-id", file=path.name, line=line, value=number)
            by_import[row.import_id].append((row, cells))
        for import_id in by_import:
            _require_header(connection, import_id, path, table.header[3:])
        return [
            _retry_one(connection, import_id, some, options, now)
            for import_id, some in by_import.items()
        ]


def _require_header(
    connection: sa.Connection, import_id: int, path: Path, given: list[str]
) -> None:
    """Refuse a sheet whose columns were moved or renamed: cells are read by their place."""
    header = [str(name) for name in imports.batch(connection, import_id).report["header"]]
    if [as_written(name) for name in given] != [name.strip() for name in header]:
        columns = ", ".join(header)[:300]
        raise InvalidParameter("quarantine-header", file=path.name, columns=columns)


def _retry_one(
    connection: sa.Connection,
    import_id: int,
    rows: list[tuple[QuarantineRow, list[str]]],
    options: Options,
    now: datetime,
) -> Report:
    """Take one import's corrected rows in and release them, in the transaction at hand."""
    origin = imports.batch(connection, import_id)
    again = Rows(
        [row.line for row, _ in rows],
        [as_line(cells) for _, cells in rows],
        [cells for _, cells in rows],
    )
    source = Source(list(origin.report["header"]), "utf-8", RAW_DELIMITER, [again])
    opening = Opening(
        origin.kind,
        origin.source,
        origin.file_name,
        hashlib.sha256("\n".join(again.raws).encode()).hexdigest(),
        now,
        origin.synthetic,
    )
    as_before = replace(
        options,
        kind=origin.kind,
        layout=Layout.from_document(origin.report["layout"]),
        epsg=options.epsg or origin.report["epsg"],
        corrected_from=import_id,
    )
    report = take_in(connection, source, as_before, opening)
    if report.import_id is not None:
        imports.mark_retried(connection, [row.id for row, _ in rows], report.import_id)
    return report
