"""``lagesbild db``: the schema, backups and their return."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from geo.errors import Conflict
from pipelines import settings
from pipelines.commands.door import opened, say
from store import backup as backups
from store import schema
from store.db import connect

app = typer.Typer(help="Databasen: schema, kontroll, säkerhetskopia.", no_args_is_help=True)


@app.command()
def upgrade() -> None:
    """Skapa databasen eller uppgradera den till programmets version."""
    store = connect(settings.load().database_url)
    try:
        before, after = schema.upgrade(store)
    finally:
        store.close()
    if before is None:
        say("db-created", after=after)
    else:
        say("db-current" if before == after else "db-upgraded", before=before, after=after)


@app.command()
def check() -> None:
    """Kontrollera att databasens schema är programmets."""
    with opened() as store, store.read() as connection:
        differences = schema.drift(connection)
        revision = schema.current(connection)
    if differences:
        raise Conflict("db-drift", differences="; ".join(differences))
    say("db-sound", revision=revision)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Ny fil, till exempel kopia-2026-11-22.gpkg.")],
) -> None:
    """Skriv hela databasen till en ny GeoPackage-fil."""
    with opened() as store:
        rows = backups.backup(store, file)
    say("db-backed-up", file=file.name, rows=rows)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="En säkerhetskopia från lagesbild db backup.")],
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Ersätt det som finns i databasen.")
    ] = False,
) -> None:
    """Läs tillbaka en säkerhetskopia."""
    store = connect(settings.load().database_url)
    try:
        rows = backups.restore(store, file, replace=replace)
    finally:
        store.close()
    say("db-restored", file=file.name, rows=rows)
