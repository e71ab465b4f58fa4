"""Coming and going: signing in with a password or at the organisation's service, signing out."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from app import sessions
from app.access import Anyone, address, note, require_csrf
from app.faults import TooManyAttempts
from app.oidc import NAME, Provider
from app.origin import own_path
from app.problems import ENDED
from app.services import services
from geo.errors import LagesbildError, NotFound
from pipelines.texts import sentence, text
from store import accounts

router = APIRouter()

LONGEST = 256  # of a name or a password
Field = Annotated[str, Form(max_length=LONGEST)]
Target = Annotated[str, Form(max_length=2000, alias="next")]
_PENDING = "oidc"  # in the cookie of somebody who is at the service
_PENDING_FOR = timedelta(minutes=10)
_STATUS = {"oidc-unavailable": 503, "oidc-refused": 401, "oidc-no-role": 403}


@router.get("/logga-in")
def sign_in_page(request: Request) -> Response:
    """Show the way in."""
    given = request.query_params
    ended = LagesbildError("session-ended") if ENDED in given else None
    return _form(request, given.get("next", "/"), ended)


@router.post("/logga-in")
def sign_in(request: Request, name: Field, password: Field, target: Target = "/") -> Response:
    """Open a session for the right name and password; say the same for every wrong pair."""
    parts, name = services(request), name.strip()
    whose = f"{address(request)} {name.casefold()}"
    try:
        parts.attempts.take(("sign-in-account", whose), ("sign-in-address", address(request)))
    except TooManyAttempts as fault:
        return _wait(request, target, fault)
    with parts.installation.open_side.read() as conn:
        found = accounts.user(conn, name) if name.isprintable() else None
    matches = parts.passwords.match(None if found is None else found.password_hash, password)
    if found is None or not matches or not found.lasts(parts.now()):
        known = "" if found is None else found.name  # people type passwords here: never `name`
        parts.log.note(known, "", "sign-in-failed", "sign-in", outcome="refused")
        return _form(request, target, LagesbildError("wrong-password"), status=401)
    parts.attempts.forget("sign-in-account", whose)
    parts.log.note(found.name, found.role, "sign-in", "sign-in", asked={"origin": "local"})
    sessions.begin(request, found.name, None, sessions.password_mark(found.password_hash), "local")
    return RedirectResponse(own_path(target), status_code=303)


@router.get("/logga-in/oidc")
def to_provider(request: Request) -> Response:
    """Send somebody to the organisation's sign-in service."""
    provider, parts = _provider(request), services(request)
    target = own_path(request.query_params.get("next", "/"))
    try:
        parts.attempts.take(("sign-in-address", address(request)))
        sent = provider.begin(request, str(request.url_for("from_provider")))
    except TooManyAttempts as fault:
        return _wait(request, target, fault)
    except LagesbildError as fault:
        return _form(request, target, fault, _STATUS[fault.code])
    until = (parts.now() + _PENDING_FOR).timestamp()
    request.session[_PENDING] = {"next": target, "until": until}
    return sent


@router.get("/logga-in/oidc/svar", name="from_provider")
def from_provider(request: Request) -> Response:
    """Open a session for whoever comes back from the service."""
    provider = _provider(request)
    pending = request.session.pop(_PENDING, None) or {"next": "/", "until": 0}
    target = pending["next"]
    try:
        services(request).attempts.take(("sign-in-address", address(request)))
        if services(request).now().timestamp() >= pending["until"]:
            raise LagesbildError("oidc-refused")  # noqa: TRY301 - as if the service had said so
        person = provider.finish(request)
    except TooManyAttempts as fault:
        return _wait(request, target, fault)
    except LagesbildError as fault:
        return _not_in(request, target, fault, "")
    if person.role is None:
        nothing = LagesbildError("oidc-no-role")
        return _not_in(request, target, nothing, person.name)
    log, asked = services(request).log, {"origin": NAME}
    log.note(person.name, person.role, "sign-in", "sign-in", asked=asked)
    sessions.begin(request, person.name, person.role, "", NAME)
    return RedirectResponse(own_path(target), status_code=303)


@router.post("/logga-ut")
def sign_out(
    request: Request, reader: Anyone, _form: Annotated[None, Depends(require_csrf)]
) -> Response:
    """End the session, here and in every copy of its cookie."""
    sessions.end(request)
    note(request, reader, "sign-out")
    forget = {"Clear-Site-Data": '"cache", "storage"'}
    return RedirectResponse("/logga-in", status_code=303, headers=forget)


def _provider(request: Request) -> Provider:
    """Give the sign-in service; without one the page does not exist."""
    found = services(request).provider
    if found is None:
        raise NotFound("no-such-page")
    return found


def _not_in(request: Request, target: str, fault: LagesbildError, name: str) -> Response:
    """Say why the service's word was not enough, and note it."""
    asked = {"origin": NAME, "why": fault.code}
    services(request).log.note(
        name, "", "sign-in-failed", "sign-in", asked=asked, outcome="refused"
    )
    return _form(request, target, fault, _STATUS[fault.code])


def _wait(request: Request, target: str, fault: TooManyAttempts) -> Response:
    response = _form(request, target, fault, status=429)
    response.headers["Retry-After"] = str(fault.values["seconds"])
    return response


def _form(
    request: Request, target: str, fault: LagesbildError | None = None, status: int = 200
) -> Response:
    parts, target = services(request), own_path(target)
    context = {
        "target": target,
        "message": None if fault is None else sentence(fault),
        "provider": parts.settings.oidc_label or text("oidc-button") if parts.provider else None,
    }
    return parts.pages.TemplateResponse(request, "sign_in.html", context, status_code=status)
