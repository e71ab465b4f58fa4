"""The API definition of /ogc and /methods: OpenAPI 3.0, because OGC API Features asks for 3.0.

Each reader gets the definition of what exists for that reader. FastAPI's own document, which is
3.1 and names every route with its roles, is not served; docs/routes.json keeps it.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.collections import Collection
from app.features import Json
from app.queries import CRS84, DEFAULT_LIMIT, MOST_ITEMS
from geo import cells
from pipelines.questions import DEFAULT_RESOLUTION, SCOPES
from pipelines.released import LEVELS, PLACE
from pipelines.roles import ANALYST
from pipelines.texts import text

GEOJSON = "application/geo+json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
PROBLEM = "application/problem+json"

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
    return {
        path: _get(f"describe{name}", collection.description, "application/json"),
        f"{path}/items": items,
        f"{path}/items/{{fid}}": one,
    }


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
    schema: Json = {
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
    return {
        name: {"description": meaning, "content": {PROBLEM: {"schema": schema}}}
        for name, meaning in meanings.items()
    }
