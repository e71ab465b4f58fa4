"""What the page of the log asks and says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from app.admin_page import clock
from geo.errors import InvalidParameter, LagesbildError
from geo.profile import Profile
from pipelines.periods import midnight
from pipelines.texts import sentence, text
from store import journal
from store.journal import Line, Verification, Wanted

ROWS = 100
WHO, WHAT, SINCE, UNTIL, BEFORE = "vem", "vad", "fran", "till", "fore"
NAMES = (WHO, WHAT, SINCE, UNTIL, BEFORE)
LONGEST = 130
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


def wanted(given: Mapping[str, str], timezone: str) -> tuple[Wanted, int | None]:
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
    return (
        Wanted(
            who=given.get(WHO) or None,
            what=given.get(WHAT) or None,
            since=None if since is None else midnight(since, timezone),
            until=None if until is None else midnight(until + timedelta(days=1), timezone),
        ),
        _number(given.get(BEFORE, "")),
    )


def _day(given: Mapping[str, str], name: str) -> date | None:
    written = given.get(name, "")
    try:
        day = date.fromisoformat(written) if written else None
        return day if day is None else (day + timedelta(days=1)) - timedelta(days=1)
    except (ValueError, OverflowError):
        raise InvalidParameter("log-day", value=written[:40]) from None


def _number(written: str) -> int | None:
    if not written:
        return None
    if not (written.isascii() and written.isdigit() and len(written) <= MOST_DIGITS):
        raise InvalidParameter("not-a-number", name=BEFORE, value=written[:40])
    return int(written)


def context(
    profile: Profile, lines: Sequence[Line], given: Mapping[str, str], checked: str
) -> dict[str, object]:
    """Collect everything the template shows."""
    chosen = {name: given.get(name, "") for name in NAMES if name != BEFORE}
    asked = {name: value for name, value in chosen.items() if value}
    older = {**asked, BEFORE: lines[-1].seq} if len(lines) == ROWS else {}
    return {
        "profile": profile,
        "chosen": chosen,
        "rows": [_row(line, profile.timezone) for line in lines],
        "older": f"/logg?{urlencode(older)}" if older else "",
        "export": f"/logg/export?{urlencode(asked)}" if asked else "/logg/export",
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
        asked=journal.canonical(entry.asked) if entry.asked else "",
        rows="" if entry.rows is None else str(entry.rows),
        outcome=_word("outcome", entry.outcome),
    )


def _word(family: str, slug: str) -> str:
    """Say a slug in Swedish; one that nobody has worded stands as it is."""
    code = f"{family}-{slug}"
    said = text(code)
    return slug if said == code else said


def verdict(found: Verification) -> str:
    """Say what a check of the whole log found."""
    if found.broken is None:
        return text("log-whole", entries=found.end.seq, head=found.end.head.hex()[:16])
    fault = found.broken.fault.value
    return sentence(LagesbildError(fault, seq=found.broken.seq, entries=found.end.seq))
