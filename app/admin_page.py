"""What the page of the system's administrator says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from geo.profile import Profile
from pipelines.periods import local
from pipelines.settings import Settings
from pipelines.texts import text
from store.accounts import KeyRow, UserRow
from store.releases import Header
from store.retention import Rule
from store.sessions import Session


@dataclass(frozen=True, slots=True)
class Found:
    """What the parts of the installation hold."""

    people: Sequence[UserRow]
    keys: Sequence[KeyRow]
    sessions: Sequence[Session]
    rules: Sequence[Rule]
    release: Header | None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of one of the page's tables."""

    name: str
    role: str
    until: str
    more: str = ""


def context(profile: Profile, found: Found, settings: Settings, now: datetime) -> dict[str, object]:
    """Collect everything the template shows."""
    zone = profile.timezone
    return {
        "profile": profile,
        "people": [
            Row(
                each.name,
                text(f"role-{each.role}"),
                _until(each.expires_at, zone),
                "" if each.lasts(now) else text("admin-ended"),
            )
            for each in found.people
        ],
        "keys": [
            Row(
                each.name,
                text(f"role-{each.role}"),
                _until(each.expires_at, zone),
                ", ".join(each.collections),
            )
            for each in found.keys
        ],
        "sessions": [
            Row(
                each.name,
                text(f"admin-origin-{each.origin}"),
                clock(each.expires_at, zone),
                clock(each.seen_at, zone),
            )
            for each in found.sessions
        ],
        "rules": [
            Row(text(f"data-class-{each.data_class}"), str(each.months), each.legal_basis)
            for each in found.rules
        ],
        "release": found.release,
        "choices": _choices(settings),
    }


def _until(instant: datetime | None, zone: str) -> str:
    return text("admin-lasting") if instant is None else clock(instant, zone)


def clock(instant: datetime, zone: str) -> str:
    """Write an instant as the municipality's clocks show it."""
    return local(instant, zone).strftime("%Y-%m-%d %H:%M")


def _choices(settings: Settings) -> list[Row]:
    """Say how the doors of this installation stand."""
    on, off = text("admin-on"), text("admin-off")
    return [
        Row(text("admin-public-view"), "", on if settings.public_view else off),
        Row(text("admin-oidc"), "", on if settings.oidc else off),
        Row(text("admin-https-only"), "", on if settings.cookie_secure else off),
        Row(text("admin-anchor"), "", on if settings.audit_anchor else off),
        Row(text("admin-signing"), "", on if settings.signing_key else off),
    ]
