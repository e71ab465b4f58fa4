"""Every method in one list: which question it answers, by which function, with which choices.

The command line (``lagesbild methods``), the API (``/methods``) and docs/METHODS.md all show this
list, so a method that is not here does not exist for anybody outside.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any

from geo import (
    aoristic,
    backtest,
    bandwidth,
    cells,
    change,
    clusters,
    concentration,
    contours,
    counting,
    edge,
    effect,
    emerging,
    gistar,
    heat,
    hot_times,
    kde,
    lattice,
    moran,
    near_repeat,
    pattern,
    permutation,
    places,
    prediction,
    rates,
    ratios,
    redistribution,
    reporting,
    rings,
    risk_terrain,
    significance,
    stability,
    trend,
    verdicts,
    windows,
)
from geo.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

_UNITS = {"m": "m", "m2": "m²", "days": "d", "hours": "h", "minutes": "min"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One choice of a method."""

    name: str
    kind: str  # float, int, ...
    default: object  # None: it must be given
    unit: str  # "" where it has none


@dataclass(frozen=True, slots=True)
class Method:
    """One method."""

    name: str
    function: Callable[..., object]
    choices: type[Any] | None  # the frozen dataclass of its parameters
    source: str  # where the formula stands
    checked: str  # what it is tested against

    @property
    def question(self) -> str:
        """The question it answers: the first line of its docstring."""
        return (self.function.__doc__ or "").strip().splitlines()[0]

    @property
    def place(self) -> str:
        """Where it lives: module and function."""
        return f"{self.function.__module__}.{self.function.__qualname__}"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Its choices, in the order in which they are declared."""
        if self.choices is None:
            return ()
        return tuple(
            Parameter(
                each.name,
                str(each.type),
                None if each.default is MISSING else each.default,
                _UNITS.get(each.name.rpartition("_")[2], ""),
            )
            for each in fields(self.choices)
        )


METHODS: tuple[Method, ...] = (
    Method(
        "dbscan",
        clusters.dbscan,
        clusters.Density,
        "Ester et al. 1996; Schubert et al. 2017, doi:10.1145/3068335",
        "scikit-learn, R dbscan 1.1-11",
    ),
    Method(
        "aoristic-weights",
        aoristic.aoristic_weights,
        None,
        "Ratcliffe 2000, doi:10.1080/136588100424963",
        "R aoristic 1.1.1, crimepy, zoneinfo",
    ),
    Method(
        "hot-times",
        hot_times.hot_times,
        hot_times.HotTimes,
        "Ratcliffe 2000; Naus 1965",
        "R aoristic 1.1.1, sums by hand",
    ),
    Method(
        "reporting-delay",
        reporting.reporting_delay,
        reporting.Delays,
        "Lagakos, Barraj & De Gruttola 1988, doi:10.1093/biomet/75.3.515",
        "its likelihood, simulation",
    ),
    Method(
        "change",
        change.compare_periods,
        change.Change,
        "Clopper & Pearson 1934; Benjamini & Hochberg 1995",
        "sfhotspot 1.0.0",
    ),
    Method(
        "change-at-equal-lag",
        change.compare_at_equal_lag,
        change.Change,
        "as change, with reporting-delay",
        "a simulated register",
    ),
    Method(
        "near-repeat",
        near_repeat.near_repeat,
        near_repeat.NearRepeat,
        "Knox 1964; Johnson et al. 2007",
        "all pairs counted",
    ),
    Method("knox", near_repeat.knox, near_repeat.Knox, "Knox 1964", "pointpats (Burkitt)"),
    Method(
        "prediction-accuracy",
        prediction.accuracy,
        prediction.HotShares,
        "Chainey, Tompson & Uhlig 2008; NIJ 2017",
        "ptools 2.0.0",
    ),
    Method(
        "prediction-accuracy-by-rank",
        prediction.accuracy_by_rank,
        None,
        "Wheeler & Steenbeek 2021",
        "ptools 2.0.0",
    ),
    Method("recapture", prediction.recapture, prediction.HotShares, "Levine 2008", "by hand"),
    Method(
        "backtest",
        backtest.backtest,
        backtest.RollingOrigin,
        "Tashman 2000",
        "brute force, pure noise",
    ),
    Method(
        "wdd",
        effect.wdd,
        effect.Wdd,
        "Wheeler & Ratcliffe 2018, doi:10.1186/s40163-018-0085-5",
        "ptools 2.0.0",
    ),
    Method("wdd-harm", effect.wdd_harm, effect.Wdd, "Wheeler 2020", "ptools 2.0.0"),
    Method(
        "effect",
        effect.assess,
        effect.Wdd,
        "Wheeler & Ratcliffe 2018",
        "every outcome counted, simulation",
    ),
    Method(
        "nearest-tally",
        rings.nearest_tally,
        rings.Rings,
        "half-open rings, nearest facility only",
        "brute force",
    ),
    Method(
        "overlapping-tally", rings.overlapping_tally, rings.Rings, "half-open rings", "brute force"
    ),
    Method(
        "nearest-areas",
        rings.nearest_areas,
        rings.Rings,
        "Green's theorem on discs in Voronoi cells",
        "closed forms",
    ),
    Method(
        "overlapping-areas",
        rings.overlapping_areas,
        rings.Rings,
        "Green's theorem on discs",
        "closed forms, shapely",
    ),
    Method(
        "ring-excess",
        rings.ring_excess,
        verdicts.OwnLevel,
        "exact binomial; Garwood 1936",
        "by hand",
    ),
    Method(
        "hours-near",
        rings.hours_near,
        rings.HoursNear,
        "Fisher's exact test; Cornfield 1956",
        "R fisher.test, scipy",
    ),
    Method(
        "rank-facilities",
        rings.rank_facilities,
        rings.Ranking,
        "Mogstad et al. 2024; Holm 1979",
        "simulation",
    ),
    Method(
        "colocation",
        risk_terrain.colocation,
        risk_terrain.Colocation,
        "Mantel & Haenszel 1959; Canay, Romano & Shaikh 2017",
        "Stata ir, simulation",
    ),
    Method(
        "combined",
        risk_terrain.combined,
        risk_terrain.Beside,
        "features of one kind near another",
        "by hand",
    ),
    Method("walked", risk_terrain.walked, risk_terrain.Walked, "where walks went", "by hand"),
    Method(
        "heat-map",
        heat.heat_raster,
        kde.GaussianHeat,
        "Silverman 1986; Greengard & Lee 2004",
        "exact sums, ks 1.14.0, sfhotspot 1.0.0",
    ),
    Method(
        "density",
        kde.density_at,
        kde.GaussianHeat,
        "Silverman 1986",
        "ks 1.14.0, spatstat 3.0, SpatialKDE 0.8.2",
    ),
    Method(
        "density-ratio",
        kde.density_ratio,
        kde.DensityRatio,
        "Bithell 1990; Kelsall & Diggle 1995",
        "sfhotspot 1.0.0",
    ),
    Method(
        "density-uniform-edge",
        edge.density_uniform_edge,
        kde.GaussianHeat,
        "Diggle 1985",
        "spatstat 3.0",
    ),
    Method(
        "density-diggle-edge",
        edge.density_diggle_edge,
        kde.GaussianHeat,
        "Jones 1993",
        "spatstat 3.0",
    ),
    Method(
        "volume-contours",
        contours.volume_contours,
        contours.VolumeShares,
        "Worton 1989",
        "closed form of one Gaussian",
    ),
    Method("scott-bandwidth", bandwidth.scott_bandwidth, None, "Scott 1992", "spatstat bw.scott"),
    Method(
        "likelihood-bandwidth",
        bandwidth.likelihood_bandwidth,
        bandwidth.Candidates,
        "Habbema et al. 1974; Loader 1999",
        "spatstat bw.ppl",
    ),
    Method("ripley-k", pattern.ripley_k, None, "Ripley 1977", "spatstat Kest"),
    Method("clark-evans", pattern.clark_evans, None, "Clark & Evans 1954", "spatstat"),
    Method("quadrat-test", pattern.quadrat_test, pattern.Quadrats, "Pearson 1900", "spatstat"),
    Method(
        "window-shares",
        windows.Occurrences.shares,
        None,
        "elapsed time; Ratcliffe 2000",
        "R aoristic 1.1.1, zoneinfo, every half-hour of 2026",
    ),
    Method("h3-index", cells.index, None, "Uber H3 4.5", "h3-py, the official H3 files"),
    Method(
        "study-area",
        cells.cover,
        None,
        "Lambert's cylindrical equal-area projection",
        "H3's overlap cover, cell_area",
    ),
    Method("cells-around", lattice.neighbours, None, "Uber H3 4.5", "h3-py grid_disk"),
    Method("collapse", places.collapse, None, "equal to the last bit", "numpy.unique"),
    Method(
        "tally", counting.tally, None, "counts and weights of every combination", "sums by hand"
    ),
    Method(
        "crude-rates",
        rates.crude_rates,
        rates.RateInterval,
        "Garwood 1936, doi:10.1093/biomet/28.3-4.437",
        "scipy chi2",
    ),
    Method(
        "smoothed-rates",
        rates.smoothed_rates,
        None,
        "Marshall 1991, doi:10.2307/2347593",
        "esda 2.9",
    ),
    Method(
        "locally-smoothed-rates",
        rates.locally_smoothed_rates,
        None,
        "Marshall 1991, doi:10.2307/2347593",
        "esda 2.9",
    ),
    Method(
        "concentration",
        concentration.concentration,
        concentration.Shares,
        "Bernasco & Steenbeek 2017, doi:10.1007/s10940-016-9324-7",
        "lorenzgini 0.1.2",
    ),
    Method(
        "lorenz-curve",
        concentration.lorenz_curve,
        None,
        "Bernasco & Steenbeek 2017, doi:10.1007/s10940-016-9324-7",
        "lorenzgini 0.1.2",
    ),
    Method(
        "chance-concentration",
        concentration.chance_concentration,
        concentration.ChanceOfConcentration,
        "multinomial redistribution",
        "simulation",
    ),
    Method(
        "gi-star",
        gistar.gi_star,
        None,
        "Ord & Getis 1995, doi:10.1111/j.1538-4632.1995.tb00912.x",
        "esda 2.9, spdep 1.2-7, sfhotspot 1.0.0",
    ),
    Method("gi", gistar.gi, None, "Getis & Ord 1992", "esda 2.9, spdep 1.2-7, sfhotspot 1.0.0"),
    Method(
        "exact-star-p",
        permutation.exact_star_p,
        None,
        "multivariate hypergeometric sums",
        "every arrangement of small maps",
    ),
    Method(
        "exact-conditional-p",
        permutation.exact_conditional_p,
        None,
        "Anselin 1995",
        "every arrangement of small maps, simulation",
    ),
    Method(
        "shuffled-p", permutation.shuffled_p, permutation.Shuffles, "Anselin 1995", "the exact p"
    ),
    Method(
        "false-discovery-rate",
        significance.false_discovery_rate,
        None,
        "Benjamini & Hochberg 1995",
        "R p.adjust, scipy",
    ),
    Method("bonferroni", significance.bonferroni, None, "Dunn 1961", "R p.adjust"),
    Method("moran", moran.moran, None, "Cliff & Ord 1981", "spdep 1.2-7, esda 2.9"),
    Method(
        "moran-shuffled-p",
        moran.moran_shuffled_p,
        permutation.Shuffles,
        "Cliff & Ord 1981",
        "every arrangement of small maps",
    ),
    Method(
        "local-moran",
        moran.local_moran,
        None,
        "Anselin 1995; Sokal, Oden & Thomson 1998",
        "spdep 1.2-7, esda 2.9",
    ),
    Method("general-g", moran.general_g, None, "Getis & Ord 1992", "spdep 1.2-7, esda 2.9"),
    Method(
        "rate-ratio",
        ratios.rate_ratio,
        ratios.RatioInterval,
        "Clopper & Pearson 1934; Przyborowski & Wilenski 1940",
        "scipy binomtest, R poisson.test",
    ),
    Method(
        "rate-ratio-mid-p",
        ratios.rate_ratio_mid_p,
        ratios.RatioInterval,
        "Lancaster 1961; Berry & Armitage 1995",
        "sums by hand",
    ),
    Method("e-test", ratios.e_test, None, "Krishnamoorthy & Thomson 2004", "ptools 2.0.0"),
    Method("percentage", ratios.percentage, ratios.Percentages, "none below ten", "by hand"),
    Method(
        "percent-change", ratios.percent_change, ratios.Percentages, "none below ten", "by hand"
    ),
    Method(
        "excess",
        verdicts.excess,
        verdicts.OwnLevel,
        "conditional binomial, negative binomial; Garwood 1936",
        "scipy",
    ),
    Method(
        "overdispersed-excess",
        verdicts.overdispersed_excess,
        rates.RateInterval,
        "negative binomial by moments, leaving one out",
        "calibration on noise",
    ),
    Method(
        "verdict", verdicts.judge, verdicts.Demands, "the table of verdicts", "calibration on noise"
    ),
    Method(
        "cell-verdicts",
        stability.cell_verdicts,
        verdicts.Demands,
        "the table of verdicts, moved grids",
        "calibration on noise",
    ),
    Method(
        "overdispersed-cell-verdicts",
        stability.overdispersed_cell_verdicts,
        verdicts.Demands,
        "the table of verdicts, moved grids",
        "calibration on noise",
    ),
    Method(
        "cluster-excess",
        redistribution.cluster_excess,
        redistribution.Redistribution,
        "Kulldorff 1997; Davison & Hinkley 1997",
        "calibration on noise",
    ),
    Method(
        "cluster-succession",
        clusters.match,
        clusters.Continuity,
        "shared events, one to one",
        "by hand",
    ),
    Method(
        "cluster-stability",
        clusters.stability,
        clusters.Disturbance,
        "Hennig 2007, doi:10.1016/j.csda.2006.11.025",
        "by hand",
    ),
    Method(
        "mann-kendall",
        trend.mann_kendall,
        None,
        "Mann 1945; Kendall 1975",
        "R Kendall 2.2.1, scipy",
    ),
    Method(
        "emerging",
        emerging.emerging,
        emerging.EmergingRules,
        "ArcGIS' categories, historical before persistent",
        "sfdep 0.2.4",
    ),
    Method(
        "density-without-itself",
        kde.density_without_itself,
        kde.GaussianHeat,
        "Silverman 1986",
        "spatstat 3.0",
    ),
)


def method(name: str) -> Method:
    """Find one method by name.

    Raises
    ------
    NotFound
        There is none of that name.
    """
    for each in METHODS:
        if each.name == name:
            return each
    raise NotFound("unknown-method", name=name[:40], known=", ".join(m.name for m in METHODS))
