"""The collections of the OGC API: what they are called, hold, and can be asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from app import readers
from app.features import Json
from app.queries import Query
from app.readers import Items
from pipelines.answers import Basis
from pipelines.texts import text

COMMON = ("limit", "offset", "bbox", "bbox-crs", "crs", "datetime")


@dataclass(frozen=True, slots=True)
class Collection:
    """One collection.

    `layer` tells those made by a run, which never change once published; `counted` those that
    show what a run counted.
    """

    id: str
    filters: tuple[str, ...]
    items: Callable[[sa.Connection, Basis, Query], Items]
    one: Callable[[sa.Connection, Basis, str], Json | None]
    temporal: bool = False
    layer: bool = False
    counted: bool = False

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
        "areas",
        ("category", "window"),
        readers.areas,
        readers.area,
        counted=True,
    ),
    Collection("schools", ("area",), _SCHOOLS.items, _SCHOOLS.one),
    Collection("venues", ("area",), _VENUES.items, _VENUES.one),
    Collection(
        "incidents",
        ("area", "category", "window"),
        readers.found_incidents,
        readers.incident,
        temporal=True,
    ),
    Collection(
        "observations",
        ("area",),
        readers.found_observations,
        readers.observation,
        temporal=True,
    ),
    Collection(
        "cells",
        ("area", "category", "window", "resolution"),
        readers.counted_cells,
        readers.cell,
        temporal=True,
        layer=True,
        counted=True,
    ),
    Collection(
        "clusters",
        ("area", "category", "window", "scope"),
        readers.found_clusters,
        readers.cluster,
        temporal=True,
        layer=True,
        counted=True,
    ),
)
COLLECTIONS = {collection.id: collection for collection in _ALL}
