"""``lagesbild analyse``, ``export`` and ``demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines import demo, map_sheets
from pipelines.analyse import Parameters, analyse
from pipelines.commands import reports
from pipelines.commands.audit import opened_log, operator
from pipelines.commands.door import now, opened, print_json, say, steps_shown
from pipelines.derive import PRECISE_M
from pipelines.questions import Question
from pipelines.roles import ADMIN
from pipelines.texts import text

OPERATOR = "analyst"  # whoever runs commands beside the database reads as an analyst

export_app = typer.Typer(help="Skriv kartan till en fil.", no_args_is_help=True)
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
    asked = {"window": window, "category": category, "resolution": resolution}
    with opened_log() as log, opened() as store:
        log.note(operator(), ADMIN, "export-html", "analysis", asked=asked)
        shown = map_sheets.export(store, question, OPERATOR, file)
    say("exported", file=file.name, cells=shown)


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
    for role, name in demo.USERS.items():
        say("demo-sign-in", role=text(f"role-{role}"), user=name, password=made.password)
