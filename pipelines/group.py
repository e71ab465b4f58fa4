"""The shared situation picture (lägesbildsgrupp): bands per cell, in fixed blocks of four weeks.

What is shown here is protected by law, by a decision for a time, and by a log of every look. It is
not protected by mathematics: whoever lays two bands side by side may learn that one event lies
between them. That is why it is closed until somebody decides otherwise, and says so on the page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from geo import areas, cells
from geo.errors import Conflict, InvalidParameter, NotFound
from pipelines.derive import FOCUS_KINDS, PRECISE_M
from pipelines.periods import SECOND, local, midnight
from store import group as stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa
    from numpy.typing import NDArray

    from geo.profile import Profile
    from pipelines.reference import Reference
    from store.db import Store
    from store.group import Decision, Events

LONGEST_DAYS = 183  # six months
LONGEST_TEXT = 300
FIRST_MONDAY = date(2024, 1, 1)  # block 0 begins here; nobody can move the borders
BLOCK_DAYS = 28
BLOCKS_SHOWN = 13
RESOLUTION = 9
REST = "ovrig_tid"
TIME_BLOCKS = ("skoltid", "vardagskvall", "helgkvall", "helgnatt", REST)
# Words of a code, of a category or of the source's own premises that say "in somebody's home". An
# event without such words counts: the codes name the home where it matters.
DWELLING = re.compile(
    r"bostad|bostäder|lägenhet|\bvilla\b|radhus|hyreshus|flerfamiljshus|trapphus|\bvind\b|vindsutrym"
    r"|källare|förråd|\bi hemmet\b|\bhemma\b",
    re.IGNORECASE,
)
# Words of a code that tell who was hurt: the age of a child, or that the two knew each other.
PERSON = re.compile(r"\b(?:barn|år|bekant)\b", re.IGNORECASE)


class Band(StrEnum):
    """How many, as nearly as the group may know it; in the order of the list."""

    MANY = "10+"
    SOME = "5-9"
    FEW = "1-4"

    @classmethod
    def of(cls, count: int) -> Band:
        """Give the band of a number from 1 on."""
        for band, least in ((cls.MANY, 10), (cls.SOME, 5)):
            if count >= least:
                return band
        return cls.FEW


BANDS = tuple(Band)


@dataclass(frozen=True, slots=True)
class Block:
    """Four weeks that are over; both days included."""

    number: int
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to see; None is everything."""

    block: int
    theme: str | None = None
    time_block: str | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """The answer: cells with at least one event, each with its band and nothing else."""

    block: Block
    cell: NDArray[np.int64]  # resolution 9, sorted by band and then by index
    band: tuple[Band, ...]


@dataclass(frozen=True, slots=True)
class MinutesRow:
    """An area and how many of its cells are in each band, in the order of `BANDS`."""

    area: str | None  # None: cells in no area
    cells: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Minutes:
    """One printable page: what was looked at, by whom, and by what right."""

    written_on: date
    decision: Decision
    signed_in: tuple[str, ...]
    asked: Asked
    block: Block
    rows: tuple[MinutesRow, ...]


# --- the decision ------------------------------------------------------------------------------


def decision(connection: sa.Connection, now: datetime) -> Decision | None:
    """Give the decision in force; None, as long as nobody has opened the picture."""
    return stored.in_force(connection, now)


@dataclass(frozen=True, slots=True)
class Opening:
    """What has to be on record before the picture opens."""

    number: str
    legal_basis: str
    controller: str
    last_day: date  # included


def open_(store: Store, wanted: Opening, timezone: str, now: datetime) -> Decision:
    """Open the picture.

    Raises
    ------
    InvalidParameter
        A text is empty or too long, or the last day has passed or is more than 183 days ahead.
    Conflict
        It is open already.
    """
    texts = (wanted.number.strip(), wanted.legal_basis.strip(), wanted.controller.strip())
    for name, given in zip(("decision", "legal-basis", "controller"), texts, strict=True):
        if not given or len(given) > LONGEST_TEXT:
            raise InvalidParameter("group-text", option=f"--{name}", most=LONGEST_TEXT)
    today = local(now, timezone).date()
    if not today <= wanted.last_day <= today + timedelta(days=LONGEST_DAYS):
        last = (today + timedelta(days=LONGEST_DAYS)).isoformat()
        raise InvalidParameter("group-until", value=wanted.last_day.isoformat(), last=last)
    with store.write() as connection:
        there = stored.in_force(connection, now)
        if there is not None:
            raise Conflict("group-open-already", number=there.number)
        ends = midnight(wanted.last_day + timedelta(days=1), timezone)
        stored.add(connection, stored.NewDecision(*texts, now, ends))
        return _required(stored.in_force(connection, now))


def close(store: Store, now: datetime) -> bool:
    """Close the picture at once; tell whether it was open."""
    with store.write() as connection:
        return stored.close(connection, now) > 0


def first_day(made: Decision, timezone: str) -> date:
    """Give the local day on which a decision was entered."""
    return local(made.opened_at, timezone).date()


def last_day(made: Decision, timezone: str) -> date:
    """Give the last local day on which a decision holds, or held until it was closed."""
    ended = made.expires_at - SECOND if made.closed_at is None else made.closed_at
    return local(ended, timezone).date()


def _required(found: Decision | None) -> Decision:
    if found is None:
        raise NotFound("group-closed")
    return found


# --- blocks ------------------------------------------------------------------------------------


def blocks(now: datetime, timezone: str) -> tuple[Block, ...]:
    """List the last thirteen blocks that are over, newest first."""
    today = local(now, timezone).date()
    over = (today - FIRST_MONDAY).days // BLOCK_DAYS  # a block ends with its last local day
    return tuple(_block(number) for number in range(over - 1, max(over - 1 - BLOCKS_SHOWN, -1), -1))


def _block(number: int) -> Block:
    first = FIRST_MONDAY + timedelta(days=number * BLOCK_DAYS)
    return Block(number, first, first + timedelta(days=BLOCK_DAYS - 1))


# --- the picture -------------------------------------------------------------------------------


def picture(
    connection: sa.Connection, reference: Reference, asked: Asked, now: datetime
) -> Picture:
    """Tell in which cells something happened, and about how much.

    Parameters
    ----------
    connection
        On the main part.

    Raises
    ------
    NotFound
        No decision is in force.
    InvalidParameter
        The block is not one that is shown, or theme or time block do not exist.
    """
    _required(decision(connection, now))
    profile = reference.profile
    block = next((b for b in blocks(now, profile.timezone) if b.number == asked.block), None)
    if block is None:
        raise InvalidParameter("unknown-block", value=asked.block)
    found = stored.events(
        connection,
        midnight(block.first, profile.timezone),
        midnight(block.last + timedelta(days=1), profile.timezone),
        PRECISE_M,
    )
    wanted = _of_theme(profile, asked.theme, found) & _in_time_block(profile, asked, found)
    wanted &= ~_withheld(profile, found)
    return _banded(block, found.cell[wanted], found.count[wanted])


def _banded(block: Block, cell: NDArray[np.int64], count: NDArray[np.int64]) -> Picture:
    where, which = np.unique(cells.parents(cell, RESOLUTION), return_inverse=True)
    total = np.zeros(where.size, dtype=np.int64)
    np.add.at(total, which, count)
    bands = [Band.of(n) for n in total.tolist()]
    # By band and cell only: an order by number would give the numbers away.
    order = sorted(range(where.size), key=lambda n: (BANDS.index(bands[n]), where[n]))
    return Picture(block, where[np.array(order, dtype=np.intp)], tuple(bands[n] for n in order))


def themes(profile: Profile) -> tuple[str, ...]:
    """List the themes with a category that may be on a map, in the profile's order."""
    return tuple(dict.fromkeys(each.theme for each in profile.categories if each.on_map))


def _of_theme(profile: Profile, theme: str | None, found: Events) -> NDArray[np.bool_]:
    """Select the events of a theme; without one, those that belong to a total."""
    if theme is not None and theme not in themes(profile):
        raise InvalidParameter("unknown-theme", value=theme[:80])
    chosen = [
        each.code
        for each in profile.categories
        if each.on_map and (each.theme == theme if theme else each.in_total)
    ]
    return np.isin(found.category.astype(str), chosen)


def _in_time_block(profile: Profile, asked: Asked, found: Events) -> NDArray[np.bool_]:
    """Select the events of a time block; one that fits two is in the first of the list."""
    if asked.time_block is None:
        return np.ones(found.cell.shape, dtype=bool)
    if asked.time_block not in TIME_BLOCKS:
        raise InvalidParameter("unknown-time-block", value=asked.time_block[:80])
    names = [window.name for window in profile.windows]
    taken = np.zeros(found.cell.shape, dtype=bool)
    for name in TIME_BLOCKS[:-1]:
        bit = 1 << names.index(name) if name in names else 0
        here: NDArray[np.bool_] = ~taken & (found.in_windows & bit != 0)
        if name == asked.time_block:
            return here
        taken |= here
    return ~taken


def _withheld(profile: Profile, found: Events) -> NDArray[np.bool_]:
    """Select the events in somebody's home, and those whose code tells who was hurt."""
    labels: dict[str, str] = {}
    for rule in profile.offences:
        labels[rule.code] = f"{labels.get(rule.code, '')} {rule.label}"
    names = {each.code: each.label for each in profile.categories}
    answers: dict[tuple[str, str, str], bool] = {}
    for key in set(zip(found.code, found.category, found.premises, strict=True)):
        code, category, premises = key
        said = labels.get(code, "") if code else names.get(category, "")
        at_home = DWELLING.search(f"{said} {premises}") is not None
        answers[key] = at_home or PERSON.search(said) is not None
    keys = zip(found.code, found.category, found.premises, strict=True)
    return np.array([answers[key] for key in keys], dtype=bool)


# --- the minutes -------------------------------------------------------------------------------


def minutes(
    connection: sa.Connection,
    reference: Reference,
    asked: Asked,
    signed_in: Sequence[str],
    now: datetime,
) -> Minutes:
    """Write down a look at the picture: the only thing that may leave the room.

    The table counts cells, not events, and is made of the picture alone: it tells nothing that
    the map does not.

    Raises
    ------
    NotFound, InvalidParameter
        As `picture`.
    """
    shown = picture(connection, reference, asked, now)
    return Minutes(
        written_on=local(now, reference.profile.timezone).date(),
        decision=_required(decision(connection, now)),
        signed_in=tuple(sorted(set(signed_in))),
        asked=asked,
        block=shown.block,
        rows=_by_area(reference, shown),
    )


def _by_area(reference: Reference, shown: Picture) -> tuple[MinutesRow, ...]:
    """Count cells per band and area: a cell belongs to the area that holds its middle."""
    lon, lat = cells.middles(shown.cell)
    kinds = ((*FOCUS_KINDS,), ("district",))
    there = [[area for area in reference.areas if area.kind in kind] for kind in kinds]
    inside = [areas.locate(lon, lat, [area.outline for area in some]) for some in there]
    counted: dict[str | None, list[int]] = {}
    for n, band in enumerate(shown.band):
        names = [
            some[which[n]].name
            for some, which in zip(there, inside, strict=True)
            if which[n] != areas.NOWHERE
        ]
        row = counted.setdefault(names[0] if names else None, [0] * len(BANDS))
        row[BANDS.index(band)] += 1
    ordered = sorted(counted, key=lambda name: (name is None, name or ""))
    return tuple(MinutesRow(name, tuple(counted[name])) for name in ordered)
