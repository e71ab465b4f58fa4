"""Around schools and venues: what lies in a ring, and what chance would put there."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geo.errors import InvalidParameter, TooFewObservations
from geo.rings import (
    NONE,
    HoursNear,
    Ranking,
    Rings,
    RingTally,
    hours_near,
    nearest_areas,
    nearest_facility,
    nearest_tally,
    overlapping_areas,
    overlapping_tally,
    rank_facilities,
    ring_excess,
)
from geo.verdicts import OwnLevel, Verdict, judge
from tests.zoo import CENTRE_M, patterns

SQUARE = shapely.box(0, 0, 1000, 1000)
WIDE = shapely.box(-1e6, -1e6, 1e8, 1e8)
TALLIES = (nearest_tally, overlapping_tally)
AREAS = (nearest_areas, overlapping_areas)

metres = st.integers(0, 40).map(lambda step: 25.0 * step)  # a lattice: ties are common
some_points = arrays(float, st.tuples(st.integers(0, 30), st.just(2)), elements=metres)
some_facilities = arrays(float, st.tuples(st.integers(1, 6), st.just(2)), elements=metres)


def ones(xy):
    return xy[:, 0], xy[:, 1], np.ones(len(xy))


def at(*places):
    return np.array(places, dtype=float).reshape(-1, 2)


# --- nearest facility


@given(some_points, some_facilities)
def test_the_nearest_facility_is_never_farther_than_any_other(points, facilities):
    found = nearest_facility(points[:, 0], points[:, 1], facilities)
    apart = np.hypot(*(points[:, None, :] - facilities).transpose(2, 0, 1))
    np.testing.assert_allclose(found.distance_m, apart.min(axis=1, initial=np.inf), atol=1e-9)
    rows = np.arange(len(points))
    np.testing.assert_allclose(apart[rows, found.facility], found.distance_m, atol=1e-9)


@given(some_points, some_facilities, st.randoms())
def test_ties_are_settled_by_place_and_not_by_the_order_of_the_facilities(
    points, facilities, random
):
    order = random.sample(range(len(facilities)), len(facilities))
    one = nearest_facility(points[:, 0], points[:, 1], facilities)
    other = nearest_facility(points[:, 0], points[:, 1], facilities[order])
    np.testing.assert_array_equal(facilities[one.facility], facilities[order][other.facility])


def test_of_many_facilities_equally_near_the_first_by_x_then_y_is_taken():
    angle = np.arange(12) * np.pi / 6
    circle = np.round(np.column_stack([65 * np.cos(angle), 65 * np.sin(angle)]))
    exact = at((39, 52), (25, 60), (-25, 60), (-63, 16), (16, -63), (-63, -16))
    assert (np.hypot(*exact.T) == 65).all()
    found = nearest_facility(np.zeros(3), np.zeros(3), np.vstack([circle * 2, exact]))
    assert found.facility.tolist() == [12 + 5] * 3
    assert found.distance_m.tolist() == [65.0] * 3


def test_two_facilities_in_one_spot_are_the_first_of_them():
    found = nearest_facility(np.array([5.0]), np.array([0.0]), at((90, 0), (1, 0), (1, 0)))
    assert found.facility.tolist() == [1]


def test_without_facilities_everything_is_infinitely_far():
    found = nearest_facility(np.zeros(2), np.zeros(2), np.empty((0, 2)))
    assert np.isinf(found.distance_m).all()
    assert (found.facility == NONE).all()


# --- tallies


@pytest.mark.parametrize("tally", TALLIES)
def test_a_ring_holds_its_inner_edge_and_not_its_outer_one(tally):
    points = at((500, 500), (560, 580), (500, 599.999), (500, 800), (500, 1000))
    found = tally(*ones(points), at((500, 500)), SQUARE, Rings((0, 100, 300, 500)))
    assert found.held.tolist() == [[2, 1, 1]]
    assert found.total == 5


@pytest.mark.parametrize("tally", TALLIES)
def test_rings_may_begin_away_from_the_facility(tally):
    found = tally(*ones(at((500, 500), (500, 650))), at((500, 500)), SQUARE, Rings((100, 300)))
    assert found.held.tolist() == [[1]]


def test_a_point_near_two_schools_counts_once_or_twice_by_the_question():
    points, schools = at((500, 500)), at((450, 500), (540, 500))
    rings = Rings((0, 100))
    assert nearest_tally(*ones(points), schools, SQUARE, rings).held.tolist() == [[0], [1]]
    assert overlapping_tally(*ones(points), schools, SQUARE, rings).held.tolist() == [[1], [1]]


@given(some_points, some_facilities)
def test_own_rings_hold_what_counting_by_hand_gives(points, facilities):
    rings = Rings((0, 125, 300))
    found = overlapping_tally(*ones(points), facilities, SQUARE, rings)
    apart = np.hypot(*(points[:, None, :] - facilities).transpose(2, 0, 1))
    first, second = (apart < 125).sum(axis=0), ((apart >= 125) & (apart < 300)).sum(axis=0)
    np.testing.assert_array_equal(found.held, np.column_stack([first, second]))


@given(some_points, some_facilities)
def test_with_a_ring_around_everything_each_point_is_counted_exactly_once(points, facilities):
    found = nearest_tally(*ones(points), facilities, SQUARE, Rings((0, 2000)))
    assert found.held.sum() == found.total == len(points)


@pytest.mark.parametrize("tally", TALLIES)
@given(points=some_points, facilities=some_facilities, random=st.randoms())
def test_the_order_of_the_points_does_not_matter(tally, points, facilities, random):
    order = random.sample(range(len(points)), len(points))
    one = tally(*ones(points), facilities, SQUARE)
    other = tally(*ones(points[order]), facilities, SQUARE)
    np.testing.assert_array_equal(one.held, other.held)


@pytest.mark.parametrize("tally", TALLIES)
def test_weights_count_and_points_outside_the_study_area_do_not(tally):
    points = at((500, 510), (500, 510), (1000, 500), (1001, 500))
    weight = np.array([2.0, 0.5, 1.0, 8.0])
    found = tally(points[:, 0], points[:, 1], weight, at((990, 500)), SQUARE, Rings((0, 600)))
    assert found.held.tolist() == [[3.5]]
    assert found.total == 3.5


@pytest.mark.parametrize("tally", TALLIES)
def test_the_caller_keeps_his_arrays(tally):
    x, y, weight = np.array([3.0, 1.0]), np.array([0.0, 2.0]), np.ones(2)
    tally(x, y, weight, at((5, 5), (1, 1)), SQUARE)
    assert (x.tolist(), y.tolist(), weight.tolist()) == ([3, 1], [0, 2], [1, 1])


@pytest.mark.parametrize("name", patterns())
@pytest.mark.parametrize("tally", TALLIES)
def test_every_pattern_is_counted_around_its_own_first_point(tally, name):
    x, y = patterns()[name]
    around = np.column_stack([x, y])[:1]
    found = tally(x, y, np.ones(x.size), around, WIDE, Rings((0, 1)))
    same = (np.hypot(x - x[0], y - y[0]) < 1).sum() if x.size else 0
    assert found.held.sum() == same
    assert found.total == x.size


@pytest.mark.parametrize("tally", TALLIES)
def test_no_facility_holds_nothing(tally):
    found = tally(*ones(at((1, 1))), np.empty(0), SQUARE)
    assert found.held.shape == (0, 3)
    assert found.total == 1


# --- areas


@pytest.mark.parametrize("areas", AREAS)
@pytest.mark.parametrize(
    ("centre", "part"), [((500, 500), 1), ((0, 500), 0.5), ((0, 0), 0.25), ((-100, 500), 0)]
)
def test_a_disc_at_the_middle_side_and_corner_of_a_square_has_its_known_share(areas, centre, part):
    found = areas(at(centre), SQUARE, Rings((0, 50, 100)))
    disc = math.pi * np.array([[50**2, 100**2 - 50**2]])
    np.testing.assert_allclose(found.held, part * disc, rtol=1e-12, atol=1e-9)
    assert found.total == 1e6


def test_a_disc_cut_by_a_straight_border_is_a_circular_segment():
    found = overlapping_areas(at((960, 500)), SQUARE, Rings((0, 100)))
    angle = 2 * math.acos(0.4)
    segment = 100**2 * (angle - math.sin(angle)) / 2
    assert found.held[0, 0] == pytest.approx(math.pi * 100**2 - segment, rel=1e-12)


def test_a_disc_larger_than_the_area_holds_all_of_it_but_its_hole():
    holed = shapely.Polygon(SQUARE.exterior.coords, [shapely.box(100, 100, 300, 200).exterior])
    parts = shapely.MultiPolygon([holed, shapely.box(2000, 0, 2100, 100)])
    found = overlapping_areas(at((400, 400)), parts, Rings((0, 1500, 9000)))
    assert found.held[0].sum() == pytest.approx(parts.area, rel=1e-12)
    assert found.held[0, 0] == pytest.approx(holed.area, rel=1e-12)


def test_the_area_is_the_same_at_swedish_coordinates_and_for_either_direction_of_the_border():
    east, north = CENTRE_M
    there = shapely.transform(SQUARE, lambda xy: xy + CENTRE_M)
    backwards = shapely.Polygon(list(there.exterior.coords)[::-1])
    here = overlapping_areas(at((90, 40)), SQUARE).held
    for area in (there, backwards):
        found = overlapping_areas(at((east + 90, north + 40)), area).held
        np.testing.assert_allclose(found, here, rtol=1e-9)


@given(some_facilities)
def test_areas_agree_with_a_circle_of_4096_corners(facilities):
    outline = shapely.Polygon([(0, 0), (900, 100), (1000, 1000), (500, 400), (0, 700)])
    found = overlapping_areas(facilities, outline, Rings((0, 220)))
    for centre, area in zip(facilities, found.held[:, 0], strict=True):
        circle = shapely.Point(centre).buffer(220, quad_segs=1024)
        assert area == pytest.approx(circle.intersection(outline).area, abs=1e-6 * circle.area)


@given(some_facilities)
def test_cells_of_nearest_facilities_fill_the_study_area(facilities):
    outline = shapely.Polygon([(0, 0), (900, 100), (1000, 1000), (500, 400), (0, 700)])
    found = nearest_areas(facilities, outline, Rings((0, 100, 1e4)))
    assert found.held.sum() == pytest.approx(outline.area, rel=1e-9)
    assert (
        found.held <= overlapping_areas(facilities, outline, Rings((0, 100, 1e4))).held + 1
    ).all()


def test_the_area_of_each_ring_is_where_evenly_spread_points_fall():
    rng = np.random.default_rng(5)
    facilities = rng.uniform(0, 1000, (7, 2))
    step = np.arange(1.0, 1000, 2)
    x, y = (axis.ravel() for axis in np.meshgrid(step, step))
    rings = Rings((0, 80, 200, 350))
    for tally, areas in zip(TALLIES, AREAS, strict=True):
        counted = tally(x, y, np.full(x.size, 4.0), facilities, SQUARE, rings)
        exact = areas(facilities, SQUARE, rings)
        np.testing.assert_allclose(counted.held, exact.held, atol=150)


def test_of_two_facilities_in_one_spot_the_second_has_neither_points_nor_area():
    schools = at((500, 500), (500, 500))
    assert nearest_tally(*ones(at((510, 500))), schools, SQUARE).held.sum(axis=1).tolist() == [1, 0]
    assert (nearest_areas(schools, SQUARE).held[1] == 0).all()


def test_facilities_a_few_millimetres_apart_share_the_area_between_them():
    found = nearest_areas(at((500, 500), (500.004, 500), (500, 500.004)), SQUARE, Rings((0, 50)))
    assert found.held.sum() == pytest.approx(math.pi * 2500, abs=1)
    assert (found.held > 1000).all()


@pytest.mark.parametrize("areas", AREAS)
def test_no_facility_has_no_area(areas):
    assert areas(np.empty((0, 2)), SQUARE).held.shape == (0, 3)


# --- what chance would put there


def test_twice_what_the_area_gives_is_a_ratio_of_two():
    events = RingTally(np.array([[20.0, 0.0]]), 100.0)
    room = RingTally(np.array([[1e5, 0.0]]), 1e6)
    found = ring_excess(events, room)
    assert found.expected.tolist() == [10, 0]
    assert found.ratio[0] == 2
    assert found.p[0] == pytest.approx(0.0019785, rel=1e-4)  # P(Bin(100, 0.1) >= 20)
    assert math.isnan(found.ratio[1])
    assert (found.p[1], found.q[1]) == (1, 1)
    assert found.q[0] == found.p[0]
    assert found.low[0] < 2 < found.high[0]


def test_places_may_be_the_exposure_instead_of_room():
    schools, rings = at((500, 500)), Rings((0, 100))
    homes = at((500, 510), (500, 520), (900, 900), (100, 900))
    events = at((500, 510), (500, 510), (900, 900), (100, 900))
    found = ring_excess(
        nearest_tally(*ones(events), schools, SQUARE, rings),
        nearest_tally(*ones(homes), schools, SQUARE, rings),
    )
    assert found.ratio.tolist() == [1]


def test_a_ring_with_far_too_many_events_is_established_and_a_few_events_are_too_few():
    events = RingTally(np.array([[40.0], [3.0], [11.0]]), 200.0)
    room = RingTally(np.array([[5.0], [1.0], [5.0]]), 100.0)
    judged = judge(ring_excess(events, room))
    expected = [Verdict.ESTABLISHED, Verdict.TOO_FEW, Verdict.NOT_RAISED]
    assert [judged.of(unit) for unit in range(3)] == expected


def test_a_known_dispersion_widens_the_interval():
    events = RingTally(np.array([[20.0]]), 100.0)
    room = RingTally(np.array([[10.0]]), 100.0)
    plain, wide = ring_excess(events, room), ring_excess(events, room, OwnLevel(dispersion=3.0))
    assert wide.low[0] < plain.low[0]
    assert wide.high[0] > plain.high[0]
    assert wide.p[0] > plain.p[0]


def test_no_facility_gives_no_excess():
    nothing = RingTally(np.empty((0, 3)), 5.0)
    assert ring_excess(nothing, nothing).ratio.size == 0


def test_events_at_random_make_a_ring_established_in_at_most_five_percent_of_maps():
    rng = np.random.default_rng(11)
    schools, rings = rng.uniform(0, 1000, (12, 2)), Rings((0, 60, 150))
    room = nearest_areas(schools, SQUARE, rings)
    false = 0
    for _ in range(200):
        points = rng.uniform(0, 1000, (400, 2))
        found = ring_excess(nearest_tally(*ones(points), schools, SQUARE, rings), room)
        false += judge(found).all_of(Verdict.ESTABLISHED).any()
    assert false <= 17  # 10 expected at most; above 17 has probability below 0.01


# --- the hours of a window


def table(near_inside, near_outside, elsewhere_inside, elsewhere_outside):
    """Give rows of (distance, events, share) that make a two-by-two table."""
    events = np.array([near_inside, near_outside, elsewhere_inside, elsewhere_outside])
    return np.array([10.0, 10, 900, np.inf]), events, np.array([1.0, 0, 1, 0])


def test_hours_are_compared_with_the_hours_elsewhere():
    found = hours_near(*table(50, 59, 100, 236), (50.0, 118.0))
    assert found.near == (50, 59)
    assert found.elsewhere == (100, 236)
    assert found.near_ratio == pytest.approx(2)  # 1 an hour inside, 0.5 outside
    assert found.elsewhere_ratio == pytest.approx(1)
    assert found.ratio == pytest.approx(2, rel=0.01)  # conditional estimate, close to 2
    assert found.near_low < 2 < found.near_high
    assert found.elsewhere_low < 1 < found.elsewhere_high
    assert found.verdict is Verdict.ESTABLISHED
    assert found.reasons == ("raised",)


def test_the_length_of_the_hours_cancels_in_the_ratio_of_ratios():
    one = hours_near(*table(30, 20, 40, 60), (50.0, 118.0))
    other = hours_near(*table(30, 20, 40, 60), (10.0, 10.0))
    assert (one.ratio, one.low, one.high, one.p) == (other.ratio, other.low, other.high, other.p)
    assert one.near_ratio == pytest.approx(other.near_ratio * 118 / 50)


def test_a_busy_school_that_is_as_busy_at_other_hours_is_not_raised():
    found = hours_near(*table(100, 100, 50, 50), (84.0, 84.0))
    assert found.ratio == pytest.approx(1, rel=0.01)
    assert found.verdict is Verdict.NOT_RAISED


def test_few_events_near_are_too_few():
    found = hours_near(*table(2, 0, 10, 90), (50.0, 118.0))
    assert found.verdict is Verdict.TOO_FEW
    assert found.reasons == ("few-events",)


def test_no_event_near_and_inside_where_many_were_expected_is_no_raised_level():
    found = hours_near(*table(0, 20, 50, 50), (50.0, 118.0))
    assert found.ratio == found.low == 0
    assert found.high < 1
    assert found.verdict is Verdict.NOT_RAISED


def test_all_events_near_inside_give_an_infinite_ratio_with_a_finite_lower_end():
    found = hours_near(*table(20, 0, 50, 50), (50.0, 118.0))
    assert math.isinf(found.ratio)
    assert found.low > 1
    assert math.isinf(found.high)


def test_without_any_event_elsewhere_there_is_no_ratio_of_ratios():
    found = hours_near(*table(20, 5, 0, 0), (50.0, 118.0))
    assert math.isnan(found.ratio)
    assert (found.low, math.isinf(found.high)) == (0, True)
    assert found.verdict is not Verdict.ESTABLISHED


def test_a_claim_that_rests_on_uncertain_times_stays_uncertain():
    distance, events, share = table(50, 59, 100, 236)
    found = hours_near(distance, events, np.where(share == 1, 0.6, 0.0), (50.0, 118.0))
    assert found.near == (50, 59)
    assert found.certain_p == 1
    assert found.verdict is Verdict.UNCERTAIN
    assert found.reasons == ("uncertain-times",)


def test_half_of_the_time_inside_is_inside():
    distance, events, share = table(50, 59, 100, 236)
    found = hours_near(distance, events, np.where(share == 1, 0.5, 0.499), (50.0, 118.0))
    assert found.near == (50, 59)


def test_near_ends_before_its_distance():
    found = hours_near(
        np.array([299.9, 300.0]), np.array([1, 1]), np.ones(2), (1.0, 1.0), HoursNear(near_m=300)
    )
    assert (found.near, found.elsewhere) == ((1, 0), (1, 0))


@pytest.mark.deep
def test_the_interval_of_the_ratio_of_ratios_covers_the_truth():
    rng = np.random.default_rng(3)
    means, kept = np.array([24.0, 16.0, 60.0, 80.0]), 0
    for _ in range(600):
        found = hours_near(*table(*rng.poisson(means)), (50.0, 118.0))
        kept += found.low <= 2.0 <= found.high
    assert kept >= 0.94 * 600


# --- ranks


def test_one_school_clearly_above_the_rest_is_told_apart_and_the_rest_is_not():
    found = rank_facilities(np.array([5, 60, 6, 4]), np.ones(4))
    assert found.rank.tolist() == [3, 1, 2, 4]
    assert found.rank_low.tolist() == [2, 1, 2, 2]
    assert found.rank_high.tolist() == [4, 1, 4, 4]
    assert found.above[1].tolist() == [True, False, True, True]
    assert found.above.sum() == 3


def test_two_schools_are_compared_by_the_exact_conditional_test():
    # P(Bin(10, 1/2) >= 9) = 11/1024 = 0.0107: established at 95 % (Holm: 0.025), not at 99 %.
    count, exposure = np.array([9, 1]), np.array([3.0, 3.0])
    assert rank_facilities(count, exposure).above[0, 1]
    assert not rank_facilities(count, exposure, Ranking(level=0.99)).above.any()


def test_equal_rates_share_a_rank_whatever_their_exposure():
    found = rank_facilities(np.array([4, 8, 0, 0]), np.array([1.0, 2.0, 1.0, 9.0]))
    assert found.rank.tolist() == [1, 1, 3, 3]
    assert found.rate.tolist() == [4, 4, 0, 0]


def test_a_rate_takes_its_exposure_into_account():
    found = rank_facilities(np.array([50, 50]), np.array([1.0, 10.0]))
    assert found.above.tolist() == [[False, True], [False, False]]


@given(
    arrays(np.int64, st.integers(1, 8), elements=st.integers(0, 60)),
    st.randoms(),
    st.floats(0.1, 10),
)
def test_ranks_follow_the_facilities_and_not_their_order_or_the_unit(count, random, scale):
    exposure = 1.0 + np.arange(count.size)
    order = random.sample(range(count.size), count.size)
    one = rank_facilities(count, exposure)
    other = rank_facilities(count[order], exposure[order] * scale)
    np.testing.assert_array_equal(one.rank_low[order], other.rank_low)
    np.testing.assert_array_equal(one.rank_high[order], other.rank_high)
    assert (one.rank_low <= one.rank).all()
    assert (one.rank <= one.rank_high).all()


def test_no_facility_has_no_rank():
    assert rank_facilities(np.empty(0, dtype=np.int64), np.empty(0)).rank.size == 0


def test_one_facility_is_first():
    found = rank_facilities(np.array([0]), np.array([2.0]))
    assert (found.rank.tolist(), found.rank_high.tolist()) == ([1], [1])


def test_rank_intervals_hold_the_true_ranks_all_at_once():
    rng = np.random.default_rng(8)
    level = np.array([4.0, 8.0, 9.0, 15.0, 16.0, 30.0])
    truth = np.arange(6, 0, -1)
    wrong = 0
    for _ in range(300):
        found = rank_facilities(rng.poisson(level), np.ones(6))
        wrong += ((truth < found.rank_low) | (truth > found.rank_high)).any()
    assert wrong <= 25  # 15 expected at most; above 25 has probability below 0.01


# --- bad input


@pytest.mark.parametrize(
    "edges", [(), (5.0,), (5.0, 5.0), (10.0, 5.0), (-1.0, 5.0), (0.0, math.inf), (0.0, math.nan)]
)
def test_edges_that_do_not_rise_are_refused(edges):
    with pytest.raises(InvalidParameter, match="edges-not-rising"):
        Rings(edges)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"x_m": np.array([np.nan])}, "coordinates-not-finite"),
        ({"x_m": np.zeros(2)}, "shapes-differ"),
        ({"weight": np.zeros(2)}, "shapes-differ"),
        ({"weight": np.array([-1.0])}, "weights-negative"),
        ({"weight": np.array([np.inf])}, "weights-not-finite"),
        ({"facilities": np.zeros(2)}, "positions-not-pairs"),
        ({"facilities": np.zeros((2, 3))}, "positions-not-pairs"),
        ({"facilities": at((np.nan, 0))}, "coordinates-not-finite"),
        ({"study_area": shapely.Polygon()}, "study-area-unusable"),
        ({"study_area": shapely.LineString([(0, 0), (1, 1)])}, "study-area-unusable"),
        ({"study_area": shapely.Polygon([(0, 0), (1, 1), (0, 1), (1, 0)])}, "study-area-unusable"),
    ],
)
@pytest.mark.parametrize("tally", TALLIES)
def test_points_that_cannot_be_counted_are_refused(tally, change, code):
    good = {
        "x_m": np.zeros(1),
        "y_m": np.zeros(1),
        "weight": np.ones(1),
        "facilities": at((1, 1)),
        "study_area": SQUARE,
    }
    with pytest.raises(InvalidParameter, match=code):
        tally(**(good | change))


@pytest.mark.parametrize("areas", AREAS)
def test_areas_refuse_what_tallies_refuse(areas):
    with pytest.raises(InvalidParameter, match="study-area-unusable"):
        areas(at((1, 1)), shapely.MultiPolygon())
    with pytest.raises(InvalidParameter, match="positions-not-pairs"):
        areas(np.zeros((1, 3)), SQUARE)


@pytest.mark.parametrize(
    ("events", "exposure", "code"),
    [
        (([[1.0]], 5.0), ([[1.0], [2.0]], 5.0), "shapes-differ"),
        (([[1.0]], 5.0), ([[1.0, 2.0]], 5.0), "shapes-differ"),
        (([[1.5]], 5.0), ([[1.0]], 5.0), "not-whole-events"),
        (([[6.0]], 5.0), ([[1.0]], 5.0), "ring-above-total"),
        (([[1.0]], 5.0), ([[6.0]], 5.0), "ring-above-total"),
        (([[1.0]], 5.0), ([[-1.0]], 5.0), "weights-negative"),
    ],
)
def test_tallies_that_do_not_fit_are_refused(events, exposure, code):
    with pytest.raises(InvalidParameter, match=code):
        ring_excess(
            RingTally(np.array(events[0]), events[1]), RingTally(np.array(exposure[0]), exposure[1])
        )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"distance_m": np.array([-1.0])}, "distance-negative"),
        ({"distance_m": np.array([np.nan])}, "distance-negative"),
        ({"distance_m": np.zeros(2)}, "shapes-differ"),
        ({"events": np.array([1.5])}, "not-whole-events"),
        ({"share": np.array([1.1])}, "share-out-of-range"),
        ({"share": np.array([np.nan])}, "share-out-of-range"),
        ({"hours": (0.0, 1.0)}, "not-positive"),
    ],
)
def test_hours_refuse_what_makes_no_table(change, code):
    good = {
        "distance_m": np.zeros(1),
        "events": np.ones(1, dtype=np.int64),
        "share": np.ones(1),
        "hours": (1.0, 1.0),
    }
    with pytest.raises(InvalidParameter, match=code):
        hours_near(**(good | change))


def test_hours_of_no_event_are_too_few():
    nothing = np.empty(0)
    with pytest.raises(TooFewObservations, match="no-events"):
        hours_near(nothing, nothing.astype(np.int64), nothing, (1.0, 1.0))


@pytest.mark.parametrize(
    ("count", "exposure", "code"),
    [
        ([1, 2], [1.0], "shapes-differ"),
        ([1], [0.0], "not-positive"),
        ([1], [np.nan], "not-positive"),
        ([1, 1], [1.0, np.inf], "not-positive"),
        ([-1], [1.0], "weights-negative"),
        ([0.5], [1.0], "not-whole-events"),
    ],
)
def test_ranks_refuse_what_has_no_rate(count, exposure, code):
    with pytest.raises(InvalidParameter, match=code):
        rank_facilities(np.array(count), np.array(exposure))


@pytest.mark.parametrize(
    "make",
    [
        lambda: HoursNear(near_m=0),
        lambda: HoursNear(fewest_events=0),
        lambda: HoursNear(level=1),
        lambda: Ranking(level=0),
    ],
)
def test_choices_that_cannot_be_used_are_refused(make):
    with pytest.raises(InvalidParameter):
        make()
