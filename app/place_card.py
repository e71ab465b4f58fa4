"""The card of one place in plain words: where, how many, when, trend, what kind and how sure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
import sqlalchemy as sa

from app import place_words as words
from app import places_page
from app.choices import EVERY_WINDOW, read
from app.place_rows import link
from geo import cells
from geo.errors import InvalidParameter, NotFound
from pipelines import answers, events, hot_places, links
from pipelines.answers import Basis
from pipelines.events import Events
from pipelines.hot_places import AREAS, AROUND, CELLS, CLUSTERS, Clock, Place
from pipelines.periods import local_days
from pipelines.questions import Question
from pipelines.roles import ANALYST, PUBLIC
from pipelines.sightings import Seen, Sightings
from pipelines.spots import Near, Spots, distance, number
from pipelines.texts import text
from store import places
from store.observations import ObservationRow
from store.places import FacilityRow

SCHOOLS, VENUES, OBSERVATIONS = "schools", "venues", "observations"
FACILITIES = {SCHOOLS: "school", VENUES: "venue"}
AROUND_M = 100.0  # of a school or a venue that was chosen
MOST_SEEN, MOST_KINDS = 20, 3
MOST_LISTED = 100_000  # clusters or areas among which one is looked for
UNSURE = 0.2  # of the events without a known clock time: worth a word
HECTARE_M2, SQUARE_KM_M2 = 1e4, 1e6
ID = re.compile(r"[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be said, and why; an empty word where nothing was judged."""

    slug: str | None = None
    word: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Saying:
    """One thing that is said of a place."""

    about: str
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class SeenThere:
    """An observation near a place, in words."""

    key: str
    title: str
    severity: int
    severity_text: str
    light: str
    date: str
    distance: str
    note: str


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The nearest school or venue."""

    key: str
    name: str
    distance_m: int
    text: str


@dataclass(frozen=True, slots=True)
class Card:
    """Everything that is said of one place."""

    key: str
    title: str
    kind: str
    verdict: Verdict
    sentences: tuple[Saying, ...]
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    observations: tuple[SeenThere, ...]
    observations_text: str
    near: dict[str, Neighbour | None]
    plan: dict[str, str] | None
    share: str
    synthetic: bool
    planned: str = ""  # where it stands in the plan already, for the same question


def unknown() -> NotFound:
    """Say that there is no such place, in the same words as that one may not see it."""
    return NotFound("places-unknown")


def saying(about: str, said: str) -> Saying:
    """Put a heading over what is said."""
    return Saying(about, text(f"card-about-{about}"), said)


# --- analysts


class Desk:
    """What an analyst's cards are made from, for one link."""

    def __init__(self, connection: sa.Connection, on: Basis, given: Mapping[str, str]) -> None:
        """Read the link."""
        self.connection, self.on, self.given = connection, on, given
        self.chosen = read(given, on.reference, on.run)
        self.question = places_page.question_of(given, self.chosen)
        self.spots = Spots(connection, on.reference)


def exact(connection: sa.Connection, on: Basis, given: Mapping[str, str]) -> Card:
    """Make an analyst's card of any place.

    Raises
    ------
    NotFound
        There is no such place.
    """
    desk = Desk(connection, on, given)
    kind, _, key = given.get("vald", "").partition(":")
    if kind == OBSERVATIONS:
        return observed(connection, on, given, key)
    if kind in FACILITIES:
        return _facility(desk, kind, key)
    find = {CELLS: _cell, CLUSTERS: _cluster, AREAS: _area}.get(kind)
    if find is None or on.run is None:
        raise unknown()
    place, question = find(desk, key)
    return _counted(desk, place, question)


def _cell(desk: Desk, key: str) -> tuple[Place, Question]:
    try:
        cell = cells.parse(key)
    except InvalidParameter:
        raise unknown() from None
    if cells.name(cell) != key or cells.resolution(cell) not in cells.RESOLUTIONS:
        raise unknown()
    question = replace(desk.question, resolution=cells.resolution(cell))
    place = hot_places.one_cell(desk.connection, desk.on, question, cell)
    if place is not None:
        return place, question
    # One without events now may have had some at other times.
    place = hot_places.one_cell(desk.connection, desk.on, Question(), cell)
    if place is None:
        raise unknown()
    return replace(place, count=0, verdict=None, reasons=(), expected=None), question


def _cluster(desk: Desk, key: str) -> tuple[Place, Question]:
    row = answers.cluster(desk.connection, desk.on, int(key)) if ID.fullmatch(key) else None
    if row is None:
        raise unknown()
    question = replace(
        desk.question,
        area_id=None,
        window=row.window,
        categories=(row.category,) if row.category else (),
        scope=row.scope,
        period=None,
    )
    return _among(desk, question, CLUSTERS, key), question


def _area(desk: Desk, key: str) -> tuple[Place, Question]:
    question = replace(desk.question, area_id=None)
    return _among(desk, question, AREAS, key), question


def _among(desk: Desk, question: Question, kind: str, key: str) -> Place:
    found = hot_places.listed(desk.connection, desk.on, question, kind, MOST_LISTED)
    place = next((each for each in found.places if each.id == key), None)
    if place is None:
        raise unknown()
    return place


def _facility(desk: Desk, kind: str, key: str) -> Card:
    """Make the card of a school or a venue: what happens around it."""
    rows = places.facilities(desk.connection, FACILITIES[kind])
    row = next((each for each in rows if str(each.id) == key), None)
    if row is None:
        raise unknown()
    point = shapely.Point(row.lon, row.lat)
    around = Place(AROUND, key, row.name, 0, point, (row.lon, row.lat), radius_m=AROUND_M)
    card = _counted(desk, around, replace(desk.question, area_id=None))
    return replace(
        card,
        key=f"{kind}:{key}",
        kind=text(f"card-kind-{kind}"),
        facts=(*facility_facts(row), *card.facts),
        plan=plan(desk.given) if kind == SCHOOLS else None,
    )


def facility_facts(row: FacilityRow) -> list[tuple[str, str]]:
    """Say what a register says of a school or a venue."""
    form = [(text("card-fact-form"), row.form)] if row.form else []
    return [*form, (text("card-fact-source"), row.source)]


def _counted(desk: Desk, place: Place, question: Question) -> Card:
    """Say everything about a place with events of its own."""
    on = desk.on
    found = events.found(desk.connection, on, question)
    choose = hot_places.chooser(found, on)
    own = choose(place)
    here = found.where(own)
    if place.kind == AROUND:
        place = replace(place, count=int(here.whole.sum()))
    time = Clock(found, on, question).of(own, place.kind)
    near = {
        kind: None if each is not None and each.key == desk.given["vald"] else each
        for kind, each in neighbours(desk.connection, desk.spots, place.at, venues=True).items()
    }
    sightings = Sightings(desk.connection, on, desk.question.period).near(place.ground)
    (spot,) = places_page.names(desk.spots, [place], desk.chosen)
    verdict = _verdict(desk, place)
    said = [
        saying("where", _where(desk, place, spot.name, near)),
        saying("count", _count(desk, place, question)),
        saying("when", _when(time, on, place, question)),
        saying("trend", _trend(desk, place, question, here)),
        saying("kind", _kinds(hot_places.kinds(here), on)),
        saying("sure", " ".join((verdict.word and sentence(verdict.word), *verdict.lines)).strip()),
    ]
    return Card(
        key=place.key,
        title=spot.name,
        kind=_kind(place),
        verdict=verdict,
        sentences=tuple(each for each in said if each.text),
        facts=_facts(desk, place),
        notes=_notes(desk, place, time.events, time.certain),
        observations=tuple(seen_there(each, on) for each in sightings[:MOST_SEEN]),
        observations_text=seen_text(len(sightings)),
        near=near,
        plan=plan(desk.given),
        share=link(desk.given, desk.given["vald"]),
        synthetic=on.run is not None and on.run.synthetic,
    )


def _verdict(desk: Desk, place: Place) -> Verdict:
    if place.kind == AROUND:
        return Verdict(lines=(text("card-unjudged-around"),))
    area = desk.chosen.area
    level = text("places-level-municipality")
    if area is not None and place.kind != AREAS:
        level = area.name
    lines = (
        places_page.why(place, desk.chosen),
        words.compared(place.count, place.expected, level)
        or (text("card-level", level=level) if place.verdict and place.kind == CELLS else ""),
    )
    word = text(f"verdict-{place.verdict}") if place.verdict else ""
    return Verdict(place.verdict, word, tuple(line for line in lines if line))


def _kind(place: Place) -> str:
    if place.kind == CELLS:
        (area_m2,) = cells.areas_m2(np.array([cells.parse(place.id)])).tolist()
        return text("card-kind-cells", area=ground(area_m2))
    if place.kind == AREAS:
        return sentence(text(f"area-kind-{place.area_kind}"))[:-1]
    return text("card-kind-clusters") if place.kind == CLUSTERS else ""


def ground(area_m2: float) -> str:
    """Write how large a piece of ground is."""
    if area_m2 >= SQUARE_KM_M2:
        return text("ground-km2", n=number(area_m2 / SQUARE_KM_M2, 1))
    return text("ground-hectares", n=number(area_m2 / HECTARE_M2, 1))


def sentence(said: str) -> str:
    """Begin with a capital and end with a full stop."""
    return said[0].upper() + said[1:] + "."


def _where(desk: Desk, place: Place, name: str, near: Mapping[str, Neighbour | None]) -> str:
    """Say where a place is, with the area that it lies in."""
    (spot,) = desk.spots.of(np.array([place.at]))
    said = name if place.kind == AREAS else spot.name
    if place.kind == AROUND:
        (holder,) = desk.spots.holders(np.array([place.at]))
        area = text("choices-municipality") if holder is None else holder.name
        said = text("card-around", name=name, area=area, metres=round(place.radius_m))
    return " ".join((sentence(said), *neighbour_sentences(near)))


def neighbour_sentences(near: Mapping[str, Neighbour | None]) -> list[str]:
    """Say which school and which venue are nearest."""
    known = ((kind, each) for kind, each in near.items() if each is not None)
    return [text(f"card-nearest-{kind}", said=each.text) for kind, each in known]


def _count(desk: Desk, place: Place, question: Question) -> str:
    months = places_page.counted_months(desk.on, question)
    _, window, theme, _ = desk.chosen.words
    if place.kind == CLUSTERS:
        chosen = read(
            {"fonster": question.window, "typ": "".join(question.categories)},
            desk.on.reference,
            desk.on.run,
        )
        _, window, theme, _ = chosen.words
    part = places_page.part(place, desk.chosen)
    return " ".join(
        (
            text(
                "card-count",
                events=words.events(place.count),
                span=words.span(words.months_between(months)),
                window=window,
                theme=theme,
            ),
            part,
        )
    ).strip()


def _when(time: hot_places.When, on: Basis, place: Place, question: Question) -> str:
    """Say when; where only one window of the week was counted, what is sure within it."""
    profile = on.reference.profile
    if question.window != EVERY_WINDOW:
        window = words.short_block(question.window, profile)
        of_cluster = place.kind == CLUSTERS  # which has its own window, whatever is chosen
        said = text("card-window-cluster" if of_cluster else "card-window", window=window)
        return words.within(time, said, profile)
    why = words.when_why(time, profile)
    if time.kind == hot_places.PEAK:
        spread = text("card-spread", blocks=words.blocks(time, profile))
        return " ".join((text("card-peak", time=words.peaks(time.peaks)), why, spread))
    return why


def _trend(desk: Desk, place: Place, question: Question, here: Events) -> str:
    """Say how a year stands beside the year before; `here` are the place's events."""
    if question.period is not None:
        whole = events.found(desk.connection, desk.on, replace(question, period=None))
        here = whole.where(hot_places.chooser(whole, desk.on)(place))
    moved = hot_places.moved(desk.connection, desk.on, question, here)
    return text("card-no-year") if moved is None else words.moved(moved)


def _kinds(found: Sequence[tuple[str, int]], on: Basis) -> str:
    """Say what kinds of events there are, and which of them tell what the police do."""
    if not found:
        return ""
    profile = on.reference.profile
    names = words.category_names(profile)
    said = text("card-kinds", kinds=words.kinds(found, names, MOST_KINDS))
    met = {code for code, _ in found}
    if any(each.enforcement_driven and each.code in met for each in profile.categories):
        said += " " + text("card-police")
    return said


def _facts(desk: Desk, place: Place) -> tuple[tuple[str, str], ...]:
    on = desk.on
    if on.run is None:
        return ()
    first, last = local_days(on.run.period_start, on.run.period_end, on.reference.profile.timezone)
    period = f"{words.written(first)} – {words.written(last)}"
    if desk.question.period is not None and place.kind != CLUSTERS:
        period = desk.chosen.words[3]
    facts = [(text("card-fact-period"), period)]
    if place.kind == CLUSTERS:
        facts.append((text("card-fact-places"), number(place.places)))
    if place.kind == AREAS:
        row = on.reference.area(place.id)
        facts.append((text("card-fact-border"), row.source))
    return tuple(facts)


def _notes(desk: Desk, place: Place, total: int, certain: int) -> tuple[str, ...]:
    """Say what the data cannot tell."""
    run, notes = desk.on.run, [text("card-reported")]
    if run is not None and place.kind != AREAS and run.n_unplaced + run.n_imprecise:
        missing = number(run.n_unplaced + run.n_imprecise)
        notes.append(text("card-unplaced", n=missing))
    if total and certain < (1 - UNSURE) * total:
        notes.append(text("card-unsure", unsure=number(total - certain), total=number(total)))
    if place.kind == CLUSTERS:
        notes.append(text("card-cluster-ground", n=number(total)))
    if place.kind == AREAS and desk.on.reference.area(place.id).note:
        notes.append(desk.on.reference.area(place.id).note)
    if desk.on.outdated:
        notes.append(text(desk.on.outdated))
    if run is not None and run.synthetic:
        notes.append(text("card-synthetic"))
    return tuple(notes)


# --- every role


def neighbours(
    connection: sa.Connection, spots: Spots, at: tuple[float, float] | None, *, venues: bool
) -> dict[str, Neighbour | None]:
    """Find the nearest school and, for those who may see them, the nearest venue."""
    found: dict[str, Neighbour | None] = {"school": None, "venue": None}
    for collection, kind in FACILITIES.items():
        if at is not None and (kind == "school" or venues):
            rows = places.facilities(connection, kind)
            near = spots.nearest(np.array([at]), rows) if rows else None
            found[kind] = None if near is None else _neighbour(collection, near)
    return found


def _neighbour(collection: str, near: Near) -> Neighbour:
    return Neighbour(
        f"{collection}:{near.facility.id}",
        near.facility.name,
        round(near.distance_m),
        text("card-distance", distance=distance(near.distance_m), name=near.facility.name),
    )


def seen_there(seen: Seen, on: Basis) -> SeenThere:
    """Write an observation near a place."""
    row = seen.row
    away = text("card-block")
    if seen.distance_m is not None:
        away = distance(seen.distance_m) if seen.distance_m else text("card-here")
    return SeenThere(
        key=f"{OBSERVATIONS}:{row.id}",
        title=text(f"observation-{row.type}"),
        severity=row.severity,
        severity_text=text("card-severity", n=row.severity),
        light=text(f"light-{row.light}") if row.light else "",
        date=words.day(row.observed_at, on.reference.profile.timezone),
        distance=away,
        note=row.note or "",
    )


def seen_text(n: int) -> str:
    """Say how many observations lie near a place."""
    if not n:
        return text("card-seen-none")
    said = text("card-seen-one") if n == 1 else text("card-seen", n=number(n))
    return said if n <= MOST_SEEN else said + " " + text("card-seen-first", n=MOST_SEEN)


def plan(given: Mapping[str, str]) -> dict[str, str]:
    """Give what puts a place on the list of the action plan."""
    return {name: given.get(name, "")[: links.LONGEST] for name in (links.CHOSEN, *links.ASKED)}


def observed(connection: sa.Connection, on: Basis, given: Mapping[str, str], key: str) -> Card:
    """Make the card of an observation, as it is shown to whoever asks.

    Raises
    ------
    NotFound
        There is none, or none for this reader.
    """
    known = on.role != PUBLIC and ID.fullmatch(key)
    row = answers.observation(connection, on, int(key)) if known else None
    if row is None:
        raise unknown()
    near: dict[str, Neighbour | None] = {"school": None, "venue": None}
    said: list[Saying] = []
    if row.lon is not None and row.lat is not None:
        spots = Spots(connection, on.reference)
        near = neighbours(connection, spots, (row.lon, row.lat), venues=on.role == ANALYST)
        (spot,) = spots.of(np.array([(row.lon, row.lat)]))
        where = " ".join((sentence(spot.name), *neighbour_sentences(near)))
        said.append(saying("where", where))
    return Card(
        key=f"{OBSERVATIONS}:{row.id}",
        title=text(f"observation-{row.type}"),
        kind=text("card-kind-observation"),
        verdict=Verdict(),
        sentences=tuple(said),
        facts=tuple(_observation_facts(row, on)),
        notes=(text("card-synthetic-row"),) if row.synthetic else (),
        observations=(),
        observations_text="",
        near=near,
        plan=None,
        share=link(given, f"{OBSERVATIONS}:{row.id}"),
        synthetic=row.synthetic,
    )


def _observation_facts(row: ObservationRow, on: Basis) -> list[tuple[str, str]]:
    facts = [
        (text("card-fact-severity"), text("card-severity", n=row.severity)),
        (
            text("card-fact-light"),
            text(f"light-{row.light}") if row.light else text("card-not-said"),
        ),
        (text("card-fact-seen"), words.day(row.observed_at, on.reference.profile.timezone)),
        (text("card-fact-walk"), row.walk or text("card-not-said")),
    ]
    if row.note:
        facts.append((text("card-fact-note"), row.note))
    if row.uncertainty_m:
        within = text("card-within", distance=distance(row.uncertainty_m))
        facts.append((text("card-fact-place"), within))
    return facts
