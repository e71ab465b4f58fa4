"""How reports read: in plain Swedish on a terminal, or as values for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

from geo.ratios import Percentages
from pipelines.commands.door import console, say
from pipelines.ingest import GOOD_HIT_RATE, Report
from pipelines.texts import text
from store.imports import Counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from store.imports import Batch, QuarantineRow

EXAMPLES_SHOWN = 5
NOT_SHOWN = {"header", "layout"}  # kept for retries, of no use to a reader


def plain(report: Report) -> dict[str, Any]:
    """Write a report as plain values."""
    counts = report.counts
    details = {name: value for name, value in report.details.items() if name not in NOT_SHOWN}
    return {
        "import": report.import_id,
        "rows_read": counts.rows_read,
        "accepted": counts.accepted,
        "duplicates": counts.duplicates,
        "quarantined": counts.quarantined,
        **details,
    }


def of_batch(batch: Batch) -> Report:
    """Give the report of a stored import."""
    counts = Counts(batch.rows_read, batch.accepted, batch.duplicates, batch.quarantined)
    return Report(batch.id, counts, batch.report)


def plain_batch(batch: Batch) -> dict[str, Any]:
    """Write a stored import as plain values."""
    return {"kind": batch.kind, "started_at": batch.started_at, **plain(of_batch(batch))}


def show_table(batch: Batch) -> None:
    """Print the line of an imported table."""
    say(
        "table-listed",
        number=batch.id,
        source=batch.source,
        file=batch.file_name,
        when=batch.started_at.date().isoformat(),
        figures=batch.accepted,
        first=month_name(batch.report["first"]),
        last=month_name(batch.report["last"]),
    )


def month_name(month: int) -> str:
    """Write a month as year and month: 202601 is 2026-01."""
    return f"{month // 100}-{month % 100:02}"


def plain_row(row: QuarantineRow) -> dict[str, Any]:
    """Write a row in quarantine as plain values."""
    return {name: getattr(row, name) for name in row.__slots__}


def show(report: Report, *, dry_run: bool) -> None:
    """Print a report."""
    counts, details = report.counts, report.details
    if dry_run:
        say("report-dry-run")
    if details["synthetic"]:
        say("synthetic")
    say(
        "report-file",
        file=details["file"],
        source=details["source"],
        number=report.import_id or "–",
    )
    say(
        "report-counts",
        read=counts.rows_read,
        accepted=counts.accepted,
        duplicates=counts.duplicates,
        quarantined=counts.quarantined,
    )
    if details["epsg"] is not None:
        say("report-crs", epsg=details["epsg"], encoding=details["encoding"])
    if counts.accepted:
        _show_accepted(counts, details)
    _show_faults(report)


def _show_accepted(counts: Counts, details: dict[str, Any]) -> None:
    say("report-period", first=details["first_day"], last=details["last_day"])
    kinds = ", ".join(f"{text(f'match-{kind}')} {n}" for kind, n in details["placed_by"].items())
    say("report-placed", kinds=kinds)
    rate = details["hit_rate"]
    placed = {
        "hits": details["placed"],
        "precise": details["precise"],
        "unplaced": details["unplaced"],
        "accepted": counts.accepted,
    }
    if counts.accepted < Percentages().minimum:
        say("report-hit-rate-few", **placed)
    else:
        say("report-hit-rate", percent=f"{100 * rate:.1f}".replace(".", ","), **placed)
    if rate < GOOD_HIT_RATE and counts.accepted >= Percentages().minimum:
        say("report-hit-rate-low", least=round(100 * GOOD_HIT_RATE))
    if details["piled"]:
        say("report-piles", n=details["piled"])
    times = {kind: n for kind, n in details["time_precision"].items() if n}
    say("report-times", kinds=", ".join(f"{text(f'time-{kind}')} {n}" for kind, n in times.items()))


def _show_faults(report: Report) -> None:
    details = report.details
    if not details["reasons"]:
        return
    say("report-faults")
    for reason, n in details["reasons"].items():
        console.print(f"  {n:>6}  {text(f'reason-{reason}', value='…')}", markup=False)
    for example in details["examples"][:EXAMPLES_SHOWN]:
        say("report-example", **where(example["line"], example["column"]), why=_why(example))
    if report.import_id is not None:
        say("report-next", number=report.import_id)


def where(line: int, column: str) -> dict[str, str]:
    """Say where a fault stands."""
    return {
        "place": text("place-line-column" if column else "place-line", line=line, column=column)
    }


def _why(example: dict[str, Any]) -> str:
    return text(f"reason-{example['reason']}", value=example["value"])


def show_batches(batches: Sequence[Batch]) -> None:
    """Print a table of imports."""
    if not batches:
        say("no-imports")
        return
    table = Table(box=None)
    for head in ("number", "when", "kind", "file", "read", "accepted", "duplicates", "quarantined"):
        table.add_column(
            text(f"head-{head}"), justify="left" if head in {"kind", "file"} else "right"
        )
    for each in batches:
        counts = (each.rows_read, each.accepted, each.duplicates, each.quarantined)
        when = f"{each.started_at:%Y-%m-%d %H:%M}"
        kind = text(f"kind-{each.kind}")
        table.add_row(str(each.id), when, kind, each.file_name, *(str(n) for n in counts))
    console.print(table)


def show_quarantine(rows: Sequence[QuarantineRow]) -> None:
    """Print rows in quarantine, each with its place and its reason."""
    if not rows:
        say("quarantine-empty")
        return
    for row in rows:
        why = text(f"reason-{row.reason}", value=row.value)
        say(
            "quarantine-row",
            number=row.id,
            import_number=row.import_id,
            why=why,
            **where(row.line, row.column),
        )
