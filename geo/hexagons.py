"""Cells and their numbers as GeoJSON bytes, written straight from arrays.

A coordinate is a sign, whole degrees and seven decimals. Whole degrees and groups of decimals are
looked up as ready-made text and put at fixed places of a row of bytes; spaces, which JSON allows
between tokens, fill up shorter numbers. Property values are left to orjson.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import orjson

from geo import cells as grid
from geo.checks import require_same_length

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Column = NDArray[np.generic] | Sequence[str | float | None]

_HALF = 10_000  # decimals are written in two halves, the first with the point
_WIDEST = 360
_BEFORE = '{"type":"Feature","id":"', '","geometry":{"type":"Polygon","coordinates":[['
_AFTER = ']]},"properties":{'
_END = b"}},"
_ID_DIGITS = 15
_CHUNK = 1 << 11  # features at a time, so that what a step reads is still in the cache


def feature_collection(
    cells: NDArray[np.int64],
    columns: Mapping[str, Column],
    members: Mapping[str, object] | None = None,
) -> bytes:
    """Write cells and their columns as a GeoJSON FeatureCollection.

    Parameters
    ----------
    cells
        (n,) H3 cells; a feature's id is its cell in hexadecimal.
    columns
        Property name -> (n,) values: a numeric array, or numbers, strings and None. NaN and
        infinities, which JSON lacks, become null.
    members
        More members of the collection, before its features; anything orjson can write.

    Returns
    -------
    UTF-8. It parses to the same objects as `geo.cells.boundaries` and the columns would give as
    plain dicts. No cells give an empty collection.

    Raises
    ------
    InvalidParameter
        A column is not as long as `cells`.

    Notes
    -----
    RFC 7946: rings are closed and counter-clockwise, seven decimals (1 cm). Not handled: a cell
    across the date line is written as one ring, not cut in two.
    """
    require_same_length(
        cells=cells, **{f"column {n}": np.empty((len(v), 0)) for n, v in columns.items()}
    )
    head = orjson.dumps({"type": "FeatureCollection", **(members or {}), "features": []})
    if not cells.size:
        return head
    pieces = [b""] * (cells.size * (1 + len(columns)))
    pieces[:: 1 + len(columns)] = _starts_of_features(cells, b"" if columns else _END)
    for number, (name, values) in enumerate(columns.items(), start=1):
        before = (b"," if number > 1 else b"") + orjson.dumps(name) + b":"
        after = _END if number == len(columns) else b""
        pieces[number :: 1 + len(columns)] = _members(values, before, after)
    pieces[-1] = pieces[-1].removesuffix(b",")
    return b"".join([head.removesuffix(b"]}"), *pieces, b"]}"])


def _members(values: Column, before: bytes, after: bytes) -> list[bytes]:
    """Write each value of a column as JSON between two constant texts."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        listed = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)
        # Numbers hold no comma, and no JSON holds a bare line feed.
        return (before + listed[1:-1].replace(b",", after + b"\n" + before) + after).split(b"\n")
    plain = values.tolist() if isinstance(values, np.ndarray) else values
    distinct = set(plain)
    if all(value is None or isinstance(value, str) for value in distinct):
        written = {value: before + orjson.dumps(value) + after for value in distinct}
        return [written[value] for value in plain]
    return [before + orjson.dumps(value) + after for value in plain]


def _starts_of_features(cells: NDArray[np.int64], end: bytes) -> list[bytes]:
    """Write each feature up to its first property, and then `end`."""
    outlines = grid.rings(cells)
    sizes = np.diff(outlines.starts)
    texts = np.empty(cells.size, dtype=object)
    for size in np.unique(sizes).tolist():
        which = np.flatnonzero(sizes == size)
        for start in range(0, which.size, _CHUNK):
            part = which[start : start + _CHUNK]
            ring = outlines.lonlat[outlines.starts[part, None] + np.arange(size)]
            texts[part] = _rows(cells[part], grid.rounded(ring).astype(np.int32), end)
    listed: list[bytes] = texts.tolist()
    return listed


def _rows(cells: NDArray[np.int64], rings: NDArray[np.int32], end: bytes) -> list[bytes]:
    """Write features with equally many corners: (n,) cells, (n, v, 2) 1e-7 degrees."""
    magnitude = np.abs(rings)
    whole = magnitude // 10**7
    decimals = magnitude - whole * 10**7
    first = decimals // _HALF
    second = decimals - first * _HALF
    degree = np.where(rings < 0, whole + _WIDEST, whole)
    widths = [_degree_width(degree[..., axis]) for axis in (0, 1)]

    template, layout = _template(rings.shape[1], widths, end)
    text = np.empty((len(cells), len(template)), dtype=np.uint8)
    text[:] = np.frombuffer(template, dtype=np.uint8)
    rows = text.view(layout).ravel()
    rows["id"] = _hexadecimal(cells)
    for corner in range(rings.shape[1]):
        for axis in (0, 1):
            place = f"{corner}.{axis}"
            rows[f"{place}.degree"] = _degrees(widths[axis])[degree[:, corner, axis]]
            rows[f"{place}.first"] = _point_and_three_digits()[first[:, corner, axis]]
            rows[f"{place}.second"] = _four_digits()[second[:, corner, axis]]
    listed: list[bytes] = text.view(f"S{len(template)}").ravel().tolist()
    return listed


def _template(corners: int, widths: list[int], end: bytes) -> tuple[bytes, np.dtype[np.void]]:
    """Lay out a row: its text, and where in it what is written, as fields of a record."""
    names, formats, offsets = ["id"], [f"S{_ID_DIGITS}"], [len(_BEFORE[0])]
    text = _BEFORE[0] + "_" * _ID_DIGITS + _BEFORE[1]
    for corner in range(corners):
        for axis, opening in ((0, ",[" if corner else "["), (1, ",")):
            text += opening
            for name, kind, width in (
                ("degree", f"S{widths[axis]}", widths[axis]),
                ("first", "u4", 4),
                ("second", "u4", 4),
            ):
                names.append(f"{corner}.{axis}.{name}")
                formats.append(kind)
                offsets.append(len(text))
                text += "_" * width
        text += "]"
    template = (text + _AFTER).encode() + end
    return template, np.dtype(
        {"names": names, "formats": formats, "offsets": offsets, "itemsize": len(template)}
    )


def _degree_width(degree: NDArray[np.int32]) -> int:
    """Count the characters of the longest whole degree with its sign."""
    present = np.flatnonzero(np.bincount(degree.ravel(), minlength=1))
    return max(len(_degree_text(value)) for value in present.tolist())


def _degree_text(value: int) -> str:
    return str(value) if value < _WIDEST else f"-{value - _WIDEST}"


@lru_cache(maxsize=4)
def _degrees(width: int) -> NDArray[np.bytes_]:
    """Tabulate whole degrees, and from 360 on the negative ones, with -0 apart from 0."""
    return np.array([_degree_text(value)[:width].rjust(width).encode() for value in range(541)])


@lru_cache(maxsize=1)
def _point_and_three_digits() -> NDArray[np.uint32]:
    return np.array([f".{number:03}".encode() for number in range(1000)]).view(np.uint32)


@lru_cache(maxsize=1)
def _four_digits() -> NDArray[np.uint32]:
    return np.array([f"{number:04}".encode() for number in range(_HALF)]).view(np.uint32)


@lru_cache(maxsize=1)
def _byte_texts() -> NDArray[np.uint16]:
    return np.array([f"{number:02x}".encode() for number in range(256)]).view(np.uint16)


def _hexadecimal(cells: NDArray[np.int64]) -> NDArray[np.bytes_]:
    """Write cells as H3 does, 15 digits: the highest of the 16 is 0 in every cell."""
    pairs = _byte_texts()[cells.astype(">i8").view(np.uint8).reshape(-1, 8)]
    digits = np.ascontiguousarray(pairs.view(np.uint8)[:, 1:])
    return digits.view(f"S{_ID_DIGITS}").ravel()
