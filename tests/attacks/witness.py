"""The witness: reads everything that a planner is given, and knows where every event lies."""

import html
import re

import numpy as np
import orjson
import shapely

from tests.attacks.town import REFERENCE

NEAR_DEGREES = (25 / 56_700, 25 / 111_300)  # 25 m east and north
ON_A_LINE = 3e-6  # degrees
TOOTH = 0.0003  # degrees of latitude: what school zones are drawn round by
IDENTITY = re.compile(rb"AX\d{6}QZ|Angreppsv")
FINE_NUMBER = re.compile(rb"\b(?:1[56]|59)[.,]\d{4,}")
_GEOMETRY = re.compile(r'\{[^{}]*?"coordinates"[^{}]*\}')
_PAIR = re.compile(r"\b((?:1[56]|59)\.\d+)\b\D{1,12}\b((?:1[56]|59)\.\d+)")


class Witness:
    """Reads along: nothing that a planner is given may hold an event's id, address or place.

    A corner of a drawing has to lie on a public border: of an area, of a zone, or of a cell of the
    grid. Any other coordinate lies more than 25 m from every event, or is public itself: a school,
    a place of the gazetteer, a corner of the box round areas, the middle of a drawing whose corners
    are public. What is public is worked out here from the profile, without the product.
    """

    def __init__(self, truth):
        self._truth = truth
        self.answers = 0
        self.named = []  # URLs of answers that hold an id, an address or half a coordinate
        self._met, self._zones = set(), set()
        self._corners, self._points, self._middles = set(), set(), set()

    def look(self, response):
        """Look at an answer of any kind."""
        self.answers += 1
        kind = response.headers.get("content-type", "")
        text = response.content.decode(errors="replace")
        text = html.unescape(text) if "html" in kind else text
        if "json" in kind and text:
            self._drawn_as_one(orjson.loads(text))
        rest = _PAIR.sub(self._pair, _GEOMETRY.sub(self._shape, text))
        if IDENTITY.search(response.content) or FINE_NUMBER.search(rest.encode()):
            self.named.append(str(response.url))
        return response

    def _drawn_as_one(self, document):
        """Remember which zones of schools one number speaks of."""
        for feature in document.get("features", [document]):
            zones = (feature.get("properties") or {}).get("zones", ())
            if any(zone.startswith("school") for zone in zones):
                self._zones.add(tuple(zones))

    def _shape(self, found):
        text = found.group()
        if text not in self._met:
            shape = shapely.from_geojson(text, on_invalid="ignore")
            if shape is None:
                return text
            self._met.add(text)
            kept = self._points if shape.geom_type == "Point" else self._corners
            kept.update(map(tuple, shapely.get_coordinates(shape).tolist()))
            if shape.geom_type != "Point":
                middle = shape.representative_point()
                self._middles.add((middle.x, middle.y))
        return ""

    def _pair(self, found):
        """Take two numbers as a place, in either order."""
        lon, lat = sorted(map(float, found.groups()))
        if not lon < 17 < lat:
            return found.group()
        self._points.add((lon, lat))
        return ""

    def findings(self):
        """List what was given and should not have been: URLs, and places within 25 m of events."""
        return [*self.named, *self._near(), *self._strange()]

    def _near(self):
        there = self._truth.lonlat[self._truth.placed]
        public = np.array([*self._middles, *_public_points()])
        for at in sorted(self._points):
            if (np.abs(public - at) <= ON_A_LINE).all(axis=1).any():
                continue
            if (np.hypot(*(np.abs(there - at) / NEAR_DEGREES).T) <= 1).any():
                yield f"point {at}"

    def _strange(self):
        """List corners that lie on no border of a zone or a cell: they would come from events."""
        truth = self._truth
        shapes = [
            *(piece.shape for piece in truth.pieces),
            *truth.shapes.values(),
            *truth.hexagons,
            *(area.outline for area in REFERENCE.areas),
            *map(self._round, sorted(self._zones | _alone(truth))),
        ]
        tree = shapely.STRtree(
            [part for line in shapely.boundary(shapes) for part in _segments(line)]
        )
        corners = shapely.points(np.array(sorted(self._corners)).reshape(-1, 2))
        near = np.zeros(corners.size, dtype=bool)
        near[tree.query(corners, predicate="dwithin", distance=ON_A_LINE)[0]] = True
        return [f"corner {shapely.get_coordinates(at)}" for at in corners[~near]]

    def _round(self, zones):
        """Draw zones of schools without the teeth of their cells."""
        lies = shapely.union_all([self._truth.shapes[each] for each in zones])
        narrow = np.cos(np.radians(lies.centroid.y))
        square = shapely.transform(lies, lambda at: at * (narrow, 1.0))
        filled = square.buffer(TOOTH).buffer(-2 * TOOTH).buffer(TOOTH)
        return shapely.transform(filled, lambda at: at / (narrow, 1.0))


def _public_points():
    """List the points of the profile: schools, venues, places, and corners of boxes of areas."""
    yield from ((each.lon, each.lat) for each in (*REFERENCE.facilities, *REFERENCE.places))
    for kind in {area.kind for area in REFERENCE.areas}:
        own = [area.outline for area in REFERENCE.areas if area.kind == kind]
        boxes = [*(each.bounds for each in own), shapely.total_bounds(own).tolist()]
        yield from ((box[x], box[y]) for box in boxes for x in (0, 2) for y in (1, 3))


def _alone(truth):
    """Take every zone of a school by itself."""
    return {(zone,) for zone in truth.shapes if zone.startswith("school")}


def _segments(line):
    """Cut a long border into short pieces, so that a tree finds the nearest soon."""
    for part in shapely.get_parts(line):
        at = shapely.get_coordinates(part)
        yield from shapely.linestrings(np.stack([at[:-1], at[1:]], axis=1))
