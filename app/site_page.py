"""What the page of safety walks says: what was seen, where walks went, and what lies beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import shapely
import sqlalchemy as sa
from markupsafe import Markup

from app import features, map_page
from app.map_page import Choice
from geo import crs, observations
from geo.risk_terrain import Colocated
from geo.verdicts import Verdict
from pipelines import answers, on_site, picture, wording
from pipelines.answers import Basis, Window
from pipelines.derive import FOCUS_KINDS
from pipelines.naming import Namer
from pipelines.on_site import Coverage
from pipelines.periods import local
from pipelines.picture import Shape
from pipelines.questions import Period, Question
from pipelines.texts import text
from store.observations import ObservationRow

KIND, LIGHT = "typ_obs", "ljus"
MOST_ROWS = 100  # of the table; the map holds them all
COMMONEST = 3  # kinds that are named in a sentence
MOST_BESIDE = 20  # places where walks and reports stand beside each other
PICTURE = (760, 460)
DOT = "#8a5a00"
LOUD = (Verdict.ESTABLISHED, Verdict.UNCERTAIN)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which observations a link asks for."""

    kind: str  # "" is every one, here and below
    light: str
    span: Period | None
    ground: shapely.Geometry | None  # lon/lat
    area: str  # its name: what has no known place goes by that


@dataclass(frozen=True, slots=True)
class Seen:
    """One observation in the table."""

    id: int
    kind: str
    light: str
    severity: str
    where: str
    day: str
    walk: str
    note: str
    placed: bool


@dataclass(frozen=True, slots=True)
class Walked:
    """One area in the table of walks."""

    area: str
    walks: int
    latest: str
    seen: int
    dark: str
    now: str
    lacking: bool


@dataclass(frozen=True, slots=True)
class Beside:
    """A place with what was reported and what was seen there."""

    key: str  # on the map
    name: str
    count: int | None  # None: nothing is told that can be compared
    number: str  # what is told, in words
    slug: str  # of the verdict
    verdict: str
    wider: str  # what else is in the number
    seen: int
    kinds: str

    @property
    def rank(self) -> tuple[bool, bool, int, str]:
        """Put first what both name, then what reports raise, then by how many there are."""
        raised = self.slug in LOUD
        return not (raised and self.seen), not raised, -(self.count or 0), self.name


@dataclass(frozen=True, slots=True)
class Observed:
    """What a reader may see of walks, and what they have chosen of it."""

    every: Sequence[ObservationRow]
    shown: Sequence[ObservationRow]
    near: Mapping[int, str]  # what lies near each, by id
    timezone: str
    today: date


def look(connection: sa.Connection, on: Basis, where: Filter, today: date) -> Observed:
    """Read every observation that a role may see, and keep those a link asks for."""
    rows = answers.observations(connection, on, Question(), Window(answers.MOST_OBSERVATIONS)).rows
    timezone = on.reference.profile.timezone
    shown = [row for row in rows if _asked(row, where)]
    return Observed(rows, shown, _near(connection, on, shown[:MOST_ROWS]), timezone, today)


def _asked(row: ObservationRow, where: Filter) -> bool:
    if where.kind not in ("", row.type) or where.light not in ("", row.light):
        return False
    return _in_span(row.observed_at, where.span) and _on(row, where)


def _in_span(at: datetime, span: Period | None) -> bool:
    if span is None:
        return True
    return (span.start is None or span.start <= at) and (span.end is None or at < span.end)


def _on(row: ObservationRow, where: Filter) -> bool:
    if where.ground is None:
        return True
    if row.lon is None or row.lat is None:
        return row.area == where.area
    return bool(where.ground.intersects(shapely.Point(row.lon, row.lat)))


def _near(connection: sa.Connection, on: Basis, rows: Sequence[ObservationRow]) -> dict[int, str]:
    """Name what lies near each observation, where it is shown."""
    placed = [(row.id, row.lon, row.lat) for row in rows if row.lon is not None]
    if not placed:
        return {}
    lonlat = np.array([(lon, lat) for _, lon, lat in placed], dtype=float)
    epsg = on.reference.profile.metric_epsg
    x_m, y_m = crs.transform(lonlat[:, 0], lonlat[:, 1], crs.WGS84, epsg)
    names = Namer(connection, on.reference.profile).names(x_m, y_m)
    return {key: name for (key, _, _), name in zip(placed, names, strict=True)}


def chosen(given: Mapping[str, str], passed: list[str]) -> tuple[str, str]:
    """Read kind and light from a link; what nobody knows is passed over, and said."""
    kind, light = given.get(KIND, ""), given.get(LIGHT, "")
    if kind not in ("", *observations.TYPE_SLUGS):
        passed.append(text("site-unknown-kind", value=kind[:40]))
        kind = ""
    if light not in ("", *observations.LIGHT_SLUGS):
        passed.append(text("site-unknown-light", value=light[:40]))
        light = ""
    return kind, light


def years(rows: Sequence[ObservationRow], timezone: str) -> list[str]:
    """List the years in which anything was seen, latest first."""
    found = {local(row.observed_at, timezone).year for row in rows}
    return [str(year) for year in sorted(found, reverse=True)]


# --- what is said --------------------------------------------------------------------------------


def context(seen: Observed, on: Basis) -> dict[str, Any]:
    """Collect what every role's page shows of walks."""
    focus = on_site.coverage(seen.every, on.reference.areas, seen.timezone, seen.today)
    return {
        "words_of_map": map_page.words(),
        "kinds": [Choice(one, text(f"observation-{one}")) for one in observations.TYPE_SLUGS],
        "lights": [Choice(one, text(f"light-{one}")) for one in observations.LIGHT_SLUGS],
        "lead": _lead(seen),
        "rows": [_row(seen, row) for row in seen.shown[:MOST_ROWS]],
        "total": len(seen.shown),
        "most": MOST_ROWS,
        "walked": [_walked(each) for each in focus],
        "aim": _aim(focus, seen.today),
        "features": [_feature(row) for row in seen.shown if row.lon is not None],
    }


def beside(found: Sequence[Beside]) -> list[Beside]:
    """Give the places that walks and reports name, the ones that both name first."""
    return sorted(found, key=lambda each: each.rank)[:MOST_BESIDE]


def drawn(ground: Sequence[Shape], seen: Observed, on: Basis, where: Filter) -> Markup:
    """Draw the still picture: what was reported, the areas, and what was seen."""
    reference = on.reference
    focus = [row for row in reference.areas if row.kind in FOCUS_KINDS]
    dots = [
        Shape(shapely.Point(row.lon, row.lat), DOT, "#ffffff")
        for row in seen.shown
        if row.lon is not None and row.lat is not None
    ]
    lines = picture.areas((row.kind, row.outline, row.name) for row in focus)
    frame = [where.ground] if where.ground is not None else [row.outline for row in focus]
    within = tuple(shapely.total_bounds(frame).tolist()) if frame else None
    svg = picture.draw(
        [*ground, *lines, *dots],
        epsg=reference.profile.metric_epsg,
        size=PICTURE,
        alt=text("site-picture", n=len(dots)),
        within=within,
    )
    return Markup(svg)  # noqa: S704 - `draw` escapes what it is given


def _lead(seen: Observed) -> str:
    """Say in one sentence what was seen."""
    rows = seen.shown
    if not rows:
        return text("site-nothing" if seen.every else "site-no-walks")
    walks = {on_site.walk(row, seen.timezone) for row in rows}
    return text(
        "site-lead",
        n=len(rows),
        walks=len(walks),
        latest=max(day for _, day in walks).isoformat(),
        kinds=kinds_in_words(rows, COMMONEST),
    )


def kinds_in_words(rows: Sequence[ObservationRow], most: int) -> str:
    """Name the commonest kinds with their numbers."""
    counted = on_site.kinds(rows)
    named = [f"{text(f'observation-{kind}').lower()} ({n})" for kind, n in counted[:most]]
    if len(counted) > most:
        named.append(text("site-more-kinds", n=len(counted) - most))
    return ", ".join(named)


def _row(seen: Observed, row: ObservationRow) -> Seen:
    near = seen.near.get(row.id, "")
    parts = [row.area or text("site-outside"), text("site-near", near=near) if near else ""]
    return Seen(
        id=row.id,
        kind=text(f"observation-{row.type}"),
        light=text(f"light-{row.light}") if row.light else "–",
        severity=str(row.severity),
        where=", ".join(part for part in parts if part),
        day=local(row.observed_at, seen.timezone).date().isoformat(),
        walk=row.walk,
        note=row.note or "",
        placed=row.lon is not None,
    )


def _walked(found: Coverage) -> Walked:
    lacking = found.priority and not found.walked_now
    now = text("site-walked-now") if found.walked_now else text("site-not-walked-now")
    return Walked(
        area=found.area or text("site-outside"),
        walks=found.walks,
        latest=found.latest.isoformat() if found.latest else text("site-never"),
        seen=found.seen,
        dark=text("site-dark", dark=found.dark, seen=found.seen) if found.seen else "–",
        now=now if found.area else "–",
        lacking=lacking,
    )


def _aim(found: Sequence[Coverage], today: date) -> str:
    """Say which priority areas lack a walk in the tertial of today."""
    year, third = on_site.tertial(today)
    period = text(f"release-tertial-{third}", year=year)
    aimed = [each for each in found if each.priority]
    lacking = [each.area for each in aimed if not each.walked_now]
    if not aimed:
        return ""
    if not lacking:
        return text("site-aim-met", period=period)
    return text("site-aim-lacking", period=period, areas=", ".join(lacking))


def _feature(row: ObservationRow) -> dict[str, Any]:
    """Give an observation to the map: what the table says, where the reader may see it."""
    about = {"type": row.type, "severity": row.severity, "light": row.light}
    return features.feature(row.id, features.point(row.lon, row.lat), about)


def sentences(found: Sequence[Colocated]) -> list[dict[str, Any]]:
    """Say what lies near what, with the verdict; the surest first, as they were found else."""
    order = {verdict: place for place, verdict in enumerate(Verdict)}
    return [
        {
            "slug": each.verdict.value,
            "verdict": wording.verdict(each.verdict),
            "text": wording.colocation(each, text(f"observation-{each.kind}")),
            "loud": each.verdict in LOUD,
        }
        for each in sorted(found, key=lambda each: order[each.verdict])
    ]
