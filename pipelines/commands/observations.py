"""``lagesbild observations``: notes wait until somebody has read them."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.commands.door import console, opened, say
from store import observations

app = typer.Typer(help="Observationer: läs och släpp anteckningar.", no_args_is_help=True)


@app.command("unreviewed")
def unreviewed() -> None:
    """Lista observationer vars anteckning ingen har granskat."""
    with opened() as store, store.read() as connection:
        waiting = observations.unreviewed(connection)
    for each in waiting:
        console.print(f"{each.id:>7}  {each.observed_at:%Y-%m-%d}  {each.note}", markup=False)
    say("observations-unreviewed", n=len(waiting))


@app.command()
def review(
    numbers: Annotated[list[int], typer.Argument(help="Observationernas nummer.")],
) -> None:
    """Släpp granskade anteckningar, så att de visas på kartan."""
    with opened() as store, store.write() as connection:
        released = observations.review(connection, numbers)
    say("observations-reviewed", n=released)
