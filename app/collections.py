"""The collections of the OGC API: what they are called, hold, and can be asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from app import readers
from app.features import Json
from app.readers import Items, Question

COMMON = ("limit", "offset", "bbox", "bbox-crs", "crs", "datetime")


@dataclass(frozen=True, slots=True)
class Collection:
    """One collection. `layer` tells those made by a run, which never change once published."""

    id: str
    title: str
    description: str
    filters: tuple[str, ...]
    items: Callable[[sa.Connection, Question], Items]
    one: Callable[[sa.Connection, Question, str], Json | None]
    temporal: bool = False
    layer: bool = False

    @property
    def parameters(self) -> tuple[str, ...]:
        """Name every parameter of its items."""
        return COMMON + self.filters


_SCHOOLS, _VENUES = readers.Facilities("school"), readers.Facilities("venue")

_ALL = (
    Collection(
        "areas",
        "Områden",
        "Kommunen, prioriterade områden, nattlivskärnan och andra delområden, med antalet"
        " händelser i den publicerade analysen. Här räknas även händelser vars plats är för osäker"
        " för rutor.",
        ("category", "window"),
        readers.areas,
        readers.area,
    ),
    Collection("schools", "Skolor", "Skolenheter.", ("area",), _SCHOOLS.items, _SCHOOLS.one),
    Collection("venues", "Krogar", "Serveringsställen.", ("area",), _VENUES.items, _VENUES.one),
    Collection(
        "incidents",
        "Händelser",
        "Anmälda händelser: kategori, tid och hur säker platsen är. Aldrig fritext, adress eller"
        " brottskod. Utan känd plats är geometrin null.",
        ("area", "category", "window"),
        readers.found_incidents,
        readers.incident,
        temporal=True,
    ),
    Collection(
        "observations",
        "Observationer",
        "Iakttagelser från trygghetsvandringar. Anteckningen visas först när den är granskad.",
        ("area",),
        readers.found_observations,
        readers.observation,
        temporal=True,
    ),
    Collection(
        "cells",
        "Rutor",
        "Antal händelser per sexkantig ruta (H3) i den publicerade analysen. count är hela"
        " händelser, weight händelser gånger andelen av deras tid i fönstret. Räknas per"
        " kalendermånad: datetime väljer hela månader.",
        ("area", "category", "window", "resolution"),
        readers.counted_cells,
        readers.cell,
        temporal=True,
        layer=True,
    ),
    Collection(
        "clusters",
        "Kluster",
        "Grupper av platser nära varandra (DBSCAN) i den publicerade analysen, störst först.",
        ("area", "category", "window", "scope"),
        readers.found_clusters,
        readers.cluster,
        temporal=True,
        layer=True,
    ),
)
COLLECTIONS = {collection.id: collection for collection in _ALL}
