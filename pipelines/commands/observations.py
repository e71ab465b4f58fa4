"""``lagesbild observations``: they wait until somebody has looked them through."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.commands.audit import opened_log, operator
from pipelines.commands.door import console, opened, say
from pipelines.roles import ADMIN
from store import observations

app = typer.Typer(help="Observationer: granska och släpp.", no_args_is_help=True)


@app.command("unreviewed")
def unreviewed() -> None:
    """Lista observationer som ingen har granskat."""
    with opened_log() as log, opened() as store, store.read() as connection:
        waiting = observations.unreviewed(connection)
        log.note(operator(), ADMIN, "review-page", "review", rows=len(waiting))
    for each in waiting:
        console.print(
            f"{each.id:>7}  {each.observed_at:%Y-%m-%d}  {each.type:<20}  {each.note}", markup=False
        )
    say("observations-unreviewed", n=len(waiting))


@app.command()
def review(
    numbers: Annotated[list[int], typer.Argument(help="Observationernas nummer.")],
) -> None:
    """Släpp granskade observationer, så att handläggare ser dem på kartan."""
    with opened_log() as log, opened() as store:
        asked = {"observations": numbers}
        log.note(operator(), ADMIN, "review", "review", asked=asked, rows=len(numbers))
        with store.write() as connection:
            released = observations.review(connection, numbers)
    say("observations-reviewed", n=released)
