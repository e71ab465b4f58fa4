"""The collections of the OGC API: what they are called, hold, and can be asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from app import readers
from app.features import Json
from app.queries import Query
from app.readers import Items
from geo.errors import NotFound
from pipelines.answers import Basis
from pipelines.roles import ANALYST, COORDINATOR, PLANNER, PUBLIC
from pipelines.texts import text

COMMON = ("limit", "offset", "bbox", "bbox-crs", "crs", "datetime")


EVERYBODY = frozenset({PUBLIC, PLANNER, ANALYST, COORDINATOR})
STAFF = EVERYBODY - {PUBLIC}
ANALYSTS = frozenset({ANALYST})


@dataclass(frozen=True, slots=True)
class Collection:
    """One collection.

    `layer` tells those made by a run, which never change once published; `counted` those that
    show what a run counted; `lasting` those made of profile and places and no more than a run's
    counts; `released` those made of the release in force; `points` those that
    hold places of single events or observations, which no browser keeps; `logged` those of which
    every read is written in the log.
    """

    id: str
    roles: frozenset[str]  # for all others it does not exist
    filters: tuple[str, ...]
    items: Callable[[sa.Connection, Basis, Query], Items]
    one: Callable[[sa.Connection, Basis, str], Json | None]
    temporal: bool = False
    layer: bool = False
    counted: bool = False
    lasting: bool = False
    released: bool = False
    points: bool = False
    logged: bool = False

    @property
    def title(self) -> str:
        """Name it to people."""
        return text(f"collection-{self.id}")

    @property
    def description(self) -> str:
        """Say what it holds."""
        return text(f"collection-{self.id}-text")

    @property
    def parameters(self) -> tuple[str, ...]:
        """Name every parameter of its items."""
        return COMMON + self.filters


_SCHOOLS, _VENUES = readers.Facilities("school"), readers.Facilities("venue")

_ALL = (
    Collection(
        "release",
        EVERYBODY,
        ("period", "tertial", "theme", "block", "place", "detail"),
        readers.released_places,
        readers.released_place,
        released=True,
    ),
    Collection(
        "physical",
        EVERYBODY,
        ("place",),
        readers.physical_places,
        readers.physical_place,
        released=True,
    ),
    Collection(
        "areas",
        EVERYBODY,
        ("category", "window"),
        readers.areas,
        readers.area,
        counted=True,
        lasting=True,
    ),
    Collection("schools", EVERYBODY, ("area",), _SCHOOLS.items, _SCHOOLS.one, lasting=True),
    Collection("venues", ANALYSTS, ("area",), _VENUES.items, _VENUES.one, lasting=True),
    Collection(
        "incidents",
        ANALYSTS,
        ("area", "category", "window"),
        readers.found_incidents,
        readers.incident,
        temporal=True,
        points=True,
        logged=True,
    ),
    Collection(
        "observations",
        STAFF,
        ("area",),
        readers.found_observations,
        readers.observation,
        temporal=True,
        points=True,
        logged=True,
    ),
    Collection(
        "cells",
        ANALYSTS,
        ("area", "category", "window", "resolution"),
        readers.counted_cells,
        readers.cell,
        temporal=True,
        layer=True,
        counted=True,
    ),
    Collection(
        "clusters",
        ANALYSTS,
        ("area", "category", "window", "scope"),
        readers.found_clusters,
        readers.cluster,
        temporal=True,
        layer=True,
        counted=True,
        points=True,  # the corners of a hull are places of events
        logged=True,
    ),
)
COLLECTIONS = {collection.id: collection for collection in _ALL}


def seen_by(role: str, scope: frozenset[str] | None) -> list[Collection]:
    """List the collections that exist for a reader, whose key may name only some of them."""
    return [one for one in _ALL if role in one.roles and (scope is None or one.id in scope)]


def find(name: str, role: str, scope: frozenset[str] | None) -> Collection:
    """Find a collection by its name.

    Raises
    ------
    NotFound
        There is none, or none for this reader: both are told in the same words.
    """
    seen = {one.id: one for one in seen_by(role, scope)}
    if name not in seen:
        raise NotFound("unknown-collection", name=name[:40], known=", ".join(seen))
    return seen[name]
