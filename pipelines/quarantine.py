"""Rows that were set aside: written out for correction, and handed in again."""

from __future__ import annotations

import csv
import os
import tempfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from geo.errors import Conflict, InvalidParameter, NotFound
from pipelines import readers
from pipelines.ingest import Options, ingest
from pipelines.mapping import Layout
from pipelines.readers import from_line
from store import imports

if TYPE_CHECKING:
    from datetime import datetime

    from pipelines.ingest import Report
    from store.db import Store

ID, LINE, REASON = "karantän-id", "karantän-rad", "karantän-orsak"


def export(store: Store, import_id: int, target: Path) -> int:
    """Write an import's rows that are still set aside as CSV for Excel; give how many.

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
    if target.exists():
        raise Conflict("file-exists", file=target.name)
    delimiter = str(batch.report.get("delimiter") or readers.RAW_DELIMITER)
    header = [str(name) for name in batch.report["header"]]
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as folder:
        draft = Path(folder) / target.name
        with draft.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file, delimiter=";")
            writer.writerow([ID, LINE, REASON, *header])
            for row in rows:
                cells = from_line(row.raw, delimiter)
                writer.writerow([row.id, row.line, row.reason, *cells])
        os.link(draft, target)
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
    with store.read() as connection:
        waiting = {str(row.id): row for row in imports.quarantine(connection)}
    by_import: dict[int, dict[int, list[str]]] = defaultdict(dict)
    for rows in table.batches:
        for line, cells in zip(rows.lines, rows.cells, strict=True):
            row = waiting.pop(cells[0].strip(), None)  # whoever comes twice waits no more
            if row is None:
                raise InvalidParameter("quarantine-id", file=path.name, line=line, value=cells[0])
            by_import[row.import_id][row.id] = cells[3:] or [""]  # an empty line would be no row
    return [
        _retry_one(store, import_id, corrected, options, now)
        for import_id, corrected in by_import.items()
    ]


def _retry_one(
    store: Store,
    import_id: int,
    corrected: dict[int, list[str]],
    options: Options,
    now: datetime,
) -> Report:
    with store.read() as connection:
        batch = imports.batch(connection, import_id)
    with tempfile.TemporaryDirectory(prefix="lagesbild-") as folder:
        path = Path(folder) / f"karantan-{batch.id}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=";")
            writer.writerow(batch.report["header"])
            writer.writerows(corrected.values())
        layout = Layout.from_document(batch.report["layout"])
        again = replace(
            options,
            kind=batch.kind,
            layout=replace(layout, delimiter=";", encoding="utf-8"),
            source=batch.source,
            synthetic=batch.synthetic,
            epsg=options.epsg or batch.report["epsg"],
            corrected=True,
        )
        report = ingest(store, path, again, now)
    if report.import_id is not None:
        with store.write() as connection:
            imports.mark_retried(connection, list(corrected), report.import_id)
    return report
