"""``lagesbild backtest``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from geo.ratios import Percentages
from pipelines import proving
from pipelines.commands.door import console, opened, print_json, say, steps_shown
from pipelines.texts import text
from pipelines.wording import decimal, finding

SHOWN_SHARES = (0.01, 0.02, 0.05)


def backtest_command(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Skriv svaret som JSON.")] = False,
) -> None:
    """Pröva kartorna mot facit: hur mycket av det som hände sedan hade de hittat."""
    with opened() as store, steps_shown(quiet=as_json) as progress:
        progress("backtest")
        proof = proving.prove(store)
    if as_json:
        print_json(asdict(proof))
        return
    about = {"run": proof.run, "origins": proof.origins, "tested": proof.tested}
    if proof.tested < Percentages().minimum:
        say("backtest-too-few", **about)
        return
    say("backtest-basis", **about, outside=proof.outside)
    names = ("map", "area", "hits", "finding")
    table = Table(*(text(f"backtest-{name}") for name in names), box=None, padding=(0, 2, 0, 0))
    for score in proof.scores:
        if score.area_share not in SHOWN_SHARES:
            continue
        low, high = percent(score.hit_rate_low), percent(score.hit_rate_high)
        table.add_row(
            text(f"product-{score.product}"),
            f"{decimal(100 * score.area_share)} %",
            f"{percent(score.hit_rate)} % ({low}–{high})",
            finding(score.finding),
        )
    console.print(table)


def percent(share: float) -> str:
    """Write a share as a whole number of per cent."""
    return f"{100 * share:.0f}"
