"""``lagesbild ingest``, ``imports`` and ``quarantine``: files in, and what became of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from pipelines import mapping, quarantine
from pipelines.commands import reports
from pipelines.commands.audit import opened_log, operator
from pipelines.commands.door import geocoder, now, opened, print_json, rows_shown, say
from pipelines.ingest import Options, ingest
from pipelines.roles import ADMIN
from store import imports, tables

app = typer.Typer(help="Ta in händelser eller observationer.", no_args_is_help=True)
imports_app = typer.Typer(help="Importer och deras rapporter.", no_args_is_help=True)
quarantine_app = typer.Typer(
    help="Rader i karantän: lista, rätta, lämna in igen.", no_args_is_help=True
)

File = Annotated[Path, typer.Argument(help="CSV, XLSX, GeoJSON eller Parquet.")]
MappingFile = Annotated[
    Path | None, typer.Option("--mapping", help="Mappningsfil (TOML); se docs/MAPPING.md.")
]
Crs = Annotated[
    int | None, typer.Option("--crs", help="Koordinatsystem, till exempel 3006 eller 4326.")
]
SourceName = Annotated[str, typer.Option("--source", help="Källans namn; id är unika i en källa.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Pröva allt men behåll inget.")]
AsJson = Annotated[bool, typer.Option("--json", help="Skriv rapporten som JSON.")]
Synthetic = Annotated[bool, typer.Option("--synthetic", help="Märk raderna SYNTETISKA DATA.")]


@app.command()
def incidents(  # noqa: PLR0913 - one parameter an option
    file: File,
    mapping_file: MappingFile = None,
    crs: Crs = None,
    source: SourceName = "",
    *,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    synthetic: Synthetic = False,
) -> None:
    """Ta in en polisexport eller en annan fil med händelser."""
    layout = mapping.load(mapping_file) if mapping_file else None
    options = Options("incidents", layout, crs, source, dry_run, synthetic)
    _ingest(file, options, as_json=as_json)


@app.command()
def observations(  # noqa: PLR0913 - one parameter an option
    file: File,
    mapping_file: MappingFile = None,
    crs: Crs = None,
    source: SourceName = "",
    *,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    synthetic: Synthetic = False,
) -> None:
    """Ta in observationer från en trygghetsvandring."""
    layout = mapping.load(mapping_file) if mapping_file else None
    options = Options("observations", layout, crs, source, dry_run, synthetic)
    _ingest(file, options, as_json=as_json)


def _ingest(file: Path, options: Options, *, as_json: bool) -> None:
    with opened() as store, rows_shown(quiet=as_json) as progress:
        located = replace(options, online=geocoder(store))
        report = ingest(store, file, located, now(), progress)
    if as_json:
        print_json(reports.plain(report))
    else:
        reports.show(report, dry_run=options.dry_run)


@imports_app.command("list")
def list_imports(*, as_json: AsJson = False) -> None:
    """Lista importer, den senaste först."""
    with opened() as store, store.read() as connection:
        batches = imports.batches(connection)
    if as_json:
        print_json([reports.plain_batch(batch) for batch in batches])
    else:
        reports.show_batches(batches)


@imports_app.command("show")
def show_import(
    import_id: Annotated[int, typer.Argument(help="Importens nummer.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Visa en imports rapport."""
    with opened() as store, store.read() as connection:
        batch = imports.batch(connection, import_id)
    if as_json:
        print_json(reports.plain_batch(batch))
    elif batch.kind == tables.KIND:
        reports.show_table(batch)
    else:
        reports.show(reports.of_batch(batch), dry_run=False)


ImportId = Annotated[int | None, typer.Option("--import", help="Bara från denna import.")]


@quarantine_app.command("list")
def list_quarantine(import_id: ImportId = None, *, as_json: AsJson = False) -> None:
    """Lista rader i karantän."""
    with opened_log() as log, opened() as store, store.read() as connection:
        rows = imports.quarantine(connection, import_id)
        log.note(operator(), ADMIN, "quarantine", "operation", rows=len(rows))
    if as_json:
        print_json([reports.plain_row(row) for row in rows])
    else:
        reports.show_quarantine(rows)


@quarantine_app.command("export")
def export_quarantine(
    import_id: Annotated[int, typer.Argument(help="Importens nummer.")],
    file: Annotated[Path, typer.Argument(help="Ny CSV-fil att rätta i.")],
) -> None:
    """Skriv en imports rader i karantän till en CSV-fil."""
    with opened_log() as log, opened() as store:
        asked = {"import": import_id}
        log.note(operator(), ADMIN, "quarantine-export", "operation", asked=asked)
        rows = quarantine.export(store, import_id, file)
    say("quarantine-exported", rows=rows, file=file.name)


@quarantine_app.command("retry")
def retry_quarantine(
    file: Annotated[Path, typer.Argument(help="Den rättade CSV-filen.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Lämna in rättade rader igen."""
    with opened() as store:
        again = quarantine.retry(store, file, Options("incidents", online=geocoder(store)), now())
    if as_json:
        print_json([reports.plain(report) for report in again])
    else:
        for report in again:
            reports.show(report, dry_run=False)
