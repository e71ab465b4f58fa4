"""DBSCAN against R's package dbscan 1.1-11 (golden/03_dbscan), and against scikit-learn itself."""

import csv
import json

import numpy as np
import pytest
from sklearn.cluster import DBSCAN

from geo.clusters import NOISE, Density, dbscan, summarise
from geo.places import collapse
from tests.zoo import CENTRE_M

SETTINGS = {
    "e200_m5": Density(200.0, 5),
    "e300_m5": Density(300.0, 5),
    "e300_m10": Density(300.0, 10),
    "e500_m10": Density(500.0, 10),
    "e500_m20": Density(500.0, 20),
}


@pytest.fixture(scope="module")
def robberies(shared):
    """Give the columns of R's result: coordinates in EPSG:32615, labels, core points."""
    with (shared / "golden/03_dbscan/memphis_robberies_32615_labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


@pytest.fixture(scope="module")
def summary(shared):
    text = (shared / "golden/03_dbscan/summary.json").read_text("utf-8")
    return json.loads(text)["memphis_robberies_32615"]


def labelled(robberies, setting):
    x, y = robberies["x"], robberies["y"]
    return dbscan(x, y, np.ones(x.size, dtype=np.int64), SETTINGS[setting])


@pytest.mark.parametrize("setting", SETTINGS)
def test_core_points_fall_into_the_same_clusters_as_in_r(setting, robberies):
    ours, theirs = labelled(robberies, setting), robberies[f"lab_{setting}"]
    core = robberies[f"core_{setting}"] == 1
    pairs = set(zip(ours[core].tolist(), theirs[core].tolist(), strict=True))
    assert NOISE not in {own for own, _ in pairs}
    assert len(pairs) == len({own for own, _ in pairs}) == len({other for _, other in pairs})


@pytest.mark.parametrize("setting", SETTINGS)
def test_noise_is_the_same_as_in_r(setting, robberies):
    ours, theirs = labelled(robberies, setting), robberies[f"lab_{setting}"]
    np.testing.assert_array_equal(ours == NOISE, theirs == 0)


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_border_point_joins_a_cluster_whose_core_it_reaches(setting, robberies):
    # R and we may choose differently between two clusters in reach, never outside of them.
    ours = labelled(robberies, setting)
    core = robberies[f"core_{setting}"] == 1
    x, y = robberies["x"], robberies["y"]
    for border in np.flatnonzero((ours != NOISE) & ~core):
        near = np.hypot(x - x[border], y - y[border]) <= SETTINGS[setting].eps_m
        assert ours[border] == ours[near & core].min()


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_numbers_of_clusters_and_noise_are_those_of_r(setting, robberies, summary):
    ours = labelled(robberies, setting)
    assert ours.max() + 1 == summary[setting]["clusters"]
    assert (ours == NOISE).sum() == summary[setting]["noise"]


@pytest.mark.parametrize("setting", SETTINGS)
def test_described_clusters_hold_every_robbery_that_is_not_noise(setting, robberies, summary):
    places = collapse(robberies["x"], robberies["y"])
    events = np.bincount(places.inverse).astype(np.int64)
    xy = places.x_m, places.y_m
    found = summarise(xy, dbscan(*xy, events, SETTINGS[setting]), events, events.astype(float))
    assert sum(cluster.count for cluster in found) == 2245 - summary[setting]["noise"]
    assert len(found) == summary[setting]["clusters"]


# Lattices on which pairs lie exactly eps apart: along an axis, on the diagonal, as 3-4-5, and at
# roots whose square is not the number itself, where scikit-learn's own rounding decides.
EPS = [1.0, np.sqrt(2), 5.0, 2.0, np.sqrt(5), np.sqrt(13), np.sqrt(18), 2.5, 3.3]
STEPS = [1.0, 1.0, 12.5, 0.1, 1 / 3]
FEW = 0.05
ORIGINS = [(0.0, 0.0), CENTRE_M, (CENTRE_M[0] + 0.37, CENTRE_M[1] + 0.1), (-1e7, 123.25)]


def drawn(rng, most):
    """Draw points, events and a density: (x, y, events, Density)."""
    step, (east, north) = rng.choice(STEPS), ORIGINS[rng.integers(4)]
    # Up to eleven places scikit-learn computes in another way, and takes twenty times longer.
    n = rng.integers(1, 15) if rng.random() < FEW else rng.integers(15, most)
    side = rng.integers(4, 4 + int(np.sqrt(4 * most)))
    match rng.integers(12):
        case 0:  # all on one line
            x, y = rng.integers(0, 4 * side, n), np.zeros(n)
        case 1:  # all on one spot, or on two
            x, y = rng.integers(0, 2, (2, 1)) * np.ones(n)
        case 2:  # anywhere
            x, y = side * rng.random((2, n))
        case _:
            x, y = rng.integers(0, side, (2, n))
    density = Density(float(rng.choice(EPS) * step), int(rng.integers(1, 12)))
    return east + step * x, north + step * y, rng.integers(1, 4, n), density


def of_scikit_learn(x, y, events, density):
    """Give scikit-learn's own labels of distinct places sorted by (x, y)."""
    places, inverse = np.unique(np.column_stack([x, y]) + 0.0, axis=0, return_inverse=True)
    model = DBSCAN(eps=density.eps_m, min_samples=density.min_samples, metric="euclidean")
    weight = np.bincount(inverse.ravel(), events)
    return model.fit(places, sample_weight=weight).labels_[inverse.ravel()]


@pytest.mark.parametrize("seed", range(12))
def test_labels_are_scikit_learns_to_the_bit_on_a_hundred_drawn_cases(seed):
    for case in range(100):
        points = drawn(np.random.default_rng([seed, case]), most=60)
        np.testing.assert_array_equal(dbscan(*points), of_scikit_learn(*points), f"{seed} {case}")


def test_scikit_learns_own_rounding_decides_where_it_takes_a_whole_leaf():
    # From the middle of 7 x 4 places the far corners lie at sqrt(13): as a square just beyond eps
    # (26 of 27 events needed), but scikit-learn takes the whole leaf by the distance (28).
    x, y = np.divmod(np.arange(28.0), 4)
    events, density = np.ones(28, dtype=np.int64), Density(np.sqrt(13), 27)
    assert dbscan(x, y, events, density).tolist() == [0] * 28
    assert of_scikit_learn(x, y, events, density).tolist() == [0] * 28
    kernel = pytest.importorskip("geo.density_kernel")
    by_squares, _, sure = kernel.labels(x, y, events, density.eps_m, density.min_samples)
    assert (by_squares.tolist(), sure) == ([NOISE] * 28, False)


def facing(rng):
    """Draw two dense lattices exactly, or almost, eps apart, with some strays."""
    sides = rng.integers(8, 26, (2, 2))
    near, far = (np.argwhere(np.ones(side)) * 1.0 for side in sides)
    eps_m = float(rng.choice([5, 10, 13, 17, 25, 29, 65]))
    east, north = rng.choice([(1, 0), (0, 1), (0.6, 0.8), (5 / 13, 12 / 13), (1.001, 0.1)])
    far += [sides[0, 0] - 1 + east * eps_m, (sides[0, 1] - 1) * rng.integers(2) + north * eps_m]
    x, y = np.vstack([near, far, rng.integers(-5, 60, (20, 2))]).T * rng.choice([1, 0.5, 0.1])
    east, north = ORIGINS[rng.integers(4)]
    events = rng.integers(1, 3, x.size)
    density = Density(eps_m * rng.choice([1, 0.5, 0.1]), int(rng.choice([1, 5, 20, 100, 400])))
    return x + east, y + north, events, density


def test_labels_are_scikit_learns_where_dense_neighbours_lie_just_eps_apart():
    for case in range(100):
        points = facing(np.random.default_rng([77, case]))
        np.testing.assert_array_equal(dbscan(*points), of_scikit_learn(*points), str(case))


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(20))
def test_labels_are_scikit_learns_on_many_and_larger_cases(seed):
    for case in range(100):
        rng = np.random.default_rng([1000 + seed, case])
        for points in (drawn(rng, most=60), drawn(rng, most=3_000), facing(rng)):
            np.testing.assert_array_equal(
                dbscan(*points), of_scikit_learn(*points), f"{seed} {case}"
            )
