"""What every method asks of its input before it computes anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geo.errors import InvalidParameter

if TYPE_CHECKING:
    from numpy.typing import NDArray


def require_same_length(**arrays: NDArray[np.generic]) -> None:
    """Refuse arrays whose first axes differ: they should describe the same things."""
    shapes = {name: np.shape(array) for name, array in arrays.items()}
    lengths = {shape[0] if shape else None for shape in shapes.values()}
    column = any(shape[1:] == (1,) for shape in shapes.values())
    if len(lengths) > 1 or None in lengths or (column and len(set(shapes.values())) > 1):
        raise InvalidParameter("shapes-differ", **shapes)


def require_columns(**arrays: NDArray[np.generic]) -> None:
    """Refuse arrays that are not one plain column each, all of one length."""
    require_same_length(**arrays)
    if any(np.ndim(array) != 1 for array in arrays.values()):
        raise InvalidParameter(
            "shapes-differ", **{name: np.shape(array) for name, array in arrays.items()}
        )


def require_points(x_m: NDArray[np.float64], y_m: NDArray[np.float64]) -> None:
    """Refuse coordinates that are not one pair of finite metres each."""
    require_columns(x_m=x_m, y_m=y_m)
    if not (np.isfinite(x_m).all() and np.isfinite(y_m).all()):
        raise InvalidParameter("coordinates-not-finite")


def require_weights(weight: NDArray[np.float64]) -> None:
    """Refuse weights or counts that are negative, infinite or not a number; zero is fine."""
    if not np.isfinite(weight).all():
        raise InvalidParameter("weights-not-finite")
    if (weight < 0).any():
        raise InvalidParameter("weights-negative", weight=float(weight.min()))


def require_positive(**values: float) -> None:
    """Refuse a parameter that is not a finite number above zero."""
    for name, value in values.items():
        if not (np.isfinite(value) and value > 0):
            raise InvalidParameter("not-positive", name=name, value=value)


def require_fraction(**values: float) -> None:
    """Refuse a parameter that is not strictly between 0 and 1."""
    for name, value in values.items():
        if not 0 < value < 1:
            raise InvalidParameter("not-a-fraction", name=name, value=value)
