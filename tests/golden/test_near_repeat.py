"""Knox's test against the numbers of pointpats' own tests: golden/00_published_expected.

The Burkitt data come with libpysal; pointpats itself is not installed.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from geo.near_repeat import Knox, NearRepeat, knox, near_repeat

KEY = "pysal_pointpats_Knox (pointpats/tests/test_spacetime.py, data libpysal.examples 'Burkitt')"


@pytest.fixture(scope="module")
def published(shared):
    text = (shared / "golden/00_published_expected/published_expected.json").read_text("utf-8")
    return json.loads(text)[KEY]


@pytest.fixture(scope="module")
def burkitt():
    """Give x, y and day of the 188 cases, from the files that libpysal brings along."""
    libpysal = pytest.importorskip("libpysal")
    pyogrio = pytest.importorskip("pyogrio")
    path = Path(libpysal.__file__).parent / "examples/burkitt/burkitt.shp"
    rows = pyogrio.read_dataframe(path, read_geometry=False)
    day = np.datetime64("1960-01-01") + rows["T"].to_numpy().astype("timedelta64[D]")
    return rows["X"].to_numpy(float), rows["Y"].to_numpy(float), day


def inclusive(published):
    """Turn "at most delta" and "at most tau whole days" into "below"."""
    delta, tau = float(published["delta"]), published["tau"]
    return float(np.nextafter(delta, np.inf)), float(tau + 1)


def test_statistic_table_and_expectation_are_those_of_pointpats(burkitt, published):
    found = knox(*burkitt, Knox(*inclusive(published)))
    assert burkitt[0].size == published["n"]
    assert found.observed[0, 0] == published["statistic"]
    np.testing.assert_array_equal(found.observed, published["observed"])
    ours, theirs = found.expected.ravel(), np.ravel(published["expected"])
    right = [0, 1, 3]  # the third number lost a digit on the way: its column is 52 pairs
    np.testing.assert_allclose(ours[right], theirs[right], rtol=1e-8)
    soon = sum(row[0] for row in published["observed"])
    assert ours[2] == pytest.approx(soon - theirs[0], abs=1e-7)
    assert theirs[0] + theirs[2] != pytest.approx(soon, abs=1e-6)


def test_poisson_p_is_that_of_pointpats_and_ours_counts_the_statistic_as_well(burkitt, published):
    found = knox(*burkitt, Knox(*inclusive(published)))
    assert found.p_beyond == pytest.approx(published["p_poisson"], rel=1e-12)
    assert found.p > found.p_beyond


def test_the_bands_of_near_repeats_add_up_to_the_same_pairs(burkitt, published):
    delta, tau = inclusive(published)
    bands = NearRepeat((5.0, 10.0, delta), (2.0, tau), rounds=1)
    found = near_repeat(*burkitt, bands, np.random.default_rng(0))
    assert found.observed.sum() == published["statistic"]
    assert found.expected.sum() == pytest.approx(published["expected"][0][0], rel=1e-8)
    assert found.pairs_in_distance.sum() == sum(published["observed"][0])
