"""DBSCAN: the same labels as scikit-learn itself, whatever the order of the input.

Also what becomes of clusters from one period to the next, and which of them are there by luck.
"""

import subprocess
import sys

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN

from geo import clusters
from geo.clusters import (
    DISSOLVES_BELOW,
    NOISE,
    STABLE_FROM,
    Clustering,
    Continuity,
    Density,
    Disturbance,
    Fate,
    dbscan,
    match,
    stability,
    summarise,
)
from geo.errors import InvalidParameter
from geo.places import collapse
from tests.zoo import CENTRE_M, patterns

PATTERNS = patterns()
EVERY_50_M_THREE = Density(eps_m=50.0, min_samples=3)


def ones(x):
    return np.ones(x.shape, dtype=np.int64)


@st.composite
def weighted_points(draw, most=40):
    """Draw points on a coarse grid, so that many coincide or lie exactly eps apart."""
    n = draw(st.integers(1, most))
    step = draw(st.sampled_from([1.0, 12.5, 25.0]))
    shift = draw(st.sampled_from([0.0, 0.37]))
    across = draw(st.lists(st.integers(0, 12), min_size=n, max_size=n))
    along = draw(st.lists(st.integers(0, 12), min_size=n, max_size=n))
    events = draw(st.lists(st.integers(1, 4), min_size=n, max_size=n))
    x = CENTRE_M[0] + shift + step * np.array(across)
    return x, CENTRE_M[1] + shift + step * np.array(along), np.array(events)


# Each example fits twice; fifty a property are enough every day.
fits = settings(max_examples=50)
densities = st.builds(Density, st.sampled_from([12.5, 25.0, 37.5, 60.0]), st.integers(1, 8))


@fits
@given(weighted_points(), densities)
def test_labels_are_those_of_scikit_learn_on_every_single_event_sorted_by_place(points, density):
    x, y, events = points
    labels = dbscan(x, y, events, density)
    order = np.lexsort((y, x))
    each = np.repeat(np.column_stack([x, y])[order], events[order], axis=0)
    raw = DBSCAN(eps=density.eps_m, min_samples=density.min_samples).fit(each)
    np.testing.assert_array_equal(np.repeat(labels[order], events[order]), raw.labels_)


@fits
@given(weighted_points(), densities, st.randoms())
def test_the_order_of_the_input_does_not_matter(points, density, chance):
    x, y, events = points
    shuffled = np.array(chance.sample(range(x.size), x.size))
    labels = dbscan(x, y, events, density)
    again = dbscan(x[shuffled], y[shuffled], events[shuffled], density)
    np.testing.assert_array_equal(again, labels[shuffled])


@fits
@given(weighted_points(), densities)
def test_one_row_for_many_events_is_the_same_as_many_rows(points, density):
    x, y, events = points
    one_by_one = dbscan(
        np.repeat(x, events), np.repeat(y, events), np.ones(events.sum(), int), density
    )
    np.testing.assert_array_equal(one_by_one, np.repeat(dbscan(x, y, events, density), events))


@fits
@given(weighted_points(), densities)
def test_labels_count_up_from_nought_by_the_first_core_place(points, density):
    x, y, events = points
    labels = dbscan(x, y, events, density)
    distance = np.hypot(x[:, None] - x, y[:, None] - y)
    core = (distance <= density.eps_m) @ events >= density.min_samples
    order = np.lexsort((y, x))
    ranked = labels[order][core[order]]
    first_seen = list(dict.fromkeys(ranked.tolist()))
    assert first_seen == list(range(labels.max(initial=NOISE) + 1))


@pytest.mark.parametrize(
    ("name", "clusters", "noise"),
    [
        ("empty", 0, 0),
        ("one point", 0, 1),
        ("all identical", 1, 0),
        ("two places", 1, 0),
        ("two blobs", 2, 0),
        ("line", 1, 0),
        ("ring", 1, 0),
        ("grid", 1, 0),
        ("far apart", 0, 30),
    ],
)
def test_patterns_fall_into_the_clusters_one_sees(name, clusters, noise):
    x, y = PATTERNS[name]
    labels = dbscan(x, y, ones(x), EVERY_50_M_THREE)
    assert labels.dtype == np.int64
    assert labels.max(initial=NOISE) + 1 == clusters
    assert (labels == NOISE).sum() == noise


def test_a_place_with_enough_events_is_a_cluster_of_its_own():
    x, y = np.array([0.0, 1000.0]), np.zeros(2)
    assert dbscan(x, y, np.array([3, 2]), EVERY_50_M_THREE).tolist() == [0, NOISE]


def test_a_neighbour_at_exactly_the_radius_counts():
    x, y = np.array([0.0, 50.0, 100.0]), np.zeros(3)
    assert dbscan(x, y, ones(x), EVERY_50_M_THREE).tolist() == [0, 0, 0]
    assert dbscan(x * 1.001, y, ones(x), EVERY_50_M_THREE).tolist() == [NOISE] * 3


def test_a_border_place_between_two_clusters_joins_the_western_one():
    # The place at 45 m reaches one core place on either side and is not core itself.
    x = np.array([100.0, 98.0, 90.0, 45.0, 0.0, -8.0, -10.0])
    assert dbscan(x, 0 * x, ones(x), Density(50.0, 4)).tolist() == [1, 1, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("eps_m", [0.0, -1.0, np.nan, np.inf, -np.inf])
def test_a_radius_that_is_no_length_is_refused(eps_m):
    with pytest.raises(InvalidParameter) as refused:
        Density(eps_m, 5)
    assert refused.value.code == "eps-not-positive"


@pytest.mark.parametrize("min_samples", [0, -3])
def test_a_cluster_of_nobody_is_refused(min_samples):
    with pytest.raises(InvalidParameter) as refused:
        Density(50.0, min_samples)
    assert refused.value.code == "min-samples-not-positive"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("axis", [0, 1])
def test_coordinates_that_are_no_numbers_are_refused(bad, axis):
    xy = np.array([[1.0, 2.0], [1.0, 2.0]])
    xy[axis, 0] = bad
    with pytest.raises(InvalidParameter) as refused:
        dbscan(xy[0], xy[1], np.array([1, 1]), EVERY_50_M_THREE)
    assert refused.value.code == "coordinates-not-finite"


@pytest.mark.parametrize("events", [[1, 0], [1, -2]])
def test_a_row_without_events_is_refused(events):
    with pytest.raises(InvalidParameter) as refused:
        dbscan(np.zeros(2), np.zeros(2), np.array(events), EVERY_50_M_THREE)
    assert refused.value.code == "events-not-positive"


def test_columns_of_different_length_are_refused():
    with pytest.raises(InvalidParameter) as refused:
        dbscan(np.zeros(2), np.zeros(3), np.ones(2, dtype=int), EVERY_50_M_THREE)
    assert refused.value.code == "shapes-differ"


@pytest.mark.parametrize("events", [[1.5, 1.0], [np.nan, 1.0], [np.inf, 1.0]])
def test_parts_of_events_are_refused(events):
    with pytest.raises(InvalidParameter) as refused:
        dbscan(np.zeros(2), np.zeros(2), np.array(events), EVERY_50_M_THREE)
    assert refused.value.code == "events-not-whole"


def test_whole_events_may_be_written_as_fractions():
    assert dbscan(np.zeros(2), np.zeros(2), np.array([2.0, 1.0]), EVERY_50_M_THREE).tolist() == [
        0,
        0,
    ]


def test_tables_of_points_are_refused():
    with pytest.raises(InvalidParameter) as refused:
        dbscan(np.zeros((2, 2)), np.zeros((2, 2)), np.ones((2, 2)), EVERY_50_M_THREE)
    assert refused.value.code == "shapes-differ"


def test_the_callers_arrays_stay_as_they_are_even_if_they_cannot_be_written():
    x, y, events = np.array([9.0, 1.0, 5.0]), np.zeros(3), np.array([1, 1, 2])
    before = x.tobytes(), y.tobytes(), events.tobytes()
    for array in (x, y, events):
        array.flags.writeable = False
    assert dbscan(x, y, events, EVERY_50_M_THREE).tolist() == [0, 0, 0]
    assert (x.tobytes(), y.tobytes(), events.tobytes()) == before


@pytest.mark.parametrize(
    ("spread", "eps_m", "expected"),
    [
        (1e15, 1e-3, NOISE),  # as cells of eps this would be 1e18 to a side
        (1e200, 50.0, NOISE),  # squares overflow
        (1.0, 1e200, 0),
        (1.0, 1e-200, NOISE),  # the square of eps is nothing
    ],
)
def test_lengths_of_any_size_are_compared(spread, eps_m, expected):
    x = spread * np.arange(-8.0, 9.0)
    labels = dbscan(x, x[::-1].copy(), ones(x), Density(eps_m, 2))
    assert labels.tolist() == [expected] * 17


@pytest.mark.parametrize("min_samples", [5, 6, 2**62, 10**30])
def test_more_events_than_there_are_make_no_cluster(min_samples):
    labels = dbscan(np.zeros(2), np.zeros(2), np.array([2, 2]), Density(50.0, min_samples))
    assert labels.tolist() == [NOISE, NOISE]


def test_a_single_place_with_an_astronomical_number_of_events_is_a_cluster():
    events = np.array([2**62, 2**62])
    labels = dbscan(np.array([0.0, 9.0]), np.zeros(2), events, Density(50.0, 2**62))
    assert labels.tolist() == [0, 0]


WITHOUT_NUMBA = """
import sys
sys.modules["numba"] = None
from geo import clusters, places
import numpy as np
assert not clusters.COMPILED and not places.COMPILED
rng = np.random.default_rng(5)
x, y, events = *rng.integers(0, 40, (2, 600)).astype(float), rng.integers(1, 4, 600)
print(*clusters.dbscan(x, y, events, clusters.Density(2.0, 9)))
"""


def test_where_numba_is_absent_the_labels_are_the_same():
    pytest.importorskip("numba")
    rng = np.random.default_rng(5)
    x, y, events = *rng.integers(0, 40, (2, 600)).astype(float), rng.integers(1, 4, 600)
    ours = dbscan(x, y, events, Density(2.0, 9))
    command = [sys.executable, "-c", WITHOUT_NUMBA]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ours.tolist() == [int(label) for label in done.stdout.split()]
    assert ours.max() > 0


def asked(monkeypatch):
    """Note how often scikit-learn is asked."""
    times = []
    itself = clusters._of_scikit_learn  # noqa: SLF001 - the only way to see who answered

    def noted(*arguments):
        times.append(1)
        return itself(*arguments)

    monkeypatch.setattr(clusters, "_of_scikit_learn", noted)
    return times


@pytest.mark.parametrize(
    ("eps_m", "times"),
    [
        (5.0, 0),  # 3-4-5: the square is exact
        (np.sqrt(2), 0),  # its square rounds up to just over 2
        (np.sqrt(13), 1),  # its square rounds down to just under 13, its root back to eps
    ],
)
def test_scikit_learn_is_asked_only_where_its_rounding_decides(monkeypatch, eps_m, times):
    pytest.importorskip("numba")
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(9.0), np.arange(9.0)))
    answers = asked(monkeypatch)
    dbscan(CENTRE_M[0] + x, CENTRE_M[1] + y, ones(x), Density(eps_m, 60))
    assert len(answers) == times


def test_of_few_places_it_is_asked_when_its_matrix_product_might_be_wrong(monkeypatch):
    pytest.importorskip("numba")
    answers = asked(monkeypatch)
    x = CENTRE_M[0] + 0.1 + np.array([0.0, 50.0])
    y = CENTRE_M[1] + np.array([0.1, 0.1])
    dbscan(x, y, ones(x), Density(50.0, 2))
    assert len(answers) == 1
    dbscan(x, y, ones(x), Density(50.1, 2))
    assert len(answers) == 1


def walls(n, gap_m):
    """Build two walls of n places each, bent so that no straight line lies between them."""
    rng = np.random.default_rng(n)
    along = rng.uniform(-0.3, 0.3, n)
    x = np.append(gap_m * np.cos(along), rng.normal(0, 1e-5, n))
    return x, np.append(gap_m * np.sin(along), rng.normal(0, 1e-5, n))


def slopes(n, gap_m):
    """Build two slanting walls that face each other: the boxes of their halves overlap."""
    rng = np.random.default_rng(n)
    along = 49 * rng.random((2, n))
    step = gap_m / np.sqrt(2)
    return np.append(along[0], along[1] + step), np.append(-along[0], step - along[1])


def blocks(n, gap_m):
    """Build two filled squares side by side."""
    rng = np.random.default_rng(n)
    x, y = 60 * rng.random((2, 2 * n))
    return x + (gap_m + 60) * (np.arange(2 * n) >= n), y


@pytest.mark.parametrize(
    ("shape", "most_a_place"), [(walls, 2), (blocks, 1), (slopes, 4 * np.sqrt(40_000))]
)
def test_two_dense_neighbours_just_out_of_reach_do_not_cost_their_product(shape, most_a_place):
    # 20,000 x 20,000 distances would be 10,000 a place. The worst shape grows as the square root.
    kernel = pytest.importorskip("geo.density_kernel")
    at = collapse(*shape(20_000, 100.001))
    labels, distances, sure = kernel.labels(at.x_m, at.y_m, at.points, 100.0, 5)
    assert (labels.max() + 1, (labels == NOISE).sum(), sure) == (2, 0, True)
    assert distances / at.x_m.size < most_a_place
    labels, _, _ = kernel.labels(at.x_m, at.y_m, at.points, 101.0, 5)
    assert labels.max() + 1 == 1


def test_a_large_number_of_events_needed_costs_no_more_than_that_a_place():
    kernel = pytest.importorskip("geo.density_kernel")
    at = collapse(*np.random.default_rng(1).normal(0, 100, (2, 10_000)))
    _, distances, _ = kernel.labels(at.x_m, at.y_m, at.points, 50.0, 2_000)
    assert distances / at.x_m.size < 2_000


def described(x, y, events, density=EVERY_50_M_THREE):
    places = collapse(x, y)
    held = np.bincount(places.inverse, events).astype(np.int64)
    labels = dbscan(places.x_m, places.y_m, held, density)
    return places, labels, summarise((places.x_m, places.y_m), labels, held, held / 2)


@fits
@given(weighted_points(), densities)
def test_clusters_hold_every_event_that_is_not_noise_once(points, density):
    x, y, events = points
    _, labels, found = described(x, y, events, density)
    assert sum(c.count for c in found) == events[dbscan(x, y, events, density) != NOISE].sum()
    assert sum(c.places for c in found) == (labels != NOISE).sum()
    assert sum(c.weight for c in found) == sum(c.count for c in found) / 2
    assert sorted(c.label for c in found) == list(range(len(found)))


@fits
@given(weighted_points(), densities)
def test_clusters_are_ranked_by_events_then_by_label(points, density):
    _, _, found = described(*points, density)
    assert [c.rank for c in found] == list(range(1, len(found) + 1))
    assert found == sorted(found, key=lambda c: (-c.count, c.label))


@fits
@given(weighted_points(), densities)
def test_the_hull_covers_the_places_of_its_cluster_and_its_centre(points, density):
    places, labels, found = described(*points, density)
    for cluster in found:
        member = labels == cluster.label
        near = cluster.hull.buffer(1e-6)
        assert shapely.covers(near, shapely.points(places.x_m[member], places.y_m[member])).all()
        assert near.covers(shapely.Point(cluster.x_m, cluster.y_m))


@pytest.mark.parametrize(
    ("name", "hull"),
    [
        ("all identical", "Point"),
        ("two places", "LineString"),
        ("line", "LineString"),
        ("ring", "Polygon"),
    ],
)
def test_a_hull_is_no_more_than_its_places_allow(name, hull):
    x, y = PATTERNS[name]
    (cluster,) = described(x, y, ones(x))[2]
    assert cluster.hull.geom_type == hull


def test_the_centre_lies_where_the_events_are():
    (cluster,) = described(np.array([0.0, 40.0]), np.zeros(2), np.array([3, 1]))[2]
    assert (cluster.x_m, cluster.y_m, cluster.count, cluster.places) == (10.0, 0.0, 4, 2)


@pytest.mark.parametrize("name", ["empty", "far apart"])
def test_no_cluster_gives_no_summary(name):
    x, y = PATTERNS[name]
    assert described(x, y, ones(x))[2] == []


def test_hulls_are_those_of_shapely_whatever_the_number_of_places():
    rng = np.random.default_rng(2)
    x, y = rng.integers(0, 60, (2, 300)) * 10.0
    places, labels, found = described(x, y, ones(x), Density(15.0, 2))
    sizes = {cluster.places for cluster in found}
    assert {1, 2} <= sizes
    assert max(sizes) > 9
    for cluster in found:
        member = labels == cluster.label
        plain = shapely.MultiPoint(np.column_stack([places.x_m[member], places.y_m[member]]))
        assert cluster.hull.equals(plain.convex_hull)
        assert cluster.hull.geom_type == plain.convex_hull.geom_type


@pytest.mark.parametrize(
    ("labels", "events", "weight", "code"),
    [
        ([0, 0], [1, 0], [1.0, 1.0], "events-not-positive"),
        ([0], [1, 1], [1.0, 1.0], "shapes-differ"),
        ([0, 0], [1, 1], [1.0], "shapes-differ"),
        ([0, 0], [1, 1], [1.0, np.nan], "weights-not-finite"),
        ([0, 0], [1, 1], [1.0, -1.0], "weights-negative"),
    ],
)
def test_clusters_of_nonsense_are_not_described(labels, events, weight, code):
    with pytest.raises(InvalidParameter) as refused:
        summarise(
            (np.zeros(2), np.arange(2.0)), np.array(labels), np.array(events), np.array(weight)
        )
    assert refused.value.code == code


def clustering(*members):
    """Build a clustering from lists of (x, y, label) or (x, y, label, events)."""
    rows = np.array([(*each, 1)[:4] for each in members], dtype=float).reshape(-1, 4)
    return Clustering(rows[:, 0], rows[:, 1], rows[:, 2].astype(int), rows[:, 3].astype(int))


NEAR = Continuity(eps_m=50.0, least_share=0.5)
TWO = clustering((0, 0, 0), (10, 0, 0), (1000, 0, 1), (1010, 0, 1), (5000, 0, NOISE))


def test_the_same_clusters_go_on_as_themselves():
    found = match(TWO, TWO, NEAR)
    assert (found.successor.tolist(), found.predecessor.tolist()) == ([0, 1], [0, 1])
    assert found.overlap.tolist() == [1.0, 1.0]
    assert found.fate == found.origin == (Fate.CONTINUED, Fate.CONTINUED)


def test_a_cluster_that_moves_out_of_reach_is_gone_and_another_is_new():
    after = clustering((1040, 0, 0, 3), (2000, 0, 1, 3))
    found = match(TWO, after, NEAR)
    assert found.successor.tolist() == [NOISE, 0]
    assert found.predecessor.tolist() == [1, NOISE]
    assert found.fate == (Fate.GONE, Fate.CONTINUED)
    assert found.origin == (Fate.CONTINUED, Fate.NEW)
    # 2 of 2 events before and 3 of 3 after lie near each other.
    assert found.overlap.tolist() == [1.0, 0.0]


def test_overlap_is_the_share_of_all_events_that_lie_where_the_other_is():
    before = clustering((0, 0, 0, 6), (200, 0, 0, 2))
    after = clustering((20, 0, 0, 3), (-200, 0, 0, 1))
    found = match(before, after, NEAR)
    assert found.overlap.tolist() == [(6 + 3) / (8 + 4)]


def test_too_small_a_shared_part_is_no_continuation():
    before = clustering((0, 0, 0, 4), (200, 0, 0, 6))
    after = clustering((0, 0, 0, 4), (-200, 0, 0, 6))
    assert match(before, after, NEAR).fate == (Fate.GONE,)
    assert match(before, after, Continuity(50.0, 0.4)).fate == (Fate.CONTINUED,)


def test_a_cluster_that_falls_apart_hands_its_identity_to_the_largest_part():
    before = clustering((0, 0, 0, 9), (100, 0, 0, 9))
    after = clustering((0, 0, 0, 2), (100, 0, 1, 7))
    found = match(before, after, NEAR)
    assert found.successor.tolist() == [1]
    assert found.predecessor.tolist() == [NOISE, 0]
    assert (found.fate, found.origin) == ((Fate.SPLIT,), (Fate.SPLIT, Fate.SPLIT))


def test_clusters_that_grow_together_keep_the_identity_of_the_largest():
    before = clustering((0, 0, 0, 2), (100, 0, 1, 7))
    after = clustering((0, 0, 0, 9), (100, 0, 0, 9))
    found = match(before, after, NEAR)
    assert found.successor.tolist() == [NOISE, 0]
    assert (found.fate, found.origin) == ((Fate.MERGED, Fate.MERGED), (Fate.MERGED,))


def test_equal_claims_go_to_the_lower_label():
    before = clustering((0, 0, 0, 3), (60, 0, 1, 3))
    after = clustering((30, 0, 0, 5))
    assert match(before, after, NEAR).predecessor.tolist() == [0]
    assert match(after, before, NEAR).successor.tolist() == [0]


def test_a_place_near_several_of_the_other_cluster_counts_once():
    before = clustering((0, 0, 0, 5))
    after = clustering((0, 10, 0), (10, 0, 0), (0, -10, 0))
    assert match(before, after, NEAR).overlap.tolist() == [1.0]


NOBODY = clustering()


@pytest.mark.parametrize("quiet", [NOBODY, clustering((0, 0, NOISE))])
def test_out_of_nothing_everything_is_new_and_into_nothing_everything_is_gone(quiet):
    assert match(quiet, TWO, NEAR).origin == (Fate.NEW, Fate.NEW)
    assert match(TWO, quiet, NEAR).fate == (Fate.GONE, Fate.GONE)
    nothing = match(quiet, quiet, NEAR)
    assert (nothing.fate, nothing.origin, nothing.overlap.size) == ((), (), 0)


def clustered(points, density):
    at = collapse(points[0], points[1])
    held = np.bincount(at.inverse, points[2]).astype(np.int64)
    return Clustering(at.x_m, at.y_m, dbscan(at.x_m, at.y_m, held, density), held)


two_periods = st.tuples(weighted_points(), weighted_points(), densities)


@fits
@given(two_periods)
def test_identities_pass_one_to_one_and_both_sides_agree(periods):
    before, after = (clustered(points, periods[2]) for points in periods[:2])
    found = match(before, after, NEAR)
    for earlier, later in enumerate(found.successor.tolist()):
        assert later == NOISE or found.predecessor[later] == earlier
    assert (found.successor != NOISE).sum() == (found.predecessor != NOISE).sum()
    assert ((found.overlap > 0) == (found.predecessor != NOISE)).all()
    assert (found.overlap <= 1).all()
    for fate, later in zip(found.fate, found.successor.tolist(), strict=True):
        assert later == NOISE or fate != Fate.GONE


@fits
@given(two_periods)
def test_backwards_splits_are_mergers_and_what_was_new_is_gone(periods):
    before, after = (clustered(points, periods[2]) for points in periods[:2])
    there, back = match(before, after, NEAR), match(after, before, NEAR)
    swapped = {Fate.NEW: Fate.GONE, Fate.GONE: Fate.NEW, Fate.CONTINUED: Fate.CONTINUED}
    for one, other in ((there.origin, back.fate), (there.fate, back.origin)):
        for each, mirrored in zip(one, other, strict=True):
            assert swapped.get(each, mirrored) == mirrored
            assert (each in swapped) == (mirrored in swapped)


@fits
@given(two_periods, st.randoms())
def test_neither_the_order_of_places_nor_where_they_are_matters(periods, chance):
    before, after = (clustered(points, periods[2]) for points in periods[:2])
    order = np.array(chance.sample(range(before.labels.size), before.labels.size), dtype=int)
    moved = [
        Clustering(c.x_m[i] + 1024, c.y_m[i] - 512, c.labels[i], c.events[i])
        for c, i in ((before, order), (after, slice(None)))
    ]
    one, other = match(before, after, NEAR), match(*moved, NEAR)
    assert (one.fate, one.origin) == (other.fate, other.origin)
    np.testing.assert_array_equal(one.predecessor, other.predecessor)


def test_identities_are_carried_on_and_new_clusters_get_free_numbers():
    after = clustering((1000, 0, 0), (2000, 0, 1), (3000, 0, 2))
    found = match(TWO, after, NEAR)
    assert found.carried(np.array([7, 4]), 8).tolist() == [4, 8, 9]


@pytest.mark.parametrize(
    ("identity", "first_free", "code"),
    [
        ([7], 8, "shapes-differ"),
        ([7, 7], 8, "identity-taken"),
        ([7, 9], 8, "identity-taken"),
    ],
)
def test_identities_that_are_not_ones_own_are_refused(identity, first_free, code):
    with pytest.raises(InvalidParameter) as refused:
        match(TWO, TWO, NEAR).carried(np.array(identity), first_free)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("labels", "events", "code"),
    [
        ([0, 2], [1, 1], "labels-not-counted-up"),
        ([-2, 0], [1, 1], "labels-not-counted-up"),
        ([0, 0], [1, 0], "events-not-positive"),
        ([0], [1, 1], "shapes-differ"),
    ],
)
def test_what_is_no_clustering_is_refused(labels, events, code):
    with pytest.raises(InvalidParameter) as refused:
        Clustering(np.zeros(2), np.arange(2.0), np.array(labels), np.array(events))
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("parameters", "bad", "code"),
    [
        (Continuity, {"eps_m": 0.0}, "not-positive"),
        (Continuity, {"eps_m": np.nan}, "not-positive"),
        (Continuity, {"least_share": 0.0}, "not-a-fraction"),
        (Continuity, {"least_share": 1.0}, "not-a-fraction"),
        (Disturbance, {"rounds": 0}, "not-positive"),
        (Disturbance, {"eps_change": 0.0}, "not-a-fraction"),
        (Disturbance, {"eps_change": 1.0}, "not-a-fraction"),
    ],
)
def test_choices_without_meaning_are_refused(parameters, bad, code):
    with pytest.raises(InvalidParameter) as refused:
        parameters(**bad)
    assert refused.value.code == code


def shaken(x, y, events, density=EVERY_50_M_THREE, rounds=40, seed=1):
    return stability(x, y, events, density, Disturbance(rounds), np.random.default_rng(seed))


def test_a_crowd_is_stable_and_a_place_with_just_enough_events_is_not():
    x, y = np.array([0.0, 9.0, 1000.0]), np.zeros(3)
    scores = shaken(x, y, np.array([40, 40, 3]), rounds=400)
    assert scores.score[0] == 1.0
    # Three of 83 events stand there; it keeps three or more with the binomial's probability.
    share = 3 / 83
    none_one_or_two = sum(
        c * share**k * (1 - share) ** (83 - k) for k, c in ((0, 1), (1, 83), (2, 83 * 41))
    )
    assert scores.resampled[1] == pytest.approx(1 - none_one_or_two, abs=0.08)
    assert STABLE_FROM > scores.score[1] > DISSOLVES_BELOW
    assert scores.varied[1] == 1.0


def test_a_chain_that_just_holds_breaks_when_the_radius_shrinks():
    # Links of 50 m hold at 50, 55 and 60 m; at 40 and 45 m nothing is left of the chain.
    x = 50.0 * np.arange(20)
    scores = shaken(x, 0 * x, ones(x))
    assert scores.varied.tolist() == [0.5]
    assert scores.score[0] <= 0.5


def test_a_neighbour_that_joins_at_a_larger_radius_halves_the_likeness():
    # At 60 m both are one cluster of twice the size.
    x = np.array([0.0, 58.0])
    scores = shaken(x, 0 * x, np.array([5, 5]))
    assert scores.varied.tolist() == [(1 + 1 + 1 + 0.5) / 4] * 2


@settings(max_examples=15)
@given(weighted_points(), densities, st.randoms())
def test_scores_are_shares_one_a_cluster_whatever_the_order(points, density, chance):
    x, y, events = points
    scores = shaken(x, y, events, density, rounds=3)
    assert scores.score.size == dbscan(x, y, events, density).max() + 1
    assert ((scores.score >= 0) & (scores.score <= 1)).all()
    order = np.array(chance.sample(range(x.size), x.size))
    again = shaken(x[order], y[order], events[order], density, rounds=3)
    np.testing.assert_array_equal(scores.resampled, again.resampled)
    np.testing.assert_array_equal(scores.varied, again.varied)


@pytest.mark.parametrize("name", ["empty", "one point", "far apart"])
def test_no_cluster_gives_no_score(name):
    x, y = PATTERNS[name]
    assert shaken(x, y, ones(x)).score.size == 0


def test_all_events_on_one_place_are_as_stable_as_can_be():
    x, y = PATTERNS["all identical"]
    assert shaken(x, y, ones(x)).score.tolist() == [1.0]


def test_the_same_draw_gives_the_same_scores():
    x, y = PATTERNS["two blobs"]
    one, other, another = (shaken(x, y, ones(x), Density(15.0, 4), seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.resampled, other.resampled)
    assert (one.resampled != another.resampled).any()
