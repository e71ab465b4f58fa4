"""One number of a release with what is said of it, for pages that set several beside each other."""

from __future__ import annotations

from typing import Any

from app import release_page
from app.release_page import Chosen
from pipelines.reference import Reference
from pipelines.released import Released


def told_number(released: Released, chosen: Chosen, reference: Reference) -> dict[str, Any]:
    """Give the number in words, what else is in it, and verdict and trend of a single place."""
    found = release_page.context(released, chosen, reference)
    rows = found["rows"]
    one = rows[0] if isinstance(rows, list) and len(rows) == 1 else None
    return {
        "count": found["number"],
        "wider": found["wider"],
        "verdict": "" if one is None else one.verdict,
        "why": "" if one is None else one.why,
        "trend": "" if one is None else one.trend,
    }
