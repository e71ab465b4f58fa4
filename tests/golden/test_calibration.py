"""On pure noise at most 5 % of maps show an established cell, and real hot spots are found.

A map counts as false when *any* cell at *any* of the three resolutions is established. The share
of false maps must be at most 5 % of those drawn. That cannot flake: seeds are fixed, and measured
over thousands of maps (the deep tests) the true shares lie between 0 and 4.8 %, most at 2 %;
should a new version of numpy draw other numbers, 200 maps with a true share of 2 % exceed 5 %
once in 400 draws, and a rule that is false twice as often as promised is caught in 99 of 100.
"""

import copy
import csv
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import shapely

from geo import cells
from geo.clusters import NOISE, Density, dbscan
from geo.redistribution import Redistribution, cluster_excess, over_places
from geo.stability import (
    Incidents,
    cell_verdicts,
    lay_grids,
    overdispersed_cell_verdicts,
    place,
)
from geo.verdicts import Verdict, judge

OUTLINES = Path(__file__).parents[2] / "pipelines/profiles/eskilstuna/outlines.csv"
METRES_A_DEGREE = 111_195.0
CELL_RADIUS_M = 22.0  # about, at resolution 11
MOST_FALSE = 0.05
EVERYDAY, DEEP = 200, 4000


class Ground:
    """A study area's ground as points that carry exposure, and its grids."""

    def __init__(self, lon, lat, exposure, spread_m):
        self.lon, self.lat, self.exposure = lon, lat, exposure
        self.share = exposure / exposure.sum()
        self.spread_m = spread_m  # how far an event may lie from its point
        self.grids = lay_grids(lon, lat, exposure)

    def incidents(self, counts, rng, certain_share=1.0):
        """Put so many events around each point."""
        at = np.repeat(np.arange(counts.size), counts)
        angle = rng.uniform(0, 2 * np.pi, at.size)
        away = self.spread_m * np.sqrt(rng.uniform(0, 1, at.size)) / METRES_A_DEGREE
        lat = self.lat[at] + away * np.sin(angle)
        lon = self.lon[at] + away * np.cos(angle) / np.cos(np.radians(self.lat[at]))
        one = np.ones(at.size, dtype=np.int64)
        certain = one * (rng.random(at.size) < certain_share)
        return Incidents(one, certain), place(lon, lat, self.grids)

    def within(self, centre, radius_m):
        """Tell which points lie within so many metres of one of them."""
        north = self.lat - self.lat[centre]
        east = (self.lon - self.lon[centre]) * np.cos(np.radians(self.lat[centre]))
        return np.hypot(east, north) * METRES_A_DEGREE <= radius_m


def over(outline):
    cover = cells.cover(outline, cells.FINEST)
    middle = shapely.centroid(cells.polygons(cover.cells))
    area = cover.share * cover.area_m2
    return Ground(shapely.get_x(middle), shapely.get_y(middle), area, CELL_RADIUS_M)


def outline_of(name):
    with OUTLINES.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["name"] == name]
    return shapely.Polygon([(float(row["lon"]), float(row["lat"])) for row in rows])


@pytest.fixture(scope="module")
def arby():
    """Give a priority area: 0.2 km2, some 30 cells of resolution 10."""
    return over(outline_of("Årby"))


@pytest.fixture(scope="module")
def town(shared):
    """Give the whole town with its surroundings: 123 km2, 78,000 cells of resolution 11."""
    text = (shared / "data/eskilstuna/deso_2025_urban.geojson").read_text("utf-8")
    return over(shapely.union_all(shapely.get_parts(shapely.from_geojson(text))))


@pytest.fixture(scope="module")
def addresses(arby):
    """Give 120 entrances of twelve blocks of flats in the area, each bearing the same risk."""
    rng = np.random.default_rng(20)
    block = rng.choice(arby.lon.size, 12, replace=False, p=arby.share)
    at = np.repeat(block, 10)
    lon = arby.lon[at] + rng.normal(0, 15, 120) / METRES_A_DEGREE / 0.51
    lat = arby.lat[at] + rng.normal(0, 15, 120) / METRES_A_DEGREE
    return Ground(lon, lat, np.ones(120), 0.0)


def evenly(events, certain_share=1.0):
    """Draw maps of so many events at one level everywhere."""

    def draw(ground, rng):
        return ground.incidents(rng.multinomial(events, ground.share), rng, certain_share)

    return draw


def in_clumps(events, dispersion):
    """Draw negative binomial maps: counts with so many times the variance of chance."""

    def draw(ground, rng):
        level = rng.gamma(events * ground.share / (dispersion - 1), dispersion - 1)
        return ground.incidents(rng.poisson(level), rng)

    return draw


def share_of_false_maps(ground, draw, maps, method=cell_verdicts):
    rng = np.random.default_rng(2026)
    false = 0
    for _ in range(maps):
        found = method(*draw(ground, rng))
        false += any(each.judgement.all_of(Verdict.ESTABLISHED).any() for each in found)
    return false / maps


def share_of_found(ground, events, times, radius_m, maps):
    """Plant hot spots so many times as hot at random places; tell in how many maps one is found."""
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(maps):
        hot = ground.within(rng.choice(ground.lon.size, p=ground.share), radius_m)
        weight = ground.share * np.where(hot, times, 1.0)
        counts = rng.multinomial(events, weight / weight.sum())
        planted = cells.index(ground.lon[hot], ground.lat[hot])
        hits += any(
            np.isin(
                each.cells[each.judgement.all_of(Verdict.ESTABLISHED)],
                cells.parents(planted, each.resolution),
            ).any()
            for each in cell_verdicts(*ground.incidents(counts, rng))
        )
    return hits / maps


NOISE_KINDS = {
    "30 events": (evenly(30), cell_verdicts),
    "300 events": (evenly(300), cell_verdicts),
    "3000 events": (evenly(3000), cell_verdicts),
    "half the times uncertain": (evenly(300, 0.5), cell_verdicts),
    "clumps of 2": (in_clumps(300, 2.0), overdispersed_cell_verdicts),
    "clumps of 5": (in_clumps(300, 5.0), overdispersed_cell_verdicts),
    "30 events in clumps of 5": (in_clumps(30, 5.0), overdispersed_cell_verdicts),
    "even, believed clumped": (evenly(300), overdispersed_cell_verdicts),
}


@pytest.mark.parametrize("kind", NOISE_KINDS)
def test_noise_in_a_priority_area_is_not_painted(kind, arby):
    draw, method = NOISE_KINDS[kind]
    assert share_of_false_maps(arby, draw, EVERYDAY, method) <= MOST_FALSE


@pytest.mark.deep
@pytest.mark.parametrize("kind", [*NOISE_KINDS, "30 events in clumps of 10"])
def test_noise_in_a_priority_area_is_not_painted_over_thousands_of_maps(kind, arby):
    extreme = in_clumps(30, 10.0), overdispersed_cell_verdicts
    draw, method = NOISE_KINDS.get(kind, extreme)
    assert share_of_false_maps(arby, draw, DEEP, method) <= MOST_FALSE


def test_reports_whose_time_spans_a_day_never_establish_anything(arby):
    # Noise or not: no event is certain to lie in the window.
    assert share_of_false_maps(arby, evenly(300, 0.0), 50) == 0


@pytest.mark.parametrize("events", [30, 300])
def test_noise_over_addresses_is_not_painted_when_addresses_are_the_exposure(events, addresses):
    assert share_of_false_maps(addresses, evenly(events), EVERYDAY) <= MOST_FALSE


def test_the_same_noise_against_square_metres_is_painted_so_exposure_must_be_addresses(
    addresses, arby
):
    # Not a wish but a warning: an address holds its events, the lawn beside it none.
    rng = np.random.default_rng(1)
    wrong = copy.copy(addresses)
    wrong.grids = arby.grids
    found = [cell_verdicts(*evenly(300)(wrong, rng))[-1].judgement for _ in range(20)]
    assert all(judged.all_of(Verdict.ESTABLISHED).any() for judged in found)


def test_clumped_noise_taken_for_even_is_painted_so_it_must_be_told(arby):
    assert share_of_false_maps(arby, in_clumps(300, 5.0), 20) > 0.5


@pytest.mark.parametrize("events", [30, 300, 3000])
def test_noise_in_the_whole_town_is_not_painted(events, town):
    assert share_of_false_maps(town, evenly(events), 25) <= MOST_FALSE


def test_clumped_noise_in_the_whole_town_is_not_painted(town):
    draw = in_clumps(300, 2.0)
    assert share_of_false_maps(town, draw, 12, overdispersed_cell_verdicts) <= MOST_FALSE


@pytest.mark.deep
@pytest.mark.parametrize("events", [30, 300, 3000])
def test_noise_in_the_whole_town_is_not_painted_over_a_thousand_maps(events, town):
    assert share_of_false_maps(town, evenly(events), 1000) <= MOST_FALSE


@pytest.mark.deep
@pytest.mark.parametrize("dispersion", [2.0, 5.0])
def test_clumped_noise_in_the_whole_town_is_not_painted_over_hundreds_of_maps(dispersion, town):
    draw = in_clumps(3000, dispersion)
    assert share_of_false_maps(town, draw, 400, overdispersed_cell_verdicts) <= MOST_FALSE


def test_a_hot_spot_five_times_as_hot_is_found_in_most_maps(arby):
    # 60 m around a point: 14 of 300 events would be there at the own level.
    assert share_of_found(arby, 300, 5.0, 60.0, 60) > 0.9


def test_one_of_half_that_radius_is_often_missed(arby):
    # Two events expected, ten come: honest, and the reason why "not raised" is not "calm".
    assert 0.15 < share_of_found(arby, 300, 5.0, 30.0, 60) < 0.65


def test_with_thirty_events_hardly_anything_can_be_found(arby):
    assert share_of_found(arby, 30, 5.0, 60.0, 60) < 0.25


def test_in_a_town_three_hundred_events_are_too_few_for_a_hot_spot_of_five(town):
    assert share_of_found(town, 300, 5.0, 150.0, 10) < 0.35


def test_in_a_town_three_thousand_events_show_one_that_is_ten_times_as_hot(town):
    assert share_of_found(town, 3000, 10.0, 300.0, 10) > 0.65


DENSITY = Density(eps_m=60.0, min_samples=6)


def share_of_maps_with_a_cluster(lattice, weight, maps, rng):
    x_m, y_m = lattice
    search = partial(dbscan, density=DENSITY)
    chance = over_places(x_m, y_m, np.ones(x_m.size), 120)
    hits = 0
    for _ in range(maps):
        x, y, events = over_places(x_m, y_m, weight, 120)(rng)
        label = search(x, y, events)
        member = label != NOISE
        counts = np.bincount(label[member], events[member]).astype(np.int64)
        found = cluster_excess(counts, chance, search, Redistribution(rounds=39), rng)
        hits += judge(found).all_of(Verdict.ESTABLISHED).any()
    return hits / maps


def lattice_of_places():
    x, y = np.divmod(np.arange(625.0), 25)
    return x * 40, y * 40


def test_clusters_searched_in_noise_are_not_established():
    rng = np.random.default_rng(3)
    share = share_of_maps_with_a_cluster(lattice_of_places(), np.ones(625), 60, rng)
    assert share <= 2 * MOST_FALSE  # exactly 5 % are: more than 6 of 60 come once in 25 draws


@pytest.mark.deep
def test_clusters_searched_in_noise_are_not_established_over_a_thousand_maps():
    rng = np.random.default_rng(3)
    share = share_of_maps_with_a_cluster(lattice_of_places(), np.ones(625), 1000, rng)
    assert share <= 0.075  # three standard errors above 5 %


def test_a_cluster_of_places_eight_times_as_hot_is_established():
    rng = np.random.default_rng(3)
    x, y = lattice_of_places()
    hot = np.hypot(x - 480, y - 480) < 90
    share = share_of_maps_with_a_cluster((x, y), np.where(hot, 8.0, 1.0), 20, rng)
    assert share > 0.8
