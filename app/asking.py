"""What every question to a collection begins with: who asks, of what, and of which edition."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated

import sqlalchemy as sa
from fastapi import Depends, Request

from app import collections
from app.access import Reader, allow
from app.collections import Collection
from app.kept import AnswerKey
from app.queries import Query, parse
from app.services import services
from geo.errors import InvalidParameter, NotFound
from pipelines import answers
from pipelines.answers import Basis
from pipelines.roles import ANALYST, COORDINATOR, PLANNER, PUBLIC
from pipelines.texts import language

# To everybody else none of this exists, whatever id they ask for.
CollectionReader = Annotated[
    Reader, Depends(allow(PUBLIC, PLANNER, ANALYST, COORDINATOR, purpose="map", hidden=True))
]


def base(request: Request) -> str:
    """Give the address that the API is served at."""
    return f"{str(request.base_url).rstrip('/')}/ogc"


@contextmanager
def opened(
    request: Request, reader: Reader, *, released: bool
) -> Iterator[tuple[sa.Connection, Basis]]:
    """Open what a reader may read: to all but analysts, events are out of reach here."""
    parts = services(request)
    with parts.store_for(reader.role).read() as conn:
        reference = parts.reference.read(conn)
        inside = parts.released.in_force() if released else None
        yield conn, answers.basis(conn, reader.role, reference, inside)


def plain(request: Request) -> None:
    """Refuse parameters where there are none to give."""
    for name in request.query_params:
        raise InvalidParameter("no-parameters", name=name[:40])


def collection(request: Request, collection_id: str, reader: Reader) -> Collection:
    """Find a collection; one that the reader may not see is as unknown as any other word."""
    try:
        return collections.find(collection_id, reader.role, reader.collections)
    except NotFound:
        services(request).log.note(reader.name, reader.role, "collection", "map", outcome="refused")
        raise


def query(request: Request, allowed: tuple[str, ...], on: Basis) -> Query:
    """Read the parameters of a question."""
    asked = parse(request.query_params.multi_items(), allowed, on.reference.profile)
    if asked.area is None:
        return asked
    return replace(asked, area_id=on.reference.area(asked.area).id)


def edition(of: Collection, on: Basis) -> str | None:
    """Name what never changes and an answer may be kept for; None where there is no such thing."""
    if of.released and on.released is not None:
        return on.released.header.digest
    if of.layer and on.run is not None:
        return f"run {on.run.id}"
    if of.lasting:
        return "places" if on.run is None else f"places, run {on.run.id}"
    return None


def key(request: Request, on: Basis, named: str, path: str, question: Hashable) -> AnswerKey:
    """Name everything that a kept answer of an edition depends on."""
    return AnswerKey(
        edition=named,
        revision=on.reference.revision,
        role=on.role,
        language=language(),
        base=base(request),
        path=path,
        query=question,
    )
