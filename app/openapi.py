"""The API definition of /ogc and /methods: OpenAPI 3.0, because OGC API Features asks for 3.0.

Each reader gets the definition of what exists for that reader. FastAPI's own document, which is
3.1 and names every route with its roles, is not served; docs/routes.json keeps it.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from app import group_page, log_page
from app.access import Allow, guard_of
from app.collections import COLLECTIONS, Collection
from app.features import Json
from app.problems import PROGRAM_PATHS
from app.queries import CRS84, DEFAULT_LIMIT, MOST_ITEMS
from app.tiles import TILED, tile_parameters
from geo import cells
from geo.tiles import MEDIA_TYPE
from pipelines.questions import DEFAULT_RESOLUTION, SCOPES
from pipelines.released import LEVELS, PLACE
from pipelines.roles import ANALYST
from pipelines.texts import text

GEOJSON = "application/geo+json"
JSON = "application/json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
PROBLEM = "application/problem+json"
PAGE = "text/html"

_LIMIT: Json = {
    "type": "integer",
    "minimum": 1,
    "maximum": MOST_ITEMS,
    "default": DEFAULT_LIMIT,
}
_RESOLUTION: Json = {
    "type": "integer",
    "enum": list(cells.RESOLUTIONS),
    "default": DEFAULT_RESOLUTION,
}
_NUMBERS: Json = {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}}
_TEXT: Json = {"type": "string"}
_ONE_SYSTEM: Json = {"type": "string", "enum": [CRS84], "default": CRS84}
_PROBLEM_SCHEMA: Json = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "instance": _TEXT,
    },
}

SCHEMAS: dict[str, Json] = {
    "limit": _LIMIT,
    "offset": {"type": "integer", "minimum": 0, "default": 0},
    "bbox": _NUMBERS,
    "bbox-crs": _ONE_SYSTEM,
    "crs": _ONE_SYSTEM,
    "datetime": _TEXT,
    "area": _TEXT,
    "category": {"type": "array", "items": _TEXT},
    "window": _TEXT | {"default": "all"},
    "resolution": _RESOLUTION,
    "scope": _TEXT | {"enum": list(SCOPES), "default": "all"},
    "period": _TEXT,
    "tertial": {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 3}},
    "theme": {"type": "array", "items": _TEXT},
    "block": {"type": "array", "items": _TEXT},
    "place": {"type": "array", "items": _TEXT},
    "detail": _TEXT | {"enum": list(LEVELS), "default": PLACE},
}


def document(base: str, title: str, seen: Sequence[Collection], role: str) -> Json:
    """Describe the API as served at `base` to a reader who sees some collections."""
    paths: Json = {
        "/": _get("getLanding", text("api-landing"), "application/json"),
        "/conformance": _get("getConformance", text("api-conformance"), "application/json"),
        "/api": _get("getApi", text("api-self"), OPENAPI),
        "/collections": _get("getCollections", text("api-collections"), "application/json"),
    }
    for collection in seen:
        paths |= _paths(collection)
    if role == ANALYST:
        paths |= _methods(base.removesuffix("/ogc") or "/")
    return {
        "openapi": "3.0.3",
        "info": {"title": title, "version": "1.0.0", "license": {"name": "EUPL-1.2"}},
        "servers": [{"url": base}],
        "security": [{"key": []}, {"session": []}],
        "paths": paths,
        "components": {
            "parameters": {name: _parameter(name) for name in SCHEMAS},
            "responses": _responses(),
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "session": {"type": "apiKey", "in": "cookie", "name": "lagesbild"},
            },
        },
    }


def _paths(collection: Collection) -> Json:
    """Describe the three paths of a collection."""
    path, name = f"/collections/{collection.id}", collection.id.capitalize()
    items = _get(f"get{name}", collection.title, GEOJSON)
    one = _get(
        f"get{name}Item", text("api-item", collection=collection.title), GEOJSON, missing=True
    )
    for operation, parameters in (
        (items, [_reference(name) for name in collection.parameters]),
        (
            one,
            [{"name": "fid", "in": "path", "required": True, "schema": _TEXT}, _reference("crs")],
        ),
    ):
        get = operation["get"]
        if isinstance(get, dict):
            get["parameters"] = parameters
    paths: Json = {
        path: _get(f"describe{name}", collection.description, "application/json"),
        f"{path}/items": items,
        f"{path}/items/{{fid}}": one,
    }
    return paths | _tiles(collection) if collection.id in TILED else paths


def _tiles(collection: Collection) -> Json:
    """Describe the tiles of a collection."""
    path = f"/collections/{collection.id}/tiles/{{grid}}"
    name, title = collection.id.capitalize(), collection.title
    described = _get(
        f"describe{name}Tiles", text("api-tiles", collection=title), JSON, missing=True
    )
    one = _get(f"get{name}Tile", text("api-tile", collection=title), MEDIA_TYPE, missing=True)
    asked = [_reference(name) for name in tile_parameters(collection)]
    for operation, names in ((described, ("grid",)), (one, ("grid", "zoom", "row", "column"))):
        get = operation["get"]
        if isinstance(get, dict):
            get["parameters"] = [_in_path(each) for each in names] + asked
            if operation is one:
                get["responses"] |= {"204": {"description": text("api-nothing")}}
    return {path: described, f"{path}/{{zoom}}/{{row}}/{{column}}": one}


def _in_path(name: str) -> Json:
    schema: Json = _TEXT if name == "grid" else {"type": "integer", "minimum": 0}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _methods(root: str) -> Json:
    """Describe the list of methods, which stands beside what `base` serves."""
    listed = _get("getMethods", text("api-methods"), "application/json", tag="methods")
    one = _get("getMethod", text("api-method"), "application/json", missing=True, tag="methods")
    name: Json = {"name": "name", "in": "path", "required": True, "schema": _TEXT}
    beside: Json = {"servers": [{"url": root}]}
    return {
        "/methods": listed | beside,
        "/methods/{name}": one | beside | {"parameters": [name]},
    }


def _reference(parameter: str) -> Json:
    return {"$ref": f"#/components/parameters/{parameter}"}


def _get(
    operation: str, summary: str, media: str, *, missing: bool = False, tag: str = "ogc"
) -> Json:
    """Describe one GET and what it may answer."""
    responses: Json = {
        "200": {
            "description": text("api-answer"),
            "content": {media: {"schema": {"type": "object"}}},
        },
        "400": {"$ref": "#/components/responses/invalid"},
        "401": {"$ref": "#/components/responses/unsigned"},
        "403": {"$ref": "#/components/responses/forbidden"},
    }
    if missing:
        responses["404"] = {"$ref": "#/components/responses/missing"}
    return {
        "get": {
            "operationId": operation,
            "summary": summary,
            "tags": [tag],
            "responses": responses,
        }
    }


def _parameter(name: str) -> Json:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": text(f"parameter-{name}"),
        "style": "form",
        "explode": False,
        "schema": SCHEMAS[name],
    }


def _responses() -> Json:
    """Describe the problems."""
    meanings = {
        "invalid": text("api-invalid"),
        "unsigned": text("api-unsigned"),
        "forbidden": text("api-forbidden"),
        "missing": text("api-missing"),
    }
    return {
        name: {"description": meaning, "content": {PROBLEM: {"schema": _PROBLEM_SCHEMA}}}
        for name, meaning in meanings.items()
    }


# What a route answers when all is well, where it is not a page; the longest beginning counts.
_EITHER = ("/plan", "/vyer")  # lists that scripts and people ask alike
_KINDS: dict[str, str] = {
    "/karta/farger.css": "text/css",
    "/karta/bild.svg": "image/svg+xml",
    "/ogc": "application/json",
    "/ogc/api": OPENAPI,
    "/ogc/collections/{collection_id}/items": GEOJSON,
    "/ogc/collections/{collection_id}/tiles/{grid}/": MEDIA_TYPE,
    "/methods": "application/json",
    "/karta/": "application/json",
    "/health": "application/json",
    "/logg/export": "text/csv",
}
_LINK = ("omrade", "fonster", "typ", "period", "detalj")  # what a link to a picture carries
_PICTURE = (group_page.BLOCK, group_page.THEME, group_page.WINDOW, group_page.VIEW)
_OF_TILES = tuple(
    dict.fromkeys(name for tiled in TILED for name in tile_parameters(COLLECTIONS[tiled]))
)
_ASKED: dict[str, tuple[str, ...]] = {
    "/": _LINK,
    "/utgava": _LINK,
    "/pa-plats": ("omrade", "fonster", "typ", "period", "typ_obs", "ljus"),
    "/plan": ("tillagd", "fanns", "borttagen", "angrad"),
    "/vyer": ("adress", "sparad", "ersatt", "borttagen", "angrad"),
    "/lagesbildsgrupp": _PICTURE,
    "/lagesbildsgrupp/protokoll": _PICTURE,
    "/logg": log_page.NAMES,
    "/logg/export": log_page.NAMES,
    "/logga-in": ("next",),
    "/logga-in/oidc": ("next",),
    "/logga-in/oidc/svar": ("code", "state", "error"),
    "/ogc/collections/{collection_id}/items": tuple(SCHEMAS),
    "/ogc/collections/{collection_id}/items/{fid}": ("crs",),
    "/ogc/collections/{collection_id}/tiles/{grid}": _OF_TILES,
    "/ogc/collections/{collection_id}/tiles/{grid}/{zoom}/{row}/{column}": _OF_TILES,
}
_ELSEWHERE: dict[str, tuple[str, ...]] = {
    "/favicon.ico": ("301",),
    "/logga-in/oidc": ("200", "302"),
    "/logga-ut": ("303",),
    "/ogc/collections/{collection_id}/items": ("200", "304"),
    "/ogc/collections/{collection_id}/tiles/{grid}/{zoom}/{row}/{column}": ("200", "204", "304"),
}
_MEANINGS = {
    "200": "Answered.",
    "204": "Nothing lies there.",
    "301": "The icon has another name.",
    "302": "At the organisation's sign-in service.",
    "303": "On another page: the next one, or the sign-in page.",
    "304": "The reader's browser holds exactly this.",
}
_REFUSALS = {
    "400": "Something given cannot be used.",
    "401": "Nobody is signed in.",
    "403": "This role, or this form, may not.",
    "404": "There is none, or none for this role.",
    "405": "Not with this method.",
    "413": "The body is too large.",
    "429": "Too often.",
    "503": "The store cannot be reached.",
}


def every_route(app: FastAPI) -> dict[str, Any]:
    """Describe every route there is: who may use it, what for, and all it may answer.

    Parameters
    ----------
    app
        Put together, with all its routes.

    Returns
    -------
    dict
        FastAPI's own OpenAPI 3.1 document. Each operation also has ``x-roles`` (null: anybody),
        ``x-purpose`` and ``x-hidden`` from the route's declaration in `app.access`.
    """
    routes = [route for route in app.routes if isinstance(route, APIRoute)]
    shown = [copy(route) for route in routes]
    for route in shown:
        route.include_in_schema = True
    made: dict[str, Any] = get_openapi(title=app.title, version="1", routes=shown)
    for route in routes:
        for method in route.methods or ():
            described = made["paths"][route.path_format][method.lower()]
            _complete(described, route, method, guard_of(route))
    made["components"]["securitySchemes"] = {
        "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "session": {"type": "apiKey", "in": "cookie", "name": "lagesbild"},
    }
    made["components"]["responses"] = _all_problems()
    for name in ("HTTPValidationError", "ValidationError"):  # ours are problems
        made["components"]["schemas"].pop(name, None)
    return made


def _complete(described: dict[str, Any], route: APIRoute, method: str, guard: Allow | None) -> None:
    """Add to one operation what FastAPI cannot know of it."""
    path = route.path_format
    described["x-roles"] = None if guard is None else sorted(guard.roles)
    described["x-purpose"] = None if guard is None else guard.purpose
    described["x-hidden"] = guard is not None and guard.hidden
    if guard is not None:
        described["security"] = [{"key": []}, {"session": []}]
    named = [
        {"name": name, "in": "query", "required": False, "schema": SCHEMAS.get(name, _TEXT)}
        | ({"style": "form", "explode": False} if name in SCHEMAS else {})
        for name in (_ASKED.get(path, ()) if method == "GET" else ())
    ]
    if named:
        described["parameters"] = [*described.get("parameters", ()), *named]
    for parameter in described.get("parameters", ()):
        if parameter["name"] == "collection_id":
            parameter["schema"]["enum"] = sorted(COLLECTIONS)
    described["responses"] = _all_answers(path)


def _all_answers(path: str) -> dict[str, Any]:
    """Name the answers of a route: all is well, elsewhere, and every problem."""
    begin = max((kind for kind in _KINDS if path.startswith(kind)), key=len, default=None)
    for_programs = path.startswith(PROGRAM_PATHS)
    usual = ("200",) if for_programs else ("200", "303")  # a person is sent to the sign-in page
    answers: dict[str, Any] = {
        status: {"description": _MEANINGS[status]} for status in _ELSEWHERE.get(path, usual)
    }
    if "200" in answers:
        usual_kind = PAGE if begin is None else _KINDS[begin]
        kinds = (PAGE, JSON) if path.startswith(_EITHER) else (usual_kind,)
        answers["200"]["content"] = {one: {"schema": {}} for one in kinds}
    kind = "" if for_programs else "-page"
    return answers | {
        status: {"$ref": f"#/components/responses/{status}{kind}"} for status in _REFUSALS
    }


def _all_problems() -> dict[str, Any]:
    """Describe each problem as programs get it and, with ``-page``, as people may get it too."""
    problem: dict[str, Any] = {PROBLEM: {"schema": _PROBLEM_SCHEMA}}
    forms = {"": problem, "-page": problem | {PAGE: {"schema": _TEXT}}}
    return {
        f"{status}{form}": {"description": why, "content": content}
        for status, why in _REFUSALS.items()
        for form, content in forms.items()
    }
