"""What every route may use, put together once in `app.main.create_app`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fastapi import Request
from fastapi.templating import Jinja2Templates

from app.attempts import Attempts
from app.background import Background
from app.kept import AnswerCache, Shelf
from app.oidc import Provider
from app.passwords import Passwords
from app.tiles import Drawing
from pipelines import roles
from pipelines.hot_places import When
from pipelines.looks import Log
from pipelines.reference import ReferenceCache
from pipelines.released import ReleasedCache
from pipelines.settings import Settings
from store.db import Store
from store.installation import Installation


@dataclass(frozen=True, slots=True)
class Services:
    """The long-lived parts of one running application."""

    settings: Settings
    installation: Installation
    log: Log
    now: Callable[[], datetime]  # aware UTC
    pages: Jinja2Templates
    answers: AnswerCache
    drawings: Shelf[Drawing]
    hot: Shelf[dict[str, When]]
    reference: ReferenceCache
    released: ReleasedCache
    background: Background
    attempts: Attempts
    passwords: Passwords
    provider: Provider | None  # None: local accounts only

    def store_for(self, role: str) -> Store:
        """Give the main part with the rights of a role: only analysts may read events."""
        if role == roles.ANALYST:
            return self.installation.main
        return self.installation.open_side


def services(request: Request) -> Services:
    """Find the application's parts from a request."""
    found: Services = request.app.state.services
    return found
