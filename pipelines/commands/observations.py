"""``lagesbild observations``: they wait until somebody has looked them through."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.commands.door import console, opened, say
from store import observations

app = typer.Typer(help="Observationer: granska och släpp.", no_args_is_help=True)


@app.command("unreviewed")
def unreviewed() -> None:
    """Lista observationer som ingen har granskat."""
    with opened() as store, store.read() as connection:
        waiting = observations.unreviewed(connection)
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
    with opened() as store, store.write() as connection:
        released = observations.review(connection, numbers)
    say("observations-reviewed", n=released)
