"""What the nightlife page shows analysts: nights and weekends by name, hour by hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

import numpy as np
import shapely
import sqlalchemy as sa
from babel.dates import format_date
from markupsafe import Markup
from numpy.typing import NDArray

from app import choices, map_page
from app.choices import Choices
from app.map_data import feature
from app.map_page import Choice, Group
from app.provenance import steered
from geo import cells, crs, windows
from geo.errors import InvalidParameter
from geo.profile import Profile
from geo.ratios import percentage
from pipelines import events as reported
from pipelines import labels, nights, picture, scale, wording
from pipelines.answers import MUNICIPALITY, Basis
from pipelines.comparison import Beside
from pipelines.events import Events
from pipelines.naming import Namer
from pipelines.nights import Held, Weekend
from pipelines.picture import CORE, Shape
from pipelines.texts import language, text
from store import places, registrations
from store.places import FacilityRow
from store.runs import Run

WEEKEND = "helg"  # the parameter of a link
VENUE = "venue"
BLOCK = 10  # resolution of the cells of the pooled map
PICTURE = (760, 460)
VENUE_DOT, EVENT_DOT = "#5b3f8c", "#b0315c"
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """What is looked at."""

    profile: Profile
    weekends: tuple[Weekend, ...]  # the latest first; one is a list, several are pooled
    pooled: bool
    held: Held
    events: Events
    rows: NDArray[np.intp]  # their nights


def choose(given: Mapping[str, str], on: Basis) -> tuple[Choices, list[str]]:
    """Read a link: the core, the nightlife category and the window of nights unless it says so.

    The second result are sentences on what the link says and this page does not look at.
    """
    profile = on.reference.profile
    core = next((row for row in on.reference.areas if row.kind == CORE), None)
    everywhere = next((row for row in on.reference.areas if row.kind == MUNICIPALITY), core)
    usual = core or everywhere
    asked = {
        "omrade": given.get("omrade") or ("" if usual is None else str(usual.id)),
        "typ": given.get("typ") or profile.nightlife_category,
        "fonster": nights.WINDOW,
    }
    if not nights.spans(profile):
        asked.pop("fonster")
    chosen = choices.read(asked, on.reference, on.run)
    passed = list(chosen.passed_over)
    if given.get("fonster", "") not in ("", choices.EVERY_WINDOW, nights.WINDOW):
        passed.append(text("nights-passed-window"))
    if given.get("period", "") not in ("", choices.WHOLE_PERIOD):
        passed.append(text("nights-passed-period"))
    if core is None:
        passed.append(text("nights-no-core"))
    passed += steered(profile, chosen.question.categories)
    return chosen, passed


def context(connection: sa.Connection, on: Basis, given: Mapping[str, str]) -> dict[str, Any]:
    """Collect everything the template shows; `rows` says how many events were read."""
    chosen, passed = choose(given, on)
    profile = on.reference.profile
    kept = {name: given[name] for name in ("fonster", "period") if given.get(name)}
    found: dict[str, Any] = {
        "pickers": choices.pickers(on.reference, on.run),
        "area_choices": _area_choices(on),
        "given": chosen.given,
        "kept": kept,
        "passed_over": passed,
        "rows": 0,
    }
    if on.run is None or not nights.spans(profile):
        return found | {"empty": text("nights-no-run" if on.run is None else "nights-no-window")}
    calendar = nights.calendar(profile, on.run.period_start, on.run.period_end)
    weekends = calendar.weekends
    if not weekends:
        return found | {"empty": text("nights-too-short")}
    events = reported.found(connection, on, chosen.question)
    chosen_weekends, code = _weekends(given.get(WEEKEND, ""), weekends, passed)
    looked = Looked(
        profile=profile,
        weekends=chosen_weekends,
        pooled=not code,
        held=nights.tally(events, calendar),
        events=events,
        rows=calendar.rows(chosen_weekends),
    )
    linked = {**kept, **{name: chosen.given[name] for name in ("omrade", "typ")}}
    found |= {
        "weekend_choices": _weekend_choices(weekends),
        "chosen_weekend": code,
        "rows": int(looked.held.count[looked.rows].sum()),
        "asked_words": chosen.words[:3],
        "words": map_page.words(),
        **_summary(looked, chosen),
        "hours": _hours(looked),
        "list": _list(looked, linked),
        "others": _other_evenings(looked),
        "clock": _clock_changes(looked),
        "pooled_link": f"?{urlencode(linked)}",
    }
    if looked.pooled:
        found |= _beside(connection, on, on.run, looked)
    else:
        found["single"] = _single(connection, looked)
    return found | _map(connection, on, looked, chosen)


def _area_choices(on: Basis) -> list[Choice]:
    """Offer the whole municipality by its id: without an area, the core is meant."""
    return [
        Choice(str(row.id), text("choices-municipality"))
        for row in on.reference.areas
        if row.kind == MUNICIPALITY
    ]


def _weekends(
    written: str, weekends: tuple[Weekend, ...], passed: list[str]
) -> tuple[tuple[Weekend, ...], str]:
    """Find the weekends of a link: one, or the last twelve."""
    pooled = weekends[: nights.POOLED]
    if not written:
        return pooled, ""
    try:
        one = Weekend.read(written)
    except InvalidParameter:
        one = None
    if one not in weekends:
        passed.append(text("nights-unknown-weekend", value=written[:40]))
        return pooled, ""
    return (one,), one.code


def _weekend_choices(weekends: Sequence[Weekend]) -> list[Group]:
    """Offer the weekends year by year, the latest first."""
    return [
        Group(
            str(year),
            tuple(
                Choice(one.code, text("nights-weekend-short", week=one.week, days=_span(one)))
                for one in own
            ),
        )
        for year, own in groupby(weekends, key=lambda one: one.year)
    ]


def _span(weekend: Weekend) -> str:
    """Write the Friday to Sunday of a weekend."""
    friday, sunday = weekend.monday + 4 * DAY, weekend.monday + 6 * DAY
    return f"{_day(friday)} – {_day(sunday)}"


def _day(day: date) -> str:
    return str(format_date(day, "d MMM", locale=language())).rstrip(".")


# --- numbers


def _summary(looked: Looked, chosen: Choices) -> dict[str, Any]:
    """Say how much there is, and how sure its times are."""
    held, rows = looked.held, looked.rows
    n, sure = int(held.count[rows].sum()), int(held.certain[rows].sum())
    weight = float(held.weight[rows].sum())
    share = percentage(n - sure, n) if n else None
    uncertain = text("nights-uncertain" if n > sure else "nights-all-certain", n=n - sure)
    if share:
        uncertain = text("nights-uncertain-share", n=n - sure, percent=round(share))
    if looked.pooled:
        heading = text("nights-pooled-heading", n=len(looked.weekends))
        heading += f", {nights.weekends_name(looked.weekends)}"
    else:
        heading = f"{nights.weekend_name(looked.weekends[0])}, {_span(looked.weekends[0])}"
    return {
        "heading": heading[0].upper() + heading[1:],
        "total": n,
        "lead": text("nights-lead", n=n, nights=rows.size, area=chosen.words[0]),
        "uncertain": uncertain,
        "weight": wording.decimal(weight) if abs(weight - n) >= 0.05 else "",  # noqa: PLR2004 - as it is written
    }


def _hours(looked: Looked) -> dict[str, Any]:
    """Give weights and whole events for each hour: by weekday, or by night, and together."""
    held, calendar = looked.held, looked.held.calendar
    if looked.pooled:
        weekdays = sorted({calendar.evenings[row].isoweekday() for row in looked.rows.tolist()})
        groups = [
            (
                text("nights-of-weekday", weekday=_weekday(weekday)),
                [r for r in looked.rows.tolist() if calendar.evenings[r].isoweekday() == weekday],
            )
            for weekday in weekdays
        ]
    else:
        groups = [(nights.night_name(calendar.evenings[r]), [r]) for r in looked.rows.tolist()]
    weights = [held.weight[rows].sum(axis=0) for _, rows in groups]
    most = max((float(column.max(initial=0)) for column in weights), default=0.0)
    return {
        "columns": [name[0].upper() + name[1:] for name, _ in groups],
        "lines": [
            {
                "name": f"{hour:02d}–{(hour + 1) % 24:02d}",
                "cells": [
                    {
                        "weight": wording.decimal(float(column[n])),
                        "bar": round(100 * float(column[n]) / most) if most else 0,
                    }
                    for column in weights
                ],
                "total": wording.decimal(float(held.weight[looked.rows, n].sum())),
                "whole": int(held.whole[looked.rows, n].sum()),
            }
            for n, hour in enumerate(calendar.hours)
        ],
        "sums": [int(held.count[rows].sum()) for _, rows in groups],
    }


def _weekday(weekday: int) -> str:
    monday = date(2024, 1, 1)
    return str(format_date(monday + (weekday - 1) * DAY, "EEEE", locale=language()))


def _list(looked: Looked, linked: Mapping[str, str]) -> list[dict[str, Any]]:
    """List the weekends with their nights, the latest first."""
    held, calendar = looked.held, looked.held.calendar
    made = []
    for weekend in looked.weekends:
        rows = calendar.rows((weekend,)).tolist()
        made.append(
            {
                "name": nights.weekend_name(weekend),
                "href": f"?{urlencode({WEEKEND: weekend.code, **linked})}",
                "nights": [
                    {
                        "name": nights.night_name(calendar.evenings[row]),
                        "day": calendar.evenings[row].isoformat(),
                        "count": int(held.count[row]),
                        "uncertain": int(held.count[row] - held.certain[row]),
                        "marks": nights.marks(calendar.evenings[row], looked.profile),
                    }
                    for row in rows
                ],
            }
        )
    return made


def _other_evenings(looked: Looked) -> str:
    """Name the evenings of holidays that are in no weekend night."""
    found = [
        f"{text(f'holiday-{one.code}')} ({_weekday(one.day.isoweekday())} {_day(one.day)})"
        for one in nights.other_evenings(looked.weekends, looked.profile)
    ]
    return text("nights-other-evenings", evenings=", ".join(found)) if found else ""


def _clock_changes(looked: Looked) -> str:
    """Say which of the nights were an hour longer or shorter."""
    elapsed = looked.held.calendar.elapsed.sum(axis=1)
    usual = np.median(elapsed)
    odd = [row for row in looked.rows.tolist() if elapsed[row] != usual]
    said = [
        text(
            "nights-longer" if elapsed[row] > usual else "nights-shorter",
            night=nights.night_name(looked.held.calendar.evenings[row]),
        )
        for row in odd
    ]
    return " ".join(said)


# --- beside other weekends


def _beside(connection: sa.Connection, on: Basis, run: Run, looked: Looked) -> dict[str, Any]:
    """Compare with the weekends just before and with the same weekends a year before."""
    days = registrations.registrations(connection, run.period_start, run.period_end)
    known = days, reported.last_registered(connection, on)
    now = looked.weekends
    earlier = {"nights-before": nights.before(now), "nights-year": nights.a_year_before(now)}
    found = {
        code: nights.compare(looked.held, looked.events, known, (other, now))
        for code, other in earlier.items()
    }
    told = [each for each in found.values() if each is not None]
    return {
        "compared": [
            {"name": _other_weekends(code, len(now)), "weeks": nights.weekends_name(earlier[code])}
            | (
                {"missing": text("nights-not-compared")}
                if each is None
                else _comparison(each, looked, earlier[code])
            )
            for code, each in found.items()
        ],
        "lateness": _lateness(told[0]) if told else "",
    }


def _other_weekends(code: str, n: int) -> str:
    return text("nights-year") if code == "nights-year" else text("nights-before", n=n)


def _lateness(found: Beside) -> str:
    """Say how late reports are taken into account: the same for every comparison of a page."""
    if found.lag_days is None:
        return text("nights-no-lag")
    if found.lag_days < 0:
        return text("change-not-over")
    said = text("nights-lag", days=found.lag_days)
    if found.late is None:
        return said
    high = wording.decimal(max(100 * found.late.high, 0.1))
    return f"{said} {text('nights-late', high=high)}"


def _comparison(found: Beside, looked: Looked, other: Sequence[Weekend]) -> dict[str, Any]:
    finite = bool(np.isfinite([found.ratio, found.low, found.high]).all())
    left_out = {"nights-lag-later": found.before_late, "nights-undated": found.undated}
    special = text(
        "nights-special", now=_special(looked.weekends, looked), then=_special(other, looked)
    )
    return {
        "before": found.before,
        "after": found.after,
        "difference": f"{found.after - found.before:+d}".replace("-", "\N{MINUS SIGN}"),
        "ratio": wording.decimal(found.ratio) if finite else "–",
        "interval": f"{wording.decimal(found.low)}–{wording.decimal(found.high)}"
        if finite
        else "–",
        "verdict": wording.change(found.verdict),
        "slug": found.verdict,
        "notes": [*(_left_out(code, n) for code, n in left_out.items() if n), special],
    }


def _left_out(code: str, n: int) -> str:
    later = code == "nights-lag-later"
    return text("nights-lag-later", n=n) if later else text("nights-undated", n=n)


def _special(weekends: Sequence[Weekend], looked: Looked) -> str:
    """Say how many of some weekends are not like others."""
    kinds = [nights.kinds(one, looked.profile) for one in weekends]
    paid = sum("payday" in own for own in kinds)
    holy = sum("holiday" in own for own in kinds)
    return text("nights-special-count", payday=paid, holiday=holy)


# --- one weekend


def _single(connection: sa.Connection, looked: Looked) -> list[dict[str, Any]]:
    """List the events of one weekend by night, in the order in which they may have begun."""
    of, held = looked.events.of, looked.held
    kinds = {each.code: labels.category(each) for each in looked.profile.categories}
    mine = np.flatnonzero(np.isin(held.night, looked.rows))
    mine = mine[np.lexsort((of.id[mine], of.starts_at[mine], held.night[mine]))]
    near = _near(connection, looked, mine)
    zone = looked.profile.timezone
    starts, ends = (windows.to_local(column[mine], zone) for column in (of.starts_at, of.ends_at))
    return [
        {
            "night": nights.night_name(held.calendar.evenings[int(held.night[row])]),
            "when": _when(start, end),
            "kind": kinds.get(of.category[row], of.category[row]),
            "near": where,
            "count": int(of.count[row]),
            "certain": bool(looked.events.share[row] >= 1),
        }
        for row, start, end, where in zip(mine.tolist(), starts, ends, near, strict=True)
    ]


def _when(start: np.datetime64, end: np.datetime64) -> str:
    """Write an instant, or the span in which something happened."""
    first = start.astype("datetime64[m]").astype(object)
    if np.isnat(end) or end <= start:
        return str(format_date(first, "EEE", locale=language())) + f" {first:%H:%M}"
    last = end.astype("datetime64[m]").astype(object)
    days = [str(format_date(each, "EEE", locale=language())) for each in (first, last)]
    if days[0] == days[1]:
        return f"{days[0]} {first:%H:%M}–{last:%H:%M}"
    return f"{days[0]} {first:%H:%M} – {days[1]} {last:%H:%M}"


def _near(connection: sa.Connection, looked: Looked, rows: NDArray[np.intp]) -> list[str]:
    """Name what each event lies near."""
    of = looked.events.of
    near = Namer(connection, looked.profile).names(of.x_m[rows], of.y_m[rows])
    known = looked.events.placed[rows].tolist()
    return [
        name if sure and name else text("nights-no-place")
        for sure, name in zip(known, near, strict=True)
    ]


# --- the map


def _map(connection: sa.Connection, on: Basis, looked: Looked, chosen: Choices) -> dict[str, Any]:
    """Draw the core, the venues, and cells of the pooled nights or the points of one weekend."""
    venues = places.facilities(connection, VENUE)
    mine = np.isin(looked.held.night, looked.rows) & looked.events.placed
    shown = looked.events.where(mine)
    around = [row for row in on.reference.areas if row.kind == CORE]
    if chosen.area is not None and chosen.area.kind not in (CORE, MUNICIPALITY):
        around = [chosen.area]
    data, shapes = _cells(shown) if looked.pooled else _points(shown, looked.profile)
    lines = picture.areas((row.kind, row.outline, "") for row in around)
    dots = [Shape(shapely.Point(v.lon, v.lat), VENUE_DOT, stroke="#ffffff") for v in venues]
    alt = text("nights-picture", n=int(shown.whole.sum()))
    drawn = picture.draw(
        shapes + lines + dots, epsg=looked.profile.metric_epsg, size=PICTURE, alt=alt
    )
    missing = looked.held.count[looked.rows].sum() - shown.whole.sum()
    return {
        "map_data": {
            **data,
            "outlines": [feature(str(row.id), row.outline, {"kind": row.kind}) for row in around],
            "venues": [_venue(venue) for venue in venues],
        },
        "picture": Markup(drawn),  # noqa: S704 - `draw` escapes
        "no_venues": not venues,
        "unplaced": text("nights-unplaced", n=int(missing)) if missing else "",
    }


def _cells(shown: Events) -> tuple[dict[str, Any], list[Shape]]:
    """Count placed events into blocks."""
    if not shown.of.id.size:
        return {"cells": []}, []
    own, row = np.unique(cells.parents(shown.of.cell, BLOCK), return_inverse=True)
    counts = np.bincount(row, shown.whole, own.size).astype(int).tolist()
    outlines = cells.polygons(own)
    steps = scale.classes(counts)
    features, shapes = [], []
    for cell, outline, count in zip(own.tolist(), outlines, counts, strict=True):
        step = scale.class_of(steps, count)
        features.append(feature(f"{cell:x}", outline, {"count": count}))
        colour = "#ffffff" if step is None else step.colour
        shapes.append(Shape(outline, colour, stroke="#ffffff", title=str(count)))
    return {"cells": features}, shapes


def _points(shown: Events, profile: Profile) -> tuple[dict[str, Any], list[Shape]]:
    """Give each placed event as a point."""
    lon, lat = crs.transform(shown.of.x_m, shown.of.y_m, profile.metric_epsg, crs.WGS84)
    points = [shapely.Point(x, y) for x, y in zip(lon.tolist(), lat.tolist(), strict=True)]
    whole = zip(points, shown.whole.tolist(), strict=True)
    features = [feature(str(n), at, {"n": many}) for n, (at, many) in enumerate(whole)]
    return {"events": features}, [Shape(at, EVENT_DOT, stroke="#ffffff") for at in points]


def _venue(venue: FacilityRow) -> dict[str, Any]:
    return feature(str(venue.id), shapely.Point(venue.lon, venue.lat), {"name": venue.name})
