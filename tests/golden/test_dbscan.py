"""DBSCAN against R's package dbscan 1.1-11: golden/03_dbscan."""

import csv
import json

import numpy as np
import pytest

from geo.clusters import NOISE, Density, collapse, dbscan, summarise

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
