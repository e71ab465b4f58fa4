"""The ranked list of places beside the map, as every role's page shows it: rows, and words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from app.map_page import Choice
from pipelines import links
from pipelines.texts import text

PLACES, PHYSICAL = "places", "physical"
COLUMNS = ("name", "when", "count", "verdict", "observations")


@dataclass(frozen=True, slots=True)
class Row:
    """One place in the list, in words."""

    key: str  # as links name it
    feature: str  # its id in the collection that draws it
    rank: int | None  # None: the number is not exact, and cannot be compared
    name: str
    short: str  # for the map
    note: str
    count: int  # the highest that it can be
    exact: bool  # it is that number
    number: str  # the number, or the two that it lies between
    count_text: str
    period: str
    verdict: str | None
    verdict_word: str
    reasons: tuple[str, ...]
    why: str
    when: str
    when_kind: str
    when_why: str
    observations: int | None
    observations_text: str
    wider: str
    trend: str
    at: tuple[float, float] | None
    href: str


@dataclass(frozen=True, slots=True)
class Listed:
    """The list, and what is said about it."""

    list: str
    lists: tuple[Choice, ...]
    caption: str
    empty: str
    columns: dict[str, str]
    words: tuple[str, ...]
    total: int | None
    total_text: str
    notes: tuple[str, ...]
    left_out: tuple[str, ...]
    passed_over: tuple[str, ...]
    more: int
    rows: tuple[Row, ...]


def link(given: Mapping[str, str], key: str = "") -> str:
    """Write the address of the map with the same choices and one place."""
    asked = links.kept(given, links.SHOWN) | ({links.CHOSEN: key} if key else {})
    return f"/?{urlencode(asked)}" if asked else "/"


def list_choices(lists: Sequence[str] | Mapping[str, str]) -> tuple[Choice, ...]:
    """Name the lists that a page offers."""
    return tuple(Choice(name, text(f"places-list-{name}")) for name in lists)


def column_names() -> dict[str, str]:
    """Name the columns of a list."""
    return {name: text(f"places-column-{name}") for name in COLUMNS}


def ranked(made: Sequence[Row]) -> tuple[Row, ...]:
    """Give equal counts the same rank; what is not exact comes last and has none."""
    placed: list[Row] = []
    for position, row in enumerate(made):
        alike = placed and placed[-1].count == row.count
        rank = placed[-1].rank if alike else position + 1
        placed.append(replace(row, rank=rank if row.exact else None))
    return tuple(placed)
