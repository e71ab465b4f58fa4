"""Emerging hot spots: each category by a series one can read, and what holds for every cube."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geo.emerging import EmergingRules, Pattern, classify, emerging
from geo.errors import InvalidParameter, TooFewObservations
from geo.gistar import gi_star, two_sided
from geo.permutation import exact_star_p
from geo.significance import false_discovery_rate
from geo.trend import mann_kendall
from tests.cellmaps import circle, hexagons, shuffled, star

RULES = EmergingRules()
UP = 2 + np.arange(12) / 10
EVEN = np.tile([2.5, 2.9, 2.4], 4)
SERIES = {
    "new": [0] * 11 + [3],
    "consecutive": [0] * 9 + [3, 3, 3],
    "consecutive of two": [0] * 10 + [3, 3],
    "intensifying": UP,
    "diminishing": UP[::-1],
    "persistent": EVEN,
    "persistent but for one": [0, *EVEN[1:]],
    "historical": [*EVEN[:11], 0],
    "historical after a rise": [*UP[:11], 0],
    "historical, cold in the end": [*EVEN[:11], -3],
    "sporadic": [0, 3, 0, 0, 3, 0, 0, 3, 0, 0, 0, 3],
    "sporadic, not at the end": [0, 3, 0, 0, 3, 0, 0, 3, 0, 0, 0, 0],
    "sporadic, two runs": [0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 3, 3],
    "oscillating": [-3, 0, -3, 0, 0, 3, 0, -3, 0, 0, 0, 3],
    "oscillating with a first hot month": [-3, *[0] * 10, 3],
}
cubes = arrays(float, (9, 11), elements=st.integers(0, 3).map(float))


def pattern(z):
    """Classify one series of scores as they are, without any adjustment."""
    z = np.array([z], dtype=float)
    return classify(z, two_sided(z), mann_kendall(z), RULES)[0]


@pytest.mark.parametrize("series", SERIES)
def test_a_hot_series_shows_the_pattern_its_name_says(series):
    assert pattern(SERIES[series]) == f"{series.split()[0].rstrip(',')}-hot"


@pytest.mark.parametrize("series", SERIES)
def test_a_cold_series_mirrors_the_hot_one(series):
    assert (
        pattern(-np.array(SERIES[series], dtype=float)) == f"{series.split()[0].rstrip(',')}-cold"
    )


@pytest.mark.parametrize(
    "z", [[0] * 12, [1.9] * 12, [3, -3, *[0] * 10]], ids=["flat", "just below", "both, long ago"]
)
def test_a_series_without_a_pattern_says_so(z):
    assert pattern(z) == "no-pattern"


@given(arrays(float, (20, 10), elements=st.sampled_from([-3.0, 0.0, 2.5, 3.0])))
def test_every_series_gets_a_pattern_that_fits_its_last_month(z):
    found = classify(z, two_sided(z), mann_kendall(z), RULES)
    assert set(found.tolist()) <= {p.value for p in Pattern}
    for name, last in zip(found.tolist(), z[:, -1], strict=True):
        kind = name.split("-")[0]
        if kind in {
            "new",
            "consecutive",
            "intensifying",
            "diminishing",
            "persistent",
            "oscillating",
        }:
            assert last != 0
        if kind == "historical":
            assert last <= 0 if name.endswith("hot") else last >= 0


@given(arrays(float, (20, 10), elements=st.sampled_from([-3.0, 0.0, 2.5, 3.0])))
def test_mirrored_scores_give_mirrored_patterns(z):
    found = classify(z, two_sided(z), mann_kendall(z), RULES)
    mirrored = classify(-z, two_sided(z), mann_kendall(-z), RULES)
    swap = {"hot": "cold", "cold": "hot", "pattern": "pattern"}
    for here, there in zip(found.tolist(), mirrored.tolist(), strict=True):
        kind, side = here.split("-")
        assert there == f"{kind}-{swap[side]}"


def test_a_share_of_nine_tenths_is_enough():
    assert pattern([0, *[2.5, 2.9, 2.4] * 3]) == "persistent-hot"
    assert pattern([0, 0, *[2.5, 2.9, 2.4] * 3, 2.5]) == "consecutive-hot"


def grown(neighbours, centre, months, by):
    """Add incidents to a cell and its neighbours in some months of an otherwise quiet year."""
    rng = np.random.default_rng(12)
    counts = rng.poisson(0.2, (neighbours.shape[0], 12)).astype(float)
    block = neighbours.indices[neighbours.indptr[centre] : neighbours.indptr[centre + 1]]
    counts[np.ix_(block, months)] += by
    return counts, emerging(counts, neighbours, RULES)


def test_a_block_that_fills_up_in_the_last_two_months_is_consecutive():
    _, found = grown(hexagons(7), 60, [10, 11], 4)
    assert found.category[60] == "consecutive-hot"


def test_a_block_that_is_full_all_year_is_persistent():
    _, found = grown(hexagons(7), 60, range(12), 4)
    assert found.category[60] == "persistent-hot"


def test_a_block_that_went_quiet_is_historical():
    _, found = grown(hexagons(7), 60, range(11), 4)
    assert found.category[60] == "historical-hot"


def test_a_rise_everywhere_is_no_hot_spot():
    counts = np.tile(np.arange(1.0, 13.0), (61, 1))
    found = emerging(counts, hexagons(4), RULES)
    assert set(found.category.tolist()) == {"no-pattern"}


def test_a_year_without_incidents_has_no_pattern():
    found = emerging(np.zeros((61, 12)), hexagons(4), RULES)
    assert set(found.category.tolist()) == {"no-pattern"}
    assert (found.p == 1).all()


def test_each_month_is_scored_as_a_map_of_its_own():
    counts, found = grown(hexagons(5), 40, [3], 5)
    for month in range(12):
        alone = gi_star(counts[:, month], hexagons(5))
        np.testing.assert_allclose(found.z[:, month], alone.z, rtol=1e-13)
        p = exact_star_p(counts[:, month], hexagons(5)).p
        np.testing.assert_allclose(found.p[:, month], p, rtol=1e-12)


def test_all_months_are_one_family_of_tests():
    _, found = grown(hexagons(5), 40, [3], 5)
    np.testing.assert_array_equal(found.q, false_discovery_rate(found.p))


def test_with_a_month_before_it_a_bin_is_scored_in_a_map_of_both():
    neighbours, previous = circle(8), EmergingRules(previous_periods=1)
    counts = np.random.default_rng(13).poisson(1, (8, 10)).astype(float)
    found = emerging(counts, neighbours, previous)
    around = neighbours.toarray()
    both = star([(i, j) for i, j in np.argwhere(np.tile(around, (2, 2))) if i != j], 16)
    for month in range(1, 10):
        pair = counts[:, month - 1 : month + 1].T.ravel()
        np.testing.assert_allclose(found.z[:, month], gi_star(pair, both).z[8:], rtol=1e-12)
        np.testing.assert_allclose(found.p[:, month], exact_star_p(pair, both).p[8:], rtol=1e-12)
    np.testing.assert_allclose(found.z[:, 0], gi_star(counts[:, 0], neighbours).z, rtol=1e-12)


@given(cubes, st.randoms())
def test_the_order_of_the_cells_does_not_matter(counts, random):
    order = np.array(random.sample(range(9), 9))
    here = emerging(counts, circle(9), RULES)
    there = emerging(counts[order], shuffled(circle(9), order), RULES)
    np.testing.assert_array_equal(here.category[order], there.category)
    np.testing.assert_array_equal(here.z[order], there.z)


def test_on_noise_hardly_any_map_shows_a_hot_bin_while_the_normal_p_paints_nearly_all():
    neighbours, rng = hexagons(9), np.random.default_rng(14)
    cells = neighbours.shape[0]
    honest = painted = 0
    for _ in range(60):
        counts = rng.multinomial(2 * cells // 12, np.full(cells, 1 / cells), size=12).T.astype(
            float
        )
        found = emerging(counts, neighbours, RULES)
        honest += bool((found.q <= 0.05).any())
        painted += bool((false_discovery_rate(two_sided(found.z)) <= 0.05).any())
    assert honest <= 0.05 * 60
    assert painted > 0.8 * 60


def test_nothing_that_was_given_is_changed():
    counts, street = np.ones((9, 10)), circle(9)
    counts[4, 5] = 7
    before = counts.copy(), street.copy()
    emerging(counts, street, RULES)
    np.testing.assert_array_equal(counts, before[0])
    assert (street != before[1]).nnz == 0


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (np.nan, "weights-not-finite"),
        (-1.0, "weights-negative"),
        (0.5, "counts-not-whole"),
        (1e300, "counts-too-large-for-exact"),
    ],
)
def test_what_is_no_whole_count_is_refused(bad, code):
    counts = np.ones((9, 10))
    counts[2, 3] = bad
    with pytest.raises(InvalidParameter, match=code):
        emerging(counts, circle(9), RULES)


def test_too_few_cells_or_months_are_refused():
    with pytest.raises(TooFewObservations, match="too-few-cells"):
        emerging(np.ones((2, 12)), star([], 2), RULES)
    with pytest.raises(TooFewObservations, match="too-few-cells"):
        emerging(np.ones((0, 12)), star([], 0), RULES)
    with pytest.raises(TooFewObservations, match="too-few-periods"):
        emerging(np.ones((9, 9)), circle(9), RULES)


def test_counts_that_are_no_table_are_refused():
    with pytest.raises(InvalidParameter, match="counts-not-a-table"):
        emerging(np.ones(9), circle(9), RULES)


def test_looking_back_further_than_the_first_month_is_refused():
    with pytest.raises(InvalidParameter, match="previous-periods-too-many"):
        emerging(np.ones((9, 10)), circle(9), EmergingRules(previous_periods=10))


@pytest.mark.parametrize("name", ["fdr", "trend_p", "persistent_share"])
@pytest.mark.parametrize("value", [0, 1, -1, np.nan])
def test_levels_are_fractions(name, value):
    with pytest.raises(InvalidParameter, match="not-a-fraction"):
        EmergingRules(**{name: value})


def test_nearly_always_is_more_than_half_of_the_time():
    with pytest.raises(InvalidParameter, match="share-not-above-half"):
        EmergingRules(persistent_share=0.5)


def test_looking_back_is_never_negative():
    with pytest.raises(InvalidParameter, match="previous-periods-negative"):
        EmergingRules(previous_periods=-1)


def test_scores_that_do_not_belong_together_are_refused():
    z = np.zeros((3, 10))
    with pytest.raises(InvalidParameter, match="shapes-differ"):
        classify(z, np.ones((3, 9)), mann_kendall(z), RULES)
    with pytest.raises(InvalidParameter, match="shapes-differ"):
        classify(z, np.ones((3, 10)), mann_kendall(z[:2]), RULES)
    with pytest.raises(InvalidParameter, match="not-a-probability"):
        classify(z, np.full((3, 10), 2.0), mann_kendall(z), RULES)
