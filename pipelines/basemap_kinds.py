"""What other map makers call streets, waters and greens, in the few words that we draw.

OpenStreetMap's tags, the layers of two common tile schemes (Protomaps, OpenMapTiles), and names
that Lantmäteriet and municipalities give their layers. What is not listed is not drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

STREETS: Final = {
    **dict.fromkeys(("motorway", "motorway_link", "trunk", "trunk_link", "highway"), "motorway"),
    **dict.fromkeys(("primary", "primary_link", "secondary", "secondary_link"), "main"),
    **dict.fromkeys(("major_road", "main"), "main"),
    **dict.fromkeys(("tertiary", "tertiary_link", "medium_road", "district"), "district"),
    **dict.fromkeys(("residential", "unclassified", "living_street", "pedestrian"), "street"),
    **dict.fromkeys(("road", "busway", "minor_road", "minor", "street"), "street"),
    **dict.fromkeys(("service", "raceway"), "service"),
    **dict.fromkeys(("footway", "cycleway", "path", "steps", "bridleway", "track"), "path"),
}
# Parts of Swedish words for kinds of roads, the first that fits.
STREET_WORDS: Final = (
    *((word, "motorway") for word in ("motorväg", "motortrafik", "mötesfri")),
    *((word, "path") for word in ("gång", "cykel", "stig", "traktor", "parkväg", "led", "spår")),
    *((word, "district") for word in ("lokalgata stor", "landsväg liten", "uppsaml")),
    *((word, "main") for word in ("riks", "europa", "huvud", "genomfart", "länsväg")),
    *((word, "main") for word in ("landsväg", "övergripande")),
    *((word, "service") for word in ("enskild", "infart", "parkering", "kvarter", "enkel")),
)
GREENS: Final = {
    **dict.fromkeys(("park", "garden", "recreation_ground", "village_green"), "park"),
    **dict.fromkeys(("grass", "meadow", "cemetery", "allotments", "grassland"), "park"),
    **dict.fromkeys(("golf_course", "pitch", "playground", "heath", "national_park"), "park"),
    **dict.fromkeys(("forest", "wood", "scrub", "nature_reserve"), "wood"),
}
GREEN_WORDS: Final = (
    *((word, "wood") for word in ("skog", "naturreservat")),
    *((word, "park") for word in ("park", "grön", "gräs", "rekreation", "idrott", "golf")),
    *((word, "park") for word in ("begravning", "koloni", "bollplan", "fotboll", "lekplats")),
)
WATER_WORDS: Final = ("vatten", "sjö", "hav", "anlagt vatten", "damm", "kanal", "water", "lake")
PLACES: Final = {
    **dict.fromkeys(("city", "town", "locality"), "town"),
    **dict.fromkeys(("suburb", "quarter", "village", "borough"), "suburb"),
    **dict.fromkeys(("neighbourhood", "hamlet", "isolated_dwelling", "station"), "place"),
}
RAILS: Final = frozenset({"rail", "light_rail", "tram", "narrow_gauge"})
WIDTHS_M: Final = {"river": 6.0, "canal": 5.0, "stream": 1.5}  # of waters drawn as a line


@dataclass(frozen=True, slots=True)
class Found:
    """A shape that is to be drawn."""

    layer: str
    kind: str
    name: str
    outline: str | bytes  # well-known binary, as bytes or in hexadecimal digits
    width_m: float = 0.0  # a line with a width becomes an area
    epsg: int = 4326


def of_tags(tags: Mapping[str, str], *, area: bool) -> tuple[str, str] | None:
    """Tell the layer and the kind of an object of OpenStreetMap; None is not drawn.

    `area` tells a closed outline from a line.
    """
    return _area(tags) if area else _line(tags)


def _line(tags: Mapping[str, str]) -> tuple[str, str] | None:
    if tags.get("area") == "yes":
        return None
    kind = STREETS.get(tags.get("highway", ""))
    if kind is not None:
        return "streets", kind
    if tags.get("railway") in RAILS and tags.get("tunnel") != "yes":
        return "rails", ""
    if tags.get("waterway") in WIDTHS_M and "tunnel" not in tags:
        return "water", ""
    return None


def _area(tags: Mapping[str, str]) -> tuple[str, str] | None:
    if tags.get("building", "no") != "no":
        return "buildings", ""
    if (
        tags.get("natural") == "water"
        or tags.get("waterway") in {"riverbank", "dock"}
        or tags.get("landuse") in {"reservoir", "basin"}
    ):
        return "water", ""
    for key in ("leisure", "landuse", "natural"):
        kind = GREENS.get(tags.get(key, ""))
        if kind is not None:
            return "green", kind
    return None


def street(word: str) -> str:
    """Tell the kind of a street from somebody's word for it; an unknown word is a plain street."""
    known = STREETS.get(word.casefold())
    return known or next((kind for part, kind in STREET_WORDS if part in word.casefold()), "street")


def ground(word: str) -> tuple[str, str] | None:
    """Tell water and green apart from a word of a land cover; None is not drawn."""
    folded = word.casefold()
    if folded.startswith(WATER_WORDS):
        return "water", ""
    kind = GREENS.get(folded) or next((k for part, k in GREEN_WORDS if part in folded), None)
    return None if kind is None else ("green", kind)
