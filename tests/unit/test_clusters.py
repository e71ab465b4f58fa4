"""DBSCAN: the same labels as scikit-learn itself, whatever the order of the input."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN

from geo.clusters import NOISE, Density, collapse, dbscan, summarise
from geo.errors import InvalidParameter
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


@given(weighted_points())
def test_collapsed_places_are_distinct_sorted_and_lead_back_to_every_point(points):
    x, y, _ = points
    places = collapse(x, y)
    pairs = list(zip(places.x_m.tolist(), places.y_m.tolist(), strict=True))
    assert pairs == sorted(set(zip(x.tolist(), y.tolist(), strict=True)))
    np.testing.assert_array_equal(places.x_m[places.inverse], x)
    np.testing.assert_array_equal(places.y_m[places.inverse], y)


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
