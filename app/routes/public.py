"""What anybody may reach: is it alive, and the way in."""

from __future__ import annotations

import re
from typing import Annotated

import orjson
from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from app.access import open_session
from app.faults import TooManyAttempts
from app.services import services
from geo.errors import LagesbildError
from pipelines.texts import sentence
from store import accounts

router = APIRouter()

LONGEST = 256  # of a name or a password
Field = Annotated[str, Form(max_length=LONGEST)]
Target = Annotated[str, Form(max_length=2000, alias="next")]
# A path of our own: one slash, then no slash or backslash, and nothing a browser would strip.
_OWN_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")


@router.get("/health")
def health(request: Request) -> Response:
    """Tell a watchdog whether the application reaches its store."""
    with services(request).store.read() as conn:
        conn.exec_driver_sql("SELECT 1")
    return Response(orjson.dumps({"status": "ok"}), media_type="application/json")


@router.get("/favicon.ico")
def favicon() -> Response:
    """Point browsers that ask on their own to the icon."""
    return RedirectResponse("/static/img/lagesbild.svg", status_code=301)


@router.get("/logga-in")
def sign_in_page(request: Request) -> Response:
    """Show the way in."""
    return _form(request, request.query_params.get("next", "/"))


@router.post("/logga-in")
def sign_in(request: Request, name: Field, password: Field, target: Target = "/") -> Response:
    """Open a session for the right name and password; say the same for every wrong pair."""
    parts, name = services(request), name.strip()
    address = request.client.host if request.client else ""
    try:
        parts.attempts.take(address, name)
    except TooManyAttempts as fault:
        response = _form(request, target, fault, status=429)
        response.headers["Retry-After"] = str(fault.values["seconds"])
        return response
    with parts.store.read() as conn:
        found = accounts.user(conn, name) if name.isprintable() else None
    matches = parts.passwords.match(None if found is None else found.password_hash, password)
    if found is None or not matches:
        return _form(request, target, LagesbildError("wrong-password"), status=401)
    parts.attempts.forget(address, name)
    open_session(request, found.name, found.password_hash)
    return RedirectResponse(own_path(target), status_code=303)


def own_path(target: str) -> str:
    """Keep a target only when it leads to one of our own pages (no open redirect)."""
    return target if _OWN_PATH.fullmatch(target) else "/"


def _form(
    request: Request, target: str, fault: LagesbildError | None = None, status: int = 200
) -> Response:
    context = {
        "target": own_path(target),
        "message": None if fault is None else sentence(fault),
    }
    pages = services(request).pages
    return pages.TemplateResponse(request, "sign_in.html", context, status_code=status)
