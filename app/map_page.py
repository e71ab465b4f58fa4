"""What the map page says and offers: pickers, period, numbers behind the map."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from app.readers import run_months, written
from app.reference import Reference
from geo import cells, crs
from geo.profile import Category, Profile
from store.places import AreaRow
from store.runs import Run

WEB_MERCATOR = 3857
AREA_KINDS = {
    "priority": "Prioriterade områden",
    "nightlife": "Nattliv",
    "district": "Delområden",
}
THEMES = {
    "vald": "Våld",
    "krogvald": "Krogvåld",
    "skadegorelse_klotter": "Skadegörelse och klotter",
    "brand": "Brand",
    "narkotika": "Narkotika",
    "trafik": "Trafik",
    "tillgrepp": "Tillgrepp",
    "ovrigt": "Övrigt",
}
# How wide a cell is, in words; the true area of each one stands in its card.
SIZES = {
    8: "Stadsdel (cirka 0,5 km²)",
    9: "Kvartersgrupp (cirka 8 hektar)",
    10: "Kvarter (cirka 1 hektar)",
    11: "Plats (cirka 0,2 hektar)",
}
MONTHS = (
    "januari",
    "februari",
    "mars",
    "april",
    "maj",
    "juni",
    "juli",
    "augusti",
    "september",
    "oktober",
    "november",
    "december",
)
DAYS = ("mån", "tis", "ons", "tor", "fre", "lör", "sön")


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a picker."""

    value: str
    label: str
    data: str = ""  # what it stands for in a query
    note: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Options that belong together."""

    label: str
    choices: tuple[Choice, ...]


def context(reference: Reference, run: Run | None, *, synthetic: bool) -> dict[str, object]:
    """Collect everything the template shows."""
    profile = reference.profile
    return {
        "profile": profile,
        "projection": _projection(profile),
        "areas": _areas(reference.areas),
        "windows": [_window(profile, index) for index in range(len(profile.windows))],
        "themes": _themes(profile.categories),
        "periods": [] if run is None else _periods(run, profile.timezone),
        "sizes": [Choice(str(r), SIZES[r]) for r in cells.RESOLUTIONS],
        "run": None if run is None else _provenance(run, profile.timezone),
        "synthetic": synthetic or (run is not None and run.synthetic),
    }


def _projection(profile: Profile) -> dict[str, str]:
    """Name the map's projection; one in metres needs its definition in the browser."""
    if not crs.is_metric(profile.metric_epsg):
        return {"code": f"EPSG:{WEB_MERCATOR}", "definition": ""}
    with warnings.catch_warnings():
        # A PROJ string carries no datum shift; the browser only draws with it.
        warnings.simplefilter("ignore", UserWarning)
        definition = crs.proj4_definition(profile.metric_epsg)
    return {"code": f"EPSG:{profile.metric_epsg}", "definition": definition}


def _areas(rows: tuple[AreaRow, ...]) -> list[Group]:
    """Offer the areas by kind; the municipality itself is the first choice of all."""
    return [
        Group(label, tuple(Choice(r.name, r.name) for r in rows if r.kind == kind))
        for kind, label in AREA_KINDS.items()
        if any(r.kind == kind for r in rows)
    ]


def _window(profile: Profile, index: int) -> Choice:
    """Explain a weekly window in words."""
    window = profile.windows[index]
    if not window.spans:
        return Choice(window.name, window.label, note="Alla dagar och tider.")
    spans = sorted(window.spans, key=lambda s: (s.start, s.end, s.weekday))
    parts = []
    for (start, end), group in groupby(spans, key=lambda s: (s.start, s.end)):
        days = ", ".join(DAYS[span.weekday - 1] for span in group)
        parts.append(f"{days} {_clock(start)}–{_clock(end)}")
    note = "; ".join(parts)
    if window.term_only and profile.terms:
        note += ", bara under skolans terminer"
    if any(span.days_over for span in window.spans):
        note += ". Natten hör till kvällen då den började"
    return Choice(window.name, window.label, note=f"{note[0].upper()}{note[1:]}.")


def _clock(minute: int) -> str:
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"


def _themes(categories: tuple[Category, ...]) -> list[Group]:
    """Offer categories under their themes; a theme of several can be chosen whole."""
    shown = [category for category in categories if category.on_map]
    groups = []
    for theme in dict.fromkeys(category.theme for category in shown):
        members = [category for category in shown if category.theme == theme]
        label = THEMES.get(theme, theme.capitalize())
        choices = [_category(category) for category in members]
        if len(members) > 1:
            whole = ",".join(category.code for category in members)
            choices.insert(0, Choice(f"tema-{theme}", f"{label}: allt", whole))
        groups.append(Group(label, tuple(choices)))
    return groups


def _category(category: Category) -> Choice:
    note = "polis" if category.enforcement_driven else ""
    return Choice(category.code, category.label, category.code, note)


def _periods(run: Run, timezone: str) -> list[Choice]:
    """Offer the whole period, its last twelve months and its years."""
    first, last = run_months(run, timezone)
    choices = [Choice("allt", f"Hela perioden ({_month(first)}–{_month(last)})")]
    since = last - 11 if last % 100 == len(MONTHS) else last - 99
    if since > first:
        label = f"Senaste 12 månaderna ({_month(since)}–{_month(last)})"
        choices.append(Choice("12man", label, f"{written(since)}-01/.."))
    years = range(last // 100, first // 100 - 1, -1)
    choices += [Choice(str(y), str(y), f"{y}-01-01/{y}-12-31") for y in years]
    return choices


def _month(month: int) -> str:
    return f"{MONTHS[month % 100 - 1][:3]} {month // 100}"


def _provenance(run: Run, timezone: str) -> dict[str, object]:
    """Say what the published run counted and what it could not."""
    zone = ZoneInfo(timezone)
    end = run.period_end.astimezone(zone)
    return {
        "id": run.id,
        "start": _day(run.period_start.astimezone(zone).date()),
        "end": _day(date.fromordinal(end.date().toordinal() - (end.time() == _MIDNIGHT))),
        "updated": run.created_at.astimezone(zone).strftime("%Y-%m-%d %H:%M"),
        "code_version": run.code_version,
        "input_digest": run.input_digest[:12],
        "n_incidents": _number(run.n_incidents),
        "n_unplaced": _number(run.n_unplaced),
        "n_imprecise": _number(run.n_imprecise),
        "n_excluded": _number(run.n_excluded),
    }


_MIDNIGHT = datetime.min.time()


def _day(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def _number(n: int) -> str:
    """Write a whole number with thin spaces between thousands."""
    return f"{n:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
