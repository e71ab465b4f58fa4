"""What the pages about the map itself say: how to read it, and how accessible it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from fastapi import Request

from app.group_page import day
from app.map_page import theme_name, window_label
from app.services import services
from geo.atoms import USUAL_RULES
from geo.profile import Profile
from geo.verdicts import VERDICTS
from pipelines import roles
from pipelines.texts import text

ASSESSED = date(2026, 11, 22)  # when accessibility was last looked through
TESTED = ("axe", "keyboard", "zoom", "narrow", "script")
SHORTCOMINGS = ("map", "reader", "file", "lists")
CANNOT = ("unreported", "place", "time", "few", "why", "who", "next")
BLOCKS = ("skoltid", "vardagskvall", "helgkvall", "helgnatt")
SEEN_BY = (roles.PUBLIC, roles.PLANNER, roles.COORDINATOR, roles.ANALYST, roles.ADMIN, roles.GROUP)


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the map and what it means."""

    slug: str
    word: str
    meaning: str


def contact(request: Request) -> str:
    """Say whom to ask, in the installation's own words; nothing where it has none."""
    return services(request).settings.contact or ""


def help_context(profile: Profile | None) -> dict[str, object]:
    """Collect what the help says; without a profile it names no themes and no times."""
    return {
        "profile": profile,
        "verdicts": [
            Word(slug, text(f"verdict-{slug}"), text(f"guide-verdict-{slug}")) for slug in VERDICTS
        ],
        "cannot": [text(f"guide-cannot-{slug}") for slug in CANNOT],
        "police": [] if profile is None else _enforced(profile),
        "blocks": [] if profile is None else _blocks(profile),
        "seen_by": [
            Word(role, text(f"role-{role}"), text(f"guide-sees-{role}")) for role in SEEN_BY
        ],
        "k": USUAL_RULES.k,
        "spots": USUAL_RULES.spots,
    }


def _enforced(profile: Profile) -> list[str]:
    """Name the themes whose numbers mirror what the police do."""
    found = [each.theme for each in profile.categories if each.enforcement_driven and each.on_map]
    return [theme_name(theme) for theme in dict.fromkeys(found)]


def _blocks(profile: Profile) -> list[str]:
    """Name the times of the week that planners see, the time between them last."""
    named = [label for slug in BLOCKS if (label := window_label(profile, slug))]
    return [*named, text("release-other-time")] if named else []


def accessibility_context() -> dict[str, object]:
    """Collect what the report of accessibility says."""
    return {
        "tested": [text(f"access-tested-{slug}") for slug in TESTED],
        "shortcomings": [text(f"access-lacks-{slug}") for slug in SHORTCOMINGS],
        "assessed": day(ASSESSED),
    }
