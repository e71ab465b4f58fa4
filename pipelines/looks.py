"""The log of looks as the doors use it: note, read, check, weed, hand out.

Callers give slugs, ids, dates and numbers: never an address, a note, or a name that somebody
typed at a sign-in and that is no account (people type passwords there).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, Any, TypedDict

from geo.errors import InvalidParameter, UnreadableFile
from pipelines import spreadsheet
from pipelines.texts import text
from store import anchor, db, journal
from store.files import whole_file
from store.journal import ANCHOR_BEGUN, Broken, Entry, Fault, Line, Link, Verification, Wanted
from store.parts import JOURNAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path
    from typing import Unpack

    import sqlalchemy as sa

    from store.db import Store

LONGEST = 200  # characters of a value
LONGEST_ASKED = 8_000  # characters of all values together
MOST_ITEMS = 50  # of a list or a filter
DEEPEST = 4
CUT = "…"
STRANGE = "\N{REPLACEMENT CHARACTER}"  # stands for what could break or reorder a line
GREATEST = 2**63
WEED_AT_ONCE = 10_000  # entries: others who note a look wait meanwhile


class Details(TypedDict, total=False):
    """What not every look has."""

    asked: dict[str, Any] | None  # the filter
    rows: int | None  # how many were given
    outcome: str  # "given" unless said otherwise


@dataclass(frozen=True, slots=True)
class Log:
    """The log of an installation, and where its end is kept outside the database."""

    journal: Store
    anchor: Path | None
    now: Callable[[], datetime]

    def note(
        self, who: str, role: str, what: str, purpose: str, **details: Unpack[Details]
    ) -> None:
        """Write down a look before it is given.

        Raises
        ------
        StoreUnavailable
            The log, or its anchor, cannot be written: the look must not be given.
        """
        entry = Entry(
            at=self.now(),
            who=clean(who),
            role=clean(role),
            what=clean(what),
            purpose=clean(purpose),
            asked=_asked(details.get("asked") or {}),
            rows=details.get("rows"),
            outcome=clean(details.get("outcome", "given")),
        )
        self._append(entry)

    def weed(self, until: datetime, who: str, role: str) -> int:
        """Blank the bodies of entries older than `until`; give how many.

        The chain stays whole: time, digest and head remain, and an entry of its own says until
        when. That one is written first, so a weeding that was broken off is finished by the next.

        Raises
        ------
        InvalidParameter
            `until` lies in the future.
        """
        now = self.now()
        if until > now:
            raise InvalidParameter("log-weed-future", until=until.date().isoformat())
        with self.journal.read() as connection:
            older = journal.older(connection, until)
        asked = {journal.UNTIL: journal.instant(until)}
        entry = Entry(now, who, role, journal.WEEDED, "operation", asked, older, "given")
        last = self._append(entry).seq
        blanked = 0
        for first in range(1, last, WEED_AT_ONCE):
            with self.journal.write() as connection:
                up_to = min(first + WEED_AT_ONCE, last)
                blanked += journal.weed(connection, until, first, up_to)
        return blanked

    def _append(self, entry: Entry) -> Link:
        if self.anchor is not None:
            return self._append_anchored(entry, self.anchor)
        with self.journal.write() as connection:
            return journal.append(connection, entry)

    def _append_anchored(self, entry: Entry, path: Path) -> Link:
        """Add an entry, and move the anchor after it once it is safely in the database.

        An anchor that the chain contradicts is left as it is: it is the evidence that something
        was removed, and the next entries must not wipe it out.
        """
        with self.journal.write() as connection:
            link = journal.append(connection, entry)
            try:
                known = anchor.read(path)
            except UnreadableFile:
                return link
            if known is None:
                link = _begin(connection, path, entry, link)
            elif not journal.holds(connection, known):
                return link
        anchor.advance(path, link)
        return link


def _begin(connection: sa.Connection, path: Path, entry: Entry, link: Link) -> Link:
    """Make the anchor of a log; one that had entries before says for ever that it did."""
    if link.seq > 1:
        link = journal.append(connection, replace(entry, what=ANCHOR_BEGUN, asked={}, rows=None))
    anchor.begin(path, journal.START)
    return link


def anchor_file(url: str, chosen: Path | None = None) -> Path | None:
    """Name the anchor's place: the chosen one, or beside a GeoPackage; a server has none."""
    if chosen is not None:
        return chosen
    file = db.part_file(url, JOURNAL)
    return None if file is None else file.with_suffix(".anchor")


def verify(log: Log) -> Verification:
    """Walk along the whole log and hold it against its anchor."""
    known, lost = None, None
    if log.anchor is not None:
        try:
            known = anchor.read(log.anchor)  # before the chain: it must not know more
        except UnreadableFile:
            lost = Fault.ANCHOR_BROKEN
    with log.journal.read() as connection:
        found = journal.verify(connection, known)
    if log.anchor is not None and found.end.seq and not log.anchor.exists():
        lost = Fault.ANCHOR_GONE
    if lost is None or found.broken is not None:
        return found
    return replace(found, broken=Broken(found.end.seq, lost))


def page(log: Log, wanted: Wanted, before: int | None = None, most: int = 100) -> list[Line]:
    """Read some entries, newest first; the caller notes that somebody did."""
    with log.journal.read() as connection:
        return journal.page(connection, wanted, before, most)


def export(log: Log, file: Path, wanted: Wanted, who: str, role: str) -> int:
    """Write entries into a new file, oldest first; give how many.

    Raises
    ------
    InvalidParameter
        The name ends neither in ``.csv`` nor in ``.jsonl``; the file cannot be written.
    Conflict
        There is a file of that name.
    """
    with whole_file(file) as draft:
        draft.touch(mode=0o600)
        rows, texts = exported(log, file.suffix.lower().removeprefix("."), wanted, (who, role))
        with draft.open("w", encoding="utf-8", newline="") as out:
            out.writelines(texts)
    return rows


def exported(
    log: Log, form: str, wanted: Wanted, asker: tuple[str, str]
) -> tuple[int, Iterator[str]]:
    """Note that somebody (name, role) takes entries away; give how many, and their lines.

    The lines are read while they are asked for. They end before the entry that this makes.

    Raises
    ------
    InvalidParameter
        `form` is neither ``csv`` nor ``jsonl``.
    StoreUnavailable
        The log cannot be written, so nothing is given.
    """
    write = FORMS.get(form)
    if write is None:
        raise InvalidParameter("log-export-form", form=form)
    with log.journal.read() as connection:
        last, rows = journal.end(connection).seq, journal.count(connection, wanted)
    log.note(*asker, "log-export", "audit", asked={"form": form, **asdict(wanted)}, rows=rows)
    return rows, write(_up_to(log, wanted, last))


def _up_to(log: Log, wanted: Wanted, last: int) -> Iterator[Line]:
    with log.journal.read() as connection:
        yield from journal.lines(connection, wanted, last)


def _table(lines: Iterator[Line]) -> Iterator[str]:
    """Write entries for a spreadsheet."""
    header = [text("log-number"), text("log-time"), text("log-who"), text("log-role")]
    header += [text("log-what"), text("log-purpose"), text("log-asked"), text("log-rows")]
    header += [text("log-outcome"), text("log-digest"), text("log-head")]
    return spreadsheet.csv_lines(header, map(_cells, lines))


def _cells(line: Line) -> list[str]:
    entry = line.entry
    if entry is None:
        told = [""] * 7
    else:
        asked = journal.canonical(entry.asked) if entry.asked else ""
        rows = "" if entry.rows is None else str(entry.rows)
        told = [entry.who, entry.role, entry.what, entry.purpose, asked, rows, entry.outcome]
    return [str(line.seq), journal.instant(line.at), *told, line.digest.hex(), line.head.hex()]


def _records(lines: Iterator[Line]) -> Iterator[str]:
    """Write entries as they are stored, so that others can follow the chain."""
    for line in lines:
        hexadecimal = {"digest": line.digest.hex(), "head": line.head.hex()}
        values = {"seq": line.seq, "at": journal.instant(line.at), "body": line.body}
        yield journal.canonical({**values, **hexadecimal}) + "\n"


FORMS = {"csv": _table, "jsonl": _records}


def _asked(asked: dict[str, Any]) -> dict[str, Any]:
    """Give a filter that a line can bear; one that fills pages is shown by how it begins."""
    kept: dict[str, Any] = bounded(asked)
    written = journal.canonical(kept)
    return kept if len(written) <= LONGEST_ASKED else {CUT: clean(written)}


def bounded(value: object, deepest: int = DEEPEST) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Give a value that a line of the log can bear: short, plain, and the same for ever."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value if -GREATEST < value < GREATEST else clean(_number(value))
    if isinstance(value, date):  # or datetime
        return value.isoformat()
    if deepest and isinstance(value, dict):
        kept = islice(value.items(), MOST_ITEMS)
        return {clean(str(name)): bounded(each, deepest - 1) for name, each in kept}
    if deepest and isinstance(value, list | tuple):
        kept_items = [bounded(each, deepest - 1) for each in value[:MOST_ITEMS]]
        return kept_items + [CUT] * (len(value) > MOST_ITEMS)
    return clean(str(value))


def _number(value: float) -> str:
    """Write a number that JSON or other programs could not read back."""
    return hex(value) if isinstance(value, int) else str(value)  # str() refuses 5,000 digits


def clean(value: str) -> str:
    """Cut a text short and put a mark for every character that could forge or hide a line."""
    short = value if len(value) <= LONGEST else value[: LONGEST - 1] + CUT
    return "".join(letter if letter.isprintable() else STRANGE for letter in short)
