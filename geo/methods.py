"""Every method in one list: which question it answers, by which function, with which choices.

The command line (``lagesbild methods``), the API (``/methods``) and docs/METHODS.md all show this
list, so a method that is not here does not exist for anybody outside.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any

from geo import clusters
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
        return f"{self.function.__module__}.{self.function.__name__}"

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
