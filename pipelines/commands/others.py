"""``lagesbild analyse``, ``export``, ``users``, ``keys`` and ``demo``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines import accounts, demo, export_html
from pipelines.analyse import Parameters, analyse
from pipelines.commands import reports
from pipelines.commands.door import now, opened, print_json, say, steps_shown
from pipelines.derive import PRECISE_M
from pipelines.questions import Question

OPERATOR = "analyst"  # whoever runs commands beside the database reads as an analyst

export_app = typer.Typer(help="Skriv kartan till en fil.", no_args_is_help=True)
users_app = typer.Typer(help="Lokala konton.", no_args_is_help=True)
keys_app = typer.Typer(help="Nycklar för skript.", no_args_is_help=True)
demo_app = typer.Typer(help="Demonstration med påhittade data.", no_args_is_help=True)


def analyse_command(
    first: Annotated[str, typer.Option("--from", help="Första månaden, ÅÅÅÅ-MM.")] = "",
    last: Annotated[str, typer.Option("--to", help="Sista månaden, ÅÅÅÅ-MM.")] = "",
    tolerance_m: Annotated[
        float, typer.Option(help="Största osäkerhet i meter för rutor och kluster.")
    ] = PRECISE_M,
    eps_m: Annotated[float, typer.Option(help="Klustrens avstånd i meter.")] = 50.0,
    min_samples: Annotated[int, typer.Option(help="Minsta antal händelser i ett kluster.")] = 5,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Skriv svaret som JSON.")] = False,
) -> None:
    """Räkna, klustra och byt karta i ett steg."""
    months = (first, last or first) if first or last else None
    parameters = Parameters(months, tolerance_m, eps_m, min_samples)
    with opened() as store, steps_shown(quiet=as_json) as progress:
        outcome = analyse(store, parameters, now(), progress)
    run = outcome.run
    values = {
        "run": run.id,
        "changed": outcome.changed,
        "first": outcome.first_day.isoformat(),
        "last": outcome.last_day.isoformat(),
        "incidents": run.n_incidents,
        "unplaced": run.n_unplaced,
        "imprecise": run.n_imprecise,
        "excluded": run.n_excluded,
        "cells": outcome.cells,
        "clusters": outcome.clusters,
    }
    if as_json:
        print_json(values)
    else:
        say("analysed" if outcome.changed else "analysed-same", **values)
        if outcome.calendar is not None:
            say("analysed-calendar", first=outcome.calendar[0], last=outcome.calendar[1])


@export_app.command("html")
def export_map(
    file: Annotated[Path, typer.Argument(help="Ny HTML-fil.")],
    window: Annotated[str, typer.Option(help="Tidsfönster, till exempel helgnatt.")] = "all",
    category: Annotated[list[str] | None, typer.Option(help="Kategori; kan upprepas.")] = None,
    resolution: Annotated[int, typer.Option(help="Rutornas storlek, 8 till 11.")] = 9,
) -> None:
    """Skriv kartan som en fristående HTML-fil utan händelsers koordinater."""
    question = Question(categories=tuple(category or ()), window=window, resolution=resolution)
    with opened() as store:
        shown = export_html.export(store, question, OPERATOR, file)
    say("exported", file=file.name, cells=shown)


@users_app.command("add")
def add_user(
    name: Annotated[str, typer.Argument(help="Kontots namn.")],
    role: Annotated[str, typer.Option(help="Roll.")] = "analyst",
    *,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Läs lösenordet från standard in.")
    ] = False,
) -> None:
    """Lägg till ett konto, eller ge det ett nytt lösenord."""
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = typer.prompt("Lösenord", hide_input=True, confirmation_prompt="En gång till")
    with opened() as store:
        accounts.put_user(store, name, password, role, now())
    say("user-added", name=name, role=role)


@keys_app.command("add")
def add_key(
    name: Annotated[str, typer.Argument(help="Vad nyckeln är till för.")],
    role: Annotated[str, typer.Option(help="Roll.")] = "analyst",
    days: Annotated[int, typer.Option(help="Giltig så många dagar.")] = 90,
) -> None:
    """Gör en nyckel för skript; den visas en gång."""
    with opened() as store:
        key = accounts.new_key(store, name, role, days, now())
    say("key-added", name=name, days=days, key=key)


@demo_app.command()
def prepare(
    folder: Annotated[Path, typer.Option("--dir", help="Mapp för filer och databas.")] = Path(
        "var/demo"
    ),
) -> None:
    """Gör demonstrationen, eller visa att den är gjord."""
    with steps_shown(quiet=False) as progress:
        made = demo.prepare(folder, now(), progress)
    for report in made.reports:
        reports.show(report, dry_run=False)
    run = made.outcome.run
    say("demo-ready", incidents=run.n_incidents, clusters=made.outcome.clusters)
    say("demo-sign-in", user=made.user, password=made.password)
