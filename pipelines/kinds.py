"""What rows are: offences with their category, or sightings of a walk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from geo.observations import LIGHTS, TYPES
from pipelines import fields
from pipelines.times import OLDEST_YEAR
from store.incidents import Events
from store.observations import Sightings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipelines.batches import Batch
    from pipelines.derive import Deriver
    from pipelines.times import Times
    from store.records import Placing


LONGEST_TEXT = 120
LONGEST_NOTE = 1_000


@dataclass(frozen=True, slots=True)
class Told:
    """What the rows of a batch say an incident was."""

    code: NDArray[np.object_]
    category: NDArray[np.object_]
    count: NDArray[np.int64]
    registered: NDArray[np.datetime64]  # days; NaT where none is given
    premises: Sequence[str]

    def columns(self, rows: NDArray[np.intp]) -> list[Sequence[object]]:
        """Give what some rows say, for their fingerprints."""
        return [
            self.code[rows].tolist(),
            self.category[rows].tolist(),
            self.count[rows].tolist(),
            self.registered[rows].astype(np.int64).tolist(),
            [self.premises[n] for n in rows.tolist()],
        ]


def read_kind(batch: Batch, deriver: Deriver) -> Told:
    """Read what each incident was; a missing or unknown code or category is a fault."""
    codes = fields.offence_codes(batch.column("code"))
    categories = batch.column("category")
    ever = date(OLDEST_YEAR, 1, 1)
    known = {code: deriver.offences.rule(code, ever) is not None for code in set(codes) - {""}}
    bad_code = [n for n, code in enumerate(codes) if code and not known[code]]
    batch.faults.add(bad_code, "unknown-code", batch.column("code").name, codes)
    named = {slug: deriver.offences.knows_category(slug) for slug in set(categories.cells) - {""}}
    bad_name = [
        n for n, slug in enumerate(categories.cells) if slug and not codes[n] and not named[slug]
    ]
    batch.faults.add(bad_name, "unknown-category", categories.name, categories.cells)
    neither = [n for n, slug in enumerate(categories.cells) if not slug and not codes[n]]
    batch.faults.add(neither, "code-missing", batch.column("code").name, [])
    return Told(
        np.array(codes, dtype=object),
        np.array(categories.cells, dtype=object),
        fields.counts(batch.column("count"), batch.faults),
        _registered(batch, deriver.profile.timezone),
        [cell[:LONGEST_TEXT] for cell in batch.column("premises").cells],
    )


def _registered(batch: Batch, timezone: str) -> NDArray[np.datetime64]:
    """Read the day on which the police registered each event; NaT where none is given."""
    column = batch.column("registered")
    formats = (*batch.layout.date_formats, *batch.layout.datetime_formats)
    read = fields.datetimes(column, formats, timezone, batch.faults)
    return read.wall.astype("datetime64[D]")


def events(fresh: NDArray[np.intp], told: Told, when: Times, at: Around) -> Events:
    """Tell what the rows to be stored are."""
    codes, given = told.code[fresh], told.category[fresh]
    starts, ends = when.starts[fresh], when.ends[fresh]
    place = at.placing
    around = at.deriver.surroundings(place)
    kind = at.deriver.categorise(codes, given, starts, around)
    return Events(
        code=codes.tolist(),
        source_category=given.tolist(),
        premises=[told.premises[position] for position in fresh.tolist()],
        category=kind.category.tolist(),
        on_map=kind.on_map,
        count=told.count[fresh],
        starts_at=starts,
        ends_at=ends,
        time_flags=when.flags[fresh],
        registered_on=told.registered[fresh].astype(object).tolist(),
        local_weekday=when.weekday[fresh],
        local_minute=when.minute[fresh],
        in_windows=at.deriver.in_windows(starts, ends),
    )


@dataclass(frozen=True, slots=True)
class Around:
    """Where the rows to be stored are, and the profile that knows what is there."""

    placing: Placing
    deriver: Deriver


@dataclass(frozen=True, slots=True)
class Seen:
    """What the rows of a batch say was seen on a walk."""

    type: list[str]
    severity: NDArray[np.int64]
    light: list[str]
    walk: list[str]
    note: list[str]

    def columns(self, rows: NDArray[np.intp]) -> list[Sequence[object]]:
        """Give what some rows say, for their fingerprints."""
        columns = (self.type, self.severity.tolist(), self.light, self.walk, self.note)
        return [[column[n] for n in rows.tolist()] for column in columns]


MOST_SEVERE = 3


def read_sighting(batch: Batch) -> Seen:
    """Read what each observation was; type, severity or light that cannot be read is a fault."""
    types = fields.choices(batch.column("type"), TYPES, "unknown-type", batch.faults)
    batch.require(batch.column("type"), "type-missing")
    lights = fields.choices(batch.column("light"), LIGHTS, "unknown-light", batch.faults)
    column = batch.column("severity")
    severity = fields.numbers(column, batch.faults)
    severity[np.isnan(severity)] = 0
    odd = np.flatnonzero(~np.isin(severity, range(MOST_SEVERE + 1)))
    batch.faults.add(odd.tolist(), "severity-out-of-range", column.name, column.cells)
    return Seen(
        types,
        np.where(np.isfinite(severity), severity, 0).astype(np.int64),
        lights,
        [cell[:LONGEST_TEXT] for cell in batch.column("walk").cells],
        [cell[:LONGEST_NOTE] for cell in batch.column("note").cells],
    )


def sightings(fresh: NDArray[np.intp], seen: Seen, when: Times) -> Sightings:
    """Tell what the rows to be stored saw; notes wait for somebody to review them."""
    picked = fresh.tolist()
    return Sightings(
        observed_at=when.starts[fresh],
        type=[seen.type[n] for n in picked],
        severity=seen.severity[fresh].tolist(),
        light=[seen.light[n] for n in picked],
        walk=[seen.walk[n] for n in picked],
        note=[seen.note[n] for n in picked],
        reviewed=[False] * len(picked),
    )
