"""Puts the application together; nothing is built by importing."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from fastapi import FastAPI
from fastapi.templating import Jinja2Templates
from starlette.middleware.sessions import SessionMiddleware
from starlette.routing import Mount

from app import access, guide_page, logs, places_page, problems, scripts, sessions, ways
from app.attempts import Attempts
from app.background import Background
from app.headers import SecurityHeaders
from app.kept import AnswerCache, Shelf
from app.language import Speaking
from app.oidc import Provider
from app.origin import OwnPagesOnly
from app.passwords import Passwords
from app.quick import Memory, Quick
from app.routes import (
    account,
    admin,
    basemap,
    change,
    features,
    group,
    guide,
    language,
    log,
    methods,
    nightlife,
    on_site,
    pages,
    places,
    plan,
    public,
    release,
    review,
    saving,
    schools,
    tables,
    tiles,
    views,
    when,
)
from app.services import Services
from app.static import ROOT, Static
from geo.errors import InvalidParameter, LagesbildError
from pipelines import colours, looks, texts
from pipelines import settings as configuration
from pipelines.looks import Log
from pipelines.reference import ReferenceCache
from pipelines.released import ReleasedCache
from pipelines.settings import Settings
from pipelines.texts import sentence
from store.installation import open_installation

ROUTES = (
    public,
    language,
    guide,
    account,
    pages,
    places,
    release,
    saving,
    when,
    schools,
    nightlife,
    change,
    review,
    tables,
    on_site,
    plan,
    views,
    group,
    admin,
    log,
    features,
    tiles,
    basemap,
    methods,
)
WEB = Path(__file__).parents[1] / "web"


def _utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(settings: Settings | None = None, now: Callable[[], datetime] = _utc_now) -> FastAPI:
    """Build the application; without `settings` they are read from the environment.

    A server that starts it from the environment stops with one sentence when it cannot.
    """
    if settings is not None:
        return _build(settings, now)
    try:
        app = _build(configuration.load(), now)
    except LagesbildError as fault:
        raise SystemExit(sentence(fault)) from None
    _warm(app)
    return app


def _build(settings: Settings, now: Callable[[], datetime]) -> FastAPI:
    if settings.session_secret is None:
        raise InvalidParameter("setting-missing", name=configuration.variable("session_secret"))
    logs.install()
    installation = open_installation(settings.database_url, settings.open_role)
    if settings.open_role is None and not installation.main.is_geopackage:
        logging.getLogger("lagesbild").warning("no open role: the code alone keeps events apart")
    memory = Memory(installation)
    background, files = Background(settings), Static(directory=WEB / "static")
    anchor = looks.anchor_file(settings.database_url, settings.audit_anchor)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        memory.close()
        installation.close()

    app = FastAPI(
        title="Lägesbild",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # paths hold places
        lifespan=lifespan,
    )
    app.state.services = Services(
        settings=settings,
        installation=installation,
        log=Log(installation.journal, anchor, now),
        now=now,
        pages=_pages(background, files.address),
        answers=AnswerCache(),
        drawings=Shelf(lambda drawing: drawing.weight),
        hot=places_page.shelf(),
        reference=ReferenceCache(),
        released=ReleasedCache(installation.release),
        background=background,
        attempts=Attempts(now),
        passwords=Passwords(),
        provider=Provider(settings) if settings.oidc else None,
    )
    problems.install(app)
    for part in ROUTES:
        app.router.routes.extend(part.router.routes)
    app.mount(ROOT, files, name="static")
    access.check_guarded(app.routes)
    _wrap(app, settings, settings.session_secret.get_secret_value())
    app.add_middleware(Quick, memory, now)  # outermost
    return app


def _warm(app: FastAPI) -> None:
    """Read what every page needs before anybody waits for it: sentences, templates, files."""
    pages = app.state.services.pages.env
    for spoken in texts.LANGUAGES:
        with texts.speaking(spoken):
            texts.for_browser()
            texts.known("")
    for name in pages.list_templates():
        pages.get_template(name)
    for route in app.routes:
        if isinstance(route, Mount) and isinstance(route.app, Static):
            route.app.read_all()


def _pages(background: Background, files: str) -> Jinja2Templates:
    """Give the templates what every page says."""
    pages = Jinja2Templates(WEB / "templates")
    pages.env.globals |= {
        "t": texts.text,
        "language": texts.language,
        "browser_texts": texts.for_browser,
        "look": colours.as_json,
        "basemap": background.for_page,
        "tasks": ways.tasks,
        "more": ways.more,
        "here": ways.here,
        "contact": guide_page.contact,
        "static": files,
        "script": partial(scripts.tags, address=files),
    }
    return pages


def _wrap(app: FastAPI, settings: Settings, secret: str) -> None:
    """Put what concerns every request around the routes; the last one added is outermost."""
    app.add_middleware(
        SessionMiddleware,
        secret_key=secret,
        session_cookie=sessions.COOKIE,
        max_age=int(settings.session_hours * 3600),
        same_site="lax",
        https_only=settings.cookie_secure,
    )
    app.add_middleware(OwnPagesOnly)
    app.add_middleware(Speaking)
    app.add_middleware(logs.RequestLog)
    app.add_middleware(SecurityHeaders)
