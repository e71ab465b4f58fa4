"""The command line door: ``lagesbild``."""

from __future__ import annotations

import sys

import typer

from geo.errors import LagesbildError
from pipelines.commands import db, ingest, observations, others, places
from pipelines.commands.door import errors
from pipelines.texts import sentence

REFUSED = 2  # the exit code when something cannot be done as asked

app = typer.Typer(
    name="lagesbild",
    help="Lägesbild: från polisexport och trygghetsvandring till karta.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(db.app, name="db")
app.add_typer(places.app, name="places")
app.add_typer(ingest.app, name="ingest")
app.add_typer(ingest.imports_app, name="imports")
app.add_typer(ingest.quarantine_app, name="quarantine")
app.add_typer(observations.app, name="observations")
app.command("analyse")(others.analyse_command)
app.add_typer(others.export_app, name="export")
app.add_typer(others.users_app, name="users")
app.add_typer(others.keys_app, name="keys")
app.add_typer(others.demo_app, name="demo")


def main() -> None:
    """Run a command; what cannot be done is said in one sentence, with exit code 2."""
    try:
        app()
    except LagesbildError as fault:
        errors.print(sentence(fault), markup=False)
        sys.exit(REFUSED)


if __name__ == "__main__":
    main()
