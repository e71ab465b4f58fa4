"""``lagesbild group``: the shared situation picture, closed until somebody decides otherwise."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from pipelines import group
from pipelines.commands.audit import opened_log, operator
from pipelines.commands.door import now, opened, say
from pipelines.group import Opening
from pipelines.roles import ADMIN
from store import group as stored
from store import places

app = typer.Typer(
    help="Lägesbildsgrupp: öppna, visa och stäng den gemensamma bilden.", no_args_is_help=True
)


@app.command("open")
def open_(
    decision: Annotated[str, typer.Option(help="Beslutets nummer.")],
    legal_basis: Annotated[str, typer.Option(help="Rättslig grund, som den ska visas.")],
    controller: Annotated[str, typer.Option(help="Personuppgiftsansvarig.")],
    until: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="Sista dagen; högst 183 dagar fram.")
    ],
) -> None:
    """Öppna bilden med stöd av ett beslut."""
    wanted = Opening(decision, legal_basis, controller, until.date())
    with opened() as store:
        with store.read() as connection:
            timezone = places.profile(connection).timezone
        made = group.open_(store, wanted, timezone, now())
    asked = {"decision": made.number, "until": wanted.last_day}
    with opened_log() as log:
        log.note(operator(), ADMIN, "group-open", "operation", asked=asked)
    say("group-opened", number=made.number, until=wanted.last_day.isoformat())


@app.command()
def close() -> None:
    """Stäng bilden genast."""
    with opened() as store:
        was_open = group.close(store, now())
    with opened_log() as log:
        log.note(operator(), ADMIN, "group-close", "operation")
    say("group-closed-now" if was_open else "group-not-open")


@app.command()
def show() -> None:
    """Visa besluten, det senaste först."""
    with opened() as store, store.read() as connection:
        decisions = stored.history(connection)
        timezone = places.profile(connection).timezone
        there = group.decision(connection, now())
    for each in decisions:
        say(
            "group-decision",
            number=each.number,
            legal_basis=each.legal_basis,
            controller=each.controller,
            first=group.first_day(each, timezone).isoformat(),
            last=group.last_day(each, timezone).isoformat(),
        )
    say("group-is-open" if there else "group-not-open")
