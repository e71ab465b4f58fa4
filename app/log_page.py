"""What the page of the log asks and says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from app.admin_page import clock
from geo.errors import InvalidParameter, LagesbildError
from geo.profile import Profile
from pipelines import looks
from pipelines.looks import Log
from pipelines.periods import midnight
from pipelines.roles import ROLES
from pipelines.texts import sentence, text
from store import journal
from store.journal import MOST_LINES, Line, Verification, Wanted
from store.retention import NO_PROFILE

ROWS = 100
WHO, WHAT, SINCE, UNTIL, BEFORE = "vem", "vad", "fran", "till", "fore"
ROLE = "roll"
NAMES = (WHO, WHAT, ROLE, SINCE, UNTIL, BEFORE)
LONGEST = 130
MOST_SAID = 160  # characters of a filter in the table
MOST_SEARCHED = 20_000  # entries that are searched for a role before the reader is asked again
# What a reader of the log is offered to look for; any other slug can be written.
OFFERED = (
    *("sign-in", "sign-in-failed", "sign-out", "refused", "map-page", "release-page"),
    *("incidents", "observations", "clusters", "group-page", "review", "log", "log-export"),
)
YEARS = range(1970, 3000)  # in which every clock can write every instant of a day
MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Row:
    """One look."""

    seq: int
    time: str
    who: str
    role: str
    what: str
    purpose: str
    asked: str
    rows: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Asked:
    """Which looks somebody wants to read."""

    wanted: Wanted
    role: str  # "" is all; it stands in the body of an entry, so the log is searched for it
    before: int | None

    def as_logged(self) -> dict[str, object]:
        """Write the choice for the log; what was not narrowed is left out."""
        values = {**asdict(self.wanted), "role": self.role, "before": self.before}
        return {name: value for name, value in values.items() if value}


def read(given: Mapping[str, str], timezone: str) -> Asked:
    """Read which looks are asked for, and below which number the page begins.

    Raises
    ------
    InvalidParameter
        A parameter is unknown, or is no day, number or short text.
    """
    for name, value in given.items():
        if name not in NAMES:
            raise InvalidParameter("unknown-parameter", name=name[:40], known=", ".join(NAMES))
        if len(value) > LONGEST:
            raise InvalidParameter("unreadable-parameter", name=name)
    since, until = _day(given, SINCE), _day(given, UNTIL)
    chosen = Wanted(
        who=given.get(WHO) or None,
        what=given.get(WHAT) or None,
        since=None if since is None else midnight(since, timezone),
        until=None if until is None else midnight(until + timedelta(days=1), timezone),
    )
    return Asked(chosen, given.get(ROLE, ""), _number(given.get(BEFORE, "")))


def _day(given: Mapping[str, str], name: str) -> date | None:
    written = given.get(name, "")
    try:
        day = date.fromisoformat(written) if written else None
    except ValueError:
        raise InvalidParameter("log-day", value=written[:40]) from None
    if day is not None and day.year not in YEARS:
        raise InvalidParameter("log-day", value=written[:40])
    return day


def _number(written: str) -> int | None:
    if not written:
        return None
    if not (written.isascii() and written.isdigit() and len(written) <= MOST_DIGITS):
        raise InvalidParameter("not-a-number", name=BEFORE, value=written[:40])
    return int(written)


@dataclass(frozen=True, slots=True)
class Found:
    """One page of looks."""

    lines: tuple[Line, ...]
    before: int | None  # where the next page begins; None: there are no older ones


def search(log: Log, asked: Asked) -> Found:
    """Read a page of looks; for a role only so much of the log is searched at a time."""
    if not asked.role:
        lines = looks.page(log, asked.wanted, asked.before, ROWS)
        return Found(tuple(lines), lines[-1].seq if len(lines) == ROWS else None)
    found: list[Line] = []
    before = asked.before
    for _ in range(MOST_SEARCHED // MOST_LINES):
        lines = looks.page(log, asked.wanted, before, MOST_LINES)
        found += [line for line in lines if line.entry and line.entry.role == asked.role]
        if len(found) >= ROWS:
            return Found(tuple(found[:ROWS]), found[ROWS - 1].seq)
        if len(lines) < MOST_LINES:
            return Found(tuple(found), None)
        before = lines[-1].seq
    return Found(tuple(found), before)


def context(
    profile: Profile | None, found: Found, given: Mapping[str, str], checked: Sequence[str] = ()
) -> dict[str, object]:
    """Collect everything the template shows."""
    zone = NO_PROFILE if profile is None else profile.timezone
    chosen = {name: given.get(name, "") for name in NAMES if name != BEFORE}
    asked = {name: value for name, value in chosen.items() if value}
    taken = {name: value for name, value in asked.items() if name != ROLE}
    older = {} if found.before is None else {**asked, BEFORE: found.before}
    return {
        "profile": profile,
        "chosen": chosen,
        "roles": [(slug, text(f"role-{slug}")) for slug in ROLES],
        "looks": [(slug, _word("look", slug)) for slug in OFFERED],
        "rows": [_row(line, zone) for line in found.lines],
        "older": f"/logg?{urlencode(older)}" if older else "",
        "export": f"/logg/export?{urlencode(taken)}" if taken else "/logg/export",
        "checked": checked,
    }


def _row(line: Line, zone: str) -> Row:
    entry = line.entry
    if entry is None:
        weeded = text("log-weeded")
        return Row(line.seq, clock(line.at, zone), weeded, "", "", "", "", "", "")
    return Row(
        seq=line.seq,
        time=clock(line.at, zone),
        who=entry.who,
        role=_word("role", entry.role),
        what=_word("look", entry.what),
        purpose=_word("purpose", entry.purpose),
        asked=_said(entry.asked),
        rows="" if entry.rows is None else str(entry.rows),
        outcome=_word("outcome", entry.outcome),
    )


def _said(asked: Mapping[str, Any]) -> str:
    """Write a filter so that it can be read; the export has it to the letter."""
    given = {name: value for name, value in asked.items() if value not in (None, "", [], {})}
    parts = [
        f"{name}: {value if isinstance(value, str) else journal.canonical(value)}"
        for name, value in given.items()
    ]
    said = ", ".join(parts)
    return said if len(said) <= MOST_SAID else f"{said[: MOST_SAID - 1]}…"


def _word(family: str, slug: str) -> str:
    """Say a slug in Swedish; one that nobody has worded stands as it is."""
    code = f"{family}-{slug}"
    said = text(code)
    return slug if said == code else said


def verdict(found: Verification, *, anchored: bool) -> list[str]:
    """Say what a check of the whole log found."""
    if found.broken is not None:
        values = {"seq": found.broken.seq, "entries": found.end.seq}
        return [sentence(LagesbildError(found.broken.fault.value, **values))]
    head = found.end.head.hex()[:16]
    said = [text("log-whole", entries=found.end.seq, weeded=found.weeded, head=head)]
    if not anchored:
        said.append(text("log-without-anchor"))
    if found.clock_back_at is not None:
        said.append(text("log-clock-back", seq=found.clock_back_at))
    return said + [text("log-anchor-new", seq=seq) for seq in found.anchor_begun_at]
