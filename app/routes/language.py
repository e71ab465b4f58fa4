"""Choosing the language of the pages."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from app.language import A_YEAR_S, COOKIE
from app.origin import own_path
from app.services import services
from geo.errors import NotFound
from pipelines.texts import LANGUAGES

router = APIRouter()


@router.get("/sprak/{language}")
def choose_language(request: Request, language: str, tillbaka: str = "/") -> Response:
    """Remember the language in the reader's browser and go back to the page."""
    if language not in LANGUAGES:
        raise NotFound("no-such-page")
    answer = RedirectResponse(own_path(tillbaka), status_code=303)
    secure = services(request).settings.cookie_secure
    answer.set_cookie(COOKIE, language, max_age=A_YEAR_S, secure=secure, samesite="lax")
    return answer
