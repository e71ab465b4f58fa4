"""OGC API Features, Part 1: landing page, conformance, collections, items."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

import orjson
import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import Response

from app import openapi
from app.access import Analyst, Reader
from app.collections import COLLECTIONS, Collection
from app.features import Json, stamp
from app.kept import Answer, AnswerKey
from app.openapi import GEOJSON, OPENAPI
from app.queries import CRS84, Query, parse
from app.services import services
from geo import cells
from geo.errors import InvalidParameter, NotFound
from pipelines import answers
from pipelines.answers import Basis
from pipelines.questions import SCOPES
from pipelines.reference import Reference
from pipelines.texts import text

router = APIRouter()

JSON = "application/json"
_FEATURES = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf"
_COMMON = "http://www.opengis.net/spec/ogcapi-common"
CONFORMS_TO = (
    f"{_COMMON}-1/1.0/conf/core",
    f"{_COMMON}-2/1.0/conf/collections",
    f"{_FEATURES}/core",
    f"{_FEATURES}/geojson",
    f"{_FEATURES}/oas30",
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
)
KEEP = "private, no-cache"  # may be kept by the reader's own browser, asked again every time


def _base(request: Request) -> str:
    return f"{str(request.base_url).rstrip('/')}/ogc"


def _basis(request: Request, conn: sa.Connection, reader: Reader) -> Basis:
    return answers.basis(conn, reader.role, services(request).reference.read(conn))


def _link(href: str, rel: str, media: str, title: str) -> Json:
    return {"href": href, "rel": rel, "type": media, "title": title}


def _json(body: Json, media: str = JSON) -> Response:
    return Response(orjson.dumps(body), media_type=media)


def _plain(request: Request) -> None:
    """Refuse parameters where there are none to give."""
    for name in request.query_params:
        raise InvalidParameter("no-parameters", name=name[:40])


def _collection(collection_id: str) -> Collection:
    found = COLLECTIONS.get(collection_id)
    if found is None:
        raise NotFound("unknown-collection", name=collection_id[:40], known=", ".join(COLLECTIONS))
    return found


@router.get("/ogc")
@router.get("/ogc/", include_in_schema=False)
def landing(request: Request, _reader: Analyst) -> Response:
    """Say what is here."""
    _plain(request)
    base = _base(request)
    with services(request).store.read() as conn:
        label = services(request).reference.read(conn).profile.label
    return _json(
        {
            "title": text("api-title", label=label),
            "description": text("api-description"),
            "links": [
                _link(base, "self", JSON, text("link-self")),
                _link(f"{base}/api", "service-desc", OPENAPI, text("link-api")),
                _link(f"{base}/collections", "service-doc", JSON, text("link-explained")),
                _link(f"{base}/conformance", "conformance", JSON, text("link-conformance")),
                _link(f"{base}/collections", "data", JSON, text("link-collections")),
            ],
        }
    )


@router.get("/ogc/conformance")
def conformance(request: Request, _reader: Analyst) -> Response:
    """Say which requirements are met."""
    _plain(request)
    return _json({"conformsTo": list(CONFORMS_TO)})


@router.get("/ogc/api")
def api(request: Request, _reader: Analyst) -> Response:
    """Describe the API for programs."""
    _plain(request)
    return _json(openapi.document(_base(request), "Lägesbild"), OPENAPI)


@router.get("/ogc/collections")
def list_collections(request: Request, reader: Analyst) -> Response:
    """List the collections."""
    _plain(request)
    base = _base(request)
    with services(request).store.read() as conn:
        on = _basis(request, conn, reader)
    return _json(
        {
            "collections": [_described(c, on, base) for c in COLLECTIONS.values()],
            "links": [_link(f"{base}/collections", "self", JSON, text("link-collections"))],
        }
    )


@router.get("/ogc/collections/{collection_id}")
def describe_collection(request: Request, collection_id: str, reader: Analyst) -> Response:
    """Describe one collection and how it can be filtered."""
    _plain(request)
    collection = _collection(collection_id)
    with services(request).store.read() as conn:
        on = _basis(request, conn, reader)
    return _json(_described(collection, on, _base(request)))


def _described(collection: Collection, on: Basis, base: str) -> Json:
    path = f"{base}/collections/{collection.id}"
    profile, run = on.reference.profile, on.run
    extent: Json = {"spatial": {"bbox": [list(profile.envelope)], "crs": CRS84}}
    if collection.temporal and run is not None:
        extent["temporal"] = {"interval": [[stamp(run.period_start), stamp(run.period_end)]]}
    counted: Json = {"outdated": on.outdated} if collection.counted else {}
    return {
        "id": collection.id,
        "title": collection.title,
        "description": collection.description,
        "itemType": "feature",
        "crs": [CRS84],
        "storageCrs": CRS84,
        "extent": extent,
        "filters": [_filter(name, on.reference) for name in collection.parameters],
        "links": [
            _link(path, "self", JSON, collection.title),
            _link(
                f"{path}/items", "items", GEOJSON, text("link-items", collection=collection.title)
            ),
        ],
        **counted,
    }


def _filter(name: str, reference: Reference) -> Json:
    """Describe a filter with the values it takes here."""
    profile = reference.profile
    values = {
        "area": [row.name if reference.alone(row) else str(row.id) for row in reference.areas],
        "category": [category.code for category in profile.categories if category.on_map],
        "window": [window.name for window in profile.windows],
        "resolution": list(cells.RESOLUTIONS),
        "scope": list(SCOPES),
    }.get(name)
    described: Json = {"name": name, "description": text(f"parameter-{name}")}
    return described if values is None else described | {"values": values}


@router.get("/ogc/collections/{collection_id}/items")
def items(request: Request, collection_id: str, reader: Analyst) -> Response:
    """Give a page of a collection's features."""
    collection = _collection(collection_id)
    with services(request).store.read() as conn:
        on = _basis(request, conn, reader)
        query = _query(request.query_params.multi_items(), collection, on.reference)

        def make() -> bytes:
            page = collection.items(conn, on, query)
            links = _page_links(request, collection, query, page.matched)
            return orjson.dumps(
                {
                    "type": "FeatureCollection",
                    "timeStamp": stamp(services(request).now()),
                    "numberMatched": page.matched,
                    "numberReturned": len(page.features),
                    "features": page.features,
                    "links": links,
                }
            )

        if collection.layer and on.run is not None:
            key = _key(request, on, query)
            return _kept(request, services(request).answers.answer(key, make))
        return _features(make())


@router.get("/ogc/collections/{collection_id}/items/{fid}")
def item(request: Request, collection_id: str, fid: str, reader: Analyst) -> Response:
    """Give one feature."""
    collection = _collection(collection_id)
    with services(request).store.read() as conn:
        on = _basis(request, conn, reader)
        parse(request.query_params.multi_items(), ("crs",), on.reference.profile)
        found = collection.one(conn, on, fid)
    if found is None:
        raise NotFound("unknown-item", collection=collection.title, name=fid[:40])
    path = f"{_base(request)}/collections/{collection.id}"
    links = [
        _link(f"{path}/items/{fid}", "self", GEOJSON, collection.title),
        _link(path, "collection", JSON, collection.title),
    ]
    return _features(orjson.dumps(found | {"links": links}))


def _query(pairs: list[tuple[str, str]], collection: Collection, reference: Reference) -> Query:
    query = parse(pairs, collection.parameters, reference.profile)
    return query if query.area is None else replace(query, area_id=reference.area(query.area).id)


def _page_links(request: Request, collection: Collection, query: Query, matched: int) -> list[Json]:
    """Link to this page, to the next one with every filter kept, and to the collection."""
    path = f"{_base(request)}/collections/{collection.id}"
    asked = [(n, v) for n, v in request.query_params.multi_items() if n != "offset"]
    here, following = query.offset, query.offset + query.limit

    def page(offset: int) -> str:
        pairs = [*asked, ("offset", str(offset))] if offset else asked
        return f"{path}/items?{urlencode(pairs)}" if pairs else f"{path}/items"

    links = [
        _link(page(here), "self", GEOJSON, text("link-self")),
        _link(path, "collection", JSON, collection.title),
    ]
    if following < matched:
        links.append(_link(page(following), "next", GEOJSON, text("link-next")))
    return links


def _key(request: Request, on: Basis, query: Query) -> AnswerKey:
    """Name everything a layer's answer depends on."""
    return AnswerKey(
        run_id=0 if on.run is None else on.run.id,
        revision=on.reference.revision,
        role=on.role,
        base=_base(request),
        path=request.url.path,
        query=query,
    )


def _features(body: bytes) -> Response:
    return Response(body, media_type=GEOJSON, headers={"Content-Crs": f"<{CRS84}>"})


def _kept(request: Request, answer: Answer) -> Response:
    """Give a layer's answer, or 304 to a browser that holds exactly this one."""
    fresh = {"ETag": answer.etag, "Cache-Control": KEEP, "Vary": "Cookie, X-API-Key"}
    known = {tag.strip() for tag in request.headers.get("if-none-match", "").split(",")}
    if answer.etag in known:
        return Response(status_code=304, headers=fresh)
    response = _features(answer.body)
    response.headers.update(fresh)
    return response
