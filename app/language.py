"""Which language a page speaks: what the reader has chosen, kept in a cookie of its own."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipelines.texts import SWEDISH, language, speaking

COOKIE = "lagesbild_sprak"
A_YEAR_S = 365 * 24 * 3600


class Speaking:
    """Speaks the reader's language while a request is answered."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and say of the answer which language it is in."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.setdefault("Content-Language", language())
            await send(message)

        with speaking(HTTPConnection(scope).cookies.get(COOKIE, SWEDISH)):
            await self._app(scope, receive, complete)
