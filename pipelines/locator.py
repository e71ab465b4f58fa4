"""Placing a record by its words: the offline gazetteer first, an own server only if configured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geo import crs
from geo.gazetteer import Gazetteer, Match
from geo.profile import FACILITY_KINDS, NamedPlace
from store import places

if TYPE_CHECKING:
    import sqlalchemy as sa
    from numpy.typing import NDArray

    from geo.gazetteer import ToMetres
    from geo.profile import Profile
    from pipelines.online_geocoder import Geocoder

UNPLACED = ("none", "ambiguous")
FACILITY_UNCERTAINTY_M = 75.0  # a school or a venue is a building with its grounds
NOTHING = Match("none", None, None, 0.0, None, "", "")


@dataclass(frozen=True, slots=True)
class PlaceWords:
    """What a row says about its place."""

    street: str = ""
    number: str = ""
    crossing: str = ""
    place: str = ""
    area: str = ""

    @property
    def address(self) -> str:
        """Give street and number as one text."""
        return f"{self.street} {self.number}".strip()

    @property
    def text(self) -> str:
        """Give the most precise words, to be kept with the record."""
        return self.crossing or self.address or self.place or self.area


class Locator:
    """Finds places for words, each distinct wording once."""

    def __init__(self, gazetteer: Gazetteer, online: Geocoder | None = None) -> None:
        """Search `gazetteer`; ask `online` only for what it cannot place."""
        self._gazetteer = gazetteer
        self._online = online
        self._known: dict[PlaceWords, Match] = {}

    def locate(self, words: PlaceWords) -> Match:
        """Find the place that the most precise of the words name."""
        match = self._known.get(words)
        if match is None:
            match = self._known[words] = self._search(words)
        return match

    def _search(self, words: PlaceWords) -> Match:
        best = NOTHING
        for text in dict.fromkeys((words.crossing, words.address, words.place, words.area)):
            if not text:
                continue
            match = self._gazetteer.locate(text, area=words.area)
            if match.match_type == "none" and self._online is not None and text != words.area:
                match = self._online.locate(text, area=words.area)
            if match.match_type not in UNPLACED:
                return match
            if best.match_type == "none":
                best = match
        return best


def gazetteer(connection: sa.Connection, profile: Profile) -> Gazetteer:
    """Build the gazetteer of the stored places."""
    there = [f for kind in FACILITY_KINDS for f in places.facilities(connection, kind)]
    facilities = [
        NamedPlace("place", f.name, f.lon, f.lat, FACILITY_UNCERTAINTY_M, f.source) for f in there
    ]
    return Gazetteer.build(
        places.addresses(connection),
        [*places.named_places(connection), *facilities],
        [area.as_area() for area in places.areas(connection)],
        to_metres(profile),
    )


def to_metres(profile: Profile) -> ToMetres:
    """Give the function that turns lon/lat into the profile's metres."""

    def transform(
        lon: NDArray[np.float64], lat: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return crs.transform(lon, lat, crs.WGS84, profile.metric_epsg)

    return transform


def known_centres(connection: sa.Connection) -> NDArray[np.float64]:
    """Give the points that registers use when they do not know: (c, 2) lon/lat."""
    centres = [
        (place.lon, place.lat)
        for place in places.named_places(connection)
        if place.kind == "centroid"
    ]
    centres += [(a.outline.centroid.x, a.outline.centroid.y) for a in places.areas(connection)]
    return np.array(centres, dtype=float).reshape(-1, 2)
