"""The list of methods: which questions the analysis answers, and with which choices."""

from __future__ import annotations

from dataclasses import asdict

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.access import Analyst
from geo.errors import InvalidParameter
from pipelines import method_list

router = APIRouter()


@router.get("/methods")
def list_methods(request: Request, _reader: Analyst) -> Response:
    """List every method."""
    _plain(request)
    return _json({"methods": [asdict(method) for method in method_list.listed()]})


@router.get("/methods/{name}")
def one_method(request: Request, name: str, _reader: Analyst) -> Response:
    """Describe one method."""
    _plain(request)
    return _json(asdict(method_list.one(name)))


def _plain(request: Request) -> None:
    """Refuse parameters: there are none to give."""
    for name in request.query_params:
        raise InvalidParameter("no-parameters", name=name[:40])


def _json(body: object) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
