"""``lagesbild keys``: keys for scripts."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines import accounts
from pipelines.commands.door import console, now, opened, say
from pipelines.commands.users import noted
from pipelines.roles import PLANNER
from pipelines.texts import text
from store import accounts as rows

app = typer.Typer(help="Nycklar för skript.", no_args_is_help=True)


@app.command("add")
def add_key(
    name: Annotated[str, typer.Argument(help="Vad nyckeln är till för.")],
    role: Annotated[str, typer.Option(help="Roll.")] = PLANNER,
    days: Annotated[int, typer.Option(help="Giltig så många dagar.")] = 90,
    only: Annotated[
        list[str] | None, typer.Option(help="Öppnar bara den här samlingen; kan upprepas.")
    ] = None,
) -> None:
    """Gör en nyckel för skript; den visas en gång."""
    scope = tuple(only or ())
    with noted("key-add", key=name, role=role, days=days, only=scope), opened() as store:
        key = accounts.new_key(store, name, role, days, now(), scope)
    say("key-added", name=name, days=days, mark=accounts.key_mark(key), key=key)


@app.command("list")
def list_keys() -> None:
    """Lista nycklar: kännetecken, namn, roll, samlingar och slut; aldrig själva nyckeln."""
    with opened() as store, store.read() as connection:
        known = rows.keys(connection)
    for each in known:
        scope = ", ".join(each.collections) or text("key-all-collections")
        ended = "" if each.expires_at > now() else f"  {text('expired')}"
        role = text(f"role-{each.role}")
        line = f"{each.mark}  {each.name}  {role}  {scope}  {each.expires_at:%Y-%m-%d}{ended}"
        console.print(line, markup=False)
    say("keys-listed", n=len(known))


@app.command("revoke")
def revoke_key(name: Annotated[str, typer.Argument(help="Nyckelns namn.")]) -> None:
    """Ta bort en nyckel; den öppnar ingenting mer."""
    with noted("key-revoke", key=name), opened() as store:
        accounts.revoke_key(store, name)
    say("key-revoked", name=name)
