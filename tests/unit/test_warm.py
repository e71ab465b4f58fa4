"""After an installation nobody waits for the compiler."""

import pytest

from pipelines.warm import warm


def test_every_kernel_is_compiled_once_and_for_all():
    numba = pytest.importorskip("numba", reason="numba is not installed")
    from geo import density_kernel, kde_kernel, place_kernel

    warm()
    dispatchers = [
        value
        for module in (density_kernel, kde_kernel, place_kernel)
        for value in vars(module).values()
        if isinstance(value, numba.core.registry.CPUDispatcher)
    ]
    assert len(dispatchers) > 5
    cold = {each.py_func.__qualname__ for each in dispatchers if not each.signatures}
    assert cold == set()
