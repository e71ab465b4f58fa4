"""Links that a reader keeps under names of their own: only to our pages, with words we know."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from geo.errors import Conflict, InvalidParameter, NotFound
from pipelines import links
from store import views
from store.views import NewView

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import sqlalchemy as sa

    from store.db import Store
    from store.views import View

MOST = 50  # of one reader
LONGEST_NAME = 60
LONGEST_ADDRESS = 1000
UNDO = timedelta(days=1)  # what was removed can be put back for so long
# The pages that can be kept, by the ends of their names' codes (`way-...`).
PAGES = {
    "/": "where",
    "/nar": "when",
    "/skolor": "schools",
    "/nattliv": "nightlife",
    "/pa-plats": "on-site",
    "/utveckling": "change",
    "/plan": "plan",
    "/utgava": "release",
    "/tabeller": "tables",
}


@dataclass(frozen=True, slots=True)
class Change:
    """A kept link, and whether its name had another address before."""

    view: View
    there: bool


def save(store: Store, wanted: NewView, now: datetime) -> Change:
    """Keep a link; one that its owner calls the same gets the new address.

    Raises
    ------
    InvalidParameter
        The name is empty, too long or not to be printed, or the address is not one of ours.
    Conflict
        The reader keeps as many as there may be.
    """
    kept = NewView(wanted.owner, _named(wanted.name), own_address(wanted.address))
    with _writing(store, now) as connection:
        standing = views.standing(connection, kept.owner)
        there = any(view.name == kept.name for view in standing)
        if not there:
            _room(standing)
        view_id = views.put(connection, kept, now)
        return Change(_found(connection, kept.owner, view_id, now), there)


def remove(store: Store, owner: str, view_id: int, now: datetime) -> View:
    """Remove a link.

    Raises
    ------
    NotFound
        The reader has no such link.
    """
    with _writing(store, now) as connection:
        view = _found(connection, owner, view_id, now)
        if view.removed_at is None:
            views.mark(connection, view_id, now)
        return view


def restore(store: Store, owner: str, view_id: int, now: datetime) -> View:
    """Put a removed link back.

    Raises
    ------
    NotFound
        The reader has no such link, or it was forgotten.
    Conflict
        The reader keeps as many as there may be, or has given its name to another one.
    """
    with _writing(store, now) as connection:
        view = _found(connection, owner, view_id, now)
        if view.removed_at is not None:
            standing = views.standing(connection, owner)
            if any(each.name == view.name for each in standing):
                raise Conflict("view-name-taken", name=view.name)
            _room(standing)
            views.mark(connection, view_id, None)
        return view


def own_address(written: str) -> str:
    """Give the part of an address that is ours: a known page, and the words that links know.

    Raises
    ------
    InvalidParameter
        It leads to no page that can be kept.
    """
    try:
        parts = urlsplit(written[:LONGEST_ADDRESS])
    except ValueError:
        raise InvalidParameter("view-address") from None
    if parts.scheme or parts.netloc or parts.path not in PAGES:
        raise InvalidParameter("view-address")
    given = dict(parse_qsl(parts.query))
    words = links.of_page(parts.path)
    kept = links.kept(given, (name for name in given if name in words))
    return f"{parts.path}?{urlencode(kept, safe=',:')}" if kept else parts.path


def _named(written: str) -> str:
    name = " ".join(written.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidParameter("view-name", most=LONGEST_NAME)
    return name


def one(connection: sa.Connection, owner: str, view_id: int, now: datetime) -> View | None:
    """Find one of somebody's links that stands, or can still be put back."""
    return views.one(connection, owner, view_id, now - UNDO)


@contextmanager
def _writing(store: Store, now: datetime) -> Iterator[sa.Connection]:
    """Change the links, alone; what was removed long ago is forgotten for good."""
    with store.write() as connection:
        views.hold(connection)
        views.sweep(connection, now - UNDO)
        yield connection


def _found(connection: sa.Connection, owner: str, view_id: int, now: datetime) -> View:
    view = one(connection, owner, view_id, now)
    if view is None:
        raise NotFound("view-unknown")
    return view


def _room(standing: list[View]) -> None:
    if len(standing) >= MOST:
        raise Conflict("views-full", most=MOST)
