"""Retention (gallring): rules per class of data, a trial run, and the run itself, on record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geo.errors import InvalidParameter, NotFound
from store import retention as stored
from store.parts import MAIN
from store.retention import CLASSES, LOG, Rule, Weeded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pipelines.looks import Log
    from store.backup import Restored
    from store.db import Store
    from store.parts import Part

MOST_MONTHS = 1200
LONGEST_TEXT = 300
WHAT = "retention"  # how the log names a run


def put_rule(store: Store, rule: Rule) -> None:
    """Make a rule for a class of data, in the place of its earlier one.

    Raises
    ------
    InvalidParameter
        There is no such class, the months are not 1 to 1,200, or no legal basis is given.
    """
    require_class(rule.data_class)
    if not 1 <= rule.months <= MOST_MONTHS:
        raise InvalidParameter("retention-months", months=rule.months, most=MOST_MONTHS)
    if not rule.legal_basis.strip() or len(rule.legal_basis) > LONGEST_TEXT:
        raise InvalidParameter("retention-legal-basis", most=LONGEST_TEXT)
    with store.write() as connection:
        stored.put(connection, rule)


def drop_rule(store: Store, data_class: str) -> None:
    """Take a rule away, so that the class is kept.

    Raises
    ------
    InvalidParameter
        There is no such class.
    NotFound
        It has no rule.
    """
    require_class(data_class)
    with store.write() as connection:
        if not stored.drop(connection, data_class):
            raise NotFound("retention-no-rule", name=data_class)


def require_class(data_class: str) -> None:
    """Refuse the name of a class that does not exist."""
    if data_class not in CLASSES:
        known = ", ".join(CLASSES)
        raise InvalidParameter("retention-class", value=data_class[:80], known=known)


def trial(parts: Sequence[Store], now: datetime) -> list[Weeded]:
    """Count what a run would remove."""
    given, zone = _rules(parts)
    found = []
    for store in parts:
        with store.read() as connection:
            found += [
                stored.expected(connection, rule.data_class, _limit(rule, now, zone))
                for rule in _of(store.part, given)
            ]
    return found


def run(parts: Sequence[Store], log: Log, who: tuple[str, str], now: datetime) -> list[Weeded]:
    """Remove what the rules say, one transaction a part, and leave no trace of it in the files.

    Parameters
    ----------
    parts
        The installation's parts; the rules stand in the main one.
    who
        Name and role of whoever ran it, for the log. A line is written for each class before
        anything of it is removed.
    """
    given, zone = _rules(parts)
    removed = []
    for store in parts:
        own = _of(store.part, given)
        if not own:
            continue
        _note(store, log, who, [(rule, _limit(rule, now, zone)) for rule in own])
        with store.write_alone() as connection:
            removed += stored.weed_part(connection, store.part, own, now, zone)
        for rule in own:
            if rule.data_class == LOG:
                before = _limit(rule, now, zone)
                removed.append(Weeded(LOG, before, log.weed(before.at, *who)))
    return removed


def compact(parts: Sequence[Store]) -> bool:
    """Rewrite every part without what was removed; tell whether no reader was in the way."""
    undisturbed = [stored.compact(store) for store in parts]
    return all(undisturbed)


def _note(
    store: Store, log: Log, who: tuple[str, str], limits: Sequence[tuple[Rule, stored.Limit]]
) -> None:
    for rule, before in limits:
        if rule.data_class == LOG:
            continue  # the log notes its own weeding
        with store.read() as connection:
            found = stored.expected(connection, rule.data_class, before)
        asked = {
            "class": rule.data_class,
            "months": rule.months,
            "before": before.at.isoformat(),
            "runs": found.runs,
        }
        log.note(*who, WHAT, "operation", asked=asked, rows=found.rows)


def _rules(parts: Sequence[Store]) -> tuple[list[Rule], str]:
    main = next(store for store in parts if store.part is MAIN)
    with main.read() as connection:
        return stored.rules(connection), stored.timezone(connection)


def _of(part: Part, given: Sequence[Rule]) -> list[Rule]:
    return [rule for rule in given if CLASSES[rule.data_class] is part]


def _limit(rule: Rule, now: datetime, zone: str) -> stored.Limit:
    return stored.limit(rule.months, now, zone)


def after_restore(
    parts: Sequence[Store], log: Log, who: tuple[str, str], done: Restored, now: datetime
) -> None:
    """Note a restore and finish its weeding: blank old entries of the log, rewrite the files."""
    asked = {each.data_class: each.rows for each in done.weeded}
    log.note(*who, "restore", "operation", asked=asked, rows=done.rows)
    given, zone = _rules(parts)
    for rule in given:
        if rule.data_class == LOG:
            log.weed(_limit(rule, now, zone).at, *who)
    compact(parts)
