"""What the page of published tables says: one source and one year at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from geo.errors import InvalidParameter
from pipelines.texts import month_name, text
from store.tables import FigureRow

MOST = 100_000  # numbers that are looked through; a municipality's table has some hundreds a year
SOURCE, YEAR = "kalla", "ar"
MONTHS = range(1, 13)


def context(rows: Sequence[FigureRow], given: Mapping[str, str]) -> dict[str, Any]:
    """Collect everything the template shows.

    Raises
    ------
    InvalidParameter
        A parameter is unknown, or no table is of that source or year.
    """
    for name in given:
        if name not in (SOURCE, YEAR):
            known = f"{SOURCE}, {YEAR}"
            raise InvalidParameter("unknown-parameter", name=name[:40], known=known)
    sources = sorted({row.source for row in rows})
    source = _one_of(SOURCE, given.get(SOURCE, ""), sources)
    own = [row for row in rows if row.source == source]
    years = sorted({str(row.month // 100) for row in own}, reverse=True)
    year = _one_of(YEAR, given.get(YEAR, ""), years)
    shown = [row for row in own if str(row.month // 100) == year]
    return {
        "sources": sources,
        "years": years,
        "chosen": {SOURCE: source, YEAR: year} if shown else {},
        "months": [month_name(month)[:3] for month in MONTHS],
        "lines": _lines(shown),
        "imported": max((row.imported_at for row in shown), default=None),
        "synthetic": any(row.synthetic for row in shown),
    }


def _one_of(name: str, written: str, known: Sequence[str]) -> str:
    """Take what is asked for, or the first where nothing is; nothing where there is nothing."""
    if written and written not in known:
        listed = ", ".join(known)[:200]
        raise InvalidParameter("unknown-value", name=name, value=written[:40], known=listed)
    return written or next(iter(known), "")


def _lines(rows: Sequence[FigureRow]) -> list[dict[str, object]]:
    """Put a year's numbers into one line for each area and type. Nothing is added up."""
    numbers: dict[tuple[str, str], dict[int, str]] = {}
    for row in rows:
        told = text("table-hidden") if row.count is None else str(row.count)
        numbers.setdefault((row.area, row.type), {})[row.month % 100] = told
    return [
        {"area": area, "type": kind, "numbers": [by_month.get(month, "") for month in MONTHS]}
        for (area, kind), by_month in sorted(numbers.items())
    ]
