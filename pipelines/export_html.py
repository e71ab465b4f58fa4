"""A stand-alone HTML map: one file, no request to any host, no coordinate of an event."""

from __future__ import annotations

import html
import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import folium
import shapely
from branca.element import Element

from geo import cells
from geo.errors import NotFound, TooFewObservations
from pipelines import answers, questions, reference
from pipelines.derive import FOCUS_KINDS
from pipelines.periods import local_days
from pipelines.texts import text
from store.files import whole_file

if TYPE_CHECKING:
    from pipelines.answers import Basis
    from pipelines.questions import Question
    from store.db import Store
    from store.layers import CellCounts
    from store.runs import Run

VENDOR = Path(__file__).parents[1] / "web" / "static" / "vendor" / "leaflet"
SCALE = ("#fde0c5", "#f7a072", "#d9604c", "#a32a50", "#5c1049")  # light to dark, one hue path
LAST = 0  # stands for the upper limit that the last class does not have
FEWEST_SHOWN = 5  # a cell with fewer events points at a single home
_FOREIGN = re.compile(r"""(?:src|href)=["']https?://[^"']+["']""")
_LINK = re.compile(r"""<link[^>]+href=["']https?://[^"']*leaflet[^"']*\.css["'][^>]*/?>""")
_SCRIPT = re.compile(
    r"""<script[^>]+src=["']https?://[^"']*leaflet[^"']*\.js["'][^>]*>\s*</script>"""
)
_IMAGE = re.compile(r"url\([^)]*\)")


def export(store: Store, question: Question, role: str, target: Path) -> int:
    """Write the map in force as one HTML file; give the number of cells shown.

    Raises
    ------
    InvalidParameter
        The profile does not know what is asked for.
    NotFound
        Nothing was analysed yet, or the map library was not installed with `make setup`.
    TooFewObservations
        No cell holds five events or more.
    Conflict
        The file exists.
    """
    with store.read() as connection:
        on = answers.basis(connection, role, reference.read(connection))
        questions.check(question, on.reference.profile)
        cells_found = answers.cells(connection, on, question)
    if on.run is None or cells_found is None:
        raise NotFound("no-run")
    found = cells_found.counts
    shown = found.count >= FEWEST_SHOWN
    if not shown.any():
        raise TooFewObservations("no-cell-to-show", fewest=FEWEST_SHOWN)
    page = _page(on, on.run, found, question)
    with whole_file(target) as draft:
        draft.write_text(page, encoding="utf-8")
    return int(shown.sum())


class _Map(folium.Map):
    """A folium map that asks for Leaflet only, and for no tiles."""

    def __init__(self) -> None:
        super().__init__(tiles=None, zoom_control=True, attributionControl=False)
        self.default_js = [("leaflet", "https://leaflet.js")]
        self.default_css = [("leaflet_css", "https://leaflet.css")]


def _page(on: Basis, run: Run, found: CellCounts, question: Question) -> str:
    steps = _steps(found)
    view_map = _Map()
    outlines = [area for area in on.reference.areas if area.kind in FOCUS_KINDS]
    for area in outlines:  # each for itself: Leaflet shows one lasting label a layer
        folium.GeoJson(
            _collection([(area.outline, {"namn": area.name})]),
            style_function=lambda _: {"color": "#1d3c4f", "weight": 1.5, "fill": False},
            tooltip=folium.GeoJsonTooltip(
                ["namn"], labels=False, permanent=True, direction="center", class_name="omrade"
            ),
        ).add_to(view_map)
    folium.GeoJson(
        _collection(_hexagons(found, steps)),
        style_function=lambda feature: {
            "color": "#ffffff",
            "weight": 0.5,
            "fillColor": feature["properties"]["färg"],
            "fillOpacity": 0.8,
        },
        tooltip=folium.GeoJsonTooltip(["antal"], aliases=["Händelser"]),
    ).add_to(view_map)
    west, south, east, north = shapely.total_bounds(
        [area.outline for area in outlines] or list(cells.polygons(found.cell))
    )
    view_map.fit_bounds([[south, west], [north, east]])
    _caption(on, run, found, question, view_map)
    return _inlined(view_map.get_root().render())


def _steps(found: CellCounts) -> list[int]:
    """Choose the lower limits of up to five classes, each holding some cells."""
    shown = sorted(found.count[found.count >= FEWEST_SHOWN].tolist())
    cuts = [shown[len(shown) * i // len(SCALE)] for i in range(len(SCALE))]
    return sorted(set(cuts))


def _hexagons(found: CellCounts, steps: list[int]) -> list[tuple[shapely.Geometry, dict[str, Any]]]:
    rows = []
    shown = found.count >= FEWEST_SHOWN
    for shape, count in zip(
        cells.polygons(found.cell[shown]), found.count[shown].tolist(), strict=True
    ):
        step = sum(count >= limit for limit in steps) - 1
        rows.append((shape, {"antal": count, "färg": _colour(step, steps)}))
    return rows


def _colour(step: int, steps: list[int]) -> str:
    return SCALE[step + len(SCALE) - len(steps)]


def _collection(rows: list[tuple[shapely.Geometry, dict[str, Any]]]) -> dict[str, Any]:
    return {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": values, "geometry": shapely.geometry.mapping(shape)}
            for shape, values in rows
        ],
    }


def _class(low: int, high: int) -> str:
    """Write the limits of a class of counts; `high` is the next class's lower limit, or LAST."""
    if high == LAST:
        return f"{low} eller fler"
    return str(low) if high == low + 1 else f"{low}–{high - 1}"


def _caption(
    on: Basis, run: Run, found: CellCounts, question: Question, view_map: folium.Map
) -> None:
    steps = _steps(found)
    profile = on.reference.profile
    window = next(w.label for w in profile.windows if w.name == question.window)
    labels = {category.code: category.label for category in profile.categories}
    kinds = ", ".join(labels[code] for code in question.categories) or text("export-total")
    title = f"{profile.label}: {kinds}, {window}"
    limits = [*steps, LAST]
    legend = "".join(
        f'<li><span style="background:{_colour(i, steps)}"></span>{_class(low, high)}</li>'
        for i, (low, high) in enumerate(pairwise(limits))
    )
    first, last = local_days(run.period_start, run.period_end, profile.timezone)
    lines = [
        text(
            "export-period",
            first=first,
            last=last,
            n=int(found.count[found.count >= FEWEST_SHOWN].sum()),
            run=run.id,
        ),
        text("export-unplaced", unplaced=run.n_unplaced, imprecise=run.n_imprecise),
        text("export-few", fewest=FEWEST_SHOWN),
        text("export-caveat"),
    ]
    banner = f"<strong>{text('synthetic')}</strong>" if run.synthetic else ""
    body = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
    root: Any = view_map.get_root()
    root.header.add_child(Element(f"<title>{html.escape(title)}</title><style>{_STYLE}</style>"))
    root.html.add_child(
        Element(
            f'<section id="bildtext">{banner}<h1>{html.escape(title)}</h1>'
            f"<ul>{legend}</ul>{body}</section>"
        )
    )


_STYLE = (
    "#bildtext{position:absolute;z-index:1000;right:12px;top:12px;max-width:300px;"
    "background:#fff;padding:12px 16px;font:14px/1.4 system-ui,sans-serif;"
    "border:1px solid #c8d0d4;border-radius:6px}"
    "#bildtext h1{font-size:16px;margin:0 0 8px}#bildtext p{margin:6px 0;font-size:12px}"
    "#bildtext ul{list-style:none;margin:0;padding:0}"
    "#bildtext span{display:inline-block;width:16px;height:12px;margin-right:8px}"
    "#bildtext strong{display:block;background:#b3261e;color:#fff;padding:2px 6px}"
    ".folium-map.leaflet-container{background:#f4f6f5}"
    ".omrade.leaflet-tooltip{background:none;border:0;box-shadow:none;padding:0;"
    "font:600 13px system-ui,sans-serif;color:#12303f;"
    "text-shadow:0 0 3px #fff,0 0 3px #fff,0 0 3px #fff}"
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
    page = page.replace("<html>", '<html lang="sv">', 1).replace(", user-scalable=no", "")
    left = _FOREIGN.search(page)
    if left is not None:
        raise AssertionError(f"the page would ask another host: {left.group()[:80]}")
    return page.replace("@STYLE@", style, 1).replace("@SCRIPT@", script, 1)
