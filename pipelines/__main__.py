"""The command line door: ``lagesbild``."""

from __future__ import annotations

import errno
import sys
from pathlib import Path

import typer

from geo.errors import LagesbildError
from pipelines.commands import (
    audit,
    backtest,
    basemap,
    db,
    documents,
    group,
    ingest,
    keys,
    methods,
    observations,
    others,
    places,
    release,
    retention,
    tables,
    users,
)
from pipelines.commands.door import errors
from pipelines.texts import sentence, text

REFUSED = 2  # the exit code when something cannot be done as asked
SYSTEM_FAULTS = {
    errno.EACCES: "system-no-permission",
    errno.EPERM: "system-no-permission",
    errno.EROFS: "system-no-permission",
    errno.ENOSPC: "system-disk-full",
    errno.ENAMETOOLONG: "system-name-too-long",
}

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
app.command("backtest")(backtest.backtest_command)
app.command("methods")(methods.methods_command)
app.add_typer(others.export_app, name="export")
app.add_typer(users.app, name="users")
app.add_typer(keys.app, name="keys")
app.add_typer(audit.app, name="audit")
app.add_typer(documents.app, name="documents")
app.add_typer(retention.app, name="retention")
app.add_typer(tables.app, name="tables")
app.add_typer(group.app, name="group")
app.add_typer(release.app, name="release")
app.add_typer(basemap.app, name="basemap")
app.add_typer(others.demo_app, name="demo")


def main() -> None:
    """Run a command; what cannot be done is said in one sentence, with exit code 2."""
    try:
        app()
    except LagesbildError as fault:
        errors.print(sentence(fault), markup=False)
        sys.exit(REFUSED)
    except OSError as fault:
        errors.print(_system_fault(fault), markup=False)
        sys.exit(REFUSED)


def _system_fault(fault: OSError) -> str:
    """Say what the operating system refused."""
    name = Path(str(fault.filename)).name if fault.filename else "–"
    code = SYSTEM_FAULTS.get(fault.errno or 0, "system-fault")
    return text(code, file=name, why=fault.strerror or type(fault).__name__)


if __name__ == "__main__":
    main()
