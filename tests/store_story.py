"""A story in which every public function of store/ plays a part, to be told to each kind of store.

Each chapter takes an open store and gives back what it saw, as plain values. The chapters build
on one another and are told in the order in which they stand.
"""

from __future__ import annotations

import tempfile
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import h3.api.basic_int as h3
import numpy as np
import shapely
import sqlalchemy as sa

from geo.errors import LagesbildError
from geo.offences import Categorised
from geo.profile import Address, Area, Category, Facility, NamedPlace, OffenceRule, Profile
from geo.windows import Span, WeeklyWindow
from store import (
    accounts,
    backup,
    bulk,
    db,
    group,
    imports,
    incidents,
    layers,
    models,
    observations,
    places,
    plan,
    records,
    retention,
    runs,
    schema,
    tables,
    verdicts,
    views,
)
from store.parts import MAIN, PARTS

CHAPTERS = []
NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
NAT = np.datetime64("NaT")
TORG = (16.50987, 59.37036)

PROFILE = Profile(
    name="provstad",
    label="Provstad å",
    timezone="Europe/Stockholm",
    metric_epsg=3006,
    source_epsgs=(3006, 4326),
    envelope=(16.0, 59.0, 17.0, 60.0),
    windows=(
        WeeklyWindow("all", "Alla"),
        WeeklyWindow("helgnatt", "Helgnatt", (Span(5, 1380, 240), Span(6, 1380, 240))),
        WeeklyWindow("skoltid", "Skoltid", (Span(1, 420, 1020),), term_only=True),
    ),
    terms=((date(2026, 1, 8), date(2026, 6, 12)),),
    categories=(
        Category("klotter", "Klotter", "skadegorelse_klotter", False, True, True),  # noqa: FBT003
        Category("vapen", "Vapen", "ovrigt", True, False, False),  # noqa: FBT003
    ),
    offences=(
        OffenceRule("1201", "Klotter", None, date(2020, 1, 1), "klotter", False, "any"),  # noqa: FBT003
        OffenceRule("1202", "Vapen", date(2020, 1, 1), None, "vapen", True, "venue"),  # noqa: FBT003
    ),
    venue_distance_m=50.0,
    nightlife_category="krogvald",
)
WEST, EAST = shapely.box(16.4, 59.3, 16.5, 59.4), shapely.box(16.5, 59.3, 16.6, 59.4)
CORE = shapely.MultiPolygon([shapely.box(16.505, 59.368, 16.515, 59.372)])


def chapter(tell):
    """Add a chapter to the story."""
    CHAPTERS.append(tell)
    return tell


def told(store):
    """Tell the whole story to a store: what each chapter saw, or the fault it met, by its name."""
    seen = {}
    for tell in CHAPTERS:
        try:
            seen[tell.__name__] = plain(tell(store))
        except Exception as fault:  # noqa: BLE001 - one chapter that fails shall not hide the rest
            seen[tell.__name__] = refusal(fault)
    return seen


def refusal(fault):
    return f"{type(fault).__name__}: {fault}"


def refused(ask, *arguments, **options):
    """Give the fault that a question meets."""
    try:
        return ask(*arguments, **options)
    except LagesbildError as fault:
        return refusal(fault)


def plain(value):
    """Turn what a store gave into values that compare by what they hold."""
    if isinstance(value, np.ndarray):
        return (str(value.dtype), [plain(item) for item in value.tolist()])
    if isinstance(value, shapely.Geometry):
        return value.wkt
    if is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return "not a number" if value != value else value  # noqa: PLR0124 - NaN


def key(number):
    return number.to_bytes(16, "big")


def instants(*texts):
    return np.array(texts, dtype="datetime64[s]")


def placing(lon, lat, **changes):
    """Place n records at given coordinates; NaN means that nothing is known."""
    lon, lat = np.array(lon, dtype=float), np.array(lat, dtype=float)
    n, known = lon.size, np.isfinite(lon)
    cell = [
        h3.latlng_to_cell(b, a, 11) if there else None
        for a, b, there in zip(lon, lat, known, strict=True)
    ]
    given = records.Placing(
        street=["Storgatan"] * n,
        street_number=[str(i) for i in range(n)],
        crossing=[""] * n,
        place_name=["Torget"] * n,
        area_name=["Väster"] * n,
        match_type=["coordinates" if there else "none" for there in known],
        match_score=np.where(known, 1.0, 0.0),
        uncertainty_m=np.where(known, 5.0, np.nan),
        match_source=["file"] * n,
        matched_text=[""] * n,
        candidates=[None] * n,
        pile=np.zeros(n, dtype=bool),
        lon=lon,
        lat=lat,
        x_m=lon * 1000,
        y_m=lat * 1000,
        cell=cell,
        area_id=[None] * n,
        district_id=[None] * n,
    )
    return replace(given, **changes)


def identity(import_id, first, n):
    keys = [key(first + i) for i in range(n)]
    return records.Identity(
        import_id=import_id,
        row_key=keys,
        content_key=[k[::-1] for k in keys],
        profile_revision=1,
        **({"source": "polisen"} if "source" in records.Identity.__slots__ else {}),
    )


def events(starts, **changes):
    n = starts.size
    given = incidents.Events(
        code=["1201"] * n,
        source_category=[""] * n,
        premises=["gata"] * n,
        category=["klotter"] * n,
        on_map=np.ones(n, dtype=bool),
        count=np.ones(n, dtype=np.int64),
        starts_at=starts,
        ends_at=np.full(n, NAT).astype("datetime64[s]"),
        time_flags=np.zeros(n, dtype=np.int64),
        registered_on=[None] * n,
        local_weekday=np.ones(n, dtype=np.int64),
        local_minute=np.zeros(n, dtype=np.int64),
        in_windows=np.ones(n, dtype=np.int64),
    )
    return replace(given, **changes)


def sightings(n, **changes):
    given = observations.Sightings(
        observed_at=instants(*["2026-05-01"] * n),
        type=["annat"] * n,
        severity=list(range(n)),
        light=["morkt"] * n,
        walk=["Vår"] * n,
        note=[""] * n,
        reviewed=[False] * n,
    )
    return replace(given, **changes)


def opening(kind="incidents", sha256="abc", **changes):
    given = imports.Opening(kind, "polisen", "brott å.csv", sha256, NOW, synthetic=False)
    return replace(given, **changes)


@chapter
def the_schema_is_the_codes_own(store):
    with store.read() as connection:
        current = schema.current(connection)
        schema.require_current(current)
        drift = schema.drift(connection)
    again = schema.upgrade(store)
    return {
        "current is head": current == schema.head() == schema.revisions()[-1],
        "drift": drift,
        "upgrade of an upgraded store": list(again) == [schema.head()] * 2,
        "nothing": refused(schema.require_current, None),
        "unheard of": refused(schema.require_current, "9999").partition(" ")[0],
    }


@chapter
def a_store_opens_by_its_url(store):
    url = store.engine.url.render_as_string(hide_password=False)
    opened = schema.open_store(url)
    try:
        with opened.read() as connection:
            return {"head": schema.current(connection) == schema.head(), "there": db.exists(url)}
    finally:
        opened.close()


@chapter
def each_part_has_a_file_of_its_own_unless_it_lies_on_a_server(_):
    nowhere, server = "sqlite:////nowhere/x.gpkg", "postgresql+psycopg://nobody@nowhere/x"
    files = [db.part_file(nowhere, part) for part in PARTS]
    return {
        "files": [file.name for file in files],
        "there": [db.exists(nowhere, part) for part in PARTS],
        "on a server": [db.part_file(server, part) for part in PARTS],
    }


@chapter
def an_empty_store_knows_nothing(store):
    with store.read() as connection:
        return {
            "profile": refused(places.profile, connection),
            "revision": places.revision(connection),
            "digest": places.loaded_digest(connection),
            "areas": places.areas(connection),
            "schools": places.facilities(connection, "school"),
            "gazetteer": places.named_places(connection),
            "addresses": places.addresses(connection),
            "imports": imports.batches(connection),
            "import": refused(imports.batch, connection, 1),
            "synthetic": imports.any_synthetic(connection),
            "quarantine": imports.quarantine(connection),
            "incidents": incidents.count(connection),
            "span": incidents.span(connection),
            "samples": list(incidents.samples(connection, NOW, NOW)),
            "placed": records.placed(connection, models.Incident, 0),
            "keys": records.known_keys(connection, models.Incident, [key(1)]),
            "observations": observations.count(connection),
            "run": runs.current(connection),
            "history": runs.history(connection),
            "cells": refused(layers.cell_counts, connection, 1, 9, layers.LayerFilter()),
            "cluster": layers.one_cluster(connection, 1),
            "user": accounts.user(connection, "anna"),
            "key": accounts.api_key(connection, b"x" * 32, NOW),
        }


@chapter
def a_profile_comes_back_as_it_was_saved(store):
    with store.write() as connection:
        places.save_profile(connection, replace(PROFILE, label="gammal"), "d1")
        first = places.revision(connection)
        places.save_profile(connection, PROFILE, "d2")
        places.touch(connection)
    with store.read() as connection:
        return {
            "same": places.profile(connection) == PROFILE,
            "digest": places.loaded_digest(connection),
            "revisions": [first, places.revision(connection)],
        }


@chapter
def areas_keep_their_ids_when_their_outlines_change(store):
    with store.write() as connection:
        places.put_areas(
            connection,
            [
                Area("district", "Väster", WEST, "egen", "först"),
                Area("district", "Öster", EAST, "egen"),
                Area("nightlife", "Kärnan", CORE, "egen"),
            ],
            "import",
            replace=None,
        )
        before = places.areas(connection)
        moved = Area("district", "Öster", EAST.buffer(0.01), "ny", "flyttad")
        places.put_areas(
            connection, [moved, Area("district", "Norr", WEST, "ny")], "import", replace=None
        )
        places.put_areas(connection, [moved], "import", replace="district")
    with store.read() as connection:
        after = places.areas(connection)
        return {
            "before": before,
            "after": after,
            "nightlife": places.areas(connection, "nightlife"),
            "none": places.areas(connection, "priority"),
            "as areas": [row.as_area() for row in after],
        }


@chapter
def schools_and_venues_are_kept_apart(store):
    def school(name, lon=16.5, form="F-9"):
        return Facility("school", name, lon, 59.3, "Skolverket", form)

    with store.write() as connection:
        venue = Facility("venue", "Ån", 16.51, 59.37, "egen")
        places.put_facilities(connection, [school("A"), school("B"), venue], "import", replace=None)
        places.put_facilities(
            connection, [school("B", 16.6, "7-9"), school("C")], "import", replace="school"
        )
    with store.read() as connection:
        return [places.facilities(connection, kind) for kind in ("school", "venue", "castle")]


@chapter
def the_gazetteer_is_replaced_by_source_or_as_a_whole(store):
    def spot(name, source, kind="place"):
        return NamedPlace(kind, name, 16.5, 59.3, 25.0, source)

    seen = []
    with store.write() as connection:
        for given, whole in (
            ([spot("a", "one"), spot("b", "two", "centroid")], False),
            ([spot("c", "one")], False),
            ([spot("d", "three")], True),
            ([], False),
            ([], True),
            ([spot("e", "four")], False),
        ):
            places.put_named_places(connection, given, "import", replace=whole)
            seen.append(places.named_places(connection))
    return seen


@chapter
def what_somebody_imported_outlives_the_profile(store):
    def area(name, source):
        return Area("municipality", name, WEST, source)

    def school(name, source):
        return Facility("castle", name, 16.5, 59.3, source)

    with store.trial() as connection:
        places.put_areas(connection, [area("A", "p"), area("B", "p")], places.PROFILE, replace=None)
        places.put_areas(connection, [area("B", "i"), area("C", "i")], places.IMPORT, replace=None)
        twice = [area("B", "p2"), area("D", "old"), area("D", "p2")]
        places.put_areas(connection, twice, places.PROFILE, replace="municipality")
        after_profile = places.areas(connection, "municipality")
        places.put_areas(connection, [area("D", "i2")], places.IMPORT, replace="municipality")
        after_import = places.areas(connection, "municipality")
        places.put_facilities(connection, [school("S", "i")], places.IMPORT, replace=None)
        places.put_facilities(connection, [school("T", "p")], places.PROFILE, replace="castle")
        spots = [NamedPlace("place", "n", 16.5, 59.3, 25.0, source) for source in ("x", "y")]
        places.put_named_places(connection, spots, places.IMPORT, replace=True)
        places.put_named_places(connection, spots[:1], places.PROFILE, replace=True)
        places.put_named_places(connection, [], places.PROFILE, replace=True)
        return {
            "after profile": [(row.name, row.source) for row in after_profile],
            "after import": [(row.name, row.source) for row in after_import],
            "castles": [row.name for row in places.facilities(connection, "castle")],
            "gazetteer": [spot.source for spot in places.named_places(connection)],
        }


@chapter
def the_address_register_is_replaced_as_a_whole(store):
    some = [
        Address("Åsgatan", 7, "B", 16.5, 59.37, "63218", "Eskilstuna", "LM"),
        Address("Storgatan", 1, "", 16.51, 59.36, "", "", "LM"),
    ]
    seen = []
    with store.write() as connection:
        for given in (some, some[1:], []):
            places.put_addresses(connection, given)
            seen.append(places.addresses(connection))
    return seen


@chapter
def an_import_keeps_its_counts_its_report_and_the_rows_it_set_aside(store):
    rows = [
        imports.SetAside(3, "date-invalid", "datum", "2026-02-30", "7;2026-02-30;å"),
        imports.SetAside(2, "code-unknown", "", "", 'a;"b";\n'),
    ]
    with store.write() as connection:
        first = imports.begin(connection, opening())
        imports.set_aside(connection, first, rows)
        imports.set_aside(connection, first, [])
        report = {"träffgrad": 0.97, "crs": 3006, "varningar": ["å"], "inget": None}
        report["layout"] = {"delimiter": ";"}
        imports.finish(connection, first, imports.Counts(10, 7, 1, 2), report)
        again = imports.begin(connection, opening(synthetic=True))
        imports.set_aside(connection, again, [imports.SetAside(3, "x", "", "", "")])
        imports.finish(connection, again, imports.Counts(1, 0, 0, 1), {"layout": {}})
        other = imports.begin(connection, opening("observations", "def", source="vandring"))
    with store.read() as connection:
        return {
            "ids": [first, again, other],
            "one": imports.batch(connection, first),
            "all": imports.batches(connection),
            "lines": imports.lines_set_aside(connection, opening()),
            "other file": imports.lines_set_aside(connection, opening(sha256="x")),
            "holds": [
                imports.source_holds(connection, "incidents", "polisen"),
                imports.source_holds(connection, "observations", "vandring"),
            ],
            "synthetic": imports.any_synthetic(connection),
            "missing": refused(imports.batch, connection, 99),
        }


@chapter
def a_row_handed_in_again_leaves_the_quarantine(store):
    with store.write() as connection:
        waiting = imports.quarantine(connection)
        imports.mark_retried(connection, [waiting[0].id], 2)
        imports.mark_retried(connection, [], 2)
    with store.read() as connection:
        return {
            "before": waiting,
            "after": imports.quarantine(connection),
            "of one": imports.quarantine(connection, 1),
            "of none": imports.quarantine(connection, 99),
        }


@chapter
def incidents_are_added_and_recognised_by_their_keys(store):
    starts = instants(
        "2026-06-12T21:30:00",
        "2026-06-12T22:00:00",
        "2026-06-13T08:00:00",
        "2026-06-14T08:00:00",
        "2026-06-14T08:00:00",
    )
    ends = instants("2026-06-13T01:00:00", "NaT", "NaT", "NaT", "NaT")
    with store.write() as connection:
        incidents.add(
            connection,
            identity(1, 100, 5),
            events(
                starts,
                ends_at=ends,
                count=np.array([1, 3, 1, 1, 1]),
                category=["klotter", "klotter", "rån", "vapen", "klotter"],
                on_map=np.array([True, True, True, False, True]),
                registered_on=[date(2026, 6, 15), None, None, None, None],
                in_windows=np.array([3, 1, 1, 1, 1]),
                time_flags=np.array([0, 1, 2, 0, 0]),
            ),
            placing(
                [16.45, 16.55, 16.55, 16.55, np.nan],
                [59.35, 59.35, 59.35, 59.35, np.nan],
                area_id=[None, 2, 2, 2, None],
                district_id=[None, None, 3, None, 2],
                candidates=[None, [{"namn": "Å", "lon": 16.5}], None, None, None],
            ),
        )
    known = [key(100), key(104), key(105)]
    with store.read() as connection:
        return {
            "count": incidents.count(connection),
            "span": incidents.span(connection),
            "known": records.known_keys(connection, models.Incident, known),
            "elsewhere": records.known_keys(connection, models.Observation, known),
            "none asked": records.known_keys(connection, models.Incident, []),
        }


@chapter
def incidents_are_found_by_box_time_area_category_and_window(store):
    day = datetime(2026, 6, 13, tzinfo=UTC)
    asked = {
        "all": incidents.IncidentFilter(),
        "box": incidents.IncidentFilter(bbox=(16.5, 59.3, 16.6, 59.4)),
        "border of a box": incidents.IncidentFilter(bbox=(16.55, 59.35, 16.55, 59.35)),
        "from": incidents.IncidentFilter(start=day),
        "until": incidents.IncidentFilter(end=day.replace(hour=8)),
        "area": incidents.IncidentFilter(area_id=2),
        "district": incidents.IncidentFilter(area_id=3),
        "category": incidents.IncidentFilter(categories=("rån", "vapen")),
        "window": incidents.IncidentFilter(window="helgnatt"),
        "everything at once": incidents.IncidentFilter(
            (16, 59, 17, 60), day.replace(day=12), day, 2, ("klotter",), "all"
        ),
        "nothing": incidents.IncidentFilter(bbox=(0, 0, 1, 1)),
    }
    with store.read() as connection:
        found = {name: incidents.find(connection, f, 10, 0) for name, f in asked.items()}
        pages = [incidents.find(connection, asked["all"], 2, at) for at in (0, 2, 4, 6)]
        first = found["all"].rows[-1].id
        return {
            **found,
            "pages": pages,
            "one": [incidents.one(connection, first + i) for i in range(5)],
            "missing": incidents.one(connection, 999),
            "newest": incidents.newest_id(connection) - first,
        }


@chapter
def the_analysis_reads_incidents_of_a_period_in_order(store):
    start, end = datetime(2026, 6, 12, tzinfo=UTC), datetime(2026, 6, 14, 8, tzinfo=UTC)
    with store.read() as connection:
        whole = list(incidents.samples(connection, start, end))
        first, last = whole[0].id[[0, -1]].tolist()
        return {
            "samples": whole,
            "kinds": incidents.kinds(connection, first, last),
            "kinds of one": incidents.kinds(connection, last, last),
        }


@chapter
def what_follows_from_the_profile_is_written_anew(store):
    with store.write() as connection:
        before = records.placed(connection, models.Incident, 0)
        ids = before.id[[0, 4]]
        elsewhere = placing([np.nan, 16.5], [np.nan, 59.35], match_type=["none", "area"])
        records.update_places(connection, models.Incident, ids, elsewhere, 7)
        kind = Categorised(np.array(["rån", "vapen"], dtype=object), np.array([True, False]))
        incidents.update_kinds(connection, ids, kind, np.array([1, 5]))
    with store.read() as connection:
        return {
            "before": before,
            "after": records.placed(connection, models.Incident, 0),
            "later": records.placed(connection, models.Incident, int(ids[-1])),
            "found": incidents.find(connection, incidents.IncidentFilter(), 10, 0),
        }


@chapter
def piles_are_seen_and_marked_exactly(store):
    n = 6
    lon, lat = [16.52] * 3 + [16.53] * 2 + [TORG[0]], [59.35] * 5 + [TORG[1]]
    numbers = ["1", "2", "3", "1", "1", ""]
    with store.write() as connection:
        starts = instants(*["2026-01-01"] * n)
        where = placing(lon, lat, street_number=numbers)
        incidents.add(connection, identity(1, 200, n), events(starts), where)
        centres = np.array([TORG, (10.0, 50.0)])
        both = records.stacked(connection, models.Incident, 3, centres)
        no_centres = records.stacked(connection, models.Incident, 3, np.empty((0, 2)))
        walks = records.stacked(connection, models.Observation, 3, centres)
        records.set_piles(connection, models.Incident, both.id[:2].tolist())
        records.set_piles(connection, models.Incident, both.id[[1, 3]].tolist())
        marked = incidents.find(connection, incidents.IncidentFilter(), 99, 0).rows
        records.set_piles(connection, models.Incident, [])
        cleared = incidents.find(connection, incidents.IncidentFilter(), 99, 0).rows
    return {
        "both": both,
        "no centres": no_centres,
        "walks": walks,
        "marked": [row.id for row in marked if row.pile],
        "cleared": [row.id for row in cleared if row.pile],
    }


@chapter
def a_box_and_a_stream_work_on_any_query(store):
    table = models.Incident
    inside = records.in_bbox(table, (16.5, 59.3, 16.525, 59.4))
    query = sa.select(table.id, table.lon).where(inside).order_by(table.id)
    with store.read() as connection:
        parts = list(records.streamed(connection, query, 2))
        return [[tuple(row) for row in part] for part in parts]


@chapter
def points_are_made_where_something_is_known(_store):
    return records.points(np.array([16.5, np.nan]), np.array([59.3, np.nan])).tolist()


@chapter
def observations_show_their_note_after_review(store):
    seen = sightings(
        3,
        observed_at=instants("2026-05-01T18:00", "2026-05-01T18:05", "2026-05-02T18:00"),
        type=["belysning", "klotter", "belysning"],
        note=["Lampa trasig å", "", "Mörk tunnel"],
    )
    where = placing([16.45, 16.55, np.nan], [59.35, 59.35, np.nan], area_id=[2, None, None])
    with store.write() as connection:
        observations.add(connection, identity(3, 300, 3), seen, where)
        waiting = observations.unreviewed(connection)
        released = observations.review(connection, [waiting[0].id, 999])
        nothing = observations.review(connection, [])
    evening = datetime(2026, 5, 1, 18, 5, tzinfo=UTC)
    asked = {
        "all": observations.ObservationFilter(),
        "box": observations.ObservationFilter(bbox=(16.5, 59, 17, 60)),
        "from": observations.ObservationFilter(start=evening),
        "until": observations.ObservationFilter(end=evening),
        "area": observations.ObservationFilter(area_id=2),
        "types": observations.ObservationFilter(types=("klotter", "annat")),
        "reviewed only": observations.ObservationFilter(reviewed_only=True),
    }
    with store.read() as connection:
        found = {name: observations.find(connection, f, 10, 0) for name, f in asked.items()}
        return {
            **found,
            "waiting": waiting,
            "still waiting": observations.unreviewed(connection),
            "released": [released, nothing],
            "page": observations.find(connection, asked["all"], 1, 1),
            "one": observations.one(connection, waiting[0].id),
            "missing": observations.one(connection, 999),
            "count": observations.count(connection),
        }


@chapter
def a_record_says_its_place_in_the_most_precise_words_it_has(store):
    said = {
        "street": ["A", "A", "A", "", "", ""],
        "street_number": ["1", "", "1", "", "", ""],
        "crossing": ["A/B", "", "", "", "", ""],
        "place_name": ["Torg", "Torg", "Torg", "Torg", "", ""],
        "area_name": ["Väster", "Väster", "Väster", "Väster", "Väster", ""],
    }
    table = models.Observation
    with store.trial() as connection:
        n = len(said["street"])
        nowhere = placing([np.nan] * n, [np.nan] * n, **said)
        observations.add(connection, identity(3, 400, n), sightings(n), nowhere)
        added = table.type == "annat"
        query = sa.select(records.place_text(table)).where(added).order_by(table.id)
        return {
            "words": connection.scalars(query).all(),
            "contents": records.content_counts(connection, table, 3),
            "of another import": records.content_counts(connection, table, 1),
        }


def provenance(**changes):
    given = runs.Provenance(
        created_at=NOW,
        period_start=datetime(2025, 12, 31, 23, tzinfo=UTC),
        period_end=datetime(2026, 12, 31, 23, tzinfo=UTC),
        code_version="0.1",
        input_digest="d",
        parameters={"eps_m": 50.0, "months": None, "å": [1, 2]},
        synthetic=True,
        n_incidents=9,
        n_unplaced=1,
        n_imprecise=2,
        n_excluded=3,
    )
    return replace(given, **changes)


@chapter
def one_run_is_in_force_at_a_time(store):
    with store.write() as connection:
        first = runs.add(connection, provenance())
        none = runs.current(connection)
        runs.activate(connection, first)
        second = runs.add(connection, provenance(code_version="0.2"))
        still = runs.current(connection)
        for kind in ("cells", "areas", "clusters", "verdicts"):
            about = runs.LayerInfo(kind, "räknat", {"total": ["klotter"]}, "analyst", "exact", 4)
            runs.add_layer(connection, second, about)
        runs.activate(connection, second)
    with store.read() as connection:
        return {
            "ids": [first, second],
            "in force": [none, still, runs.current(connection)],
            "history": runs.history(connection),
            "layers": runs.layers(connection, second),
            "no layers": runs.layers(connection, first),
        }


def cluster(label, rank, category="", **changes):
    given = layers.NewCluster(
        scope="all",
        window="all",
        category=category,
        label=label,
        rank=rank,
        count=10,
        weight=9.5,
        places=3,
        lon=16.5,
        lat=59.35,
        name="Torget å",
        area_id=2,
        hull=shapely.Point(16.5, 59.35),
        verdict="uncertain",
    )
    return replace(given, **changes)


@chapter
def published_layers_are_added_up_from_their_finest_parts(store):
    base = h3.latlng_to_cell(59.35, 16.55, 11)
    near = h3.cell_to_children(h3.cell_to_parent(base, 10), 11)[3]
    far = h3.latlng_to_cell(59.31, 16.45, 11)
    cells = layers.CellTable(
        window=["all", "all", "all", "all", "helgnatt"],
        area_id=np.array([0, 0, 2, 2, 0]),
        district_id=np.array([0, 3, 0, 0, 0]),
        cell=np.array([base, near, far, far, base]),
        month=np.array([202601, 202602, 202601, 202601, 202601]),
        category=["klotter", "klotter", "klotter", "rån", "klotter"],
        count=np.array([5, 2, 1, 100, 0]),
        weight=np.array([5.0, 1.5, 1.0, 100.0, 0.25]),
    )
    areas = layers.AreaTable(
        window=["all", "all", "helgnatt"],
        area_id=np.array([2, 3, 2]),
        month=np.array([202601, 202601, 202601]),
        category=["klotter", "rån", "klotter"],
        count=np.array([4, 9, 1]),
        weight=np.array([4.5, 9.0, 1.0]),
    )
    line = shapely.LineString([(16.5, 59.3), (16.6, 59.4)])
    found = [
        cluster(1, 2, hull=line),
        cluster(0, 1, hull=WEST, area_id=0, verdict=None),
        cluster(0, 1, "klotter"),
        cluster(0, 1, window="helgnatt"),
        cluster(0, 1, scope="core"),
    ]
    with store.write() as connection:
        # The layers of the second run are the first layers of all.
        layers.add_cells(connection, 1, cells)
        layers.add_areas(connection, 2, areas)
        layers.add_clusters(connection, 3, found)
        layers.add_clusters(connection, 3, [])
    asked = {
        "total": layers.LayerFilter(),
        "window": layers.LayerFilter(window="helgnatt"),
        "categories": layers.LayerFilter(categories=("klotter", "rån")),
        "months": layers.LayerFilter(months=(202602, 202612)),
        "area": layers.LayerFilter(area_id=2),
        "district": layers.LayerFilter(area_id=3),
        "nothing": layers.LayerFilter(window="skoltid"),
    }
    with store.read() as connection:
        counted = {
            name: [
                [layers.cell_counts(connection, 2, r, where) for r in (8, 9, 10, 11)],
                layers.area_counts(connection, 2, where),
                layers.clusters(connection, 2, "all", replace(where, months=None)),
            ]
            for name, where in asked.items()
        }
        refusals = [
            refused(layers.cell_counts, connection, 2, 7, layers.LayerFilter()),
            refused(layers.cell_counts, connection, 1, 9, layers.LayerFilter()),
            refused(layers.area_counts, connection, 1, layers.LayerFilter()),
            refused(layers.clusters, connection, 1, "all", layers.LayerFilter()),
        ]
        return {
            **counted,
            "core": layers.clusters(connection, 2, "core", layers.LayerFilter()),
            "of a category": layers.clusters(
                connection, 2, "all", layers.LayerFilter(categories=("klotter",))
            ),
            "one": [layers.one_cluster(connection, i) for i in (1, 5, 999)],
            "refusals": refusals,
        }


@chapter
def a_cluster_of_a_run_not_in_force_is_not_shown(store):
    with store.write() as connection:
        runs.activate(connection, 1)
        hidden = layers.one_cluster(connection, 1)
        runs.activate(connection, 2)
        return [hidden, layers.one_cluster(connection, 1)]


def said(unit, **about):
    """Make up one row of verdicts: all that is asked by, and numbers that follow from the unit."""
    about = {"ground": 0, "resolution": 9, "window": "all", "category": "", **about}
    nothing = about.pop("nothing", False)
    return {
        **about,
        "unit": unit,
        "verdict": "uncertain" if nothing else "established",
        "reasons": "no-exposure" if nothing else "many-comparisons one-resolution",
        "count": unit % 7 + 5,
        "expected": 0.0 if nothing else 1 / 3,
        "ratio_low": np.nan if nothing else 1.5,
        "ratio_high": np.nan if nothing else np.inf,
        "q": 1.0 if nothing else 0.01,
    }


def verdict_table(*rows):
    """Turn rows into columns: numbers as arrays, words as lists."""
    words = ("window", "category", "verdict", "reasons")
    columns = {name: [row[name] for row in rows] for name in verdicts.VerdictTable.__slots__}
    return verdicts.VerdictTable(
        **{name: each if name in words else np.array(each) for name, each in columns.items()}
    )


@chapter
def verdicts_are_found_by_what_they_are_about(store):
    base = h3.latlng_to_cell(59.35, 16.55, 9)
    rows = [
        said(base),
        said(base, ground=2),
        said(base, window="helgnatt"),
        said(base, category="rån"),
        said(2, resolution=verdicts.AREA),
        said(3, resolution=verdicts.AREA, nothing=True),
        said(h3.latlng_to_cell(59.31, 16.45, 9), nothing=True),
    ]
    with store.write() as connection:
        verdicts.add(connection, 4, verdict_table(*rows))
        verdicts.add(connection, 4, verdict_table())
    asked = {
        "cells": verdicts.Asked(verdicts.TOWN, 9, "all", ""),
        "in an area": verdicts.Asked(2, 9, "all", ""),
        "window": verdicts.Asked(verdicts.TOWN, 9, "helgnatt", ""),
        "category": verdicts.Asked(verdicts.TOWN, 9, "all", "rån"),
        "areas": verdicts.Asked(verdicts.TOWN, verdicts.AREA, "all", ""),
        "finer": verdicts.Asked(verdicts.TOWN, 10, "all", ""),
    }
    with store.read() as connection:
        return {
            **{name: verdicts.find(connection, 2, each) for name, each in asked.items()},
            "of a run without any": verdicts.find(connection, 1, asked["cells"]),
        }


@chapter
def accounts_and_keys_are_found_while_they_are_valid(store):
    later = NOW.replace(year=2027)
    new = accounts.NewKey("rapport", b"k" * 32, "analyst", NOW, later)
    with store.write() as connection:
        accounts.put_user(connection, "åsa", "hash 1", "analyst", NOW)
        accounts.put_user(connection, "åsa", "hash 2", "admin", NOW)
        accounts.put_user(connection, "bo", "hash 3", "analyst", NOW)
        accounts.add_key(connection, new)
        taken = refused(accounts.add_key, connection, replace(new, digest=b"q" * 32))
        return {
            "users": [accounts.user(connection, name) for name in ("åsa", "bo", "Åsa", "")],
            "key": accounts.api_key(connection, new.digest, NOW),
            "at its end": accounts.api_key(connection, new.digest, later),
            "unknown": accounts.api_key(connection, b"z" * 32, NOW),
            "taken": taken,
        }


@chapter
def rows_go_in_and_change_in_bulk(store):
    with store.write() as connection:
        columns = {
            "street": ["Å", "Ö"],
            "number": np.array([1, 2]),
            "letter": ["", "B"],
            "postcode": ["", ""],
            "city": ["", ""],
            "lon": np.array([16.5, 16.6]),
            "lat": [59.3, 59.4],
            "source": ["x", "x"],
        }
        bulk.insert(connection, models.Address, columns)
        ids = np.array(connection.scalars(sa.select(models.Address.id)).all())
        changed = {"number": np.array([7, 8]), "letter": ["a", "b"]}
        bulk.update(connection, models.Address, np.sort(ids), changed)
        return [places.addresses(connection), bulk.instants(instants("2026-01-01T10:00", "NaT"))]


@chapter
def a_trial_leaves_nothing_behind(store):
    with store.trial() as connection:
        places.put_addresses(connection, [])
        inside = len(places.addresses(connection))
    with store.read() as connection:
        return [inside, len(places.addresses(connection))]


@chapter
def an_account_changes_and_ends(store):
    until = NOW + timedelta(days=30)
    with store.write() as connection:
        accounts.put_user(connection, "lag", "hash 1", "group", NOW, until)
        accounts.hold(connection, "group")
        before = [accounts.lasting(connection, role) for role in ("group", "admin")]
        known = ("lag", "cecilia")
        changed = [accounts.change_role(connection, name, "admin", None) for name in known]
        passwords = [accounts.change_password(connection, name, "hash 2") for name in known]
        after = [accounts.lasting(connection, role) for role in ("group", "admin")]
        everybody = accounts.users(connection)
        lag = accounts.user(connection, "lag")
        removed = [accounts.remove_user(connection, "lag") for _ in range(2)]
        return {
            "lasting": [before, after],
            "changed": changed,
            "passwords": passwords,
            "everybody": everybody,
            "lag": lag,
            "lasts": [everybody[0].lasts(NOW), replace(lag, expires_at=until).lasts(until)],
            "removed": removed,
            "left": [user.name for user in accounts.users(connection)],
        }


@chapter
def keys_are_listed_and_removed(store):
    narrow = accounts.NewKey("en sak", b"n" * 32, "planner", NOW, NOW, ("release", "physical"))
    with store.write() as connection:
        accounts.add_key(connection, narrow)
        listed = accounts.keys(connection)
        names = [accounts.key_name(connection, digest) for digest in (narrow.digest, b"z" * 32)]
        removed = [accounts.remove_key(connection, narrow.name) for _ in range(2)]
        return {
            "keys": listed,
            "mark": accounts.key_mark(narrow.digest),
            "names": names,
            "removed": removed,
            "left": [key.name for key in accounts.keys(connection)],
        }


@chapter
def a_decision_opens_the_groups_picture_until_it_is_closed_or_over(store):
    made = group.NewDecision("KS 1", "lag å", "KS", NOW, NOW + timedelta(days=30))
    with store.write() as connection:
        number = group.add(connection, made)
        seen = [
            group.in_force(connection, NOW + timedelta(days=days)) is not None
            for days in (-1, 0, 29, 30)
        ]
        closed = [group.close(connection, NOW), group.close(connection, NOW)]
        after = group.in_force(connection, NOW)
    with store.read() as connection:
        return {
            "id": number,
            "in force": seen,
            "closed": closed,
            "after": after,
            "history": group.history(connection),
            "events": group.events(connection, datetime(2026, 1, 1, tzinfo=UTC), NOW, 75.0),
        }


@chapter
def tables_of_others_are_kept_with_their_source(store):
    def figures(*counts, month=202601):
        return [tables.Figure("Årby", month + n, "Klotter", c) for n, c in enumerate(counts)]

    with store.write() as connection:
        first = imports.begin(connection, opening(tables.KIND, "t1", source="polisen"))
        tables.add(connection, first, figures(7, None, 9))
        second = imports.begin(connection, opening(tables.KIND, "t2", source="polisen"))
        tables.add(connection, second, figures(8))
        third = imports.begin(connection, opening(tables.KIND, "t3", source="polisen"))
        tables.add(connection, third, figures(1, 2, 3))
        removed = tables.remove(connection, third)
        missing = refused(tables.remove, connection, third)
    with store.read() as connection:
        everything = tables.find(connection, tables.FigureFilter(), 99, 0)
        return {
            "removed": [removed, missing],
            "known": [tables.import_of(connection, "polisen", name) for name in ("t1", "t3")]
            == [first, None],
            "all": everything,
            "some": tables.find(connection, tables.FigureFilter(months=(202602, 202602)), 9, 0),
            "none": tables.find(connection, tables.FigureFilter("x", "y", "z"), 9, 0),
            "one": tables.one(connection, everything.rows[0].id) == everything.rows[0],
            "nothing": tables.one(connection, 99),
        }


@chapter
def a_place_is_put_on_the_plan_taken_off_and_put_back(store):
    row = plan.NewRow("priority-arby", "Årby", "Årby", "helgnatt", "tema-vald", "2025")
    spot = plan.Spot("cells:891f", "vid Tunneln å")
    day = timedelta(days=1)
    with store.write() as connection:
        plan.hold(connection)
        ids = [
            plan.add(connection, row, None, "åsa", NOW),
            plan.add(connection, replace(row, area_name="Alby"), spot, "bo", NOW),
            plan.add(connection, replace(row, theme=""), None, "åsa", NOW),
        ]
        same = [
            plan.same(connection, replace(row, period="2024"), None),
            plan.same(connection, row, spot),
            plan.same(connection, row, replace(spot, key="cells:2")),
            plan.same(connection, replace(row, window="all"), None),
            plan.alike(connection, row),
            plan.alike(connection, replace(row, window="all")),
        ]
        standing, counts = plan.standing(connection), [plan.count(connection)]
        plan.mark(connection, ids[0], NOW)
        off, marked = plan.standing(connection), plan.one(connection, ids[0], NOW)
        counts.append(plan.count(connection))
        plan.mark(connection, ids[0], None)
        counts.append(plan.count(connection))
        spots = plan.spots(connection)
        plan.mark(connection, ids[1], NOW)
        swept = [plan.sweep(connection, NOW), plan.sweep(connection, NOW + day)]
        return {
            "ids": ids,
            "same": same,
            "standing": standing,
            "counts": counts,
            "off": [each.id for each in off],
            "marked": marked,
            "spots": spots,
            "swept": swept,
            "spots after": plan.spots(connection),
            "gone": [plan.one(connection, number, NOW) is None for number in (ids[1], ids[2])],
        }


@chapter
def a_reader_keeps_links_under_names_of_their_own(store):
    mine = views.NewView("åsa", "Årby", "/nar")
    day = timedelta(days=1)
    with store.write() as connection:
        views.hold(connection)
        first = views.put(connection, mine, NOW)
        again = views.put(connection, replace(mine, address="/nar?omrade=3"), NOW + day)
        other = views.put(connection, views.NewView("åsa", "Skolan", "/skolor"), NOW)
        theirs = views.put(connection, replace(mine, owner="bo"), NOW)
        standing = views.standing(connection, "åsa")
        views.mark(connection, other, NOW)
        left = [[each.name for each in views.standing(connection, "åsa")]]
        views.mark(connection, other, None)
        left.append([each.name for each in views.standing(connection, "åsa")])
        views.mark(connection, other, NOW)
        return {
            "first": first,
            "again": again,
            "mine": standing,
            "theirs": views.standing(connection, "bo"),
            "one": views.one(connection, "åsa", first, NOW),
            "of somebody else": views.one(connection, "åsa", theirs, NOW),
            "left": left,
            "swept": views.sweep(connection, NOW + day),
            "forgotten": [views.forget(connection, [name]) for name in ("åsa", "bo", "åsa")],
        }


@chapter
def links_go_with_the_account_that_saved_them(store):
    limit = retention.limit(1, NOW, "Europe/Stockholm")
    with store.trial() as connection:
        for name, ended in (("gammal", NOW - timedelta(days=365)), ("ny", NOW)):
            accounts.put_user(connection, name, "hash", "planner", NOW, ended)
            views.put(connection, views.NewView(name, "min", "/"), NOW)
        before = _owners(connection)
        retention.weed(connection, "accounts", limit)
        return [before, _owners(connection)]


def _owners(connection):
    return list(connection.scalars(sa.select(models.SavedView.owner).order_by("owner")))


@chapter
def what_is_too_old_is_counted_and_removed(store):
    rules = [retention.Rule(name, 1200, "KS 2", NOW) for name in ("tables", "incidents")]
    zone = "Europe/Stockholm"
    with store.write() as connection:
        for rule in rules:
            retention.put(connection, rule)
        retention.put(connection, replace(rules[0], data_class="log"))
        dropped = [retention.drop(connection, "log"), retention.drop(connection, "log")]
        retention.keep_rules(connection, rules)
    own = [name for name, part in retention.CLASSES.items() if part is MAIN]
    distant, near = (retention.limit(months, NOW, zone) for months in (1200, 1))
    with store.trial() as connection:
        counted = [retention.expected(connection, name, near) for name in own]
        gone = [retention.weed(connection, name, near) for name in own]
        left = [retention.expected(connection, name, near).rows for name in own]
        by_rule = retention.weed_part(connection, MAIN, retention.rules(connection), NOW, zone)
    compacted = retention.compact(store)
    with store.read() as connection:
        return {
            "dropped": dropped,
            "rules": retention.rules(connection),
            "zone": retention.timezone(connection),
            "limits": [distant, near],
            "counted": counted,
            "gone": [(each.data_class, each.rows) for each in gone],
            "left": left,
            "by rule": by_rule,
            "compact": compacted,
        }


@chapter
def a_backup_goes_into_an_empty_store_and_comes_out_the_same(store):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kopia.gpkg"
        rows = backup.backup([store], file)
        other = db.connect(f"sqlite:///{folder}/annan.gpkg")
        try:
            restored = backup.restore([other], file, NOW, replace=False).rows
            with other.read() as connection:
                there = incidents.find(connection, incidents.IncidentFilter(), 99, 0)
        finally:
            other.close()
        refusals = [
            refused(backup.backup, [store], file),
            refused(backup.restore, [store], file, NOW, replace=False),
            refused(backup.restore, [store], Path(folder) / "saknas.gpkg", NOW, replace=True),
        ]
        replaced = backup.restore([store], file, NOW, replace=True).rows
        names = [backup.file_of(file, part).name for part in PARTS]
    return {
        "names": names,
        "rows": [rows, restored, replaced],
        "incidents": there,
        "refusals": refusals,
    }
