"""Compile what is compiled on first use: ``python -m pipelines.warm``, once after an installation.

The kernels of geo/*_kernel.py are kept on disk, so that no user waits for the compiler. Without
numba, or where nothing can be written, there is nothing to do: the same results come without them.
"""

from __future__ import annotations

import numpy as np

from geo import clusters, heat, kde, places

PLACES = 100  # so many that each way through the kernels is taken


def warm() -> None:
    """Run every compiled kernel once, on a few made-up places."""
    rng = np.random.default_rng(0)
    x_m, y_m = rng.uniform(0, 500, (2, PLACES))
    half = PLACES // 2
    places.gather([(x_m[:half], y_m[:half], []), (x_m[half:], y_m[half:], [])])
    events = np.ones(PLACES, dtype=np.int64)
    clusters.dbscan(x_m, y_m, events, clusters.Density(50.0, 5))
    grid = heat.Grid(0.0, 0.0, 10.0, 50, 50)
    for kernel in (kde.GaussianHeat(15.0), kde.GaussianHeat(50.0), kde.QuarticHeat(60.0)):
        heat.heat_raster((x_m, y_m), events.astype(np.float64), kernel, grid)


if __name__ == "__main__":
    warm()
