"""Making the background map: shapes of a source, cut to the municipality and put in one file."""

from __future__ import annotations

import hashlib
import tempfile
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pyogrio
import shapely

from geo import crs, tile_grid
from geo.errors import InvalidParameter, UnreadableFile
from pipelines import basemap_files, basemap_osm
from pipelines.basemap import STREETS
from pipelines.basemap_tiles import TileFile
from store import background
from store.background import LAYERS, About, Layer
from store.files import whole_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date

    from numpy.typing import NDArray

    from geo.profile import Profile
    from pipelines.basemap_kinds import Found
    from store.records import BBox

MARGIN_M: Final = 1000.0  # around the municipality, so that the map does not end at its border
BATCH: Final = 20_000
GRID_M: Final = 0.1  # to which corners are rounded
NAMED_M2: Final = {"water": 20_000.0, "green": 20_000.0}  # larger ones have their name written
NAME_KINDS: Final = {"water": "water", "green": "park"}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where shapes come from, as the map says it."""

    attribution: str
    made: str  # the day, ISO
    invented: bool = False


@dataclass(frozen=True, slots=True)
class Ground:
    """What a map is cut to."""

    epsg: int
    envelope: BBox  # degrees

    @classmethod
    def of(cls, profile: Profile) -> Ground:
        """Give a municipality's ground, in the system its maps are drawn in."""
        return cls(tile_grid.system(profile.metric_epsg), profile.envelope)

    @property
    def bounds(self) -> BBox:
        """West, south, east, north in metres, with the margin."""
        west, south, east, north = tile_grid.bounds(self.epsg, self.envelope)
        return west - MARGIN_M, south - MARGIN_M, east + MARGIN_M, north + MARGIN_M


def build(
    files: Sequence[Path],
    target: Path,
    ground: Ground,
    said: Origin,
    progress: Callable[[int], None],
) -> About:
    """Make a background map from files of others.

    Parameters
    ----------
    files
        Extracts of OpenStreetMap (.osm.pbf), GeoPackages, or PMTiles.
    target
        The new file; it appears only when it is whole.
    ground
        What it is cut to.
    said
        Whom to name and of which day the files are; what is empty the files have to tell.
    progress
        Told how many shapes have been read.

    Raises
    ------
    UnreadableFile
        A file is missing, broken, or not what its name says.
    InvalidParameter
        Nothing of it lies here, nobody is named, or a library is not installed.
    Conflict
        The target exists.
    """
    for path in files:
        if not path.is_file():
            raise UnreadableFile("file-missing", file=path.name)
    with whole_file(target) as draft, tempfile.TemporaryDirectory(dir=draft.parent) as scratch:
        origin = _origin(files, said)
        sheet = Sheet(ground)
        for path in files:
            sheet.take(_shapes(path, ground.envelope, Path(scratch)), progress)
        if not sheet.pieces:
            raise InvalidParameter("basemap-nothing-here", file=files[0].name)
        return write(draft, sheet.layers(), ground, origin)


def _shapes(path: Path, box: BBox, scratch: Path) -> Iterator[Found]:
    if path.name.endswith((".osm.pbf", ".osm", ".osm.bz2")):
        return basemap_osm.shapes(path, box, scratch)
    if path.suffix == ".gpkg":
        return basemap_files.shapes(path, box)
    if path.suffix == ".pmtiles":
        return TileFile(path).shapes(box)
    raise InvalidParameter("basemap-unknown-file", file=path.name)


def _origin(files: Sequence[Path], said: Origin) -> Origin:
    """Complete what was said with what the first file says."""
    first = files[0]
    named, day = "", ""
    if ".osm" in first.suffixes:
        named, day = basemap_osm.ATTRIBUTION, basemap_osm.day(first).isoformat()
    elif first.suffix == ".pmtiles":
        named = TileFile(first).attribution()
    named, day = said.attribution or named, said.made or day
    if not named:
        raise InvalidParameter("basemap-nobody-named", file=first.name)
    if not day:
        raise InvalidParameter("basemap-no-day", file=first.name)
    return replace(said, attribution=named, made=day)
