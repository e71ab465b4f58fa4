"""How Mapbox vector tiles (version 2.1) stand in bytes: layers of features with keys and values.

A tile holds whole numbers only, all written as varints. So all features of a layer are laid out as
one array of numbers, and one pass turns that into bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Column = NDArray[np.generic] | Sequence[str | float | None]

POINT: Final = 1
LINE: Final = 2
POLYGON: Final = 3
# Commands of a geometry: how many of them stand in the bits above the third.
MOVE_TO: Final = 1
LINE_TO: Final = 2
CLOSE: Final = (1 << 3) | 7
# Field numbers and wire types of the specification, as they stand in the bytes.
_LAYER, _NAME, _FEATURE, _KEY, _VALUE, _EXTENT, _VERSION = 0x1A, 0x0A, 0x12, 0x1A, 0x22, 0x28, 0x78
_ID, _TAGS, _TYPE, _GEOMETRY = 0x08, 0x12, 0x18, 0x22
_STRING, _DOUBLE, _UINT, _SINT, _BOOL = 0x0A, 0x19, 0x28, 0x30, 0x38
_SEVEN, _MORE = 0x7F, 0x80  # a varint: seven bits a byte, and a bit that says more follow
_ABSENT = -1


@dataclass(frozen=True, slots=True)
class Geometry:
    """The commands of f features of one kind, one feature after the other."""

    kind: int  # POINT, LINE or POLYGON
    numbers: NDArray[np.uint64]
    counts: NDArray[np.intp]  # (f,) numbers of each


@dataclass(frozen=True, slots=True)
class Properties:
    """What features know: columns of all there are, and which of them are written."""

    columns: Mapping[str, Column]
    features: NDArray[np.intp]  # (f,) rows of the columns
    ids: NDArray[np.uint64] | None = None  # (f,)


def layer(name: str, geometry: Geometry, properties: Properties, extent: int) -> bytes:
    """Write a layer; a tile is its layers one after the other."""
    tags = _tagged(properties.columns, properties.features)
    content = [
        _text(_NAME, name),
        _features(geometry, tags, properties.ids),
        *(_text(_KEY, key) for key in properties.columns),
        tags.values,
        _varints(np.array([_EXTENT, extent, _VERSION, 2], dtype=np.uint64)),
    ]
    return _message(_LAYER, b"".join(content))


def ranges(starts: NDArray[np.intp], counts: NDArray[np.intp]) -> NDArray[np.intp]:
    """Count up from each start: (3, 7) and (2, 3) give 3, 4, 7, 8, 9."""
    before = np.cumsum(counts) - counts
    return np.repeat(starts - before, counts) + np.arange(int(counts.sum()))


def zigzag(values: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Fold signed numbers so that small ones of either sign stay small."""
    return ((values << 1) ^ (values >> 63)).astype(np.uint64)


@dataclass(frozen=True, slots=True)
class _Tags:
    """Which keys and values the features have."""

    numbers: NDArray[np.uint64]  # key, value, key, value ... of all features
    counts: NDArray[np.intp]  # (f,) numbers of each
    values: bytes  # the messages the values refer to


def _tagged(columns: Mapping[str, Column], features: NDArray[np.intp]) -> _Tags:
    """Collect the distinct values of each column and point every feature to its own."""
    pairs = np.full((features.size, len(columns), 2), _ABSENT, dtype=np.int64)
    messages, known = [], 0
    for key, values in enumerate(columns.values()):
        if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
            message, count, which = _numeric_values(values[features])
        else:
            message, count, which = _mixed_values([values[i] for i in features.tolist()])
        pairs[:, key, 0] = key
        pairs[:, key, 1] = np.where(which == _ABSENT, _ABSENT, which + known)
        messages.append(message)
        known += count
    present = pairs[:, :, 1] != _ABSENT
    return _Tags(
        pairs[present].ravel().astype(np.uint64), 2 * present.sum(axis=1), b"".join(messages)
    )


def _numeric_values(values: NDArray[np.generic]) -> tuple[bytes, int, NDArray[np.intp]]:
    """Write the distinct values of an array: messages, how many, and which each has (f,)."""
    distinct, which = np.unique(values, return_inverse=True)
    if values.dtype.kind == "f":
        finite = np.isfinite(distinct)
        which = np.where(finite, np.cumsum(finite) - 1, _ABSENT)[which]
        fractions = distinct[finite].astype("<f8")
        rows = np.empty((fractions.size, 11), dtype=np.uint8)
        rows[:, :3] = _VALUE, 9, _DOUBLE
        rows[:, 3:] = fractions.view(np.uint8).reshape(-1, 8)
        return rows.tobytes(), fractions.size, which
    kind: NDArray[np.int64] = np.full(distinct.size, _BOOL if values.dtype.kind == "b" else _UINT)
    numbers = distinct.astype(np.uint64)
    if values.dtype.kind == "i":
        signed = distinct.astype(np.int64)
        kind[signed < 0] = _SINT
        numbers = np.where(signed < 0, zigzag(signed), signed.astype(np.uint64))
    message = np.empty((distinct.size, 4), dtype=np.uint64)  # tag, length, kind, value
    message[:, 0], message[:, 2], message[:, 3] = _VALUE, kind, numbers
    message[:, 1] = 1 + _sizes(numbers)
    return _varints(message.ravel()), distinct.size, which


def _mixed_values(
    values: Sequence[str | float | None],
) -> tuple[bytes, int, NDArray[np.intp]]:
    """Write the distinct values of a list, the same way; 1, 1.0 and True stay apart."""
    numbered: dict[tuple[type, object], int] = {}
    messages = []
    which = np.full(len(values), _ABSENT, dtype=np.intp)
    for position, value in enumerate(values):
        if value is None or not (isinstance(value, str) or np.isfinite(value)):
            continue
        key = (type(value), value)
        if key not in numbered:
            numbered[key] = len(numbered)
            if isinstance(value, str):
                messages.append(_message(_VALUE, _text(_STRING, value)))
            else:
                messages.append(_numeric_values(np.array([value]))[0])
        which[position] = numbered[key]
    return b"".join(messages), len(numbered), which


def _features(
    geometry: Geometry,
    tags: _Tags,
    ids: NDArray[np.uint64] | None,
) -> bytes:
    """Write the messages of all features: lengths first, then one pass over all numbers."""
    numbers, counts = geometry.numbers, geometry.counts
    tag_bytes, geometry_bytes = _bytes_of(tags.numbers, tags.counts), _bytes_of(numbers, counts)
    head = [tag_bytes * 0, tag_bytes * 0, tag_bytes * 0 + _TAGS, tag_bytes]
    if ids is not None:
        head[2:2] = [tag_bytes * 0 + _ID, ids]
    middle = [tag_bytes * 0 + n for n in (_TYPE, geometry.kind, _GEOMETRY)] + [geometry_bytes]
    own = sum(_sizes(column) for column in [*head[2:], *middle])
    head[0] += _FEATURE
    head[1] = own + tag_bytes + geometry_bytes

    lengths = len(head) + tags.counts + len(middle) + counts
    start = np.cumsum(lengths) - lengths
    stream = np.empty(int(lengths.sum()), dtype=np.uint64)
    for offset, column in enumerate(head):
        stream[start + offset] = column
    start += len(head)
    stream[ranges(start, tags.counts)] = tags.numbers
    start += tags.counts
    for offset, column in enumerate(middle):
        stream[start + offset] = column
    stream[ranges(start + len(middle), counts)] = numbers
    return _varints(stream)


def _bytes_of(numbers: NDArray[np.uint64], counts: NDArray[np.intp]) -> NDArray[np.uint64]:
    """Add up the sizes of each feature's numbers as varints: (f,)."""
    until = np.append(0, np.cumsum(_sizes(numbers)))
    end = np.cumsum(counts)
    return np.asarray(until[end] - until[end - counts], dtype=np.uint64)


def _sizes(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Count the bytes of each number as a varint."""
    sizes = np.ones(numbers.shape, dtype=np.uint64)
    long = np.flatnonzero(numbers > _SEVEN)  # most are short: differences of a few units
    rest = numbers[long] >> np.uint64(7)
    while long.size:
        sizes[long] += np.uint64(1)
        more = rest > _SEVEN
        long, rest = long[more], rest[more] >> np.uint64(7)
    return sizes


def _varints(numbers: NDArray[np.uint64]) -> bytes:
    """Write numbers as varints: seven bits a byte, lowest first, a bit for "more follow"."""
    ends = np.cumsum(_sizes(numbers)).astype(np.intp)
    written = np.empty(int(ends[-1]) if ends.size else 0, dtype=np.uint8)
    place, rest = np.append(0, ends[:-1])[: ends.size], numbers
    while rest.size:
        more = rest > _SEVEN
        written[place] = (rest.astype(np.uint8) & np.uint8(_SEVEN)) | (more * np.uint8(_MORE))
        place, rest = place[more] + 1, rest[more] >> np.uint64(7)
    return written.tobytes()


def _message(tag: int, content: bytes) -> bytes:
    if len(content) <= _SEVEN:  # most are, and there is one for each distinct text
        return bytes((tag, len(content))) + content
    return _varints(np.array([tag, len(content)], dtype=np.uint64)) + content


def _text(tag: int, text: str) -> bytes:
    return _message(tag, text.encode())
