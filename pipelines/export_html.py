"""A stand-alone HTML map: one file, no request to any host, no coordinate of an event.

The file shows what a page shows: the same numbers, classes and colours, verdicts, caveats and list.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from math import cos, log2, radians
from pathlib import Path
from typing import TYPE_CHECKING, Any

import folium
import shapely
from branca.element import Element

from geo.errors import NotFound
from pipelines import colours, scale
from pipelines.texts import language, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.picture import Shape

VENDOR = Path(__file__).parents[1] / "web" / "static" / "vendor" / "leaflet"
ESTABLISHED, UNCERTAIN = "established", "uncertain"
_LINES = {ESTABLISHED: ("#0f3d4c", 3.0, None), UNCERTAIN: ("#0f3d4c", 2.0, "5 4")}
_PLAIN = ("#ffffff", 0.6, None)
_DOTTED = ("#17323d", 1.2, colours.DOTTED)
_AREA = "#0b6e7f"
BESIDE_PX = (370, 10)  # the words lie over the right side of the map
NARROW_PX = 700  # screens up to so wide have the words above it
_GROUND_DECIMALS = 5  # of degrees: a metre
_COUNTED_DECIMALS = 6  # of degrees: a tenth of a metre
# Leaflet's zoom levels: metres a pixel at the equator of level 0.
_WORLD_PIXEL_M = 156_543.034
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
_FOREIGN = re.compile(r"""(?:src|href)=["']https?://[^"']+["']""")
_LINK = re.compile(r"""<link[^>]+href=["']https?://[^"']*leaflet[^"']*\.css["'][^>]*/?>""")
_SCRIPT = re.compile(
    r"""<script[^>]+src=["']https?://[^"']*leaflet[^"']*\.js["'][^>]*>\s*</script>"""
)
_IMAGE = re.compile(r"url\([^)]*\)")


@dataclass(frozen=True, slots=True)
class Counted:
    """Ground with a number: a cell, or what a release tells about."""

    outline: shapely.Geometry  # lon/lat
    count: int | None  # None: it cannot be compared with others, and has no colour
    name: str
    verdict: str  # slug; "" where none is given
    number: str  # in words: one number, or the two that it lies between
    more: str = ""  # what else is in the number


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of the list, in words."""

    name: str
    number: str
    verdict: str
    more: str = ""  # what else is in the number


@dataclass(frozen=True, slots=True)
class Named:
    """Ground or a point with a name, and no number."""

    outline: shapely.Geometry  # lon/lat
    name: str


@dataclass(frozen=True, slots=True)
class View:
    """Where one looks: the middle in degrees, and metres a pixel."""

    lon: float
    lat: float
    pixel_m: float


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything that is in a file."""

    title: str
    counted: Sequence[Counted]
    areas: Sequence[Named]
    unit: str  # what a number is counted in, as the legend says it
    lines: Sequence[str]  # period, source, what is missing, method, caveats
    rows: Sequence[Listed] = ()  # ranked
    schools: Sequence[Named] = ()
    ground: Sequence[Shape] = ()  # the lowest first
    attribution: str = ""  # of the ground
    view: View | None = None  # None: all areas, or what is counted in the one that was chosen
    local: bool = False  # an area was chosen
    synthetic: bool = False
    scale: Sequence[scale.Class] = field(default_factory=list)


class _Map(folium.Map):
    """A folium map that asks for Leaflet only, and for no tiles."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - folium's own
        super().__init__(
            tiles=None, zoom_control=True, control_scale=True, attributionControl=False, **options
        )
        self.default_js = [("leaflet", "https://leaflet.js")]
        self.default_css = [("leaflet_css", "https://leaflet.css")]


def write(sheet: Sheet) -> str:
    """Give the file's text.

    Raises
    ------
    NotFound
        The map library was not installed with `make setup`.
    """
    shown = _Map(prefer_canvas=True, **_first_view(sheet))
    if sheet.ground:
        _add_ground(sheet.ground, shown)
    for area in sheet.areas:  # each for itself: Leaflet shows one lasting label a layer
        folium.GeoJson(
            _collection([(area.outline, {"namn": area.name})]),
            style_function=lambda _: {"color": _AREA, "weight": 1.8, "fill": False},
            tooltip=folium.GeoJsonTooltip(
                ["namn"], labels=False, permanent=True, direction="center", class_name="omrade"
            ),
        ).add_to(shown)
    _add_counted(sheet, shown)
    if sheet.schools:
        _add_schools(sheet.schools, shown)
    if sheet.view is None:
        west, south, east, north = bounds(sheet)
        shown.fit_bounds([[south, west], [north, east]], padding_bottom_right=BESIDE_PX)
    _add_words(sheet, shown)
    return _inlined(shown.get_root().render())


def _first_view(sheet: Sheet) -> dict[str, Any]:
    if sheet.view is None:
        return {}
    at = sheet.view
    zoom = log2(_WORLD_PIXEL_M * cos(radians(at.lat)) / at.pixel_m)
    return {"location": [at.lat, at.lon], "zoom_start": min(max(round(zoom), 8), 18)}


def bounds(sheet: Sheet) -> tuple[float, float, float, float]:
    """Give west, south, east and north of the areas, or of the numbers where one was chosen."""
    areas, counted = ([each.outline for each in some] for some in (sheet.areas, sheet.counted))
    shapes = (counted or areas) if sheet.local else (areas or counted)
    west, south, east, north = shapely.total_bounds(shapes).tolist()
    return west, south, east, north


def _add_ground(ground: Sequence[Shape], shown: folium.Map) -> None:
    rows = [
        (
            _short(each.outline, _GROUND_DECIMALS),
            {"f": each.fill, "s": each.stroke, "w": each.width},
        )
        for each in ground
    ]
    folium.GeoJson(
        _collection(rows),
        interactive=False,
        style_function=lambda feature: {
            "stroke": feature["properties"]["s"] != "none",
            "color": feature["properties"]["s"],
            "weight": feature["properties"]["w"],
            "fill": feature["properties"]["f"] != "none",
            "fillColor": feature["properties"]["f"],
            "fillOpacity": 1,
        },
    ).add_to(shown)


def _short(outline: shapely.Geometry, decimals: int) -> shapely.Geometry:
    """Write places by a few decimals of degrees: a file is mailed."""
    return shapely.transform(outline, lambda lonlat: lonlat.round(decimals))


def _add_counted(sheet: Sheet, shown: folium.Map) -> None:
    rows = []
    for each in sheet.counted:
        plain = _DOTTED if each.count is None else _PLAIN
        stroke, width, dash = _LINES.get(each.verdict, plain)
        values = {
            "plats": each.name,
            "antal": each.number if each.count is None else each.count,
            "bedömning": text(f"verdict-{each.verdict}") if each.verdict else "–",
            "mer": each.more or "–",
            "färg": scale.colour_of(sheet.scale, each.count),
            "linje": stroke,
            "bredd": width,
            "streck": dash,
        }
        rows.append((_short(each.outline, _COUNTED_DECIMALS), values))
    if not rows:
        return
    told = any(each.more for each in sheet.counted)
    folium.GeoJson(
        _collection(rows),
        style_function=lambda feature: {
            "color": feature["properties"]["linje"],
            "weight": feature["properties"]["bredd"],
            "dashArray": feature["properties"]["streck"],
            "fillColor": feature["properties"]["färg"],
            "fillOpacity": 0.8,
        },
        tooltip=folium.GeoJsonTooltip(
            ["plats", "antal", "bedömning", *(["mer"] if told else [])],
            aliases=[*_heads(), *([text("export-more")] if told else [])],
        ),
    ).add_to(shown)


def _add_schools(schools: Sequence[Named], shown: folium.Map) -> None:
    folium.GeoJson(
        _collection([(each.outline, {"namn": each.name}) for each in schools]),
        marker=folium.CircleMarker(radius=5, color="#ffffff", weight=1, fill=True),
        style_function=lambda _: {"fillColor": "#2b5ba8", "fillOpacity": 1},
        tooltip=folium.GeoJsonTooltip(["namn"], aliases=[text("export-school")]),
    ).add_to(shown)


def _collection(rows: Sequence[tuple[shapely.Geometry, dict[str, Any]]]) -> dict[str, Any]:
    """Write shapes as GeoJSON; their words end in tooltips, which folium writes as HTML."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {
                    name: html.escape(value) if isinstance(value, str) else value
                    for name, value in values.items()
                },
                "geometry": shapely.geometry.mapping(shape),
            }
            for shape, values in rows
        ],
    }


def _add_words(sheet: Sheet, shown: folium.Map) -> None:
    """Put title, legend, list and caveats beside the map; they are all there without scripts."""
    banner = f"<strong>{text('synthetic')}</strong>" if sheet.synthetic else ""
    classes = "".join(
        f'<li><span style="background:{one.colour}"></span>{html.escape(one.label)}</li>'
        for one in sheet.scale
    )
    if any(each.count is None for each in sheet.counted):
        look = f"background:{colours.BOUNDED};border:1px dotted #17323d"
        classes += f'<li><span style="{look}"></span>{text("legend-bounds")}</li>'
    met = {each.verdict for each in sheet.counted}
    lines = "".join(
        f'<li><span class="{slug}"></span>{text(f"verdict-{slug}")}</li>'
        for slug in (ESTABLISHED, UNCERTAIN)
        if slug in met
    )
    said = [*sheet.lines, sheet.attribution] if sheet.attribution else sheet.lines
    body = "".join(f"<p>{html.escape(line)}</p>" for line in said)
    root: Any = shown.get_root()
    title = html.escape(sheet.title)
    root.header.add_child(
        Element(
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
            f"<title>{title}</title><style>{_STYLE}</style>"
        )
    )
    root.html.add_child(
        Element(
            f'<main id="bildtext">{banner}<h1>{title}</h1>'
            f"<h2>{html.escape(sheet.unit)}</h2><ul>{classes}{lines}</ul>{_table(sheet)}{body}</main>"
        )
    )


def _table(sheet: Sheet) -> str:
    if not sheet.rows:
        return ""
    head = "".join(f'<th scope="col">{html.escape(each)}</th>' for each in _heads())
    body = "".join(
        f'<tr><th scope="row">{html.escape(row.name)}{_more(row)}</th>'
        f"<td>{html.escape(row.number)}</td><td>{html.escape(row.verdict)}</td></tr>"
        for row in sheet.rows
    )
    return (
        f"<table><caption>{text('export-list')}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )


def _heads() -> list[str]:
    return [text("export-place"), text("export-events"), text("export-verdict")]


def _more(row: Listed) -> str:
    return f"<small>{html.escape(row.more)}</small>" if row.more else ""


_STYLE = (
    "html,body{height:100%;margin:0}"
    "#bildtext{position:absolute;z-index:1000;right:12px;top:12px;bottom:12px;width:340px;"
    "overflow:auto;background:#fff;color:#17323d;padding:12px 16px;"
    "font:14px/1.4 system-ui,sans-serif;border:1px solid #c8d0d4;border-radius:6px}"
    "#bildtext h1{font-size:17px;margin:0 0 8px}#bildtext h2{font-size:14px;margin:8px 0 4px}"
    "#bildtext p{margin:6px 0;font-size:12px}"
    "#bildtext ul{list-style:none;margin:0 0 8px;padding:0}"
    "#bildtext span{display:inline-block;width:16px;height:12px;margin-right:8px;"
    "border:1px solid #8a9a9f;box-sizing:border-box}"
    "#bildtext .established{border:3px solid #0f3d4c}"
    "#bildtext .uncertain{border:2px dashed #0f3d4c}"
    "#bildtext table{border-collapse:collapse;width:100%;font-size:12px}"
    "#bildtext caption{text-align:left;font-weight:600}"
    "#bildtext th,#bildtext td{text-align:left;border-bottom:1px solid #dcdfda;padding:3px 4px}"
    "#bildtext td:nth-child(2){text-align:right}"
    "#bildtext small{display:block;font-weight:400}"
    "#bildtext strong{display:block;background:#b3261e;color:#fff;padding:2px 6px}"
    ".folium-map.leaflet-container{background:#f4f6f5}"
    ".foliumtooltip td,.foliumtooltip th{white-space:normal;font-size:12px;line-height:1.3}"
    ".foliumtooltip td{min-width:15em}"
    ".omrade.leaflet-tooltip{background:none;border:0;box-shadow:none;padding:0;"
    "font:600 13px system-ui,sans-serif;color:#12303f;"
    "text-shadow:0 0 3px #fff,0 0 3px #fff,0 0 3px #fff}"
    f"@media(max-width:{NARROW_PX}px){{"
    ".folium-map{height:60vh!important;position:relative!important}"
    "#bildtext{position:static;width:auto;margin:8px}}"
)


def _inlined(page: str) -> str:
    """Put Leaflet's files in the place of the references to them."""
    try:
        script = (VENDOR / "leaflet.js").read_text(encoding="utf-8")
        style = (VENDOR / "leaflet.css").read_text(encoding="utf-8")
    except FileNotFoundError as fault:
        raise NotFound("front-end-missing", file="leaflet") from fault
    style = _IMAGE.sub("none", style)
    page = _LINK.sub("<style>@STYLE@</style>", page)
    page = _SCRIPT.sub("<script>@SCRIPT@</script>", page)
    page = page.replace("L.control.scale()", "L.control.scale({imperial: false})", 1)
    padding = str(list(BESIDE_PX))  # on a narrow screen the words lie above the map
    page = page.replace(f": {padding}}}", f": innerWidth > {NARROW_PX} ? {padding} : [10, 10]}}", 1)
    page = page.replace("<html>", f'<html lang="{language()}">', 1)
    page = page.replace(", user-scalable=no", "")
    left = _FOREIGN.search(page)
    if left is not None:
        raise AssertionError(f"the page would ask another host: {left.group()[:80]}")
    return page.replace("@STYLE@", style, 1).replace("@SCRIPT@", script, 1)
