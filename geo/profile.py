"""The place profile: everything about one municipality that is data, not code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    import shapely

    from geo.windows import WeeklyWindow

AREA_KINDS = ("municipality", "priority", "nightlife", "district")
FACILITY_KINDS = ("school", "venue")
PLACE_KINDS = ("place", "bus_stop", "street", "centroid")
PLACE_RULES = ("any", "venue", "school", "school_or_venue", "never")


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of incident as people on the map speak of it."""

    code: str
    label: str
    theme: str
    enforcement_driven: bool  # the number mirrors police activity more than events
    in_total: bool  # part of "alla händelser"
    on_map: bool  # may enter map layers at all


@dataclass(frozen=True, slots=True)
class OffenceRule:
    """How one offence code reads during its years of validity."""

    code: str
    label: str
    valid_from: date | None
    valid_to: date | None  # exclusive
    category: str
    nightlife: bool  # becomes the nightlife category in the core or near a venue
    place: str  # one of PLACE_RULES: where such an incident may enter map layers


@dataclass(frozen=True, slots=True)
class Area:
    """A named piece of ground; `outline` in lon/lat."""

    kind: str  # one of AREA_KINDS
    name: str
    outline: shapely.Polygon | shapely.MultiPolygon
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Facility:
    """A school or a venue; lon/lat."""

    kind: str  # one of FACILITY_KINDS
    name: str
    lon: float
    lat: float
    source: str
    form: str = ""


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """A gazetteer entry; lon/lat. A `centroid` is a known false pile."""

    kind: str  # one of PLACE_KINDS
    name: str
    lon: float
    lat: float
    uncertainty_m: float
    source: str


@dataclass(frozen=True, slots=True)
class Address:
    """One address point of a register; lon/lat."""

    street: str
    number: int
    letter: str
    lon: float
    lat: float
    postcode: str
    city: str
    source: str


@dataclass(frozen=True, slots=True)
class LocalEvent:
    """A market, a match or a festival: evenings that are not like others."""

    name: str
    first: date
    last: date  # included


@dataclass(frozen=True, slots=True)
class Profile:
    """The rules of one municipality."""

    name: str
    label: str
    timezone: str
    metric_epsg: int
    source_epsgs: tuple[int, ...]  # tried when a file's CRS is recognised; first wins a tie
    envelope: tuple[float, float, float, float]  # west, south, east, north in degrees
    windows: tuple[WeeklyWindow, ...]
    terms: tuple[tuple[date, date], ...]  # [first day, day after the last); empty = every week
    categories: tuple[Category, ...]
    offences: tuple[OffenceRule, ...]
    venue_distance_m: float
    nightlife_category: str
    events: tuple[LocalEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class ReferenceSet:
    """A profile with its places."""

    profile: Profile
    areas: tuple[Area, ...]
    facilities: tuple[Facility, ...]
    places: tuple[NamedPlace, ...]
    addresses: tuple[Address, ...]
