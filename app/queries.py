"""What a caller asks of a collection: the parameters of a URL, checked one by one.

Unknown, repeated and unusable parameters are errors (400), as OGC API Features Part 1 demands.
Only `limit` above the maximum is not: the standard has it capped.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from geo.errors import InvalidParameter
from geo.profile import Profile
from pipelines.periods import midnight
from pipelines.questions import DEFAULT_RESOLUTION, Period, Question, check
from pipelines.released import LEVELS, PLACE, Asked
from store.records import BBox

DEFAULT_LIMIT, MOST_ITEMS = 1000, 10_000
FURTHEST_OFFSET = 100_000_000
LONGEST_TEXT = 200
MOST_DIGITS = 9
BBOX_FLAT, BBOX_TALL = 4, 6

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})", re.ASCII | re.IGNORECASE
)
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?", re.ASCII)
_UNREADABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query(Question):
    """One question to a collection, with the page of its answer."""

    limit: int
    offset: int
    area: str | None  # as it was written; the question itself names an area by id
    asked: Asked  # of a release
    detail: str  # of a release's answer: places, their zones or their smallest units


def parse(pairs: Iterable[tuple[str, str]], allowed: Sequence[str], profile: Profile) -> Query:
    """Read the parameters of a request for the items of a collection.

    Parameters
    ----------
    pairs
        Names and values as they stand in the URL.
    allowed
        The parameters of this collection.
    profile
        Whose windows, categories and time zone are meant.

    Raises
    ------
    InvalidParameter
        A parameter is unknown, given twice, or its value cannot be used.
    """
    given = _once(pairs, allowed)
    for name in ("crs", "bbox-crs"):
        _one_system(name, given.get(name, CRS84))
    query = Query(
        limit=_limit(given.get("limit")),
        offset=_offset(given.get("offset")),
        bbox=_bbox(given.get("bbox"), profile.envelope),
        period=_period(given.get("datetime"), profile.timezone),
        area=given.get("area"),
        categories=_listed(given.get("category")),
        window=given.get("window", "all"),
        resolution=_resolution(given.get("resolution")),
        scope=given.get("scope", "all"),
        asked=_asked(given),
        detail=_detail(given.get("detail", PLACE)),
    )
    check(query, profile)
    return query


def _asked(given: dict[str, str]) -> Asked:
    """Read the parameters of a question to a release; what it knows is checked when it answers."""
    tertials = _listed(given.get("tertial"))
    return Asked(
        period=given.get("period", ""),
        themes=_listed(given.get("theme")),
        blocks=_listed(given.get("block")),
        tertials=tuple(_whole("tertial", each) for each in tertials),
        places=_listed(given.get("place")),
    )


def _detail(text: str) -> str:
    if text not in LEVELS:
        known = ", ".join(LEVELS)
        raise InvalidParameter("unknown-value", name="detail", value=text[:40], known=known)
    return text


def _once(pairs: Iterable[tuple[str, str]], allowed: Sequence[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in pairs:
        if name not in allowed:
            raise InvalidParameter("unknown-parameter", name=name[:40], known=", ".join(allowed))
        if name in given:
            raise InvalidParameter("repeated-parameter", name=name)
        if len(value) > LONGEST_TEXT or _UNREADABLE.search(value):
            raise InvalidParameter("unreadable-parameter", name=name)
        given[name] = value
    return given


def _whole(name: str, text: str) -> int:
    """Read digits; more of them than anybody needs are simply a large number."""
    if not re.fullmatch(r"[0-9]+", text):
        raise InvalidParameter("not-a-number", name=name, value=text[:40])
    return int(text) if len(text) <= MOST_DIGITS else 10**MOST_DIGITS


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    limit = _whole("limit", text)
    if limit < 1:
        raise InvalidParameter("limit-too-small", value=text[:40])
    return min(limit, MOST_ITEMS)


def _offset(text: str | None) -> int:
    offset = 0 if text is None else _whole("offset", text)
    if offset > FURTHEST_OFFSET:
        raise InvalidParameter("offset-too-large", most=FURTHEST_OFFSET)
    return offset


def _resolution(text: str | None) -> int:
    return DEFAULT_RESOLUTION if text is None else _whole("resolution", text)


def _one_system(name: str, text: str) -> None:
    if text != CRS84:
        raise InvalidParameter("unknown-value", name=name, value=text[:40], known=CRS84)


def _listed(text: str | None) -> tuple[str, ...]:
    """Read codes with commas between them; their order and repetition mean nothing."""
    return () if text is None else tuple(sorted(set(text.split(","))))


def _bbox(text: str | None, envelope: BBox) -> BBox | None:
    """Read west, south, east, north, with or without heights, which are ignored."""
    if text is None:
        return None
    numbers = [_coordinate(part) for part in text.split(",")]
    if len(numbers) == BBOX_TALL:
        numbers = [numbers[0], numbers[1], numbers[3], numbers[4]]
    if len(numbers) != BBOX_FLAT:
        raise InvalidParameter("bbox-numbers", value=text[:80])
    west, south, east, north = numbers
    if not (max(abs(west), abs(east)) <= 180 and -90 <= south <= north <= 90):  # noqa: PLR2004 - degrees
        raise InvalidParameter("bbox-range", value=text[:80])
    return (west, south, east, north) if west <= east else _this_side(numbers, envelope)


def _this_side(numbers: list[float], envelope: BBox) -> BBox:
    """Take the part of a box across the antimeridian that lies on the municipality's side."""
    west, south, east, north = numbers
    return (west, south, 180.0, north) if west <= envelope[2] else (-180.0, south, east, north)


def _coordinate(text: str) -> float:
    number = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(number):
        raise InvalidParameter("not-a-number", name="bbox", value=text[:40])
    return number


def _period(text: str | None, timezone: str) -> Period | None:
    """Read an instant, a day, or an interval with an open end (``..`` or nothing).

    Stored instants have whole seconds and an interval's last instant belongs to it, so the span
    ends one second later. A day is the municipality's own day.
    """
    if text is None:
        return None
    first, slash, last = text.partition("/")
    if not slash:
        last = first
    start, end = _start(first, text, timezone), _end(last, text, timezone)
    if not slash and start is None:
        raise InvalidParameter("datetime", value=text[:80])
    if start is not None and end is not None and start >= end:
        raise InvalidParameter("datetime-order", value=text[:80])
    return Period(start, end)


def _start(part: str, text: str, timezone: str) -> datetime | None:
    return None if part in {"", ".."} else _instant(part, text, timezone)


def _end(part: str, text: str, timezone: str) -> datetime | None:
    if part in {"", ".."}:
        return None
    later = timedelta(days=1) if _DAY.fullmatch(part) else timedelta(seconds=1)
    return _instant(part, text, timezone, later)


def _instant(part: str, text: str, timezone: str, later: timedelta = timedelta()) -> datetime:
    """Read a day or an RFC 3339 instant, and move it."""
    try:
        if _DAY.fullmatch(part):
            return midnight(date.fromisoformat(part) + later, timezone)
        if _INSTANT.fullmatch(part):
            return datetime.fromisoformat(part.upper()).astimezone(UTC) + later
    except (ValueError, OverflowError):
        pass
    raise InvalidParameter("datetime", value=text[:80])
