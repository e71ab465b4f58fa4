"""What the map page says and offers: pickers, period, numbers behind the map."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import groupby

from app.features import month as written
from app.provenance import of_run
from geo import cells, crs, observations
from geo.profile import Category, Profile
from geo.ratios import Percentages
from geo.verdicts import VERDICTS, Reason
from pipelines import labels, wording
from pipelines.answers import MUNICIPALITY, Basis
from pipelines.periods import local, local_days, local_months
from pipelines.proving import Proof
from pipelines.questions import SCOPES
from pipelines.reference import Reference
from pipelines.texts import ENGLISH, day_name, language, month_name, text
from store.places import AreaRow
from store.runs import Run

WEB_MERCATOR = 3857
OFFERED_KINDS = ("priority", "nightlife", "district")
SEEN_KINDS = (MUNICIPALITY, *OFFERED_KINDS)
MONTHS_A_YEAR = 12
# Layers by their words in a link, in the order in which they are offered.
EXACT_LAYERS = ("rutor", "omraden", "skolor", "observationer", "krogar", "kluster", "fysiska")
SIGNS = {
    "rutor": "cell",
    "omraden": "area",
    "skolor": "school",
    "observationer": "observation",
    "krogar": "venue",
    "kluster": "cluster",
    "fysiska": "physical",
}
USEFUL_AREA_SHARE = 0.02  # of the built area: what a patrol can be in


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


def context(on: Basis, *, synthetic: bool) -> dict[str, object]:
    """Collect everything the template shows."""
    profile, run = on.reference.profile, on.run
    return {
        "mapped": True,
        "layers": layer_choices(EXACT_LAYERS),
        "scopes": [Choice(each, text(f"map-scope-{each}")) for each in SCOPES],
        "sheet": [] if run is None else _sheet(run, profile.timezone),
        "profile": profile,
        "projection": projection(profile),
        "areas": area_groups(on.reference),
        "windows": window_choices(profile),
        "themes": theme_groups(profile.categories),
        "periods": [] if run is None else period_choices(run, profile.timezone),
        "sizes": [Choice(str(r), text(f"size-{r}")) for r in cells.RESOLUTIONS],
        "run": None if run is None else _provenance(run, profile.timezone),
        "outdated": text(on.outdated) if on.outdated else "",
        "words": words(),
        "synthetic": synthetic or (run is not None and run.synthetic),
    }


def layer_choices(names: tuple[str, ...]) -> list[Choice]:
    """Offer layers by the word of a link, with the sign that each has on map and legend."""
    return [Choice(name, text(f"map-layer-{name}"), SIGNS[name]) for name in names]


def _sheet(run: Run, timezone: str) -> list[str]:
    """Say where numbers on paper come from, how they were made and what they cannot tell."""
    return [of_run(run, timezone), text("sheet-method-run"), text("caveat")]


def words() -> dict[str, dict[str, str]]:
    """Give the browser the words for slugs that it meets in features."""
    return {
        "observation": {slug: text(f"observation-{slug}") for slug in observations.TYPE_SLUGS},
        "light": {slug: text(f"light-{slug}") for slug in observations.LIGHT_SLUGS},
        "area": {kind: text(f"area-kind-{kind}") for kind in SEEN_KINDS},
        "verdict": {slug: text(f"verdict-{slug}") for slug in VERDICTS},
        "reason": {one.code: text(f"why-{one.code}") for one in Reason},
    }


def projection(profile: Profile) -> dict[str, str]:
    """Name the map's projection; one in metres needs its definition in the browser."""
    if not crs.is_metric(profile.metric_epsg):
        return {"code": f"EPSG:{WEB_MERCATOR}", "definition": ""}
    definition = crs.proj4_definition(profile.metric_epsg)
    return {"code": f"EPSG:{profile.metric_epsg}", "definition": definition}


def area_groups(reference: Reference) -> list[Group]:
    """Offer the areas by kind; the municipality itself is the first choice of all."""
    return [
        Group(
            text(f"area-kinds-{kind}"),
            tuple(_area(row, reference) for row in reference.areas if row.kind == kind),
        )
        for kind in OFFERED_KINDS
        if any(row.kind == kind for row in reference.areas)
    ]


def _area(row: AreaRow, reference: Reference) -> Choice:
    """Offer an area by id; areas of one name are told apart by their kind."""
    label = row.name if reference.alone(row) else f"{row.name} ({text(f'area-kind-{row.kind}')})"
    return Choice(str(row.id), label, row.name)


def window_choices(profile: Profile) -> list[Choice]:
    """Offer the profile's windows."""
    return [_window(profile, index) for index in range(len(profile.windows))]


def _window(profile: Profile, index: int) -> Choice:
    """Explain a weekly window in words."""
    window = profile.windows[index]
    if not window.spans:
        return Choice(window.name, labels.window(window), note=text("window-always"))
    spans = sorted(window.spans, key=lambda s: (s.start, s.end, s.weekday))
    parts = []
    for (start, end), group in groupby(spans, key=lambda s: (s.start, s.end)):
        days = ", ".join(day_name(span.weekday) for span in group)
        parts.append(f"{days} {_clock(start)}–{_clock(end)}")
    said = "; ".join(parts)
    only_terms = window.term_only and profile.terms
    note = text("window-terms" if only_terms else "window-spans", spans=said[0].upper() + said[1:])
    if any(span.days_over for span in window.spans):
        note = text("window-nights", said=note)
    return Choice(window.name, labels.window(window), note=note)


def window_label(profile: Profile, name: str) -> str:
    """Name one of the profile's windows; nothing where it has none of that name."""
    return next((labels.window(each) for each in profile.windows if each.name == name), "")


def _clock(minute: int) -> str:
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"


def theme_groups(categories: tuple[Category, ...]) -> list[Group]:
    """Offer categories under their themes; a theme of several can be chosen whole."""
    shown = [category for category in categories if category.on_map]
    groups = []
    for theme in dict.fromkeys(category.theme for category in shown):
        members = [category for category in shown if category.theme == theme]
        label = theme_name(theme)
        choices = [_category(category) for category in members]
        if len(members) > 1:
            whole = ",".join(category.code for category in members)
            choices.insert(0, Choice(f"tema-{theme}", text("theme-whole", theme=label), whole))
        groups.append(Group(label, tuple(choices)))
    return groups


def theme_name(slug: str) -> str:
    """Name a theme; one that only a profile of somebody's own knows is named as it is written."""
    label = text(f"theme-{slug}")
    return slug.capitalize() if label.startswith("theme-") else label


def _category(category: Category) -> Choice:
    note = "polis" if category.enforcement_driven else ""
    return Choice(category.code, labels.category(category), category.code, note)


def period_choices(run: Run, timezone: str) -> list[Choice]:
    """Offer the whole period, its last twelve months and its years."""
    first, last = local_months(run.period_start, run.period_end, timezone)
    whole = text("period-whole", first=_month(first), last=_month(last))
    choices = [Choice("allt", whole)]
    since = last - 11 if last % 100 == MONTHS_A_YEAR else last - 99
    if since > first:
        label = text("period-year", first=_month(since), last=_month(last))
        choices.append(Choice("12man", label, f"{written(since)}-01/.."))
    years = range(last // 100, first // 100 - 1, -1)
    choices += [Choice(str(y), str(y), f"{y}-01-01/{y}-12-31") for y in years]
    return choices


def _month(month: int) -> str:
    return f"{month_name(month % 100)[:3]} {month // 100}"


def _provenance(run: Run, timezone: str) -> dict[str, object]:
    """Say what the published run counted and what it could not."""
    first, last = local_days(run.period_start, run.period_end, timezone)
    return {
        "id": run.id,
        "start": _day(first),
        "end": _day(last),
        "updated": local(run.created_at, timezone).strftime("%Y-%m-%d %H:%M"),
        "code_version": run.code_version,
        "input_digest": run.input_digest[:12],
        "n_incidents": _number(run.n_incidents),
        "n_unplaced": _number(run.n_unplaced),
        "n_imprecise": _number(run.n_imprecise),
        "n_excluded": _number(run.n_excluded),
    }


def usefulness(proof: Proof | None) -> str:
    """Say how the map has done against what happened later; nothing where nobody has tried."""
    if proof is None or proof.tested < Percentages().minimum:
        return ""
    tried = {
        score.product: score for score in proof.scores if score.area_share == USEFUL_AREA_SHARE
    }
    cells_found, clusters_found = tried["count"], tried["dbscan"]
    hits, low, high = (
        round(100 * share)
        for share in (cells_found.hit_rate, cells_found.hit_rate_low, cells_found.hit_rate_high)
    )
    return text(
        "map-usefulness",
        hits=hits,
        low=low,
        high=high,
        area=round(100 * USEFUL_AREA_SHARE),
        clusters=wording.finding(clusters_found.finding),
    )


def _day(day: date) -> str:
    return f"{day.day} {month_name(day.month)} {day.year}"


def _number(n: int) -> str:
    """Write a whole number with thin spaces between thousands, in English with commas."""
    grouped = f"{n:,}"
    return grouped if language() == ENGLISH else grouped.replace(",", "\N{NARROW NO-BREAK SPACE}")
