"""Which place somebody means when they add to the action plan, by a name that every role knows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import shapely
import sqlalchemy as sa

from app import choices, release_page
from geo import cells, crs
from geo.errors import InvalidParameter, NotFound
from pipelines import answers
from pipelines.answers import MUNICIPALITY, Basis
from pipelines.naming import Namer
from pipelines.released import PLACE, Told
from pipelines.roles import ANALYST
from store import places, plan
from store.places import AreaRow
from store.plan import NewRow, Spot

CELLS, CLUSTERS, AREAS, SCHOOLS = "cells", "clusters", "areas", "schools"
SPOTS = (CELLS, CLUSTERS)
_NUMBER = re.compile(r"(?:release:)?([0-9]{4}(?:-T[1-3])?)\.([0-9]{1,6})", re.ASCII)
_ID = re.compile(r"[0-9]{1,18}", re.ASCII)
_SMALLEST_FIRST = ("nightlife", "priority", "district")


@dataclass(frozen=True, slots=True)
class Site:
    """A place: as links name it, in words, and the area it is listed under; "" is everywhere."""

    place: str = ""
    name: str = ""
    area: str = ""


def wanted(
    connection: sa.Connection, on: Basis, given: Mapping[str, str]
) -> tuple[NewRow, Spot | None]:
    """Read what a card or a row sends.

    Parameters
    ----------
    connection
        With the rights of the reader's role.
    on
        With the release in force.
    given
        `vald`, the chosen place as links name it; `omrade`, `fonster`, `typ`, `period`, `detalj`.

    Raises
    ------
    NotFound
        There is no such place for this role.
    InvalidParameter
        The number speaks of several places at once.
    """
    kind, _, key = given.get("vald", "").partition(":")
    spot = None
    if kind in SPOTS and on.role == ANALYST:
        site, spot = _spot(connection, on, kind, key)
    else:
        site = _site(connection, on, given)
    window, theme, period = _question(on, given)
    row = NewRow(site.place, site.name, site.area, window, theme, period)
    if on.role != ANALYST:
        return row, None
    told = replace(row, window=_told_block(on, window), theme=_told_theme(on, theme))
    if told != row:
        spot = replace(spot or Spot(), window=window, theme=theme)
    return told, spot


def standing(connection: sa.Connection, on: Basis, given: Mapping[str, str]) -> int | None:
    """Find the row in which a place stands in the plan already, for the same question.

    Others than analysts cannot read the spots: they are told of the row that says the same to them.
    """
    if not plan.count(connection):
        return None
    try:
        row, spot = wanted(connection, on, given)
    except (InvalidParameter, NotFound):  # it cannot be put there
        return None
    if on.role == ANALYST:
        return plan.same(connection, row, spot)
    return plan.alike(connection, row)


def _told_block(on: Basis, window: str) -> str:
    """Give a window that everybody may read of: one that the release tells of, or all time."""
    released = on.released
    blocks = released.part().blocks if released is not None and released.periods() else ()
    return window if window in blocks else choices.EVERY_WINDOW


def _told_theme(on: Basis, written: str) -> str:
    """Give the theme of a kind of events; a theme is itself."""
    kinds = {each.code: each.theme for each in on.reference.profile.categories}
    return f"{release_page.THEME_PREFIX}{kinds[written]}" if written in kinds else written


def _question(on: Basis, given: Mapping[str, str]) -> tuple[str, str, str]:
    """Give time, theme and period of a link, as far as the reader's side knows them."""
    elsewhere = {**given, "omrade": ""}
    if on.role == ANALYST:
        read = choices.read(elsewhere, on.reference, on.run).given
        theme = _told_theme(on, read["typ"])
        alone = choices.kind_of(theme, on.reference.profile.categories) == read["typ"]
        return read["fonster"], theme if alone else read["typ"], read["period"]
    if on.released is None or not on.released.periods():
        return choices.EVERY_WINDOW, "", choices.WHOLE_PERIOD
    asked = release_page.choose(elsewhere, on.released, on.reference).asked
    theme = "".join(f"{release_page.THEME_PREFIX}{each}" for each in asked.themes)
    return "".join(asked.blocks) or choices.EVERY_WINDOW, theme, asked.period


def _spot(connection: sa.Connection, on: Basis, kind: str, key: str) -> tuple[Site, Spot]:
    """Find a cell or a cluster, what lies near it, and the area that holds its middle."""
    at = cell_middle(key) if kind == CELLS else _cluster_middle(connection, on, key)
    epsg = on.reference.profile.metric_epsg
    x_m, y_m = crs.transform(np.array([at.x]), np.array([at.y]), crs.WGS84, epsg)
    (near,) = Namer(connection, on.reference.profile).names(x_m, y_m)
    return _around(on, at), Spot(f"{kind}:{key}", near)


def _around(on: Basis, at: shapely.Point) -> Site:
    """Name the area that holds a point; one in none is in the municipality."""
    ranked = sorted(
        (row for row in on.reference.areas if row.kind in _SMALLEST_FIRST),
        key=lambda row: _SMALLEST_FIRST.index(row.kind),
    )
    around = next((row for row in ranked if row.outline.intersects(at)), None)
    return Site() if around is None else _area(on, around)


def unit_holding(on: Basis, told: Told, key: str) -> int:
    """Find the piece of a release's ground that a cell lies in, by its middle alone.

    What has happened in the cell plays no part, so that a link to it tells nothing of that. The
    place is the one that the action plan lists the cell under.

    Raises
    ------
    NotFound
        There is no such cell, or it lies outside the municipality.
    """
    at = cell_middle(key)
    zone = _around(on, at).place
    own = [unit for unit in told.units if zone in (unit.zone, unit.place)]
    lying = (unit for unit in own or told.units if unit.outline and unit.outline.intersects(at))
    unit = next(lying, own[0] if own else None)
    if unit is None:
        raise _unknown()
    return unit.number


def cell_middle(key: str) -> shapely.Point:
    """Give the middle of a cell in lon/lat.

    Raises
    ------
    NotFound
        There is no such cell, or it is of no size that maps have.
    """
    try:
        cell = cells.parse(key)
    except InvalidParameter:
        raise _unknown() from None
    if cells.name(cell) != key or cells.resolution(cell) not in cells.RESOLUTIONS:
        raise _unknown()
    lon, lat = cells.middles(np.array([cell]))
    return shapely.Point(lon[0], lat[0])


def _cluster_middle(connection: sa.Connection, on: Basis, key: str) -> shapely.Point:
    row = answers.cluster(connection, on, int(key)) if _ID.fullmatch(key) else None
    if row is None:
        raise _unknown()
    return shapely.Point(row.lon, row.lat)


def _site(connection: sa.Connection, on: Basis, given: Mapping[str, str]) -> Site:
    """Find a place that every role knows: of the release, an area, or a school."""
    written = given.get("vald", "") or given.get("omrade", "")
    if not written:
        return Site()
    kind, _, key = written.partition(":")
    number = _NUMBER.fullmatch(written)
    if number is not None:
        return _told(on, given, *number.groups())
    if kind == SCHOOLS:
        return _school(connection, on, key)
    return _named(on, key if kind == AREAS else written)


def _told(on: Basis, given: Mapping[str, str], period: str, unit: str) -> Site:
    """Find the place of a number of the release, as it stands beside the same choices."""
    if on.released is None or period not in on.released.periods():
        raise _unknown()
    chosen = release_page.choose({**given, "period": period}, on.released, on.reference)
    told = on.released.part(period)
    answer = told.answer(chosen.asked, chosen.detail)
    found = next((each for each in answer.shown if each.units[0] == int(unit)), None)
    if found is None:
        raise _unknown()
    meant = found.places if chosen.detail == PLACE else found.zones
    if len(meant) > 1:
        raise InvalidParameter("plan-several-places", name=found.name)
    return _zone(told, meant[0])


def _zone(told: Told, slug: str) -> Site:
    """Name a place or zone of the release."""
    for unit in told.units:
        if slug in (unit.zone, unit.place):
            name = unit.zone_name if slug == unit.zone else unit.place_name
            return Site(slug, name, unit.place_name)
    raise _unknown()


def _school(connection: sa.Connection, on: Basis, key: str) -> Site:
    rows = places.facilities(connection, "school")
    school = next((row for row in rows if str(row.id) == key), None)
    if school is None:
        raise _unknown()
    zone = _zone_named(on, school.name)
    return Site(f"{SCHOOLS}:{school.id}", school.name) if zone is None else zone


def _named(on: Basis, written: str) -> Site:
    """Find an area by its id or name, or a place by the release's word for it."""
    try:
        return _area(on, on.reference.area(written))
    except InvalidParameter:
        if on.released is None or not on.released.periods():
            raise _unknown() from None
        return _zone(on.released.part(), written)


def _area(on: Basis, row: AreaRow) -> Site:
    """Name an area as the release does, where it knows it: one place has one name in links."""
    if row.kind == MUNICIPALITY:
        return Site()
    zone = _zone_named(on, row.name)
    return Site(str(row.id), row.name, row.name) if zone is None else zone


def _zone_named(on: Basis, name: str) -> Site | None:
    if on.released is None or not on.released.periods():
        return None
    told = on.released.part()
    slug = next((unit.zone for unit in told.units if unit.zone_name == name), None)
    return None if slug is None else _zone(told, slug)


def _unknown() -> NotFound:
    return NotFound("plan-unknown-place")
