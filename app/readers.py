"""What each collection gives: the answers to a question as pages of GeoJSON features.

Every reader answers ``items`` (a page of features and how many match in all) and ``one`` (a
feature by its id, or None).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from app import features
from app.features import Json
from app.queries import Query
from geo import cells as grid
from geo.errors import InvalidParameter
from pipelines import answers
from pipelines.answers import Basis, Window
from pipelines.questions import Question
from pipelines.released import PLACE, UNIT, Answer, Asked, Told
from store.releases import PHYSICAL

EVERYTHING = Question()


@dataclass(frozen=True, slots=True)
class Items:
    """One page of features, and what is said about all of them."""

    matched: int
    features: list[Json]
    about: Json = field(default_factory=dict)


def _page(found: Sequence[Json], query: Query) -> Items:
    return Items(len(found), list(found[query.offset : query.offset + query.limit]))


def _window(query: Query) -> Window:
    return Window(query.limit, query.offset)


def areas(conn: sa.Connection, on: Basis, query: Query) -> Items:
    """Give the named areas."""
    return _page([features.area(row) for row in answers.areas(conn, on, query)], query)


def area(conn: sa.Connection, on: Basis, fid: str) -> Json | None:
    """Give one area."""
    rows = answers.areas(conn, on, EVERYTHING)
    return next((features.area(row) for row in rows if str(row.area.id) == fid), None)


@dataclass(frozen=True, slots=True)
class Facilities:
    """Schools or venues."""

    kind: str

    def items(self, conn: sa.Connection, on: Basis, query: Query) -> Items:
        """Give those inside the box and the area."""
        rows = answers.facilities(conn, on, query, self.kind)
        return _page([features.facility(row) for row in rows], query)

    def one(self, conn: sa.Connection, on: Basis, fid: str) -> Json | None:
        """Give one school or venue."""
        rows = answers.facilities(conn, on, EVERYTHING, self.kind)
        return next((features.facility(row) for row in rows if str(row.id) == fid), None)


def released_places(_conn: sa.Connection, on: Basis, query: Query) -> Items:
    """Give what the release tells about places; empty before the first release."""
    return _told(on, query, query.asked, query.detail)


def physical_places(_conn: sa.Connection, on: Basis, query: Query) -> Items:
    """Give the fixed layer of three years for physical measures; empty where it is withheld."""
    return _told(on, query, Asked(places=query.asked.places, product=PHYSICAL), UNIT)


def _told(on: Basis, query: Query, asked: Asked, detail: str) -> Items:
    answer, made = _all_told(on, asked, detail)
    page = _page(made, query)
    if on.released is None or answer is None:
        return page
    about: Json = {
        "release": on.released.header.number,
        "digest": on.released.header.digest,
        "period": answer.period,
        "total": answer.total,
        "low": answer.low,
        "exact": answer.exact,
        "themes": list(answer.themes),
        "blocks": list(answer.blocks),
        "tertials": list(answer.tertials),
    }
    return Items(page.matched, page.features, about)


def _all_told(on: Basis, asked: Asked, detail: str) -> tuple[Answer | None, list[Json]]:
    """Ask the release in force; nothing where there is none, or none of this product."""
    found = told_of(on, asked, detail)
    if found is None:
        return None, []
    told, answer = found
    return answer, [features.released(told, each, answer) for each in answer.shown]


def told_of(on: Basis, asked: Asked, detail: str) -> tuple[Told, Answer] | None:
    """Ask the release in force: one of its parts, and what that answers.

    None where there is no release, or none of this product.

    Raises
    ------
    InvalidParameter
        The release knows no such period, theme, block, tertial or place.
    """
    periods = () if on.released is None else on.released.periods(asked.product)
    if asked.period and asked.period not in periods:
        known = ", ".join(periods)
        raise InvalidParameter("unknown-value", name="period", value=asked.period, known=known)
    if on.released is None or not periods:
        return None
    told = on.released.part(asked.period, asked.product)
    return told, told.answer(asked, detail)


def released_place(_conn: sa.Connection, on: Basis, fid: str) -> Json | None:
    """Give one number of the release's latest period, of everything there."""
    return _one_told(on, fid, Asked(), PLACE)


def physical_place(_conn: sa.Connection, on: Basis, fid: str) -> Json | None:
    """Give one number of the fixed layer."""
    return _one_told(on, fid, Asked(product=PHYSICAL), UNIT)


def _one_told(on: Basis, fid: str, asked: Asked, detail: str) -> Json | None:
    made = _all_told(on, asked, detail)[1]
    return next((each for each in made if each["id"] == fid), None)


def found_incidents(conn: sa.Connection, on: Basis, query: Query) -> Items:
    """Give reported events."""
    page = answers.incidents(conn, on, query, _window(query))
    return Items(page.matched, [features.incident(row) for row in page.rows])


def incident(conn: sa.Connection, on: Basis, fid: str) -> Json | None:
    """Give one reported event."""
    key = _key(fid)
    row = None if key is None else answers.incident(conn, on, key)
    return None if row is None else features.incident(row)


def found_observations(conn: sa.Connection, on: Basis, query: Query) -> Items:
    """Give what was seen on safety walks."""
    page = answers.observations(conn, on, query, _window(query))
    return Items(page.matched, [features.observation(row) for row in page.rows])


def observation(conn: sa.Connection, on: Basis, fid: str) -> Json | None:
    """Give one observation."""
    key = _key(fid)
    row = None if key is None else answers.observation(conn, on, key)
    return None if row is None else features.observation(row)


def counted_cells(conn: sa.Connection, on: Basis, query: Query) -> Items:
    """Give counted cells, ordered by cell."""
    found = answers.cells(conn, on, query)
    if found is None:
        return Items(0, [])
    shown = found.part(slice(query.offset, query.offset + query.limit))
    return Items(found.counts.cell.size, features.cells(shown))


def cell(conn: sa.Connection, on: Basis, fid: str) -> Json | None:
    """Give one counted cell: all incidents of the whole period. No other text names a cell."""
    try:
        key = grid.parse(fid)
    except InvalidParameter:
        return None
    found = answers.cell(conn, on, EVERYTHING, key) if grid.name(key) == fid else None
    return None if found is None else features.cells(found)[0]


def found_clusters(conn: sa.Connection, on: Basis, query: Query) -> Items:
    """Give the clusters of the run in force, largest first."""
    rows = answers.clusters(conn, on, query)
    return _page([features.cluster(row, on) for row in rows], query)


def cluster(conn: sa.Connection, on: Basis, fid: str) -> Json | None:
    """Give one cluster of the run in force."""
    key = _key(fid)
    row = None if key is None else answers.cluster(conn, on, key)
    return None if row is None else features.cluster(row, on)


def _key(fid: str) -> int | None:
    """Read a stored row's id; anything else names no row."""
    return int(fid) if fid.isascii() and fid.isdigit() and len(fid) <= 18 else None  # noqa: PLR2004 - fits 64 bits
