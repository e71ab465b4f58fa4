"""``lagesbild documents``: the register entry and the assessment, from the system's facts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines import privacy_documents, settings
from pipelines.commands.door import opened, say
from pipelines.privacy_documents import Facts
from store import retention
from store.files import whole_file

app = typer.Typer(
    help="Registerförteckning och konsekvensbedömning, ifyllda med systemets uppgifter.",
    no_args_is_help=True,
)

Out = Annotated[Path | None, typer.Option("--out", help="Ny fil; annars skrivs texten ut.")]
Standard = Annotated[
    bool, typer.Option("--standard", help="Som en ny installation, utan egna regler.")
]


@app.command()
def register(out: Out = None, *, standard: Standard = False) -> None:
    """Skriv registerförteckningen (artikel 30, och brottsdatalagens motsvarighet)."""
    _give(privacy_documents.register(_facts(standard=standard)), out)


@app.command()
def dpia(out: Out = None, *, standard: Standard = False) -> None:
    """Skriv mallen för konsekvensbedömning (artikel 35)."""
    _give(privacy_documents.assessment(_facts(standard=standard)), out)


def _facts(*, standard: bool) -> Facts:
    if standard:
        return Facts()
    chosen = settings.load()
    with opened() as store, store.read() as connection:
        rules = tuple(retention.rules(connection))
    return Facts(
        rules,
        chosen.public_view,
        chosen.oidc,
        chosen.session_hours,
        chosen.session_idle_minutes,
    )


def _give(document: str, out: Path | None) -> None:
    if out is None:
        sys.stdout.write(document)
        return
    with whole_file(out) as draft:
        draft.write_text(document, "utf-8")
    say("document-written", file=out.name)
