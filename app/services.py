"""What every route may use, put together once in `app.main.create_app`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fastapi import Request
from fastapi.templating import Jinja2Templates

from app.attempts import Attempts
from app.kept import AnswerCache
from app.passwords import Passwords
from pipelines.reference import ReferenceCache
from pipelines.settings import Settings
from store.db import Store


@dataclass(frozen=True, slots=True)
class Services:
    """The long-lived parts of one running application."""

    settings: Settings
    store: Store
    now: Callable[[], datetime]  # aware UTC
    pages: Jinja2Templates
    answers: AnswerCache
    reference: ReferenceCache
    attempts: Attempts
    passwords: Passwords


def services(request: Request) -> Services:
    """Find the application's parts from a request."""
    found: Services = request.app.state.services
    return found
