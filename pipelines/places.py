"""Put a place profile and its places in force, and derive anew what follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geo.errors import InvalidParameter
from geo.profile import AREA_KINDS
from pipelines import online_geocoder, place_files, profiles
from pipelines.derive import Deriver
from pipelines.ingest import mark_piles
from pipelines.locator import Locator, gazetteer
from pipelines.placing import Given, Words, place
from store import incidents, models, places, records

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import sqlalchemy as sa

    from geo.profile import Profile
    from store.db import Store

KINDS = ("areas", "schools", "venues", "places", "addresses")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load or an import put in place."""

    entries: int
    derived: int  # incidents and observations looked at anew


def load(store: Store, source: str | Path) -> Loaded:
    """Put a profile with its areas, facilities and gazetteer in the place of the one before.

    What was imported stays: an address register, official polygons, venues. The same profile
    again changes nothing.
    """
    reference = profiles.load(source)
    entries = len(reference.areas) + len(reference.facilities) + len(reference.places)
    with store.write_alone() as connection:
        if places.loaded_digest(connection) == profiles.digest(reference):
            return Loaded(entries, 0)
        places.save_profile(connection, reference.profile, profiles.digest(reference))
        for kind in AREA_KINDS:
            some = [area for area in reference.areas if area.kind == kind]
            places.put_areas(connection, some, places.PROFILE, replace=kind)
        for kind in ("school", "venue"):
            there = [f for f in reference.facilities if f.kind == kind]
            places.put_facilities(connection, there, places.PROFILE, replace=kind)
        places.put_named_places(connection, reference.places, places.PROFILE, replace=True)
        return Loaded(entries, refresh(connection))


@dataclass(frozen=True, slots=True)
class PlaceImport:
    """A place file and what it holds."""

    path: Path
    kind: str  # one of KINDS
    area_kind: str = "priority"
    name_column: str = ""
    replace: bool = False


def import_file(store: Store, wanted: PlaceImport) -> Loaded:
    """Add places from a file, or put them in the place of all of their kind.

    Raises
    ------
    UnreadableFile, InvalidParameter
        The file cannot be read or holds what cannot be used; nothing is changed.
    """
    if wanted.kind not in KINDS:
        raise InvalidParameter("place-kind", value=wanted.kind, allowed=", ".join(KINDS))
    if wanted.area_kind not in AREA_KINDS:
        raise InvalidParameter("area-kind", value=wanted.area_kind, allowed=", ".join(AREA_KINDS))
    with store.read() as connection:
        profile = places.profile(connection)
    entries, put = _read(wanted, profile)  # a file may take long, and other writers wait for us
    with store.write_alone() as connection:
        put(connection)
        places.touch(connection)
        return Loaded(entries, refresh(connection))


def _read(wanted: PlaceImport, profile: Profile) -> tuple[int, Callable[[sa.Connection], None]]:
    """Read a file; give the number of entries and what stores them."""
    path = wanted.path
    if wanted.kind == "areas":
        found = place_files.areas(path, wanted.area_kind, profile, wanted.name_column)
        kind = wanted.area_kind if wanted.replace else None
        return len(found), lambda to: places.put_areas(to, found, places.IMPORT, replace=kind)
    if wanted.kind == "addresses":
        register = place_files.addresses(path, profile)
        return len(register), lambda to: places.put_addresses(to, register)
    if wanted.kind == "places":
        named = place_files.named_places(path, profile)
        anew = wanted.replace
        return len(named), lambda to: places.put_named_places(
            to, named, places.IMPORT, replace=anew
        )
    kind_of = wanted.kind.removesuffix("s")
    facilities = place_files.facilities(path, kind_of, profile)
    of_kind = kind_of if wanted.replace else None
    return len(facilities), lambda to: places.put_facilities(
        to, facilities, places.IMPORT, replace=of_kind
    )


def refresh(connection: sa.Connection) -> int:
    """Derive place, area, category and windows of every stored record anew; give how many.

    Rows that were placed by words are looked up again, so that the map does not depend on whether
    the register or the rows came first.
    """
    deriver = Deriver(connection)
    locator = Locator(gazetteer(connection, deriver.profile))
    seen = 0
    for table in (models.Incident, models.Observation):
        after = 0
        while (some := records.placed(connection, table, after)).id.size:
            placing = _placed_anew(some, locator, deriver)
            records.update_places(connection, table, some.id, placing, deriver.revision)
            if table is models.Incident:
                _update_incidents(connection, some, placing, deriver)
            seen += some.id.size
            after = int(some.id[-1])
        mark_piles(connection, deriver, table)
    return seen


def _placed_anew(some: records.Placed, locator: Locator, deriver: Deriver) -> records.Placing:
    """Place stored records as new ones are: what the source or a server gave stays."""
    lon, lat, uncertainty = some.lon.copy(), some.lat.copy(), some.uncertainty_m.copy()
    by_words = [
        n
        for n, (kind, origin) in enumerate(zip(some.match_type, some.match_source, strict=True))
        if kind != "coordinates" and origin not in online_geocoder.KINDS
    ]
    for column in (lon, lat, uncertainty):
        column[by_words] = np.nan
    given = Given(
        lon,
        lat,
        uncertainty,
        some.match_type,
        some.match_score,
        some.match_source,
        some.matched_text,
    )
    words = Words(some.street, some.street_number, some.crossing, some.place_name, some.area_name)
    return place(given, words, locator, deriver)


def _update_incidents(
    connection: sa.Connection, some: records.Placed, placing: records.Placing, deriver: Deriver
) -> None:
    ids = some.id
    when = incidents.kinds(connection, int(ids[0]), int(ids[-1]))
    around = deriver.surroundings(placing)
    kind = deriver.categorise(when.code, when.source_category, when.starts_at, around)
    bits = deriver.in_windows(when.starts_at, when.ends_at)
    incidents.update_kinds(connection, ids, kind, bits)
