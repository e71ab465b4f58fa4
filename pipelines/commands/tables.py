"""``lagesbild tables``: numbers that somebody else published, as a layer of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines import tables
from pipelines.commands import reports
from pipelines.commands.audit import opened_log, operator
from pipelines.commands.door import now, opened, say
from pipelines.roles import ADMIN
from pipelines.tables import Options
from store import imports
from store import tables as stored

app = typer.Typer(
    help="Tabeller från andra: område, månad, brottstyp och antal.", no_args_is_help=True
)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV eller XLSX, som polisen skickar den.")],
    source: Annotated[str, typer.Option(help="Källan, som den ska visas vid siffrorna.")],
    period_column: Annotated[str, typer.Option(help="Kolumnen med månader.")] = "",
    *,
    synthetic: Annotated[
        bool, typer.Option("--synthetic", help="Märk siffrorna SYNTETISKA DATA.")
    ] = False,
) -> None:
    """Ta in en tabell: hela eller inget."""
    with opened() as store:
        report = tables.take_in(store, file, Options(source, period_column, synthetic), now())
    if not report.figures:
        say("table-known", file=file.name, number=report.import_id)
        return
    asked = {"import": report.import_id}
    with opened_log() as log:
        log.note(operator(), ADMIN, "table-import", "operation", asked=asked, rows=report.figures)
    say(
        "table-imported",
        number=report.import_id,
        figures=report.figures,
        hidden=report.hidden,
        first=reports.month_name(report.first),
        last=reports.month_name(report.last),
    )


@app.command("list")
def list_() -> None:
    """Lista tabellerna, den senaste först."""
    with opened() as store, store.read() as connection:
        held = [each for each in imports.batches(connection) if each.kind == stored.KIND]
    if not held:
        say("no-tables")
    for each in held:
        reports.show_table(each)


@app.command()
def remove(
    import_id: Annotated[int, typer.Argument(help="Tabellens nummer, från tables list.")],
) -> None:
    """Ta bort en tabell."""
    with opened() as store, store.write() as connection:
        removed = stored.remove(connection, import_id)
    with opened_log() as log:
        asked = {"import": import_id}
        log.note(operator(), ADMIN, "table-remove", "operation", asked=asked, rows=removed)
    say("table-removed", number=import_id, figures=removed)
