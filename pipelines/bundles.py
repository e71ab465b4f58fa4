"""Two houses, one picture: a release leaves the police's house and comes to the municipality's.

What crosses is a file with the rows of one release and the police's signature, and nothing else.
The receiving house has no events to audit against: the police's audit stands in the manifest,
under the signature, and everything that can be checked without events is checked here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from geo.errors import Conflict, LagesbildError
from pipelines import bundle_checks, bundle_format, signing
from pipelines.bundle_format import Letter, Strange
from pipelines.roles import ADMIN
from store import releases
from store.files import whole_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    import sqlalchemy as sa
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from geo.profile import Profile
    from pipelines.bundle_format import Bundle
    from pipelines.looks import Log
    from pipelines.signing import PublicKey
    from store.db import Store
    from store.releases import Header, Part

EXPORT, IMPORT, KEY = "release-export", "release-import", "release-key"  # as the log calls them
CLOCKS_DIFFER = timedelta(hours=1)  # by how much two houses' clocks may


@dataclass(frozen=True, slots=True)
class Prepared:
    """A signed bundle that has not left yet."""

    header: Header
    data: bytes
    parts: int
    atoms: int
    fingerprint: str  # of the key that signed it

    @property
    def name(self) -> str:
        """Name the file that it is usually kept in."""
        return f"utgava-{self.header.number}.lbz"


@dataclass(frozen=True, slots=True)
class Received:
    """A bundle that was read."""

    number: int  # here
    theirs: int  # in the house that made it
    house: str
    signed_by: str
    parts: int
    atoms: int
    synthetic: bool
    new: bool  # False: it was here already
    gap: bool  # it continues a release that never came here


def prepare(
    store: Store, number: int, key: Ed25519PrivateKey, profile: Profile, now: datetime
) -> Prepared:
    """Make a signed bundle of the release in force.

    Parameters
    ----------
    store
        The part of the installation that holds releases.
    number
        Of the release, so that nobody hands out another one than is meant.

    Raises
    ------
    NotFound
        There is no such release.
    Conflict
        It came from another house, was not audited clean, is not in force, or is not as it was
        made.
    LagesbildError
        The other house could not receive it, for the reasons `receive` has.
    """
    with store.read() as connection:
        header = releases.find(connection, number)
        parts = releases.parts(connection, number)
    _require_exportable(header, parts)
    public = signing.public_half(key)
    atoms = sum(len(part.atoms) for part in parts)
    data = bundle_format.written(header, parts, key)
    made = Prepared(header, data, len(parts), atoms, public.fingerprint)
    # Read as the other house will: what cannot be received there does not leave this one.
    _require_sound(bundle_format.read(data, made.name, {header.house: public}), profile, now)
    return made


def write(prepared: Prepared, file: Path, log: Log, who: str) -> None:
    """Write a bundle into a new file that only its owner may read, once the log says so.

    Raises
    ------
    Conflict
        There is a file of that name.
    InvalidParameter
        The file cannot be written.
    StoreUnavailable
        The log cannot be written.
    """
    header = prepared.header
    with whole_file(file) as draft:
        draft.touch(mode=signing.OWNER_ONLY)
        draft.write_bytes(prepared.data)
        asked = {"number": header.number, "digest": header.digest, "key": prepared.fingerprint}
        log.note(who, ADMIN, EXPORT, "operation", asked=asked, rows=prepared.atoms)


def _require_exportable(header: Header, parts: Sequence[Part]) -> None:
    """Refuse to let out what is not this house's own, shown and sound."""
    if header.signed_by is not None:
        raise Conflict("bundle-not-own", number=header.number, house=header.house)
    if not clean(header.audit, header.digest):
        raise Conflict("release-not-clean", number=header.number)
    if not header.active:
        raise Conflict("bundle-not-in-force", number=header.number)
    if not releases.intact(header, parts):
        raise Conflict("release-damaged", number=header.number)


def clean(audit: Mapping[str, object] | None, digest: str) -> bool:
    """Tell whether exactly this release was audited and nothing was found."""
    return audit is not None and audit.get("digest") == digest and audit.get("leaks") == 0


def receive(
    store: Store, file: Path, known: Mapping[str, PublicKey], profile: Profile, now: datetime
) -> Received:
    """Read a bundle and keep it as a release that is not in force: whole, or nothing of it.

    Parameters
    ----------
    store
        The part of the installation that holds releases.
    known
        The keys of other houses that are trusted, by name.
    profile
        The municipality's, for its envelope and its date.

    Raises
    ------
    NotFound
        There is no such file.
    UnreadableFile
        It is no bundle, or not as it was written.
    InvalidParameter
        No trusted house signed it, or it is no release (`bundle_checks.require_release`).
    Conflict
        Its rows are not those that were signed, it was not audited clean, comes from the future,
        is older than the newest from that house, or gives away what was told before
        (`bundle_checks.require_apart` and `require_no_difference`).
    """
    bundle = bundle_format.load(file, known)
    _require_sound(bundle, profile, now)
    with store.write_alone() as connection:
        held = releases.listing(connection)
        same = next((each for each in held if each.digest == bundle.manifest.digest), None)
        earlier = [each for each in held if _is_from(each, bundle)]
        _require_newer(bundle, earlier)
        number = _add(connection, bundle, earlier, known) if same is None else same.number
    previous = bundle.manifest.previous
    return Received(
        number=number,
        theirs=bundle.manifest.number,
        house=bundle.manifest.house,
        signed_by=str(bundle.release.signed_by),
        parts=len(bundle.release.parts),
        atoms=sum(len(part.atoms) for part in bundle.release.parts),
        synthetic=bundle.manifest.synthetic,
        new=same is None,
        gap=bool(previous) and previous not in {each.digest for each in earlier},
    )


def _is_from(release: Header, bundle: Bundle) -> bool:
    """Tell whether a release came from the same house, though it may have changed name or key."""
    if release.signed_by is None:
        return False  # made here
    signed_by, house = bundle.release.signed_by, bundle.manifest.house
    return release.signed_by == signed_by or release.house == house


def _require_sound(bundle: Bundle, profile: Profile, now: datetime) -> None:
    """Refuse rows that do not give the fingerprints that were signed, or are no release."""
    about, parts = bundle.manifest, bundle.release.parts
    for part in parts:
        if part.digest != part.computed_digest():
            raise Conflict("bundle-digest", part=f"{part.product} {part.period}")
    if releases.digest_of(bundle.release, parts) != about.digest:
        raise Conflict("bundle-digest", part=bundle_format.MANIFEST)
    if not clean(about.audit, about.digest):
        raise Conflict("bundle-not-clean", house=about.house, number=about.number)
    if about.created_at > now + CLOCKS_DIFFER:
        raise Conflict("bundle-from-future", created=f"{about.created_at:%Y-%m-%d %H:%M}")
    today = now.astimezone(ZoneInfo(profile.timezone)).date()
    bundle_checks.require_release(parts, profile.envelope, today)


def _require_newer(bundle: Bundle, earlier: Sequence[Header]) -> None:
    """Refuse an old bundle played again after a newer one."""
    about = bundle.manifest
    for each in earlier:
        if each.digest != about.digest and each.created_at >= about.created_at:
            raise Conflict(
                "bundle-older",
                created=f"{about.created_at:%Y-%m-%d %H:%M}",
                newest=f"{each.created_at:%Y-%m-%d %H:%M}",
            )


def _add(
    connection: sa.Connection,
    bundle: Bundle,
    earlier: Sequence[Header],
    known: Mapping[str, PublicKey],
) -> int:
    """Store a bundle, and see that what was stored is what was signed."""
    before = [  # oldest first, so that what was told last is what counts
        part for each in reversed(earlier) for part in releases.parts(connection, each.number)
    ]
    bundle_checks.require_apart(before, bundle.release.parts)
    bundle_checks.require_no_difference(before, bundle.release.parts)
    number = releases.add(connection, bundle.release)
    releases.set_audit(connection, number, bundle.manifest.audit)
    verify(releases.find(connection, number), releases.parts(connection, number), known)
    return number


def verify(header: Header, parts: Sequence[Part], known: Mapping[str, PublicKey]) -> None:
    """Require that a received release is what a house that is still trusted signed.

    To be asked before it is put in force: there is no truth here to audit it against.

    Raises
    ------
    Conflict
        It has no signature (``release-unsigned``), its key is no longer trusted
        (``release-signer``), or a row, its audit or its name is not what was signed
        (``release-not-as-signed``).
    """
    if header.signature is None:
        raise Conflict("release-unsigned", number=header.number)
    letter = Letter.opened(header.signature)
    try:
        letter.signed_by(known)
    except LagesbildError as fault:
        raise Conflict("release-signer", number=header.number) from fault
    try:
        about = bundle_format.manifest(letter.manifest)
    except Strange as fault:
        raise Conflict("release-not-as-signed", number=header.number) from fault
    same = (about.digest, about.audit) == (header.digest, header.audit)
    if not same or not clean(header.audit, header.digest) or not releases.intact(header, parts):
        raise Conflict("release-not-as-signed", number=header.number)
