"""``lagesbild release``: what planners may read is built, audited, put in force and listed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from geo.errors import LagesbildError
from pipelines import releases, settings, signing
from pipelines.commands import bundles
from pipelines.commands.audit import operator
from pipelines.commands.db import log_of, parts
from pipelines.commands.door import now, say, steps_shown
from pipelines.release_parts import ORDER, Choice
from pipelines.roles import ADMIN
from pipelines.texts import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelines.release_audit import Audited
    from pipelines.release_report import Share
    from pipelines.releases import Built
    from store.db import Store
    from store.releases import Header

app = typer.Typer(help="Utgåvor: det som handläggare och allmänhet får läsa.", no_args_is_help=True)
app.command("export")(bundles.export_release)
app.command("import")(bundles.import_release)
app.command("key")(bundles.make_key)

Number = Annotated[int, typer.Argument(help="Utgåvans nummer.")]


@app.command()
def build(
    k: Annotated[int, typer.Option("--k", help="Minsta antal händelser i varje tal.")] = 5,
    k_person: Annotated[
        int, typer.Option(help="Minsta antal för våld och krogvåld, till exempel 10.")
    ] = 5,
    order: Annotated[
        str, typer.Option(help="I vilken ordning uppdelningen görs, med komma emellan.")
    ] = ",".join(ORDER),
    embargo_days: Annotated[
        int, typer.Option(help="Dagar som går innan en avslutad period visas.")
    ] = 30,
    house: Annotated[str, typer.Option(help="Vem som ger ut; annars kommunens namn.")] = "",
    *,
    revise: Annotated[
        bool, typer.Option("--revise", help="Räkna om det som redan getts ut.")
    ] = False,
) -> None:
    """Bygg en utgåva av avslutade perioder; den sätts inte i kraft."""
    levels = tuple(name.strip() for name in order.split(",") if name.strip())
    with (
        _noted("release-build", revise=revise) as (main, release),
        steps_shown(quiet=False) as progress,
    ):
        choice = Choice(k, k_person, order=levels, embargo_days=embargo_days, house=house)
        built = releases.build(main, release, choice, now(), revise=revise, progress=progress)
    _show_built(built)


@app.command()
def audit(
    number: Annotated[
        int | None, typer.Argument(help="Utgåvans nummer; annars den senaste.")
    ] = None,
) -> None:
    """Pröva om något litet tal går att räkna fram ur en utgåva."""
    with _noted("release-audit", number=number) as (main, release):
        found = releases.audit(main, release, number, now())
    _show_audit(found)
    if found.leaks:
        raise typer.Exit(1)


@app.command()
def activate(number: Number) -> None:
    """Pröva en utgåva och sätt den i kraft."""
    with _noted("release-activate", number=number) as (main, release):
        known = signing.trusted(settings.load().trusted_keys or "")
        header = releases.activate(main, release, number, now(), known)
    say("release-activated", number=header.number, digest=header.digest[:16])


@app.command("list")
def list_() -> None:
    """Visa alla utgåvor, den senaste först."""
    with parts() as stores:
        every = releases.listing(stores[1])
    if not every:
        say("release-none")
    for header in every:
        say(
            "release-line",
            number=header.number,
            house=header.house,
            created=f"{header.created_at:%Y-%m-%d %H:%M}",
            state=text(f"release-state-{_state(header)}"),
            audit=text(f"release-audit-{_audited(header)}"),
            digest=header.digest[:16],
        )


@contextmanager
def _noted(what: str, **asked: object) -> Iterator[tuple[Store, Store]]:
    """Open the main part and the releases; the log tells of what was done, and of a refusal."""
    with parts() as stores:
        log = log_of(stores)
        try:
            yield stores[0], stores[1]
        except LagesbildError as fault:
            told = {**asked, "why": fault.code}
            log.note(operator(), ADMIN, what, "operation", asked=told, outcome="refused")
            raise
        log.note(operator(), ADMIN, what, "operation", asked=asked)


def _state(header: Header) -> str:
    if header.active:
        return "active"
    return "never" if header.activated_at is None else "past"


def _audited(header: Header) -> str:
    if header.audit is None or header.audit.get("digest") != header.digest:
        return "none"
    return "clean" if header.audit.get("leaks") == 0 else "leaks"


def _show_built(built: Built) -> None:
    say("release-built", number=built.header.number, digest=built.header.digest[:16])
    for period, product in built.fresh:
        say("release-fresh", period=period, product=text(f"release-product-{product}"))
    for period, product in built.copied:
        say("release-copied", period=period, product=text(f"release-product-{product}"))
    for period, changed in built.revised.items():
        say("release-revised", period=period, atoms=changed)
    for left in built.left:
        product, why = text(f"release-product-{left.product}"), text(f"release-left-{left.why}")
        say("release-left", period=left.period, product=product, why=why)
    say("release-address-rule" if built.address_rule else "release-address-rule-off")
    for share in built.shares:
        _show_share(share)
    say("release-next", number=built.header.number)


def _show_share(share: Share) -> None:
    values = {"period": share.period, "product": text(f"release-share-{share.product}")}
    percent = "–" if share.percent is None else f"{share.percent} %"
    if share.asked is None:
        say("release-share", percent=percent, **values)
    else:
        asked = {"asked": share.asked, "answered": share.answered}
        say("release-share-asked", percent=percent, **asked, **values)


def _show_audit(found: Audited) -> None:
    say("release-audited", digest=found.digest[:16], pairs=found.pairs, intervals=found.intervals)
    if found.copied:
        say("release-audited-copied", periods=", ".join(found.copied))
    if found.leaks:
        kinds = ", ".join(f"{kind} {many}" for kind, many in found.kinds.items())
        say("release-audited-leaks", leaks=found.leaks, kinds=kinds)
    else:
        say("release-audited-clean")
