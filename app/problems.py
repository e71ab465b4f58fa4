"""The one place where an error becomes an HTTP answer (RFC 9457).

Programs get problem+json, people a page with the same words. Invalid and unknown parameters are
400, as OGC API Features Part 1 demands, not FastAPI's 422.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from app import faults, sessions
from app.services import services
from geo import errors
from pipelines.texts import sentence, text

PROGRAM_PATHS = ("/ogc", "/karta/", "/health")
KINDS_PAGE = "/static/fel.html"
ENDED = "slut"  # in a link to the sign-in page: why one is asked again


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its status and the code of what people call it."""

    status: int
    title: str


KINDS: dict[type[errors.LagesbildError], Kind] = {
    errors.InvalidParameter: Kind(400, "problem-invalid-parameter"),
    errors.TooFewObservations: Kind(422, "problem-too-few-observations"),
    errors.UnreadableFile: Kind(422, "problem-unreadable-file"),
    errors.NotFound: Kind(404, "problem-not-found"),
    errors.Conflict: Kind(409, "problem-conflict"),
    errors.StoreUnavailable: Kind(503, "problem-store-unavailable"),
    errors.SchemaMismatch: Kind(503, "problem-schema-mismatch"),
    faults.SignInRequired: Kind(401, "problem-sign-in-required"),
    faults.NotAllowed: Kind(403, "problem-not-allowed"),
    faults.TooManyAttempts: Kind(429, "problem-too-many-attempts"),
    faults.BodyTooLarge: Kind(413, "problem-body-too-large"),
}
ROUTING = {
    404: ("not-found", "problem-not-found", "no-such-page"),
    405: ("method-not-allowed", "problem-method-not-allowed", "method-not-allowed"),
}
BUG = ("internal-error", "problem-internal-error", "internal-error")


def slug(kind: type[errors.LagesbildError]) -> str:
    """Name a kind of problem as its section in the list of problems does."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind.__name__).lower()


def problem(request: Request, status: int, name: str, words: tuple[str, str]) -> Response:
    """Answer with a problem, as a page or as problem+json; `words` are title and sentence."""
    title, detail = words
    if wants_page(request):
        context = {"title": title, "detail": detail, "status": status}
        pages = services(request).pages
        return pages.TemplateResponse(request, "problem.html", context, status_code=status)
    body: dict[str, object] = {
        "type": f"{KINDS_PAGE}#{name}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
    }
    return JSONResponse(body, status, media_type="application/problem+json")


def wants_page(request: Request) -> bool:
    """Tell a person in a browser from a program: by path first, then by what is accepted."""
    accepts_page = "text/html" in request.headers.get("accept", "")
    return accepts_page and not request.url.path.startswith(PROGRAM_PATHS)


def answer(request: Request, fault: errors.LagesbildError) -> Response:
    """Answer with the problem that `fault` is."""
    kind = KINDS[type(fault)]
    if isinstance(fault, faults.SignInRequired) and wants_page(request):
        return _to_sign_in(request)
    words = (text(kind.title), sentence(fault))
    response = problem(request, kind.status, slug(type(fault)), words)
    if kind.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'ApiKey realm="lagesbild", header="X-API-Key"'
    if isinstance(fault, faults.TooManyAttempts):
        response.headers["Retry-After"] = str(fault.values["seconds"])
    return response


def crash(request: Request) -> Response:
    """Answer for a bug: nothing of the inside."""
    name, title, code = BUG
    request_id = request.scope.get("state", {}).get("request_id", "")
    words = (text(title), sentence(errors.LagesbildError(code, request_id=request_id)))
    return problem(request, 500, name, words)


def _to_sign_in(request: Request) -> Response:
    """Send a person to the sign-in page and remember where they were going."""
    wanted = request.url.path
    if request.url.query:
        wanted = f"{wanted}?{request.url.query}"
    again = request.method == "GET" and wanted != "/"
    asked = {"next": wanted} if again else {}
    if sessions.has_ended(request):
        asked[ENDED] = "1"
    there = f"/logga-in?{urlencode(asked)}" if asked else "/logga-in"
    return RedirectResponse(there, status_code=303)


def _domain(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, errors.LagesbildError)  # noqa: S101 - registered for nothing else
    return answer(request, fault)


def _invalid(request: Request, fault: Exception) -> Response:
    """Answer for a form or path value that FastAPI itself refused."""
    assert isinstance(fault, RequestValidationError)  # noqa: S101 - registered for nothing else
    name = str(fault.errors()[0]["loc"][-1])
    return answer(request, errors.InvalidParameter("invalid-form", name=name))


def _routing(request: Request, fault: Exception) -> Response:
    """Answer where no route takes the request."""
    assert isinstance(fault, HTTPException)  # noqa: S101 - registered for nothing else
    known = ROUTING.get(fault.status_code)
    if known is None:
        return answer(request, errors.InvalidParameter("bad-request"))
    name, title, code = known
    words = (text(title), sentence(errors.LagesbildError(code)))
    response = problem(request, fault.status_code, name, words)
    response.headers.update(fault.headers or {})
    if fault.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers["Allow"] = ", ".join(_methods(request)) or response.headers["Allow"]
    return response


def _methods(request: Request) -> list[str]:
    """List the methods that an address takes; the framework names those of its first route."""
    path = request.url.path
    routes = [route for route in request.app.routes if isinstance(route, APIRoute)]
    found = [route.methods or set() for route in routes if route.path_regex.match(path)]
    return sorted(set().union(*found))


def install(app: FastAPI) -> None:
    """Teach `app` to answer every error as a problem."""
    app.add_exception_handler(errors.LagesbildError, _domain)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _routing)
