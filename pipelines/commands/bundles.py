"""``lagesbild release export|import|key``: releases from one house to another."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geo.errors import InvalidParameter, LagesbildError
from pipelines import bundles, settings, signing
from pipelines.commands.audit import opened_log, operator
from pipelines.commands.door import now, opened, say
from pipelines.roles import ADMIN
from store import places, schema
from store.parts import RELEASE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from geo.profile import Profile
    from pipelines.looks import Log
    from store.db import Store


def export_release(
    number: Annotated[int, typer.Argument(help="Utgåvans nummer.")],
    file: Annotated[
        Path | None, typer.Argument(help="Ny fil; annars utgava-NUMMER.lbz i den här mappen.")
    ] = None,
) -> None:
    """Skriv utgåvan i kraft till en undertecknad fil för kommunen."""
    with _log(bundles.EXPORT, number=number) as log, _releases() as (store, profile):
        chosen = settings.load().signing_key
        if chosen is None:
            raise InvalidParameter("setting-missing", name=settings.variable("signing_key"))
        key = signing.private_key(chosen)
        made = bundles.prepare(store, number, key, profile, now())
        target = file or Path(made.name)
        bundles.write(made, target, log, operator())
    say(
        "bundle-exported",
        number=number,
        file=target.name,
        parts=made.parts,
        atoms=made.atoms,
        kb=len(made.data) // 1024 + 1,
    )
    say("bundle-exported-by", fingerprint=made.fingerprint)


def import_release(
    file: Annotated[Path, typer.Argument(help="Fil från polisen, utgava-NUMMER.lbz.")],
) -> None:
    """Kontrollera en undertecknad utgåva och ta emot den; den sätts inte i kraft."""
    with _log(bundles.IMPORT) as log, _releases() as (store, profile):
        known = signing.trusted(settings.load().trusted_keys or "")
        if not known:
            raise InvalidParameter("setting-missing", name=settings.variable("trusted_keys"))
        found = bundles.receive(store, file, known, profile, now())
        asked = {"number": found.number, "signed_by": found.signed_by, "new": found.new}
        log.note(operator(), ADMIN, bundles.IMPORT, "operation", asked=asked, rows=found.atoms)
    values = {"number": found.number, "theirs": found.theirs, "house": found.house}
    if not found.new:
        say("bundle-known", **values)
        return
    say("bundle-received", signed_by=found.signed_by, parts=found.parts, **values)
    if found.synthetic:
        say("bundle-synthetic")
    if found.gap:
        say("bundle-gap")
    say("bundle-activate", number=found.number)


def make_key(
    file: Annotated[Path, typer.Argument(help="Ny fil för den privata nyckeln.")],
) -> None:
    """Gör en nyckel att underteckna utgåvor med, och visa dess öppna halva."""
    with _log(bundles.KEY) as log:
        public = signing.new_key(file)
        asked = {"key": public.fingerprint}
        log.note(operator(), ADMIN, bundles.KEY, "operation", asked=asked)
    say("signing-key-made", file=file.name)
    say("signing-key-public", line=public.line)
    say("signing-key-fingerprint", fingerprint=public.fingerprint)


@contextmanager
def _log(what: str, **asked: object) -> Iterator[Log]:
    """Open the log before anything is done; what is refused is written there with its reason."""
    with opened_log() as log:
        try:
            yield log
        except LagesbildError as fault:
            told = {**asked, "why": fault.code}
            log.note(operator(), ADMIN, what, "operation", asked=told, outcome="refused")
            raise


@contextmanager
def _releases() -> Iterator[tuple[Store, Profile]]:
    """Open the part that holds releases, and read the municipality's profile."""
    with opened() as main, main.read() as connection:
        profile = places.profile(connection)
    store = schema.open_store(settings.load().database_url, RELEASE)
    try:
        yield store, profile
    finally:
        store.close()
