"""Runs: which analysis is in force, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from geo.errors import NotFound
from store import models

if TYPE_CHECKING:
    from datetime import datetime


# In the parameters: the last incident (`incidents.newest_id`) that had been taken in.
NEWEST = "newest_incident"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Everything needed to cite a run and to compute it again."""

    created_at: datetime
    period_start: datetime
    period_end: datetime  # exclusive
    code_version: str
    input_digest: str
    parameters: dict[str, Any]
    synthetic: bool
    n_incidents: int  # whole events of map categories in the period
    n_unplaced: int  # of these: no known place
    n_imprecise: int  # of these: counted for their area only
    n_excluded: int  # besides these: kinds that never reach maps


@dataclass(frozen=True, slots=True)
class Run(Provenance):
    """A stored run."""

    id: int


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """What one published layer is and who may see it."""

    kind: str
    method: str
    parameters: dict[str, Any]
    audience: str
    disclosure: str
    n: int


_COLUMNS = (
    models.Run.created_at,
    models.Run.period_start,
    models.Run.period_end,
    models.Run.code_version,
    models.Run.input_digest,
    models.Run.parameters,
    models.Run.synthetic,
    models.Run.n_incidents,
    models.Run.n_unplaced,
    models.Run.n_imprecise,
    models.Run.n_excluded,
    models.Run.id,
)


def current(connection: sa.Connection) -> Run | None:
    """Give the run in force; None before the first analysis."""
    query = sa.select(*_COLUMNS).where(models.Run.active)
    row = connection.execute(query).one_or_none()
    return None if row is None else Run(*row)


def history(connection: sa.Connection) -> list[Run]:
    """List every run, newest first."""
    query = sa.select(*_COLUMNS).order_by(models.Run.id.desc())
    return [Run(*row) for row in connection.execute(query)]


def add(connection: sa.Connection, provenance: Provenance) -> int:
    """Store a run that is not in force yet, and give its id."""
    values = {name: getattr(provenance, name) for name in Provenance.__slots__}
    statement = sa.insert(models.Run).returning(models.Run.id)
    return connection.execute(statement, {**values, "active": False}).scalar_one()


def add_layer(connection: sa.Connection, run_id: int, layer: LayerInfo) -> int:
    """Store a layer's description, and give its id."""
    values = {name: getattr(layer, name) for name in LayerInfo.__slots__}
    statement = sa.insert(models.Layer).returning(models.Layer.id)
    return connection.execute(statement, {**values, "run_id": run_id}).scalar_one()


def layers(connection: sa.Connection, run_id: int) -> dict[str, LayerInfo]:
    """List the layers of a run by kind."""
    table = models.Layer
    query = sa.select(
        table.kind, table.method, table.parameters, table.audience, table.disclosure, table.n
    ).where(table.run_id == run_id)
    return {row.kind: LayerInfo(*row) for row in connection.execute(query)}


def activate(connection: sa.Connection, run_id: int) -> None:
    """Put a run in force; in the same transaction the one before steps back.

    Raises
    ------
    NotFound
        There is none with that id.
    """
    if connection.scalar(sa.select(models.Run.id).where(models.Run.id == run_id)) is None:
        raise NotFound("no-such-run", id=run_id)
    connection.execute(sa.update(models.Run).values(active=models.Run.id == run_id))
