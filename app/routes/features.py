"""OGC API Features, Part 1: landing page, conformance, collections, items."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated
from urllib.parse import urlencode

import orjson
import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app import collections, openapi
from app.access import Reader, allow
from app.collections import Collection
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
from pipelines.roles import ANALYST, COORDINATOR, PLANNER, PUBLIC
from pipelines.texts import language, text

router = APIRouter()

# To everybody else none of this exists, whatever id they ask for.
CollectionReader = Annotated[
    Reader, Depends(allow(PUBLIC, PLANNER, ANALYST, COORDINATOR, purpose="map", hidden=True))
]
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


@contextmanager
def _asking(
    request: Request, reader: Reader, *, released: bool
) -> Iterator[tuple[sa.Connection, Basis]]:
    """Open what a reader may read: to all but analysts, events are out of reach here."""
    parts = services(request)
    with parts.store_for(reader.role).read() as conn:
        reference = parts.reference.read(conn)
        inside = parts.released.in_force() if released else None
        yield conn, answers.basis(conn, reader.role, reference, inside)


def _link(href: str, rel: str, media: str, title: str) -> Json:
    return {"href": href, "rel": rel, "type": media, "title": title}


def _json(body: Json, media: str = JSON) -> Response:
    return Response(orjson.dumps(body), media_type=media)


def _plain(request: Request) -> None:
    """Refuse parameters where there are none to give."""
    for name in request.query_params:
        raise InvalidParameter("no-parameters", name=name[:40])


def _collection(request: Request, collection_id: str, reader: Reader) -> Collection:
    """Find a collection; one that the reader may not see is as unknown as any other word."""
    try:
        return collections.find(collection_id, reader.role, reader.collections)
    except NotFound:
        services(request).log.note(reader.name, reader.role, "collection", "map", outcome="refused")
        raise


@router.get("/ogc")
@router.get("/ogc/", include_in_schema=False)
def landing(request: Request, reader: CollectionReader) -> Response:
    """Say what is here."""
    _plain(request)
    base = _base(request)
    with _asking(request, reader, released=False) as (_, on):
        label = on.reference.profile.label
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
def conformance(request: Request, _reader: CollectionReader) -> Response:
    """Say which requirements are met."""
    _plain(request)
    return _json({"conformsTo": list(CONFORMS_TO)})


@router.get("/ogc/api")
def api(request: Request, reader: CollectionReader) -> Response:
    """Describe the API for programs."""
    _plain(request)
    seen = collections.seen_by(reader.role, reader.collections)
    document = openapi.document(_base(request), "Lägesbild", seen, reader.role)
    return _json(document, OPENAPI)


@router.get("/ogc/collections")
def list_collections(request: Request, reader: CollectionReader) -> Response:
    """List the collections."""
    _plain(request)
    base = _base(request)
    with _asking(request, reader, released=True) as (_, on):
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
    _plain(request)
    collection = _collection(request, collection_id, reader)
    with _asking(request, reader, released=collection.released) as (_, on):
        pass
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
def items(request: Request, collection_id: str, reader: CollectionReader) -> Response:
    """Give a page of a collection's features."""
    collection = _collection(request, collection_id, reader)
    with _asking(request, reader, released=collection.released) as (conn, on):
        query = _query(request.query_params.multi_items(), collection, on)

        def make() -> Answer:
            page = collection.items(conn, on, query)
            links = _page_links(request, collection, query, page.matched)
            body = orjson.dumps(
                {
                    "type": "FeatureCollection",
                    "timeStamp": stamp(services(request).now()),
                    "numberMatched": page.matched,
                    "numberReturned": len(page.features),
                    "features": page.features,
                    "links": links,
                    **page.about,
                }
            )
            return Answer.of(body, len(page.features))

        edition = _edition(collection, on)
        if edition is None:
            answer = make()
        else:
            key = _key(request, reader, on, edition, query)
            answer = services(request).answers.answer(key, make)
    _note(request, reader, collection, answer.rows)
    if edition is None or collection.points:
        return _features(answer.body)
    return _kept(request, answer)


@router.get("/ogc/collections/{collection_id}/items/{fid}")
def item(request: Request, collection_id: str, fid: str, reader: CollectionReader) -> Response:
    """Give one feature."""
    collection = _collection(request, collection_id, reader)
    with _asking(request, reader, released=collection.released) as (conn, on):
        parse(request.query_params.multi_items(), ("crs",), on.reference.profile)
        found = collection.one(conn, on, fid)
    _note(request, reader, collection, 0 if found is None else 1, fid)
    if found is None:
        raise NotFound("unknown-item", collection=collection.title, name=fid[:40])
    path = f"{_base(request)}/collections/{collection.id}"
    links = [
        _link(f"{path}/items/{fid}", "self", GEOJSON, collection.title),
        _link(path, "collection", JSON, collection.title),
    ]
    return _features(orjson.dumps(found | {"links": links}))


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


def _edition(collection: Collection, on: Basis) -> str | None:
    """Name what never changes and an answer may be kept for; None where there is no such thing."""
    if collection.released and on.released is not None:
        return on.released.header.digest
    if collection.layer and on.run is not None:
        return f"run {on.run.id}"
    return None


def _query(pairs: list[tuple[str, str]], collection: Collection, on: Basis) -> Query:
    query = parse(pairs, collection.parameters, on.reference.profile)
    if query.area is None:
        return query
    return replace(query, area_id=on.reference.area(query.area).id)


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


def _key(request: Request, reader: Reader, on: Basis, edition: str, query: Query) -> AnswerKey:
    """Name everything a kept answer depends on."""
    return AnswerKey(
        edition=edition,
        revision=on.reference.revision,
        role=reader.role,
        language=language(),
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
