"""``lagesbild users``: local accounts, for the way in when the sign-in service is away."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from geo.errors import InvalidParameter, LagesbildError
from pipelines import accounts
from pipelines.accounts import MOST_DAYS, NewUser
from pipelines.commands.audit import opened_log, operator
from pipelines.commands.door import console, now, opened, say
from pipelines.roles import ADMIN, PLANNER
from pipelines.texts import text
from store import accounts as rows
from store import sessions

app = typer.Typer(help="Lokala konton.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Kontots namn.")]
Days = Annotated[
    int | None, typer.Option(help="Kontot slutar gälla efter så många dagar; annars aldrig.")
]
FromInput = Annotated[
    bool, typer.Option("--password-stdin", help="Läs lösenordet från standard in.")
]


@app.command("add")
def add_user(
    name: Name,
    role: Annotated[str, typer.Option(help="Roll.")] = PLANNER,
    days: Days = None,
    *,
    password_stdin: FromInput = False,
) -> None:
    """Lägg till ett konto, eller ge det ett nytt lösenord, en ny roll och ett nytt slut."""
    until = _until(days)
    wanted = NewUser(name, _password(from_input=password_stdin), role, until)
    with noted("user-add", user=name, role=role, until=until), opened() as store:
        accounts.put_user(store, wanted, now())
    say("user-added", name=name, role=text(f"role-{role}"), until=_shown(until))


@app.command("list")
def list_users() -> None:
    """Lista konton, deras roll och när de slutar gälla."""
    with opened() as store, store.read() as connection:
        known = rows.users(connection)
    for each in known:
        ended = "" if each.lasts(now()) else f"  {text('expired')}"
        line = f"{each.name}  {text(f'role-{each.role}')}  {_shown(each.expires_at)}{ended}"
        console.print(line, markup=False)
    say("users-listed", n=len(known))


@app.command("remove")
def remove_user(name: Name) -> None:
    """Ta bort ett konto; den som är inloggad med det loggas ut."""
    with noted("user-remove", user=name), opened() as store:
        accounts.remove_user(store, name)
    _signed_out(name)
    say("user-removed", name=name)


@app.command("set-role")
def set_role(
    name: Name,
    role: Annotated[str, typer.Argument(help="Kontots nya roll.")],
    days: Days = None,
) -> None:
    """Ge ett konto en annan roll; den gäller genast."""
    until = _until(days)
    with noted("user-set-role", user=name, role=role, until=until), opened() as store:
        accounts.set_role(store, name, role, until, now())
    say("user-role-set", name=name, role=text(f"role-{role}"), until=_shown(until))


@app.command("set-password")
def set_password(name: Name, *, password_stdin: FromInput = False) -> None:
    """Ge ett konto ett nytt lösenord; den som är inloggad med det loggas ut."""
    password = _password(from_input=password_stdin)
    with noted("user-set-password", user=name), opened() as store:
        accounts.set_password(store, name, password)
    _signed_out(name)
    say("user-password-set", name=name)


@app.command("sign-out")
def sign_out(name: Name) -> None:
    """Logga ut ett konto överallt, även ett från inloggningstjänsten."""
    with noted("user-sign-out", user=name):
        ended = _signed_out(name)
    say("user-signed-out", name=name, n=ended)


@contextmanager
def noted(what: str, **asked: Any) -> Iterator[None]:  # noqa: ANN401 - what a change is about
    """Write a change of accounts or keys into the log, kept or refused.

    The log is opened first: without it nothing is changed.
    """
    given = {key: value for key, value in asked.items() if value}
    with opened_log() as log:
        try:
            yield
        except LagesbildError:
            log.note(operator(), ADMIN, what, "operation", asked=given, outcome="refused")
            raise
        log.note(operator(), ADMIN, what, "operation", asked=given)


def _signed_out(name: str) -> int:
    with opened_log() as log, log.journal.write() as connection:
        return sessions.close_all(connection, name)


def _password(*, from_input: bool) -> str:
    if from_input:
        return sys.stdin.readline().rstrip("\r\n")
    asked: str = typer.prompt("Lösenord", hide_input=True, confirmation_prompt="En gång till")
    return asked


def _until(days: int | None) -> datetime | None:
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise InvalidParameter("account-days", days=days, most=MOST_DAYS)
    return None if days is None else now() + timedelta(days=days)


def _shown(until: datetime | None) -> str:
    return text("until-removed") if until is None else f"{until:%Y-%m-%d}"
