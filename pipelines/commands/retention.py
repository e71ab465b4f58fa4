"""``lagesbild retention``: how long data is kept, and the weeding (gallring) itself."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines import retention
from pipelines.commands.audit import operator
from pipelines.commands.db import log_of, parts
from pipelines.commands.door import now, opened, say
from pipelines.roles import ADMIN
from pipelines.texts import text
from store import retention as stored
from store.retention import CLASSES, Rule, Weeded

app = typer.Typer(
    help="Gallring: hur länge uppgifter sparas, och borttagningen.", no_args_is_help=True
)

DataClass = Annotated[str, typer.Argument(help=f"Slag av uppgifter: {', '.join(CLASSES)}.")]


@app.command("set")
def set_(
    data_class: DataClass,
    months: Annotated[int, typer.Option(help="Hela månader som uppgifterna sparas.")],
    legal_basis: Annotated[str, typer.Option(help="Beslut eller lag som regeln vilar på.")],
) -> None:
    """Bestäm hur länge ett slags uppgifter sparas."""
    rule = Rule(data_class, months, legal_basis.strip(), now())
    with parts() as stores:
        retention.require_class(data_class)
        asked = {"class": data_class, "months": months, "legal_basis": legal_basis}
        retention.put_rule(stores[0], rule)
        log_of(stores).note(operator(), ADMIN, "retention-rule", "operation", asked=asked)
    say("retention-set", name=_named(data_class), months=months)


@app.command()
def unset(data_class: DataClass) -> None:
    """Ta bort regeln för ett slags uppgifter, så att de sparas tills vidare."""
    with parts() as stores:
        retention.drop_rule(stores[0], data_class)
        asked = {"class": data_class, "months": None}
        log_of(stores).note(operator(), ADMIN, "retention-rule", "operation", asked=asked)
    say("retention-unset", name=_named(data_class))


@app.command()
def show() -> None:
    """Visa reglerna, och vad som saknar regel."""
    with opened() as store, store.read() as connection:
        rules = {rule.data_class: rule for rule in stored.rules(connection)}
        zone = stored.timezone(connection)
    for name in CLASSES:
        if name not in rules:
            say("retention-kept", name=_named(name))
            continue
        rule = rules[name]
        say(
            "retention-rule",
            name=_named(name),
            months=rule.months,
            before=_day(stored.limit(rule.months, now(), zone)),
            legal_basis=rule.legal_basis,
        )
    say("retention-backups")


@app.command()
def run(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Visa vad som skulle tas bort; ta inte bort något.")
    ] = False,
) -> None:
    """Gallra: ta bort det som har sparats så länge som reglerna säger."""
    with parts() as stores:
        if dry_run:
            _show(retention.trial(stores, now()))
            say("retention-dry-run")
            return
        removed = retention.run(stores, log_of(stores), (operator(), ADMIN), now())
        undisturbed = retention.compact(stores)
    _show(removed)
    if any(each.runs for each in removed):
        say("retention-analyse-again")
    if not undisturbed:
        say("retention-file-in-use")


def _show(found: list[Weeded]) -> None:
    if not found:
        say("retention-no-rules")
    for each in found:
        name, before = _named(each.data_class), _day(each.limit)
        say("retention-rows", name=name, rows=each.rows, before=before)
        if each.runs:
            say("retention-runs", runs=each.runs)


def _named(data_class: str) -> str:
    return text(f"data-class-{data_class}")


def _day(before: stored.Limit) -> str:
    return f"{before.month // 100}-{before.month % 100:02}-01"
