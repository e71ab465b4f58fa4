"""What the page around schools says to analysts: rings, hours, and ranks against chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import numpy as np
import shapely
import sqlalchemy as sa
from markupsafe import Markup

from app import map_page
from app.choices import Choices, pickers, slug
from app.map_data import feature
from app.map_page import Choice, window_label
from geo.rings import HoursContrast
from geo.verdicts import Verdict
from pipelines import colours, labels, picture, scale, school_rings, wording
from pipelines.answers import Basis
from pipelines.picture import Shape
from pipelines.school_rings import Around, Ranked, Ring, Study
from pipelines.texts import text
from store.places import FacilityRow
from store.runs import Run

CHOSEN = "skola"  # the parameter of a link
PREFIX = "school-"  # of a zone's slug in a release
PICTURE = (760, 460)
RING_FILLS = ("#eef3f2", "#d9e6e8", "#bcd5da")
ZONE_LINE, SCHOOL_DOT, EVENT_DOT = "#0b6e7f", "#2b5cab", "#b0315c"


@dataclass(frozen=True, slots=True)
class RingRow:
    """A ring around a school, in words."""

    name: str
    count: int
    in_hours: int
    outside: int
    expected: str
    ratio: str
    verdict: str
    slug: str
    why: str


@dataclass(frozen=True, slots=True)
class RankRow:
    """A school in the list."""

    key: str
    name: str
    form: str
    href: str
    rank: str
    count: int
    in_hours: int
    expected: str
    ratio: str
    verdict: str
    slug: str
    why: str
    here: bool


def find(written: str, schools: tuple[FacilityRow, ...]) -> int | None:
    """Find the row of a school by its id, or by a release's word for its zone; None: unknown."""
    for row, school in enumerate(schools):
        if written in (str(school.id), PREFIX + slug(school.name)):
            return row
    return None


# --- analysts


def exact(
    connection: sa.Connection, on: Basis, chosen: Choices, given: Mapping[str, str]
) -> dict[str, Any]:
    """Collect everything the template shows an analyst; `rows` says how many events were read."""
    passed = list(chosen.passed_over)
    context: dict[str, Any] = {
        "pickers": pickers(on.reference, on.run),
        "given": chosen.given,
        "hours_label": window_label(on.reference.profile, school_rings.HOURS),
        "rows": 0,
        "passed_over": passed,
    }
    if on.run is None or not context["hours_label"]:
        return context | {"empty": text("schools-no-run" if on.run is None else "schools-no-hours")}
    around_schools = school_rings.study(connection, on, chosen.question)
    schools = around_schools.town.schools
    if not schools:
        return context | {"empty": text("schools-none")}
    row = None
    if written := given.get(CHOSEN, ""):
        row = find(written, schools)
        if row is None:
            passed.append(text("schools-unknown", value=written[:40]))
    period = _period(on.run, chosen)
    ranked = around_schools.ranked()
    context |= {
        "schools": _offered(schools),
        "chosen_school": "" if row is None else str(schools[row].id),
        **_lists(_ranking(around_schools, ranked, chosen, row)),
        "area": "" if chosen.area is None else chosen.area.name,
        "notes": _notes(around_schools),
        "asked_words": chosen.words,
        "words": map_page.words(),
        "window_label": chosen.words[1],
        "rows": around_schools.total,
        "basis": text(
            "schools-basis-m2" if around_schools.town.busy is not None else "schools-basis"
        ),
    }
    if row is None:
        return context | _everywhere(around_schools, ranked, on, period)
    return context | _one(around_schools.around(row, period), on, chosen)


def _period(run: Run, chosen: Choices) -> tuple[datetime, datetime]:
    """Give the instants that are looked at: the run's, or less."""
    start, end, asked = run.period_start, run.period_end, chosen.question.period
    if asked is None:
        return start, end
    return max(start, asked.start or start), min(end, asked.end or end)


def _offered(schools: tuple[FacilityRow, ...]) -> list[Choice]:
    return sorted((Choice(str(one.id), one.name) for one in schools), key=lambda one: one.label)


def _ranking(study: Study, ranked: Ranked, chosen: Choices, here: int | None) -> list[RankRow]:
    """List the schools by their rank, those that cannot be ranked last."""
    at = {row: n for n, row in enumerate(ranked.exposed.tolist())}
    ranks = ranked.ranks

    def order(row: int) -> tuple[int, int, str]:
        rank = int(ranks.rank[at[row]]) if row in at else len(study.town.schools) + 1
        return rank, -int(ranked.count[row]), study.town.schools[row].name

    def rank_of(row: int) -> str:
        if row not in at:
            return "–"
        low, high = int(ranks.rank_low[at[row]]), int(ranks.rank_high[at[row]])
        return str(low) if low == high else f"{low}–{high}"

    inside = [row for row in range(len(study.town.schools)) if _in_area(study, row, chosen)]
    kept = {name: value for name, value in chosen.given.items() if value}
    return [
        RankRow(
            key=str(study.town.schools[row].id),
            name=study.town.schools[row].name,
            form=study.town.schools[row].form,
            href=f"?{urlencode({CHOSEN: study.town.schools[row].id} | kept)}",
            rank=rank_of(row),
            count=int(ranked.count[row]),
            in_hours=int(ranked.in_hours[row]),
            expected=_expected(float(ranked.excess.expected[row])),
            ratio=_interval(float(ranked.excess.low[row]), float(ranked.excess.high[row])),
            verdict=wording.verdict(ranked.judged.of(row)),
            slug=ranked.judged.of(row).value,
            why=wording.why(ranked.judged.codes(row)),
            here=row == here,
        )
        for row in sorted(inside, key=order)
    ]


def _lists(rows: list[RankRow]) -> dict[str, list[RankRow]]:
    """Keep schools without any event out of the table: nothing can be said of them."""
    quiet = [row for row in rows if not row.count and row.slug == Verdict.TOO_FEW]
    return {"ranking": [row for row in rows if row not in quiet], "quiet": quiet}


def _in_area(study: Study, row: int, chosen: Choices) -> bool:
    if chosen.area is None:
        return True
    school = study.town.schools[row]
    return bool(chosen.area.outline.intersects(shapely.Point(school.lon, school.lat)))


def _notes(study: Study) -> list[str]:
    """Say what the numbers leave out."""
    found = [text("schools-nearest")]
    if study.imprecise:
        found.append(text("schools-imprecise", n=study.imprecise))
    return found


def _everywhere(
    study: Study, ranked: Ranked, on: Basis, period: tuple[datetime, datetime]
) -> dict[str, Any]:
    """Say what holds for schools as a whole, and draw all zones."""
    counts = ranked.count.tolist()
    steps = scale.classes(counts)
    shapes, zones = [], []
    for row, school in enumerate(study.town.schools):
        (disc,) = school_rings.outlines(school, on.reference.profile.metric_epsg, school_rings.ZONE)
        step = scale.class_of(steps, counts[row]) if counts[row] else None
        fill = colours.UNCHANGED if step is None else step.colour
        shapes.append(Shape(disc, fill, stroke=ZONE_LINE, title=f"{school.name}: {counts[row]}"))
        verdict = ranked.judged.of(row)
        about = {"name": school.name, "count": counts[row], "verdict": verdict.value}
        zones.append(feature(str(school.id), disc, about))
    alt = text("schools-picture-all", n=len(zones))
    found = study.everywhere(period)
    return {
        "sentence": _hours(found, on),
        "hours_verdict": "" if found is None else wording.verdict(found.verdict),
        "map_data": {"zones": zones},
        "picture": Markup(_drawn(shapes, on, alt)),  # noqa: S704 - `draw` escapes
    }


def _one(around: Around, on: Basis, chosen: Choices) -> dict[str, Any]:
    """Say what holds for one school, and draw its rings."""
    epsg = on.reference.profile.metric_epsg
    discs = school_rings.outlines(around.school, epsg)
    of = around.zone.of
    at = school_rings.lonlat(np.column_stack([of.x_m, of.y_m]), epsg)
    shown = np.unique(at.round(6), axis=0, return_counts=True)
    points = [(shapely.Point(lonlat), int(n)) for lonlat, n in zip(*shown, strict=True)]
    shapes = [
        Shape(disc, fill, stroke=ZONE_LINE, dash="5 4")
        for disc, fill in zip(discs, RING_FILLS, strict=True)
    ]
    shapes += [Shape(point, EVENT_DOT) for point, _ in points]
    here = shapely.Point(around.school.lon, around.school.lat)
    shapes.append(Shape(here, SCHOOL_DOT, stroke="#ffffff", label=around.school.name))
    total = sum(ring.count for ring in around.rings[:2])
    found = around.hours
    return {
        "school": around.school,
        "rings": [_ring(ring) for ring in around.rings],
        "zone_total": total,
        "zone_hours": sum(ring.in_hours for ring in around.rings[:2]),
        "kinds": _kinds(around, on),
        "sentence": _hours(found, on),
        "hours_verdict": "" if found is None else wording.verdict(found.verdict),
        "overlap": text("schools-overlap", n=around.nearer_another)
        if around.nearer_another
        else "",
        "few": all(ring.verdict is Verdict.TOO_FEW for ring in around.rings),
        "all_schools": f"?{urlencode({k: v for k, v in chosen.given.items() if v})}",
        "map_data": {
            "rings": [feature(str(n), disc, {}) for n, disc in enumerate(discs)],
            "events": [feature(str(n), at, {"n": many}) for n, (at, many) in enumerate(points)],
            "school": {"name": around.school.name, "at": [around.school.lon, around.school.lat]},
        },
        "picture": Markup(  # noqa: S704 - `draw` escapes
            _drawn(shapes, on, text("schools-picture-one", name=around.school.name, n=total))
        ),
    }


def _ring(ring: Ring) -> RingRow:
    return RingRow(
        name=text("schools-ring", inner=round(ring.inner_m), outer=round(ring.outer_m)),
        count=ring.count,
        in_hours=ring.in_hours,
        outside=ring.outside,
        expected=_expected(ring.expected),
        ratio=_interval(ring.low, ring.high),
        verdict=wording.verdict(ring.verdict),
        slug=ring.verdict.value,
        why=wording.why(ring.reasons),
    )


def _kinds(around: Around, on: Basis) -> list[dict[str, Any]]:
    """Say what kinds of events lie in a school's zone, the most frequent first."""
    names = {each.code: labels.category(each) for each in on.reference.profile.categories}
    zone = around.zone
    every: Counter[str] = Counter()
    within: Counter[str] = Counter()
    rows = zip(zone.of.category.tolist(), zone.of.count.tolist(), zone.whole.tolist(), strict=True)
    for code, count, whole in rows:
        every[code] += count
        within[code] += whole
    return [
        {"label": names.get(code, code), "count": n, "in_hours": within[code]}
        for code, n in sorted(every.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def _hours(found: HoursContrast | None, on: Basis) -> str:
    if found is None:
        return text("schools-hours-none")
    label = window_label(on.reference.profile, school_rings.HOURS)
    return wording.hours(found, label.partition(" (")[0].lower(), school_rings.ZONE_M)


def _expected(value: float) -> str:
    return wording.decimal(value) if value > 0 else "–"


def _interval(low: float, high: float) -> str:
    if not np.isfinite([low, high]).all():
        return "–"
    return f"{wording.decimal(low)}–{wording.decimal(high)}"


def _drawn(shapes: list[Shape], on: Basis, alt: str) -> str:
    return picture.draw(shapes, epsg=on.reference.profile.metric_epsg, size=PICTURE, alt=alt)
