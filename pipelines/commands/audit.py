"""``lagesbild audit``: is the log of looks whole, what does it say, and a copy of it."""

from __future__ import annotations

import getpass
import os
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geo.errors import Conflict, InvalidParameter
from pipelines import looks, settings
from pipelines.commands.door import console, now, say
from pipelines.looks import Log
from pipelines.roles import ADMIN
from store import schema
from store.journal import Line, Wanted, canonical
from store.parts import JOURNAL

if TYPE_CHECKING:
    from collections.abc import Iterator

app = typer.Typer(help="Loggen över vem som har sett vad.", no_args_is_help=True)

Who = Annotated[str | None, typer.Option("--who", help="Bara det här kontot.")]
What = Annotated[str | None, typer.Option("--what", help="Bara det här, till exempel incidents.")]
Since = Annotated[str | None, typer.Option("--since", help="Från och med dagen ÅÅÅÅ-MM-DD (UTC).")]


@contextmanager
def opened_log() -> Iterator[Log]:
    """Open the configured installation's log."""
    chosen = settings.load()
    journal = schema.open_store(chosen.database_url, JOURNAL)
    try:
        yield Log(journal, looks.anchor_file(chosen.database_url, chosen.audit_anchor), now)
    finally:
        journal.close()


def operator() -> str:
    """Name whoever runs commands beside the database: no account of ours, but the machine's."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        user = str(os.getuid())
    return f"kommandorad:{user}"


@app.command("verify")
def verify_command() -> None:
    """Kontrollera att ingen rad i loggen är ändrad, borttagen eller tillagd i efterhand."""
    with opened_log() as log:
        found = looks.verify(log)
        anchored = log.anchor is not None
    if found.broken is not None:
        raise Conflict(found.broken.fault.value, seq=found.broken.seq, entries=found.end.seq)
    say("log-whole", entries=found.end.seq, weeded=found.weeded, head=found.end.head.hex())
    if not anchored:
        say("log-without-anchor")
    if found.clock_back_at is not None:
        say("log-clock-back", seq=found.clock_back_at)
    for seq in found.anchor_begun_at:
        say("log-anchor-new", seq=seq)


@app.command()
def show(
    who: Who = None,
    what: What = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="Högst så många rader.")] = 50,
) -> None:
    """Visa loggens senaste rader, den nyaste först."""
    wanted = Wanted(who, what, _day(since))
    with opened_log() as log:
        lines = looks.page(log, wanted, most=limit)
        asked = {"who": who, "what": what, "since": since}
        log.note(operator(), ADMIN, "log", "audit", asked=asked, rows=len(lines))
    for line in lines:
        console.print(_shown(line), markup=False)
    say("log-shown", rows=len(lines))


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Ny fil som slutar på .csv eller .jsonl.")],
    who: Who = None,
    what: What = None,
    since: Since = None,
) -> None:
    """Skriv loggen till en fil, den äldsta raden först."""
    with opened_log() as log:
        rows = looks.export(log, file, Wanted(who, what, _day(since)), operator(), ADMIN)
    say("log-exported", file=file.name, rows=rows)


def _day(value: str | None) -> datetime | None:
    """Read the day from which on."""
    if value is None:
        return None
    try:
        return datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as fault:
        raise InvalidParameter("log-since", value=value) from fault


def _shown(line: Line) -> str:
    """Write an entry in one line."""
    start, entry = f"{line.seq:>8}  {line.at:%Y-%m-%d %H:%M:%S}Z  ", line.entry
    if entry is None:
        return start + "–"
    rows = "–" if entry.rows is None else str(entry.rows)
    asked = canonical(entry.asked) if entry.asked else ""
    person = f"{entry.who} ({entry.role})" if entry.role else entry.who
    return start + f"{person}  {entry.what}  {entry.purpose}  {entry.outcome}  {rows}  {asked}"
