"""The ways between pages: the tasks of a role, and the same choices on every one of them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import Request

from app.access import Reader
from pipelines import links
from pipelines.roles import ADMIN, ANALYST, COORDINATOR, PLANNER, PUBLIC
from pipelines.texts import text

ALL = frozenset({PUBLIC, PLANNER, ANALYST, COORDINATOR})
STAFF = ALL - {PUBLIC}
# The tasks in the order of the day, and then what is looked up now and then.
TASKS: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("/", "where", ALL),
    ("/nar", "when", ALL),
    ("/skolor", "schools", ALL),
    ("/nattliv", "nightlife", ALL),
    ("/pa-plats", "on-site", STAFF),
    ("/utveckling", "change", ALL),
    ("/plan", "plan", STAFF),
)
MORE: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("/utgava", "release", frozenset({ANALYST})),
    ("/tabeller", "tables", STAFF),
    ("/granskning", "review", frozenset({COORDINATOR})),
    ("/drift", "operation", frozenset({ADMIN})),
    ("/logg", "log", frozenset({ADMIN})),
)


@dataclass(frozen=True, slots=True)
class Way:
    """A link in the bar at the top."""

    href: str
    label: str
    here: bool


def tasks(request: Request, reader: Reader) -> list[Way]:
    """List a role's tasks; area, time, theme and period go with the reader."""
    kept = shared(request)
    query = f"?{urlencode(kept)}" if kept else ""
    return [
        Way(path + query, text(f"way-{name}"), request.url.path == path)
        for path, name, roles in TASKS
        if reader.role in roles
    ]


def more(request: Request, reader: Reader) -> list[Way]:
    """List what a role looks up now and then."""
    return [
        Way(path, text(f"way-{name}"), request.url.path == path)
        for path, name, roles in MORE
        if reader.role in roles
    ]


def shared(request: Request) -> dict[str, str]:
    """Give the choices of a link that every page understands."""
    return links.kept(request.query_params, links.QUESTION)


def here(request: Request) -> str:
    """Give the address of this page, for the way back to it; of a sent form, the first page."""
    if request.method != "GET":
        return "/"
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path
