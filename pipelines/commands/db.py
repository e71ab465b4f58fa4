"""``lagesbild db``: the schema, backups and their return."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geo.errors import Conflict
from pipelines import looks, retention, settings
from pipelines.commands.audit import operator
from pipelines.commands.door import console, now, say
from pipelines.looks import Log
from pipelines.roles import ADMIN
from pipelines.texts import text
from store import backup as backups
from store import installation, schema
from store.db import Store, connect
from store.parts import JOURNAL, PARTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from store.parts import Part

app = typer.Typer(help="Databasen: schema, kontroll, säkerhetskopia.", no_args_is_help=True)


@contextmanager
def parts(opening: Callable[[str, Part], Store] = schema.open_store) -> Iterator[list[Store]]:
    """Open every part of the configured installation, the main one first."""
    url = settings.load().database_url
    with ExitStack() as opened:
        stores = []
        for part in PARTS:
            stores.append(opening(url, part))
            opened.callback(stores[-1].close)
        yield stores


def log_of(stores: Sequence[Store]) -> Log:
    """Give the log that lies in one of these parts."""
    journal = next(store for store in stores if store.part is JOURNAL)
    chosen = settings.load()
    return Log(journal, looks.anchor_file(chosen.database_url, chosen.audit_anchor), now)


@app.command()
def upgrade() -> None:
    """Skapa databasen eller uppgradera den till programmets version."""
    before, after = installation.upgrade(settings.load().database_url)
    if before is None:
        say("db-created", after=after)
    else:
        say("db-current" if before == after else "db-upgraded", before=before, after=after)


@app.command()
def check() -> None:
    """Kontrollera att databasens schema är programmets."""
    differences, revisions = [], []
    with parts() as stores:
        for store in stores:
            with store.read() as connection:
                differences += schema.drift(connection, store.part)
                revisions.append(str(schema.current(connection, store.part)))
    if differences:
        raise Conflict("db-drift", differences="; ".join(differences))
    say("db-sound", revision=" / ".join(revisions))


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Ny fil, till exempel kopia-2026-11-22.gpkg.")],
) -> None:
    """Skriv hela installationen till nya filer: databasen, utgåvorna och loggen."""
    with parts() as stores:
        log_of(stores).note(operator(), ADMIN, "backup", "operation")
        rows = backups.backup(stores, file)
    for part in PARTS:
        say("db-backup-file", file=backups.file_of(file, part).name)
    say("db-backed-up", file=file.name, rows=rows)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="En säkerhetskopia från lagesbild db backup.")],
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Ersätt det som finns i databasen.")
    ] = False,
) -> None:
    """Läs tillbaka en säkerhetskopia och gallra det vars tid har gått ut."""
    with parts(connect) as stores:
        done = backups.restore(stores, file, now(), replace=replace)
        retention.after_restore(stores, log_of(stores), (operator(), ADMIN), done, now())
    say("db-restored", file=file.name, rows=done.rows)
    for name in done.missing:
        say("db-restored-without", file=name)
    if done.journal_stands:
        say("db-restored-log-stands")
    for weeded in done.weeded:
        if weeded.rows or weeded.runs:
            name = text(f"data-class-{weeded.data_class}")
            say("db-restored-weeded", name=name, rows=weeded.rows, runs=weeded.runs)
    say("db-restored-look-through")


@app.command()
def grants(
    role: Annotated[str, typer.Argument(help="Rollens namn, till exempel lagesbild_open.")],
    user: Annotated[str, typer.Option(help="Användaren i LAGESBILD_DATABASE_URL.")] = "lagesbild",
) -> None:
    """Visa den SQL som ger andra än analytiker rätt att läsa, men inte händelser (PostGIS)."""
    for statement in installation.grants(role, user):
        console.print(statement, markup=False)
