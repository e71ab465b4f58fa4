"""Retention (gallring): how long each class of data is kept, and its removal without a trace.

A rule counts whole calendar months: what belongs to a month is removed when the rule's months have
passed after that month's end. So a weeding never cuts through a month that a layer counts.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import exc

from geo.errors import NotFound
from store import models, places, views
from store.journal_models import Look, SessionRow
from store.parts import JOURNAL, MAIN, RELEASE, Part
from store.release_models import Release, ReleasePart

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from store.db import Store

NO_PROFILE = "Europe/Stockholm"  # whose months count before a place profile is loaded
COUNTED = (models.CellCount, models.AreaCount, models.UnitVerdict)  # no foreign key to the layer
WAIT_FOR_READERS_MS = 5_000
LOCK_NOT_AVAILABLE = "55P03"  # as PostgreSQL says it
LOG = "log"  # its entries are blanked through pipelines/looks.py, so that the chain stays whole

# Every class of data that a rule can be made for, and the part where it lies.
CLASSES: dict[str, Part] = {
    "incidents": MAIN,
    "quarantine": MAIN,
    "observations": MAIN,
    "layers": MAIN,
    "tables": MAIN,
    "plan": MAIN,
    "views": MAIN,
    "accounts": MAIN,
    "keys": MAIN,
    "releases": RELEASE,
    "sessions": JOURNAL,
    LOG: JOURNAL,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """How long one class is kept, and by what right."""

    data_class: str
    months: int
    legal_basis: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Limit:
    """What is older than this goes."""

    at: datetime  # when a local month began
    month: int  # that month as year * 100 + month


@dataclass(frozen=True, slots=True)
class Weeded:
    """What a rule removed, or would."""

    data_class: str
    limit: Limit
    rows: int
    runs: int = 0  # analyses that counted such events, with all their layers


_COLUMNS = (
    models.RetentionRule.data_class,
    models.RetentionRule.months,
    models.RetentionRule.legal_basis,
    models.RetentionRule.changed_at,
)


def rules(connection: sa.Connection) -> list[Rule]:
    """List the rules in the order of the classes; a class without one is kept."""
    found = {row[0]: Rule(*row) for row in connection.execute(sa.select(*_COLUMNS))}
    return [found[name] for name in CLASSES if name in found]


def put(connection: sa.Connection, rule: Rule) -> None:
    """Make a rule, in the place of the class's earlier one."""
    table = models.RetentionRule
    connection.execute(sa.delete(table).where(table.data_class == rule.data_class))
    connection.execute(sa.insert(table), asdict(rule))


def drop(connection: sa.Connection, data_class: str) -> bool:
    """Take a rule away, so that the class is kept; tell whether there was one."""
    table = models.RetentionRule
    gone = connection.execute(sa.delete(table).where(table.data_class == data_class))
    return gone.rowcount > 0


def keep_rules(connection: sa.Connection, kept: Iterable[Rule]) -> None:
    """Put these rules in the place of all others."""
    connection.execute(sa.delete(models.RetentionRule))
    for rule in kept:
        put(connection, rule)


def timezone(connection: sa.Connection) -> str:
    """Tell whose calendar months count."""
    try:
        return places.profile(connection).timezone
    except NotFound:
        return NO_PROFILE


def limit(months: int, now: datetime, zone: str) -> Limit:
    """Tell what is too old: the beginning of the local month that many months ago."""
    local = now.astimezone(ZoneInfo(zone))
    year, month = divmod(local.year * 12 + local.month - 1 - months, 12)
    begins = datetime(year, month + 1, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return Limit(begins, year * 100 + month + 1)


# --- what goes ---------------------------------------------------------------------------------


def expected(connection: sa.Connection, data_class: str, before: Limit) -> Weeded:
    """Count what `weed` would remove."""
    table, condition = _chosen(data_class, before)
    rows = connection.scalar(sa.select(sa.func.count()).select_from(table).where(condition)) or 0
    runs = 0
    if data_class == "incidents":
        counting = sa.select(sa.func.count()).select_from(models.Run)
        runs = connection.scalar(counting.where(_counted_before(before))) or 0
    return Weeded(data_class, before, rows, runs)


def weed(connection: sa.Connection, data_class: str, before: Limit) -> Weeded:
    """Remove what is too old; not for the log, whose chain `pipelines.looks.Log.weed` keeps.

    With incidents go the analyses that counted them: their layers would tell about the events for
    as long as they stand. With rows in quarantine go the examples of them in their imports'
    reports, and with accounts the links that their holders saved.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
    table, condition = _chosen(data_class, before)
    if data_class == "layers":
        return Weeded(data_class, before, _remove_runs(connection, condition))
    runs = 0
    if data_class == "incidents":
        runs = _remove_runs(connection, _counted_before(before))
    if data_class == "quarantine":
        _remove_examples(connection, before)
    if data_class == "accounts":
        views.forget(connection, sa.select(models.User.name).where(condition))
    rows = connection.execute(sa.delete(table).where(condition)).rowcount
    return Weeded(data_class, before, rows, runs)


def _chosen(data_class: str, before: Limit) -> tuple[type[Any], sa.ColumnElement[bool]]:
    """Name a class's table and select what is too old."""
    imports, release = models.ImportBatch, Release
    old_imports = sa.select(imports.id).where(imports.started_at < before.at)
    # The last word of each house stays: what was told must be known when more is to be told.
    last_words = (
        sa.select(sa.func.max(release.number))
        .where(release.activated_at.is_not(None))
        .group_by(release.signed_by)
    )
    superseded = sa.select(release.id).where(
        release.created_at < before.at,
        release.active.is_(False),
        release.number.not_in(last_words),
    )
    choices: dict[str, tuple[type[Any], sa.ColumnElement[bool]]] = {
        "incidents": (models.Incident, models.Incident.starts_at < before.at),
        "quarantine": (models.Quarantined, models.Quarantined.import_id.in_(old_imports)),
        "observations": (models.Observation, models.Observation.observed_at < before.at),
        "layers": (models.Run, models.Run.created_at < before.at),
        "tables": (models.TableCount, models.TableCount.month < before.month),
        "plan": (models.PlanRow, models.PlanRow.added_at < before.at),
        "views": (models.SavedView, models.SavedView.saved_at < before.at),
        "accounts": (models.User, models.User.expires_at < before.at),
        "keys": (models.ApiKey, models.ApiKey.expires_at < before.at),
        "releases": (ReleasePart, ReleasePart.release_id.in_(superseded)),
        "sessions": (SessionRow, SessionRow.expires_at < before.at),
        LOG: (Look, sa.and_(Look.at < before.at, Look.body.is_not(None))),
    }
    return choices[data_class]


def _counted_before(before: Limit) -> sa.ColumnElement[bool]:
    return models.Run.period_start < before.at


def _remove_runs(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> int:
    """Remove analyses with everything that was published from them."""
    runs = sa.select(models.Run.id).where(condition)
    layers = sa.select(models.Layer.id).where(models.Layer.run_id.in_(runs))
    for table in COUNTED:
        connection.execute(sa.delete(table).where(table.layer_id.in_(layers)))
    return connection.execute(sa.delete(models.Run).where(condition)).rowcount


def _remove_examples(connection: sa.Connection, before: Limit) -> None:
    table = models.ImportBatch
    old = sa.select(table.id, table.report).where(table.started_at < before.at)
    for import_id, report in connection.execute(old).all():
        if report.get("examples"):
            blanked = {**report, "examples": []}
            change = sa.update(table).where(table.id == import_id).values(report=blanked)
            connection.execute(change)


def weed_part(
    connection: sa.Connection, part: Part, given: Sequence[Rule], now: datetime, zone: str
) -> list[Weeded]:
    """Apply the rules of the classes that lie in a part; the log is not touched."""
    return [
        weed(connection, rule.data_class, limit(rule.months, now, zone))
        for rule in given
        if CLASSES[rule.data_class] is part and rule.data_class != LOG
    ]


# --- without a trace ---------------------------------------------------------------------------


def compact(store: Store) -> bool:
    """Rewrite a part, so that removed rows are in none of its files; tell whether all went well.

    False: somebody is reading right now, and what was removed may still lie in a GeoPackage's
    write-ahead log, or in a table's file on a server. The next run removes it.
    """
    if not store.is_geopackage:
        with store.read():  # a fault of the server is told as every other one
            return _rewrite_tables(store)
    with store.write_alone() as connection:
        connection.exec_driver_sql("COMMIT")  # what follows cannot be part of a transaction
        connection.exec_driver_sql("VACUUM")
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {WAIT_FOR_READERS_MS}")
        busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
    return not busy


def _rewrite_tables(store: Store) -> bool:
    """Write every table of a PostGIS part anew; tell whether none was in use all the time."""
    undisturbed = True
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        quote = connection.dialect.identifier_preparer.quote
        connection.exec_driver_sql(f"SET lock_timeout = {WAIT_FOR_READERS_MS}")
        for table in store.part.metadata.sorted_tables:
            try:
                connection.exec_driver_sql(f"VACUUM (FULL) {quote(table.name)}")
            except exc.OperationalError as fault:
                if getattr(fault.orig, "sqlstate", "") != LOCK_NOT_AVAILABLE:
                    raise
                undisturbed = False
        connection.exec_driver_sql("RESET lock_timeout")
    return undisturbed
