"""Signing in at the organisation's own service (OpenID Connect: code, PKCE, state and nonce).

This is the only part of the door that calls another machine, and it calls one: the configured
issuer. Its addresses must lie on the issuer's own host, redirects are not followed, and the whole
exchange has a few seconds, in the thread of its request. Keys and addresses are read anew at each
sign-in, so that none goes stale; sign-ins are few.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2
from authlib.common.errors import AuthlibBaseError  # type: ignore[import-untyped]
from authlib.integrations.starlette_client import (  # type: ignore[import-untyped]
    StarletteIntegration,
    StarletteOAuth2App,
)
from fastapi import Request
from fastapi.responses import Response
from joserfc.errors import JoseError

from geo.errors import LagesbildError
from pipelines.settings import Settings

NAME = "oidc"  # before a colon in front of whoever signs in so: no local account has one
PATIENCE_S = 5.0
LEEWAY_S = 60  # how far the two clocks may differ
# Signed with a key that only the service has: never "none", never our shared secret.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
LONGEST, LONGEST_SUBJECT = 60, 130  # of what somebody is called, and of what makes them one
_ADDRESSES = ("authorization_endpoint", "token_endpoint", "jwks_uri")
# What an answer that is not as it should be ends in, wherever it is read.
_MALFORMED = (AuthlibBaseError, JoseError, ValueError, TypeError, KeyError, AttributeError)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom the service has vouched for."""

    name: str
    role: str | None  # None: no group of theirs has one here


class Provider:
    """The organisation's sign-in service."""

    def __init__(self, settings: Settings) -> None:
        """Take what is configured; nothing is asked of the service before somebody signs in."""
        secret = settings.oidc_client_secret
        self._issuer = settings.oidc_issuer or ""
        self._client_id = settings.oidc_client_id
        self._secret = None if secret is None else secret.get_secret_value()
        self._group_claim = settings.oidc_group_claim
        self._roles = settings.oidc_roles or {}

    def begin(self, request: Request, back: str) -> Response:
        """Send somebody to the service, to come back to `back`.

        Raises
        ------
        LagesbildError
            ``oidc-unavailable``: the service does not answer as it should.
        """
        return asyncio.run(self._begin(request, back))

    def finish(self, request: Request) -> Person:
        """Find out who came back, and with which role.

        Raises
        ------
        LagesbildError
            ``oidc-unavailable``: the service does not answer as it should; ``oidc-refused``: it
            was not asked by this browser, or what it vouches for does not hold.
        """
        return asyncio.run(self._finish(request))

    async def _begin(self, request: Request, back: str) -> Response:
        try:
            async with asyncio.timeout(PATIENCE_S):
                client = await self._client()
                found: Response = await client.authorize_redirect(request, back)
        except (httpx2.HTTPError, TimeoutError) as fault:
            raise LagesbildError("oidc-unavailable") from fault
        return found

    async def _finish(self, request: Request) -> Person:
        try:
            async with asyncio.timeout(PATIENCE_S):
                client = await self._client()
                return self._person(await self._claims(client, request))
        except (httpx2.HTTPError, TimeoutError) as fault:
            raise LagesbildError("oidc-unavailable") from fault
        except _MALFORMED as fault:
            raise LagesbildError("oidc-refused") from fault

    async def _client(self) -> Any:  # noqa: ANN401 - Authlib has no types
        """Read the service's description of itself, and refuse one that points elsewhere."""
        client = StarletteOAuth2App(
            StarletteIntegration(NAME),
            NAME,
            client_id=self._client_id,
            client_secret=self._secret,
            server_metadata_url=f"{self._issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid profile email",
                "code_challenge_method": "S256",
                "timeout": PATIENCE_S,
                "follow_redirects": False,
            },
        )
        try:
            described = await client.load_server_metadata()
            hosts = {urlsplit(described[name])[:2] for name in _ADDRESSES}
            true = described["issuer"] == self._issuer and hosts == {urlsplit(self._issuer)[:2]}
        except _MALFORMED as fault:
            raise LagesbildError("oidc-unavailable") from fault
        if not true:
            raise LagesbildError("oidc-unavailable")
        described["id_token_signing_alg_values_supported"] = ALGORITHMS
        return client

    async def _claims(self, client: Any, request: Request) -> dict[str, Any]:  # noqa: ANN401
        """Take the code to the service and check what it gives for it."""
        token = await client.authorize_access_token(
            request,
            claims_options={
                "iss": {"essential": True, "value": self._issuer},
                "aud": {"essential": True, "value": self._client_id},
            },
            leeway=LEEWAY_S,
        )
        claims: dict[str, Any] = token["userinfo"]  # there only when an ID token was checked
        return claims

    def _person(self, claims: dict[str, Any]) -> Person:
        """Name somebody so that the log can tell them from everybody, and find their role.

        Only ``sub`` is certain to be one person's own; what they are called stands before it.
        """
        subject, called = claims["sub"], claims.get("preferred_username") or claims.get("email")
        if not (isinstance(subject, str) and 0 < len(subject) <= LONGEST_SUBJECT):
            raise ValueError(subject)
        name = subject if called in {None, subject} else f"{str(called)[:LONGEST]} ({subject})"
        if not name.isprintable():
            raise ValueError(subject)
        groups = claims.get(self._group_claim)
        listed = groups if isinstance(groups, list) else [groups]
        role = next((role for group, role in self._roles.items() if group in listed), None)
        return Person(f"{NAME}:{name}", role)
