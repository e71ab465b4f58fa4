"""Signatures between houses: they tell who wrote a file, and that it is as it was written.

Ed25519 (RFC 8032). A public key is one short line that can be sent in a letter; its fingerprint is
short enough to be read out over the telephone. A *statement* is two lines of text: the public key
and its signature over a message. The key in a statement only says which key to try: whether it is
believed is decided by the list of those the installation trusts.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from geo.errors import InvalidParameter, NotFound, UnreadableFile
from store.files import whole_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PREFIX = "lb-key1:"
KEY_BYTES, SIGNATURE_BYTES = 32, 64
LONGEST_PEM = 10_000
OWNER_ONLY = 0o600
NAME = re.compile(r"[\w .-]{1,60}")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The half of a key that everybody may know."""

    raw: bytes  # 32

    @property
    def line(self) -> str:
        """Write it as one line."""
        return PREFIX + _coded(self.raw)

    @property
    def fingerprint(self) -> str:
        """Give 128 bits of its digest, to be read out in groups of four."""
        digest = hashlib.sha256(self.raw).hexdigest()[:32]
        return " ".join(digest[at : at + 4] for at in range(0, len(digest), 4))


def _coded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str, length: int) -> bytes | None:
    """Read what `_coded` wrote; None for any other way to write the same, and for all else."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    return raw if len(raw) == length and _coded(raw) == text else None


def public_key(line: str) -> PublicKey:
    """Read a public key's line.

    Raises
    ------
    InvalidParameter
        It is none.
    """
    raw = _decoded(line.removeprefix(PREFIX), KEY_BYTES) if line.startswith(PREFIX) else None
    if raw is None:
        raise InvalidParameter("public-key", value=line[:80])
    return PublicKey(raw)


def trusted(written: str) -> dict[str, PublicKey]:
    """Read whom an installation trusts: ``name=lb-key1:…;name=lb-key1:…``.

    Raises
    ------
    InvalidParameter
        An entry is no name with a key, or a name or a key stands there twice.
    """
    keys: dict[str, PublicKey] = {}
    for entry in filter(None, (part.strip() for part in written.split(";"))):
        name, _, line = (part.strip() for part in entry.partition("="))
        if not NAME.fullmatch(name):
            raise InvalidParameter("trusted-key-name", value=entry[:80])
        key = public_key(line)
        if name in keys or key in keys.values():
            raise InvalidParameter("trusted-key-twice", name=name)
        keys[name] = key
    return keys


def new_key(file: Path) -> PublicKey:
    """Make a private key in a new file that only its owner may read; give the public half.

    Raises
    ------
    Conflict
        There is a file of that name: a key is never overwritten.
    InvalidParameter
        The file cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    written = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with whole_file(file) as draft:
        draft.touch(mode=OWNER_ONLY)
        draft.write_bytes(written)
    return public_half(key)


def private_key(file: Path) -> Ed25519PrivateKey:
    """Read a private key.

    Raises
    ------
    NotFound
        There is no such file.
    UnreadableFile
        It holds no Ed25519 key, or one with a password.
    """
    try:
        with file.open("rb") as opened:
            written = opened.read(LONGEST_PEM)
        key = serialization.load_pem_private_key(written, password=None)
    except FileNotFoundError as fault:
        raise NotFound("signing-key-missing", file=file.name) from fault
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as fault:
        raise UnreadableFile("signing-key-unreadable", file=file.name) from fault
    if not isinstance(key, Ed25519PrivateKey):
        raise UnreadableFile("signing-key-unreadable", file=file.name)
    return key


def public_half(key: Ed25519PrivateKey) -> PublicKey:
    """Give a private key's public half."""
    return PublicKey(key.public_key().public_bytes_raw())


def sign(key: Ed25519PrivateKey, message: bytes) -> str:
    """Sign a message; the same key and message always give the same statement."""
    return f"{public_half(key).line}\n{_coded(key.sign(message))}\n"


def signer(statement: str, message: bytes, known: Mapping[str, PublicKey]) -> str:
    """Name the trusted key that signed a message.

    Raises
    ------
    InvalidParameter
        The statement is none (``signature-unreadable``), its key is not trusted
        (``signature-key-unknown``), or the message is not what that key signed
        (``signature-wrong``).
    """
    line, _, rest = statement.partition("\n")
    signature = _decoded(rest.removesuffix("\n"), SIGNATURE_BYTES)
    if signature is None or not rest.endswith("\n"):
        raise InvalidParameter("signature-unreadable")
    key = public_key(line)
    name = next((each for each, trusted_key in known.items() if trusted_key == key), None)
    if name is None:
        raise InvalidParameter("signature-key-unknown", fingerprint=key.fingerprint)
    try:
        Ed25519PublicKey.from_public_bytes(key.raw).verify(signature, message)
    except InvalidSignature as fault:
        raise InvalidParameter("signature-wrong", name=name) from fault
    return name
