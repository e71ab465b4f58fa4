"""OGC API Features, Part 1: landing page, conformance, collections, items."""

from __future__ import annotations

from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from app import asking, collections, openapi, quick
from app.access import Reader
from app.asking import CollectionReader
from app.collections import Collection
from app.features import Json, stamp
from app.kept import Answer
from app.openapi import GEOJSON, OPENAPI
from app.queries import CRS84, Query, parse
from app.services import services
from app.tiles import TILED, WEB
from geo import cells
from geo.errors import NotFound
from pipelines.answers import Basis
from pipelines.questions import SCOPES
from pipelines.reference import Reference
from pipelines.roles import ANALYST
from pipelines.texts import listed, text

router = APIRouter()

JSON = "application/json"
_FEATURES = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf"
_COMMON = "http://www.opengis.net/spec/ogcapi-common"
AS_GEOJSON = {"Content-Type": GEOJSON, "Content-Crs": f"<{CRS84}>"}
CONFORMS_TO = (
    f"{_COMMON}-1/1.0/conf/core",
    f"{_COMMON}-2/1.0/conf/collections",
    f"{_FEATURES}/core",
    f"{_FEATURES}/geojson",
    f"{_FEATURES}/oas30",
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
)


def _link(href: str, rel: str, media: str, title: str) -> Json:
    return {"href": href, "rel": rel, "type": media, "title": title}


def _json(body: Json, media: str = JSON) -> Response:
    return Response(orjson.dumps(body), media_type=media)


@router.get("/ogc")
@router.get("/ogc/", include_in_schema=False)
def landing(request: Request, reader: CollectionReader) -> Response:
    """Say what is here."""
    asking.plain(request)
    base = asking.base(request)
    with asking.opened(request, reader, released=False) as (_, on):
        label = on.reference.profile.label
    seen = collections.seen_by(reader.role, reader.collections)
    named = listed([one.title for one in seen])
    return _json(
        {
            "title": text("api-title", label=label),
            "description": text("api-description", collections=named),
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
def conformance(request: Request, _reader: CollectionReader) -> Response:
    """Say which requirements are met."""
    asking.plain(request)
    return _json({"conformsTo": list(CONFORMS_TO)})


@router.get("/ogc/api")
def api(request: Request, reader: CollectionReader) -> Response:
    """Describe the API for programs."""
    asking.plain(request)
    seen = collections.seen_by(reader.role, reader.collections)
    document = openapi.document(asking.base(request), "Lägesbild", seen, reader.role)
    return _json(document, OPENAPI)


@router.get("/ogc/collections")
def list_collections(request: Request, reader: CollectionReader) -> Response:
    """List the collections."""
    asking.plain(request)
    base = asking.base(request)
    with asking.opened(request, reader, released=True) as (_, on):
        seen = collections.seen_by(reader.role, reader.collections)
    return _json(
        {
            "collections": [_described(one, on, base) for one in seen],
            "links": [_link(f"{base}/collections", "self", JSON, text("link-collections"))],
        }
    )


@router.get("/ogc/collections/{collection_id}")
def describe_collection(request: Request, collection_id: str, reader: CollectionReader) -> Response:
    """Describe one collection and how it can be filtered."""
    asking.plain(request)
    collection = asking.collection(request, collection_id, reader)
    with asking.opened(request, reader, released=collection.released) as (_, on):
        pass
    return _json(_described(collection, on, asking.base(request)))


def _described(collection: Collection, on: Basis, base: str) -> Json:
    path = f"{base}/collections/{collection.id}"
    profile, run = on.reference.profile, on.run
    extent: Json = {"spatial": {"bbox": [list(profile.envelope)], "crs": CRS84}}
    if collection.temporal and run is not None:
        extent["temporal"] = {"interval": [[stamp(run.period_start), stamp(run.period_end)]]}
    drawn = text("link-tiles", collection=collection.title)
    tiles = [_link(f"{path}/tiles/{WEB}", "tiles", JSON, drawn)] if collection.id in TILED else []
    counted: Json = {"outdated": bool(on.outdated)} if collection.counted else {}
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
            *tiles,
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
def items(request: Request, collection_id: str, reader: CollectionReader) -> Response:
    """Give a page of a collection's features."""
    collection = asking.collection(request, collection_id, reader)
    with asking.opened(request, reader, released=collection.released) as (conn, on):
        query = asking.query(request, collection.parameters, on)
        edition = asking.edition(collection, on)
        kept = edition is not None and not collection.points

        def make() -> Answer:
            moment = str(stamp(services(request).now()))
            page = collection.items(conn, on, query)
            links = _page_links(request, collection, query, page.matched)
            body = orjson.dumps(
                {
                    "type": "FeatureCollection",
                    "timeStamp": moment,
                    "numberMatched": page.matched,
                    "numberReturned": len(page.features),
                    "features": page.features,
                    "links": links,
                    **page.about,
                }
            )
            rows = len(page.features)
            return Answer.to_keep(body, rows, moment) if kept else Answer.of(body, rows)

        if edition is None:
            answer = make()
        else:
            key = asking.key(request, on, edition, request.url.path, query)
            answer = services(request).answers.answer(key, make)
    _note(request, reader, collection, answer.rows)
    if not kept:
        return Response(answer.body, headers=AS_GEOJSON)
    return quick.give(request, reader, answer, AS_GEOJSON)


@router.get("/ogc/collections/{collection_id}/items/{fid}")
def item(request: Request, collection_id: str, fid: str, reader: CollectionReader) -> Response:
    """Give one feature."""
    collection = asking.collection(request, collection_id, reader)
    with asking.opened(request, reader, released=collection.released) as (conn, on):
        parse(request.query_params.multi_items(), ("crs",), on.reference.profile)
        found = collection.one(conn, on, fid)
    _note(request, reader, collection, 0 if found is None else 1, fid)
    if found is None:
        raise NotFound("unknown-item", collection=collection.title, name=fid[:40])
    path = f"{asking.base(request)}/collections/{collection.id}"
    links = [
        _link(f"{path}/items/{fid}", "self", GEOJSON, collection.title),
        _link(path, "collection", JSON, collection.title),
    ]
    return Response(orjson.dumps(found | {"links": links}), headers=AS_GEOJSON)


def _note(
    request: Request, reader: Reader, collection: Collection, rows: int, fid: str | None = None
) -> None:
    """Write a look at points into the log, before anything of it is given."""
    if not collection.logged:
        return
    asked = dict(request.query_params)
    if fid is not None:  # of nothing it is any text, and nobody's text goes into the log
        asked = {"id": fid if rows else ""}
    purpose = "analysis" if reader.role == ANALYST else "map"
    log = services(request).log
    log.note(reader.name, reader.role, collection.id, purpose, asked=asked, rows=rows)


def _page_links(request: Request, collection: Collection, query: Query, matched: int) -> list[Json]:
    """Link to this page, to the next one with every filter kept, and to the collection."""
    path = f"{asking.base(request)}/collections/{collection.id}"
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
