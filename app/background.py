"""The background map as pages and tiles meet it: a file in memory, a map service, or none."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Thread

from geo import tile_grid
from geo.errors import InvalidParameter, LagesbildError, UnreadableFile
from geo.profile import Profile
from geo.tiles import Pyramid
from pipelines import basemap, wmts
from pipelines.basemap import Basemap
from pipelines.settings import Settings
from pipelines.texts import text
from pipelines.wmts import Pictures, Service
from store import background

PATH = "/karta/bakgrund/{z}/{y}/{x}"
VECTOR, RASTER = "vector", "raster"
PATIENCE_S = 2.0  # that a request waits for a file that is still being read
log = logging.getLogger("lagesbild.basemap")


@dataclass(frozen=True, slots=True)
class Look:
    """What a page's map needs to know; `kind` "" means that there is no background map."""

    kind: str = ""
    url: str = ""
    attribution: str = ""
    west: float = 0.0
    north: float = 0.0
    size: float = 0.0  # of a square of level 0
    pixels: int = 0  # of a square on the screen
    first: int = 0
    last: int = 0
    note: str = ""  # why there is none although one is configured
    invented: bool = False


class Background:
    """Finds out what is configured, and reads a file beside the first requests."""

    def __init__(self, settings: Settings) -> None:
        """Look at the file's own description; a fault is logged and leaves the map without it."""
        self._attribution = settings.basemap_attribution
        self._about: background.About | None = None
        self._read: Future[Basemap] = Future()
        self.pictures: Pictures | None = None
        self._fault = ""
        self._path: Path | None = None
        if settings.basemap_address is not None:
            self.pictures = Pictures(Service(settings.basemap_address, settings.basemap_key))
        elif settings.basemap is not None:
            self._path = Path(settings.basemap)
            self._open(self._path)

    def _open(self, path: Path) -> None:
        try:
            self._about = background.about(path)
        except LagesbildError as fault:
            self._failed(fault)
            return
        Thread(target=self._load, args=(path,), name="basemap", daemon=True).start()

    def _load(self, path: Path) -> None:
        try:
            self._read.set_result(basemap.read(path))
        except LagesbildError as fault:
            self._failed(fault)
        except Exception:  # whatever it is: nobody may wait for this map for ever
            log.exception("no background map: an unexpected fault")
            self._failed(UnreadableFile("basemap-broken", file=path.name))

    def _failed(self, fault: LagesbildError) -> None:
        self._fault = fault.code
        log.warning("no background map: %s", fault.code)
        self._read.set_exception(fault)

    @property
    def version(self) -> str:
        """Name exactly what is drawn; "" where there is no file."""
        return "" if self._about is None else self._about.digest

    def file(self) -> Basemap | None:
        """Give the map; None where there is none to give, or not within `PATIENCE_S`."""
        if self._path is None:
            return None
        try:
            return self._read.result(PATIENCE_S)
        except (LagesbildError, TimeoutError):
            return None

    @property
    def being_read(self) -> bool:
        """Tell whether there will be a map, but not yet."""
        return self._path is not None and not self._read.done()

    def for_page(self, profile: Profile) -> dict[str, object]:
        """Give a template what its map needs; see `Look`."""
        return asdict(self.look(profile))

    def look(self, profile: Profile) -> Look:
        """Say what lies under a profile's maps, in the language spoken here."""
        epsg = tile_grid.system(profile.metric_epsg)
        if self._fault:
            return Look(note=text("basemap-unusable"))
        if self._about is not None:
            return self._of_file(self._about, epsg)
        return Look() if self.pictures is None else self._of_service(epsg)

    def _of_file(self, about: background.About, epsg: int) -> Look:
        if about.epsg != epsg:
            return Look(note=text("basemap-other-system"))
        squares = tile_grid.pyramid(about.epsg, about.envelope)
        first, last = basemap.zooms(squares)
        said = text("basemap-invented") if about.invented else f"{about.attribution}, {about.made}"
        look = Look(
            kind=VECTOR,
            url=f"{PATH}.mvt?v={about.digest[:8]}",
            attribution=self._attribution or said,
            pixels=basemap.PIXELS,
            first=first,
            last=last,
            invented=about.invented,
        )
        return _laid(look, squares)

    def _of_service(self, epsg: int) -> Look:
        try:
            squares = wmts.grid(epsg)
        except InvalidParameter:
            return Look(note=text("basemap-other-system"))
        look = Look(
            kind=RASTER,
            url=f"{PATH}.png",
            attribution=self._attribution or "",
            pixels=tile_grid.PIXELS,
            last=wmts.DEEPEST,
        )
        return _laid(look, squares)


def _laid(look: Look, squares: Pyramid) -> Look:
    return replace(look, west=squares.west, north=squares.north, size=squares.size)
