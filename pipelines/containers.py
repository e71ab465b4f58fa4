"""Looking into zip containers before anything opens them.

A workbook is a zip file of XML parts. What its directory says of sizes and checksums may be a
lie, and two readers may understand the lie differently, so every part is inflated here, block by
block, and counted. A part that no spreadsheet program writes refuses the whole file.
"""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, NoReturn

from geo.errors import UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MOST_ENTRIES = 200
MOST_BYTES = 200 * 1024 * 1024
MOST_RATIO = 100
RATIO_FROM = 1024 * 1024  # a small file may compress well without being a bomb
BLOCK_BYTES = 1 << 20
ZIP, OLD_OFFICE = b"PK\x03\x04", bytes.fromhex("d0cf11e0a1b11ae1")
ENCRYPTED = 0x1
LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, lengths of the name and of what follows it
END = struct.Struct("<4s6xHIIH")  # signature; number, size and place of entries; comment
XML = (".xml", ".rels", ".vml")
# A document type can pull in files and expand without end. Bytes of no letter mean UTF-16 or
# UTF-32, in which the same words would not be seen; no spreadsheet program writes them.
_SUSPECT = re.compile(rb"<!(?:DOCTYPE|ENTITY)|\x00")
_LONGEST_SUSPECT = 9
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError),
    *(NotImplementedError, ValueError),  # a version or letters that the standard library lacks
)


def inspect(path: Path, see: Callable[[str, bytes], None]) -> None:
    """Inflate every part of a workbook once, within limits, and show each block to `see`.

    Raises
    ------
    UnreadableFile
        It is no zip file, is encrypted, damaged or a bomb, or has a part that does not belong
        there: a name that leads elsewhere, a link, a name twice, a zip file, a document type.
    """
    _require_zip(path)
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            parts = archive.infolist()
            _require_directory(file, archive)
            _require_names(path, parts)
            inflated = 0
            for part in parts:
                guard = _Guard(path, part)
                for block in _inflated(path, file, part):
                    inflated += len(block)
                    _require_size(path, inflated)
                    guard.see(block)
                    see(part.filename, block)
    except _BROKEN as fault:
        raise UnreadableFile("not-xlsx", file=path.name) from fault


def _require_zip(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(len(OLD_OFFICE))
    if start == OLD_OFFICE:
        raise UnreadableFile("xlsx-locked", file=path.name)
    if not start.startswith(ZIP):  # also what stands before a zip file that is read from its end
        raise UnreadableFile("not-xlsx", file=path.name)


def _require_directory(file: IO[bytes], archive: zipfile.ZipFile) -> None:
    """Refuse a file in which another reader could find another directory, or more entries."""
    file.seek(-END.size, io.SEEK_END)
    signature, entries, _, start, comment = END.unpack(file.read(END.size))
    if (signature, comment) != (b"PK\x05\x06", 0):
        raise zipfile.BadZipFile
    if (entries, start) != (len(archive.infolist()), archive.start_dir):
        raise zipfile.BadZipFile


def _require_names(path: Path, parts: list[zipfile.ZipInfo]) -> None:
    if len(parts) > MOST_ENTRIES:
        raise UnreadableFile("xlsx-bomb", file=path.name)
    met: set[str] = set()
    for part in parts:
        if part.flag_bits & ENCRYPTED:
            raise UnreadableFile("xlsx-locked", file=path.name)
        name = part.orig_filename
        known = name.casefold() in met  # some readers ask for parts in letters of either size
        linked = stat.S_ISLNK(part.external_attr >> 16)
        if known or linked or _leads_elsewhere(name):
            _foreign(path, part)
        met.add(name.casefold())


def _leads_elsewhere(name: str) -> bool:
    """Tell whether a name could mean a file outside the folder it is unpacked to."""
    steps = name.replace("\\", "/").split("/")
    return not name.isprintable() or steps[0] in {"", "~"} or ".." in steps or ":" in name


def _foreign(path: Path, part: zipfile.ZipInfo) -> NoReturn:
    shown = "".join(sign if sign.isprintable() else "�" for sign in part.orig_filename[:80])
    raise UnreadableFile("xlsx-foreign-part", file=path.name, part=shown)


def _require_size(path: Path, inflated: int) -> None:
    most = min(MOST_BYTES, max(RATIO_FROM, MOST_RATIO * path.stat().st_size))
    if inflated > most:
        raise UnreadableFile("xlsx-bomb", file=path.name)


class _Guard:
    """Looks for what a part must not hold, also where it lies across two blocks."""

    def __init__(self, path: Path, part: zipfile.ZipInfo) -> None:
        self._path, self._part = path, part
        self._is_xml = part.filename.casefold().endswith(XML)
        self._start = self._rest = b""

    def see(self, block: bytes) -> None:
        """Refuse a zip file within the zip file, and XML with a document type."""
        self._start = (self._start + block[: len(ZIP)])[: len(ZIP)]
        text = self._rest + block
        if self._start == ZIP or (self._is_xml and _SUSPECT.search(text)):
            _foreign(self._path, self._part)
        self._rest = text[-_LONGEST_SUSPECT:]


def _inflated(path: Path, file: IO[bytes], part: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield what a part really holds, and see that it is what the directory says.

    The standard library stops where the directory says that a part ends; other readers do not.
    """
    file.seek(part.header_offset)
    signature, name, extra = LOCAL_HEADER.unpack(file.read(LOCAL_HEADER.size))
    file.seek(name + extra, 1)
    if signature != ZIP or part.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        _foreign(path, part)
    stored = part.compress_type == zipfile.ZIP_STORED
    size = checksum = 0
    for block in _stored(file, part.compress_size) if stored else _deflated(file, part):
        size += len(block)
        checksum = zlib.crc32(block, checksum)
        yield block
    if (size, checksum) != (part.file_size, part.CRC):
        raise UnreadableFile("xlsx-damaged", file=path.name, part=part.filename)


def _stored(file: IO[bytes], left: int) -> Iterator[bytes]:
    while left and (block := file.read(min(left, BLOCK_BYTES))):
        left -= len(block)
        yield block


def _deflated(file: IO[bytes], part: zipfile.ZipInfo) -> Iterator[bytes]:
    """Inflate a part; what it is inflated to is handed on before more is inflated."""
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    for packed in _stored(file, part.compress_size):
        rest = packed
        while rest and not engine.eof:
            yield engine.decompress(rest, BLOCK_BYTES)
            rest = engine.unconsumed_tail
    yield engine.flush()
    if not engine.eof or engine.unused_data:
        raise zlib.error
