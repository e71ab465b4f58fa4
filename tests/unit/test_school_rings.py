"""Rings around schools, counted by hand on a small town in metres."""

from datetime import UTC, datetime

import numpy as np
import pytest
import shapely

from geo import crs
from geo.verdicts import Verdict
from pipelines import profiles, school_rings
from pipelines.answers import Basis
from pipelines.events import Events
from pipelines.reference import Reference
from pipelines.roles import ANALYST
from pipelines.school_rings import Study, Town
from store.incidents import Sample
from store.places import FacilityRow

PROFILE = profiles.load("eskilstuna").profile
ON = Basis(ANALYST, Reference(1, PROFILE, ()), None)
# Monday 2 to Monday 16 November 2026, within the terms of the profile: 100 of 336 hours are open.
PERIOD = (datetime(2025, 11, 2, 23, tzinfo=UTC), datetime(2025, 11, 16, 23, tzinfo=UTC))
WEST, EAST = (0.0, 0.0), (400.0, 0.0)  # two schools; whatever lies beyond x = 200 is nearer EAST


def town(points=None, schools=(WEST, EAST)):
    """Make a square town of 4 km with a known place every 100 m, and schools in it."""
    axis = np.arange(-1950.0, 2000.0, 100.0)
    grid = np.array([(x, y) for x in axis for y in axis]) if points is None else points
    return Town(
        schools=tuple(
            FacilityRow(n + 1, "school", name, 16.5, 59.37, "test", "")
            for n, name in enumerate(("West", "East")[: len(schools)])
        ),
        at=np.array(schools, dtype=float).reshape(-1, 2),
        ground=shapely.box(-2000, -2000, 2000, 2000),
        points=grid,
        amount=np.ones(len(grid)),
        busy=None,
    )


def events(rows, share=1.0, placed=None):
    """Make events of (x, y, count) with a share of a window, one for all or each its own."""
    n = len(rows)
    x, y, count = np.array(rows, dtype=float).reshape(-1, 3).T
    zeros, instants = np.zeros(n, dtype=np.int64), np.zeros(n, dtype="datetime64[s]")
    sample = Sample(
        id=np.arange(n),
        category=np.array(["ran"] * n, dtype=object),
        on_map=np.ones(n, dtype=bool),
        count=count.astype(np.int64),
        starts_at=instants,
        ends_at=instants,
        x_m=x,
        y_m=y,
        cell=np.ones(n, dtype=np.int64),
        uncertainty_m=zeros.astype(float),
        pile=zeros.astype(bool),
        area_id=zeros,
        district_id=zeros,
    )
    shares = np.full(n, share) if np.isscalar(share) else np.array(share, dtype=float)
    known = np.ones(n, dtype=bool) if placed is None else np.array(placed)
    return Events(sample, shares, known)


def study(rows, in_hours=0.0, **made):
    return Study(ON, town(), events(rows, **made), events(rows, in_hours, made.get("placed")))


ROWS = [
    (0, 50, 3),  # 50 m from WEST
    (0, 100, 1),  # exactly 100 m: the second ring
    (0, 299.9, 2),
    (0, -300, 4),  # exactly 300 m: the third ring, no longer the zone
    (0, 500, 9),  # exactly 500 m: beyond
    (150, 0, 1),  # 150 m from WEST, 250 m from EAST
    (250, 0, 5),  # 250 m from WEST, but 150 m from EAST
    (1500, 1500, 20),
]


def test_an_event_lies_in_the_ring_that_its_distance_says_and_at_its_nearest_school_only():
    found = study(ROWS, in_hours=[1, 0, 1, 0, 0, 0.5, 1, 0])
    west, east = (found.around(row, PERIOD) for row in (0, 1))
    assert [ring.count for ring in west.rings] == [3, 1 + 2 + 1, 4]
    assert [ring.in_hours for ring in west.rings] == [3, 2 + 1, 0]
    assert [ring.outside for ring in west.rings] == [0, 1, 4]
    assert [ring.count for ring in east.rings] == [0, 5, 0]
    assert west.nearer_another == 5
    # Around EAST, but nearer WEST: 50 and 100 m north of it, on the line between, and 300 m away.
    assert east.nearer_another == 3 + 1 + 2 + 4 * (np.hypot(400, 300) < 500) + 1
    assert found.total == 45


def test_what_chance_would_give_is_the_rings_share_of_the_known_places():
    found = study(ROWS)
    ring = found.around(0, PERIOD).rings[0]
    places = found.town.points
    near = np.hypot(*places.T) < 100
    nearest_west = np.hypot(*places.T) < np.hypot(*(places - np.array(EAST)).T)
    assert ring.expected == pytest.approx(45 * (near & nearest_west).sum() / len(places))
    assert ring.ratio == pytest.approx(3 / ring.expected)
    assert ring.low < ring.ratio < ring.high


def test_the_zones_add_up_and_the_ranking_follows_the_rate():
    found = study(ROWS).ranked()
    assert found.count.tolist() == [3 + 1 + 2 + 1, 5]
    assert found.exposed.tolist() == [0, 1]
    assert found.ranks.rank.tolist() == [1, 2]
    assert found.ranks.rank_low.tolist() == [1, 1]  # so few events tell nobody apart
    assert found.ranks.rank_high.tolist() == [2, 2]


def test_a_school_with_far_more_than_chance_is_told_apart():
    many = [(0, 50, 200), (400, 50, 1), (1500, 1500, 200)]
    found = study(many).ranked()
    assert found.judged.of(0) is Verdict.ESTABLISHED
    assert found.ranks.rank_high.tolist() == [1, 2]
    assert found.ranks.rank_low.tolist() == [1, 2]


def test_what_is_raised_only_with_uncertain_times_is_uncertain():
    many = [(0, 50, 200), (400, 50, 1), (1500, 1500, 200)]
    found = study(many, share=[0.6, 1, 1]).ranked()
    assert found.judged.of(0) is Verdict.UNCERTAIN
    assert "uncertain-times" in found.judged.codes(0)


def test_too_few_events_are_said_to_be():
    around = study([(0, 50, 2), (1500, 0, 1)]).around(0, PERIOD)
    assert {ring.verdict for ring in around.rings} == {Verdict.TOO_FEW}
    assert around.hours.verdict is Verdict.TOO_FEW


def test_events_of_uncertain_place_are_in_no_ring_and_are_counted_beside():
    found = study(ROWS, placed=[False, *[True] * 7])
    assert found.around(0, PERIOD).rings[0].count == 0
    assert found.imprecise == 3


def test_school_hours_near_one_school_are_compared_with_ground_near_none():
    rows = [(0, 50, 40), (0, 60, 10), (400, 50, 77), (1500, 0, 10), (1500, 9, 40)]
    found = study(rows, in_hours=[1, 0, 1, 1, 0])
    hours = found.around(0, PERIOD).hours
    assert hours.near == (40, 10)
    assert hours.elsewhere == (10, 40)  # not the 77 of the other school
    assert hours.near_ratio == pytest.approx((40 / 100) / (10 / 236))
    assert hours.verdict is Verdict.ESTABLISHED
    assert found.everywhere(PERIOD).near == (117, 10)


def test_a_selection_without_events_compares_nothing():
    around = study([]).around(0, PERIOD)
    assert around.hours is None
    assert [ring.count for ring in around.rings] == [0, 0, 0]


def test_what_happens_in_the_zone_is_that_of_the_nearest_school():
    zone = study(ROWS).around(0, PERIOD).zone
    assert sorted(zone.of.count.tolist()) == [1, 1, 2, 3]


def test_rings_are_drawn_with_their_true_reach_the_widest_first():
    school = FacilityRow(1, "school", "West", 16.5, 59.37, "test", "")
    discs = school_rings.outlines(school, PROFILE.metric_epsg)
    spans = []
    for disc in discs:
        lon, lat = shapely.get_coordinates(disc).T
        x, y = crs.transform(lon, lat, crs.WGS84, PROFILE.metric_epsg)
        spans.append((np.ptp(x) / 2, np.ptp(y) / 2))
    np.testing.assert_allclose(spans, [[500, 500], [300, 300], [100, 100]], atol=0.01)
