"""What the page of the system's administrator says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from geo.profile import Profile
from pipelines.periods import local
from pipelines.settings import Settings
from pipelines.texts import text
from store.accounts import KeyRow, UserRow
from store.journal import Line
from store.releases import Header
from store.retention import NO_PROFILE, Rule
from store.sessions import Session


@dataclass(frozen=True, slots=True)
class Found:
    """What the parts of the installation hold."""

    people: Sequence[UserRow]
    keys: Sequence[KeyRow]
    sessions: Sequence[Session]  # the one seen last first
    rules: Sequence[Rule]
    release: Header | None
    revisions: Mapping[str, str | None]  # by part
    entries: int  # of the log
    checked: Line | None  # when somebody last had the log checked


@dataclass(frozen=True, slots=True)
class Row:
    """A line of one of the page's tables."""

    name: str
    role: str
    until: str
    more: str = ""


@dataclass(frozen=True, slots=True)
class Present:
    """Somebody who is signed in, perhaps in several browsers."""

    name: str
    role: str
    origin: str
    browsers: int
    seen: str
    until: str


@dataclass(frozen=True, slots=True)
class Checked:
    """The last check of the log."""

    when: str
    who: str
    whole: bool


def context(
    profile: Profile | None, found: Found, settings: Settings, now: datetime
) -> dict[str, object]:
    """Collect everything the template shows; without a profile it is said what to load."""
    zone = NO_PROFILE if profile is None else profile.timezone
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
                clock(each.expires_at, zone)
                if each.expires_at > now
                else f"{clock(each.expires_at, zone)}, {text('admin-ended')}",
                ", ".join(each.collections),
            )
            for each in found.keys
        ],
        "sessions": _present(found, zone),
        "rules": [(text(f"data-class-{rule.data_class}"), rule) for rule in found.rules],
        "release": found.release,
        "released_on": "" if found.release is None else _day(found.release.created_at, zone),
        "revisions": found.revisions,
        "entries": found.entries,
        "checked": None if found.checked is None else _checked(found.checked, zone),
        "choices": _choices(settings),
        "groups": [
            (name, text(f"role-{role}")) for name, role in (settings.oidc_roles or {}).items()
        ],
    }


def _present(found: Found, zone: str) -> list[Present]:
    """Tell who is signed in, once for each: signing somebody out ends all their sessions."""
    roles = {each.name: each.role for each in found.people}
    made: dict[tuple[str, str], list[Session]] = {}
    for each in found.sessions:
        made.setdefault((each.name, each.origin), []).append(each)
    return [
        Present(
            name,
            text(f"role-{role}") if (role := some[0].role or roles.get(name)) else "",
            text(f"admin-origin-{origin}"),
            len(some),
            clock(some[0].seen_at, zone),
            clock(max(each.expires_at for each in some), zone),
        )
        for (name, origin), some in made.items()
    ]


def _checked(line: Line, zone: str) -> Checked | None:
    """Read the entry of a check; one that retention has blanked tells nothing any more."""
    entry = line.entry
    if entry is None:
        return None
    return Checked(clock(line.at, zone), entry.who, entry.outcome == "given")


def _until(instant: datetime | None, zone: str) -> str:
    return text("admin-lasting") if instant is None else clock(instant, zone)


def _day(instant: datetime, zone: str) -> str:
    return local(instant, zone).date().isoformat()


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
