"""Ingest: from a file of rows to stored records, whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from geo import crs, windows
from geo.errors import InvalidParameter, UnreadableFile
from geo.piles import FEWEST_TEXTS, piles
from pipelines import collector, identity, kinds, mapping, personal, placing, readers, times
from pipelines.batches import Batch
from pipelines.derive import PRECISE_M, Deriver
from pipelines.identity import Occurrences
from pipelines.locator import Locator, gazetteer, known_centres
from pipelines.periods import local_day
from pipelines.placing import Frame, Given, Words
from store import imports, incidents, models, observations, records
from store.imports import Counts, Earlier, Opening, SetAside
from store.records import Identity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    import sqlalchemy as sa
    from numpy.typing import NDArray

    from pipelines.mapping import Layout
    from pipelines.online_geocoder import Geocoder
    from pipelines.readers import Rows, Source
    from store.db import Store
    from store.records import Placing

GOOD_HIT_RATE = 0.85  # Ratcliffe 2004: a first estimate of the least reliable rate
RECOGNISE_FROM = 5_000  # coordinates looked at when the system is not given
MOST = 0.5  # a file with more of its coordinates elsewhere is refused whole
SYNTHETIC_PREFIX = "syntetisk"
MOST_EXAMPLES = 20
PLACED = ("coordinates", "address", "address_without_letter", "crossing", "place", "street")
TABLES: dict[str, type[models.Incident | models.Observation]] = {
    "incidents": models.Incident,
    "observations": models.Observation,
}


@dataclass(frozen=True, slots=True)
class Options:
    """How a file is to be taken in."""

    kind: str  # incidents or observations
    layout: Layout | None = None  # else recognised by the header
    epsg: int | None = None  # else the layout's, else recognised
    source: str = ""  # else the layout's
    dry_run: bool = False
    synthetic: bool = False
    corrected_from: int | None = None  # the import whose quarantined rows are handed in again
    online: Geocoder | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a file's rows; `rows_read` is the sum of the next three."""

    import_id: int | None  # None after a dry run
    counts: Counts
    details: dict[str, Any]


def ingest(
    store: Store,
    path: Path,
    options: Options,
    now: datetime,
    progress: Callable[[int], None] = lambda _: None,
) -> Report:
    """Take a file in: one transaction, nothing lost, nothing twice.

    Every row is accepted, a duplicate, or quarantined with its line, raw text and reason. The
    same file again gives duplicates only, whether its rows were accepted or set aside.

    Parameters
    ----------
    progress
        Called with the number of rows read so far.

    Raises
    ------
    UnreadableFile
        The file cannot be read as rows.
    InvalidParameter
        Its columns are unknown, or most of its coordinates lie elsewhere.
    """
    source = readers.open_rows(
        path,
        encoding=options.layout.encoding if options.layout else "",
        delimiter=options.layout.delimiter if options.layout else "",
    )
    layout = options.layout or mapping.recognise(source.header, options.kind)
    if layout.kind != options.kind:
        raise InvalidParameter("mapping-of-other-kind", kind=options.kind, found=layout.kind)
    mapping.require_columns(layout, source.header)
    sha256 = _sha256(path)
    opening = Opening(
        options.kind,
        options.source or layout.source,
        personal.mask(path.name)[0],
        sha256,
        now,
        options.synthetic or path.name.casefold().startswith(SYNTHETIC_PREFIX),
    )
    with store.trial() if options.dry_run else store.write_alone() as connection:
        return take_in(connection, source, replace(options, layout=layout), opening, progress)


def take_in(
    connection: sa.Connection,
    source: Source,
    options: Options,
    opening: Opening,
    progress: Callable[[int], None] = lambda _: None,
) -> Report:
    """Take rows in on an open transaction; `options` carry their layout."""
    if options.layout is None:
        raise InvalidParameter("mapping-columns", file=opening.file_name)
    with collector.paused():
        work = _Import(connection, source, options.layout, options, opening)
        for rows in source.batches:
            work.take(rows)
            progress(work.tally.rows)
        return work.finish()


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@dataclass(slots=True)
class _Tally:
    """What has been counted so far."""

    rows: int = 0
    accepted: int = 0
    duplicates: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    matches: Counter[str] = field(default_factory=Counter)
    precision: Counter[str] = field(default_factory=Counter)
    examples: list[dict[str, Any]] = field(default_factory=list)
    precise: int = 0
    with_coordinates: int = 0
    outside: int = 0
    first: np.datetime64 | None = None
    last: np.datetime64 | None = None


@dataclass(frozen=True, slots=True)
class _Rows:
    """Everything that was read from the rows of a batch."""

    said: kinds.Told | kinds.Seen
    when: times.Times
    at: placing.Points
    words: Words

    def scope(self, row: int) -> str:
        """Name what an id is unique in besides its source: walks number their own observations."""
        return f"{self.said.walk[row]}\x1f" if isinstance(self.said, kinds.Seen) else ""

    def contents(self, rows: NDArray[np.intp]) -> list[bytes]:
        """Fingerprint what some rows say."""
        words = self.words.rows(rows.tolist())
        return identity.contents(
            [
                *self.said.columns(rows),
                identity.seconds(self.when.starts[rows]),
                identity.seconds(self.when.ends[rows]),
                identity.microdegrees(self.at.lon[rows]),
                identity.microdegrees(self.at.lat[rows]),
                *(getattr(words, name) for name in words.__slots__),
            ]
        )


class _Import:
    """One import on one open transaction."""

    def __init__(
        self,
        connection: sa.Connection,
        source: Source,
        layout: Layout,
        options: Options,
        opening: Opening,
    ) -> None:
        self.connection = connection
        self.source = source
        self.layout = layout
        self.options = options
        self.opening = opening
        self.deriver = Deriver(connection)
        profile = self.deriver.profile
        self.locator = Locator(gazetteer(connection, profile), options.online)
        self.table = TABLES[options.kind]
        self.set_aside_before: dict[int, list[Earlier]] = {}
        self.released: list[int] = []
        self.document = json.loads(json.dumps(layout.document()))
        self.twins_before: dict[bytes, int] = {}
        if options.corrected_from is None:
            self.set_aside_before = imports.lines_set_aside(connection, opening)
        else:
            origin = options.corrected_from
            self.twins_before = records.content_counts(connection, self.table, origin)
        self.import_id = imports.begin(connection, opening)
        self.occurrences = Occurrences()
        self.keys_met = Occurrences()
        self.held_before = imports.source_holds(connection, opening.kind, opening.source)
        self.tally = _Tally()
        self.frame: Frame | None = None

    def take(self, rows: Rows) -> None:
        """Take in one batch of rows."""
        batch = Batch(rows, self.source, self.layout)
        self.tally.rows += batch.size
        when = times.times(batch, self.deriver.profile.timezone, self.opening.started_at)
        is_incidents = self.options.kind == "incidents"
        said = kinds.read_kind(batch, self.deriver) if is_incidents else kinds.read_sighting(batch)
        at = self._points(batch)
        placing.check_municipality(batch, at, self.deriver.profile.label)
        words = Words.of(batch)
        fresh, stored_as = self._new(batch, _Rows(said, when, at, words))
        given = Given.coordinates(at, fresh, self.layout.source)
        located = placing.place(given, words.rows(fresh.tolist()), self.locator, self.deriver)
        if fresh.size and isinstance(said, kinds.Told):
            around = kinds.Around(located, self.deriver)
            incidents.add(
                self.connection, stored_as, kinds.events(fresh, said, when, around), located
            )
        elif fresh.size and isinstance(said, kinds.Seen):
            seen = kinds.sightings(fresh, said, when)
            observations.add(self.connection, stored_as, seen, located)
        self._count(fresh, when, located)
        self._release(batch)
        self._set_aside(batch)

    def _points(self, batch: Batch) -> placing.Points:
        given = placing.given_coordinates(batch)
        self.frame = self.frame or self._recognise(*given)
        frame = self.frame or Frame(crs.WGS84)  # no coordinates so far: nothing to transform
        at = placing.points(batch, given, frame, self.deriver.profile.envelope)
        self.tally.with_coordinates += int(np.isfinite(given[0]).sum())
        self.tally.outside += at.outside
        return at

    def _recognise(self, east: NDArray[np.float64], north: NDArray[np.float64]) -> Frame | None:
        """Choose the coordinate system: as given, or the one that fits the municipality."""
        profile = self.deriver.profile
        known = np.isfinite(east) & np.isfinite(north)
        x, y = east[known][:RECOGNISE_FROM], north[known][:RECOGNISE_FROM]
        given = self.options.epsg or self.layout.epsg
        if x.size == 0:
            return None
        fits = crs.recognise(x, y, profile.source_epsgs, profile.envelope)
        if given is not None:
            lon, lat = crs.transform(x, y, given, crs.WGS84)
            if crs.inside(lon, lat, profile.envelope).mean() < MOST:
                raise self._elsewhere(fits, given)
            return Frame(given)
        epsg, swapped, share = fits
        if share < MOST or swapped:
            raise self._elsewhere(fits, None)
        return Frame(epsg)

    def _elsewhere(self, fits: tuple[int, bool, float], given: int | None) -> InvalidParameter:
        """Say that most coordinates lie outside, and which system would fit."""
        epsg, swapped, share = fits
        place, file = self.deriver.profile.label, self.opening.file_name
        if share < MOST:
            return InvalidParameter("coordinates-elsewhere", place=place, file=file)
        if swapped:
            return InvalidParameter(
                "coordinates-swapped", place=place, file=file, epsg=epsg, name=crs.name(epsg)
            )
        return InvalidParameter(
            "coordinates-other-system",
            place=place,
            file=file,
            given=given,
            epsg=epsg,
            name=crs.name(epsg),
        )

    def _new(self, batch: Batch, read: _Rows) -> tuple[NDArray[np.intp], Identity]:
        """Find the good rows that are not stored yet; a changed row with a known id is a fault."""
        with_id = "source_id" in self.layout.columns
        ids = batch.column("source_id").cells
        if with_id:
            blank = [n for n in batch.good().tolist() if not ids[n]]
            batch.faults.add(blank, "id-missing", self.layout.columns["source_id"], [])
        good = batch.good()
        contents = read.contents(good)
        if with_id:
            keys = [self._key(f"id:{read.scope(n)}{ids[n]}") for n in good.tolist()]
        else:
            numbers = zip(contents, self.occurrences.number(contents), strict=True)
            before = self.twins_before
            keys = [self._key(f"row:{c.hex()}:{before.get(c, 0) + n}") for c, n in numbers]
        known = self._known(keys)
        fresh: list[int] = []  # positions among the good rows
        for n, (key, content) in enumerate(zip(keys, contents, strict=True)):
            earlier = known.get(key)
            if earlier is None:
                known[key] = content
                fresh.append(n)
            elif earlier == content:
                self.tally.duplicates += 1
            else:
                name = self.layout.columns.get("source_id", "")
                batch.faults.add([int(good[n])], "id-with-other-content", name, ids)
        stored_as = Identity(
            self.import_id,
            [keys[n] for n in fresh],
            [contents[n] for n in fresh],
            self.deriver.revision,
        )
        return good[np.array(fresh, dtype=np.intp)], stored_as

    def _key(self, text: str) -> bytes:
        """Fingerprint a row's identity within its source."""
        return identity.digest(f"{identity.RECIPE}{self.opening.source}\x1f{text}")

    def _known(self, keys: list[bytes]) -> dict[bytes, bytes]:
        """Find which keys are stored: key -> content.

        A source that held nothing before this import can only know the keys of this import's
        earlier batches, so the store is asked about those that may be among them.
        """
        asked = keys
        if not self.held_before:
            met = self.keys_met.before(keys)
            asked = [key for key, times in zip(keys, met.tolist(), strict=True) if times]
        self.keys_met.add(keys)
        return records.known_keys(self.connection, self.table, asked)

    def _known_fault(self, line: int) -> bool:
        """Tell whether this line of this very file, read this way, was set aside before."""
        earlier = self.set_aside_before.get(line, [])
        return any(row.layout == self.document for row in earlier)

    def _release(self, batch: Batch) -> None:
        """Note which quarantined rows of this very file are good now, read another way."""
        if self.set_aside_before:
            for n in batch.good().tolist():
                earlier = self.set_aside_before.get(batch.rows.lines[n], [])
                self.released += [row.id for row in earlier if row.waiting]

    def _count(self, fresh: NDArray[np.intp], when: times.Times, at: Placing) -> None:
        tally = self.tally
        tally.accepted += fresh.size
        tally.matches.update(at.match_type)
        tally.precise += int((at.uncertainty_m <= PRECISE_M).sum())
        tally.precision.update(_precision(when, fresh))
        if fresh.size:
            first, last = when.starts[fresh].min(), when.starts[fresh].max()
            tally.first = first if tally.first is None else min(tally.first, first)
            tally.last = last if tally.last is None else max(tally.last, last)

    def _set_aside(self, batch: Batch) -> None:
        rows = [
            SetAside(
                batch.rows.lines[position],
                fault.reason,
                fault.column,
                fault.value,
                batch.raw(position),
            )
            for position, fault in sorted(batch.faults.found.items())
            if not self._known_fault(batch.rows.lines[position])
        ]
        self.tally.duplicates += len(batch.faults.found) - len(rows)
        self.tally.reasons.update(row.reason for row in rows)
        for row in rows[: MOST_EXAMPLES - len(self.tally.examples)]:
            self.tally.examples.append(
                {
                    "line": row.line,
                    "column": row.column,
                    "reason": row.reason,
                    "value": personal.mask(row.value)[0],
                }
            )
        imports.set_aside(self.connection, self.import_id, rows)

    def finish(self) -> Report:
        """Mark piles, write the report, and check that no row was lost."""
        tally = self.tally
        if tally.rows == 0:
            raise UnreadableFile("file-only-header", file=self.opening.file_name)
        if tally.outside * 2 > tally.with_coordinates > 0:
            raise InvalidParameter(
                "coordinates-elsewhere",
                place=self.deriver.profile.label,
                file=self.opening.file_name,
            )
        counts = Counts(tally.rows, tally.accepted, tally.duplicates, sum(tally.reasons.values()))
        if counts.rows_read != counts.accepted + counts.duplicates + counts.quarantined:
            raise AssertionError(f"rows were lost: {counts}")
        details = self._details(mark_piles(self.connection, self.deriver, self.table))
        imports.finish(self.connection, self.import_id, counts, details)
        imports.mark_retried(self.connection, self.released, self.import_id)
        return Report(None if self.options.dry_run else self.import_id, counts, details)

    def _details(self, n_piled: int) -> dict[str, Any]:
        tally, frame = self.tally, self.frame
        placed = sum(tally.matches[kind] for kind in PLACED)
        return {
            "file": self.opening.file_name,
            "source": self.opening.source,
            "synthetic": self.opening.synthetic,
            "encoding": self.source.encoding,
            "delimiter": self.source.delimiter,
            "header": self.source.header,
            "layout": self.document,
            "examples": tally.examples,
            "epsg": frame.epsg if frame and tally.with_coordinates else None,
            "reasons": dict(tally.reasons.most_common()),
            "placed_by": dict(tally.matches.most_common()),
            "hit_rate": round(placed / tally.accepted, 4) if tally.accepted else None,
            "placed": placed,
            "precise": tally.precise,
            "unplaced": tally.matches["none"] + tally.matches["ambiguous"],
            "piled": n_piled,
            "time_precision": dict(tally.precision.most_common()),
            "first_day": self._local_day(tally.first),
            "last_day": self._local_day(tally.last),
        }

    def _local_day(self, instant: np.datetime64 | None) -> str | None:
        if instant is None:
            return None
        return local_day(instant, self.deriver.profile.timezone).isoformat()


def mark_piles(
    connection: sa.Connection, deriver: Deriver, table: type[models.Incident | models.Observation]
) -> int:
    """Mark every record that lies on a false pile; give how many there are."""
    centres = known_centres(connection)
    held = records.stacked(connection, table, FEWEST_TEXTS, centres)
    metres = crs.transform(centres[:, 0], centres[:, 1], crs.WGS84, deriver.profile.metric_epsg)
    false = piles(held.x_m, held.y_m, held.place_text, np.column_stack(metres))
    ids: Sequence[int] = held.id[false].tolist()
    records.set_piles(connection, table, ids)
    return len(ids)


SIX_HOURS = np.timedelta64(6, "h")
ONE_HOUR = np.timedelta64(1, "h")


def _precision(when: times.Times, rows: NDArray[np.intp]) -> Counter[str]:
    """Count how closely the time is known: the width of the interval, and clock jumps."""
    starts, ends = when.starts[rows], when.ends[rows]
    instant = np.timedelta64(0, "s")
    width = np.where(np.isnat(ends), instant, ends - starts)
    timed = ~when.day_only[rows]
    classes = {
        "exact": timed & (width == instant),
        "within_hour": timed & (width > instant) & (width <= ONE_HOUR),
        "within_six_hours": timed & (width > ONE_HOUR) & (width <= SIX_HOURS),
        "longer": timed & (width > SIX_HOURS),
        "day_only": ~timed,
        "clock_skipped": when.flags[rows] & windows.SKIPPED > 0,
        "clock_repeated": when.flags[rows] & windows.REPEATED > 0,
    }
    return Counter({name: int(held.sum()) for name, held in classes.items()})
