"""A cluster was searched for, so chance gets to search too."""

import numpy as np
import pytest
import shapely

from geo.errors import InvalidParameter
from geo.redistribution import Redistribution, cluster_excess, over_outline, over_places
from geo.verdicts import Verdict, judge

ONE_SIZE = Redistribution(rounds=99)
NONE = np.empty(0, dtype=np.int64)


def each_place_its_own(x_m, _y_m, events):
    """Call every place with three events or more a cluster."""
    return np.where(events >= 3, np.arange(x_m.size), -1)


def blocks(x_m, y_m, _events):
    """Call every block of 100 m a cluster."""
    return np.unique((x_m // 100) * 1000 + y_m // 100, return_inverse=True)[1]


def hundred_places():
    x, y = np.divmod(np.arange(100.0), 10)
    return x * 50, y * 50


def found(counts, seed=1, draw=None, search=each_place_its_own):
    chance = draw or over_places(*hundred_places(), np.ones(100), int(sum(counts)) + 60)
    rng = np.random.default_rng(seed)
    return cluster_excess(np.array(counts, dtype=np.int64), chance, search, ONE_SIZE, rng)


def test_a_pile_that_chance_never_makes_is_established():
    result = found([30, 4])
    assert result.q[0] == 1 / 100
    assert judge(result).of(0) == Verdict.ESTABLISHED
    assert judge(result).of(1) == Verdict.TOO_FEW


def test_what_chance_makes_every_time_is_not_raised():
    result = found([5], draw=over_places(*hundred_places(), np.ones(100), 200))
    assert judge(result).codes(0) == ("below-own-level",)


def test_a_second_cluster_is_compared_with_second_ones_but_must_beat_the_first():
    result = found([9, 9, 6, 6], draw=over_places(*hundred_places(), np.ones(100), 90))
    assert (result.p <= result.q).all()
    assert result.p[0] == result.p[1]
    assert result.p[2] == result.p[3]
    assert result.expected[0] > result.expected[2]


def test_order_of_clusters_does_not_matter():
    a, b = found([4, 30, 12]), found([30, 12, 4])
    np.testing.assert_array_equal(a.q, b.q[[2, 0, 1]])
    np.testing.assert_array_equal(a.p, b.p[[2, 0, 1]])


def test_more_clusters_than_chance_ever_finds_have_an_infinite_ratio():
    result = found([8] * 12, draw=over_places(*hundred_places(), np.ones(100), 20))
    assert np.isinf(result.ratio).all() or result.expected[0] > 0
    many = found([40, 40], draw=over_places(*hundred_places(), np.ones(100), 1))
    assert np.isinf([many.ratio[0], many.low[0], many.high[0]]).all()
    assert judge(many).of(0) == Verdict.ESTABLISHED


def test_places_with_more_weight_get_more_events():
    draw = over_places(*hundred_places(), np.r_[99.0, np.ones(99)], 1000)
    x, y, events = draw(np.random.default_rng(3))
    assert (x[0], y[0]) == (0, 0)
    assert 430 < events[0] < 570
    assert events.sum() == 1000


def test_a_weight_of_zero_gets_no_event():
    draw = over_places(*hundred_places(), np.r_[0.0, np.ones(99)], 500)
    x, y, events = draw(np.random.default_rng(3))
    assert not ((x == 0) & (y == 0)).any()
    assert (events > 0).all()


def test_events_in_a_study_area_stay_inside_it_and_are_as_many_as_asked():
    ring = shapely.Point(0, 0).buffer(1000).difference(shapely.Point(0, 0).buffer(900))
    x, y, events = over_outline(ring, 400)(np.random.default_rng(3))
    assert events.sum() == x.size == y.size == 400
    assert shapely.intersects_xy(ring, x, y).all()
    assert abs((x > 0).sum() - 200) < 60


def test_a_block_of_a_uniform_town_is_within_chance():
    town = shapely.box(0, 0, 1000, 1000)
    result = found([7, 3], draw=over_outline(town, 200), search=blocks)
    assert judge(result).of(0) != Verdict.ESTABLISHED
    assert judge(found([40], draw=over_outline(town, 200), search=blocks)).of(0) == "established"


def test_no_cluster_asks_chance_nothing():
    def never(_rng):
        raise AssertionError

    assert found(NONE, draw=never).q.size == 0


def test_no_event_and_a_search_that_finds_nothing_survive():
    assert found([6], draw=over_places(*hundred_places(), np.ones(100), 0)).q[0] == 1 / 100
    assert over_outline(shapely.box(0, 0, 1, 1), 0)(np.random.default_rng(1))[0].size == 0


def test_the_same_seed_gives_the_same_answer():
    np.testing.assert_array_equal(found([6, 5, 4], seed=9).p, found([6, 5, 4], seed=9).p)


def test_bad_places_areas_and_choices_are_refused():
    x, y = hundred_places()
    with pytest.raises(InvalidParameter, match="coordinates-not-finite"):
        over_places(x * np.nan, y, np.ones(100), 5)
    with pytest.raises(InvalidParameter, match="shapes-differ"):
        over_places(x, y, np.ones(99), 5)
    with pytest.raises(InvalidParameter, match="weights-negative"):
        over_places(x, y, -np.ones(100), 5)
    with pytest.raises(InvalidParameter, match="no-exposure"):
        over_places(x, y, np.zeros(100), 5)
    with pytest.raises(InvalidParameter, match="not-whole-events"):
        over_places(x, y, np.ones(100), 2.5)
    with pytest.raises(InvalidParameter, match="no-exposure"):
        over_outline(shapely.Polygon(), 5)
    with pytest.raises(InvalidParameter, match="weights-negative"):
        over_outline(shapely.box(0, 0, 1, 1), -5)
    with pytest.raises(InvalidParameter, match="weights-negative"):
        found([-1])
    with pytest.raises(InvalidParameter, match="not-positive"):
        Redistribution(rounds=0)
    with pytest.raises(InvalidParameter, match="not-a-fraction"):
        Redistribution(level=0.0)
