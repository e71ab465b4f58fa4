"""The words of a place's row and card: when, how many, over how long, and what was seen there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from app.map_page import theme_name
from app.release_page import block_name, number_said
from geo.hot_times import Peak
from geo.profile import Profile
from pipelines import labels
from pipelines.hot_places import BLOCKS, FEW, OTHER_TIMES, PEAK, Moved, When
from pipelines.periods import local
from pipelines.spots import number
from pipelines.texts import day_name, listed, month_name, text
from pipelines.told_places import Mostly
from pipelines.wording import change, decimal

DAYS_A_WEEK, MONTHS_A_YEAR = 7, 12
DAWN = 5  # an hour before it is still the night
FEWEST_IN_PERCENT = 10


def events(n: int) -> str:
    """Say how many events."""
    return text("places-event" if n == 1 else "places-events", n=number(n))


def events_between(low: int, high: int) -> str:
    """Say how many events, or between which two numbers."""
    return events(high) if low == high else text("places-events", n=number_said(low, high))


def peaks(found: Sequence[Peak]) -> str:
    """Say peaks of the week in short: "fre–lör 20–02; ons 15–17"."""
    alike: dict[tuple[int, int, int], list[int]] = {}
    for peak in found:
        alike.setdefault((peak.start_hour, peak.end_hour, peak.hours), []).append(peak.weekday)
    said = []
    for (start, end, _), days in alike.items():
        for first, last in _runs(days):
            name = day_name(first) if first == last else f"{day_name(first)}–{day_name(last)}"
            hours = f"{start:02d}–{end:02d}"
            night = start < DAWN
            said.append(text("places-night" if night else "places-hours", days=name, hours=hours))
    return "; ".join(said)


def _runs(days: Sequence[int]) -> list[tuple[int, int]]:
    """Put days of the week that follow each other together: the first and the last of each."""
    left, found = sorted(days), list[tuple[int, int]]()
    for day in left:
        if found and found[-1][1] == day - 1:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    if len(found) > 1 and (found[0][0], found[-1][1]) == (1, DAYS_A_WEEK):  # sunday to monday
        found[0] = (found.pop()[0], found[0][1])
    return found


def when(found: When, profile: Profile) -> str:
    """Say when events happen, in as many words as a row has room for."""
    if found.kind == PEAK:
        return peaks(found.peaks)
    if found.kind == FEW:
        return text("places-when-few")
    if found.blocks[0][0] == OTHER_TIMES:  # most of the week: that most lies there says nothing
        return text("places-when-none")
    if found.blocks[0][1] >= found.events:  # it was asked for, or there is nothing else
        return short_block(found.blocks[0][0], profile)
    return text("places-when-blocks", block=_most(found, profile), events=number(found.events))


def _most(found: When, profile: Profile) -> str:
    """Name the window with most events and its number, or those that share the first place."""
    most = found.blocks[0][1]
    names = [short_block(name, profile) for name, count in found.blocks if count == most]
    return text("places-block", block=listed(names), n=number(most))


def when_why(found: When, profile: Profile) -> str:
    """Say what that rests on."""
    if found.kind == FEW:
        return text("places-when-few-why")
    if found.kind == BLOCKS:
        return text("places-when-blocks-why", blocks=blocks(found, profile))
    return " ".join(
        text(
            "places-when-peak-why",
            time=peaks([peak]),
            count=number(peak.count),
            certain=number(found.certain),
            expected=decimal(peak.expected),
        )
        for peak in found.peaks
    )


def within(found: When, said: str, profile: Profile) -> str:
    """Say what is sure of the hours of a window that alone was counted, after what says so."""
    if found.kind == PEAK:
        peak = text("card-peak", time=peaks(found.peaks))
        return " ".join((said, peak, when_why(found, profile)))
    few = found.kind == FEW
    return f"{said} {text('places-when-few-why' if few else 'card-window-none')}"


def blocks(found: When, profile: Profile) -> str:
    """List the windows of the week with their numbers."""
    return listed(
        [
            text("places-block", block=short_block(name, profile), n=number(count))
            for name, count in found.blocks
        ]
    )


def short_block(name: str, profile: Profile) -> str:
    """Name a window of the week without its hours."""
    return block_name(name, profile).partition(" (")[0].lower()


def mostly(found: Mostly, profile: Profile) -> str:
    """Say in which block of the week a release tells most events of a place."""
    said = text(
        "places-mostly",
        block=short_block(found.block, profile),
        count=number(found.count),
        events=number(found.events),
    )
    if not found.theme:
        return said
    return text("places-mostly-theme", theme=theme_name(found.theme), said=said)


def span(months: int) -> str:
    """Say over how long something was counted: "på 3 år"."""
    if months % MONTHS_A_YEAR:
        return text("places-month" if months == 1 else "places-months", n=months)
    years = months // MONTHS_A_YEAR
    return text("places-year" if years == 1 else "places-years", n=years)


def months_between(months: tuple[int, int]) -> int:
    """Count the months from one to another, both included; written as year * 100 + month."""
    first, last = ((each // 100) * MONTHS_A_YEAR + each % 100 for each in months)
    return last - first + 1


def seen(n: int) -> str:
    """Say how many observations lie near."""
    return text("places-seen-one" if n == 1 else "places-seen", n=number(n)) if n else ""


def day(instant: datetime, timezone: str) -> str:
    """Write the local day of an instant."""
    return written(local(instant, timezone).date())


def written(on: date) -> str:
    """Write a day: "15 okt 2026"."""
    return f"{on.day} {month_name(on.month)[:3]} {on.year}"


def compared(count: int, expected: float | None, level: str) -> str:
    """Say how many there are beside how many the level alone would give; "" where not known."""
    if expected is None:
        return ""
    least = expected < 0.05  # noqa: PLR2004 - would be written 0.0
    shown = text("places-below") if least else decimal(expected)
    return text("places-compared", count=events(count), expected=shown, level=level)


def moved(found: Moved) -> str:
    """Say how a year stands beside the year before it."""
    said = text(
        "card-moved",
        first=written(found.first),
        last=written(found.last),
        after=events(found.after),
        before=number(found.before),
        change=change(found.verdict),
    )
    if found.lag_days is not None and found.lag_days < 0:
        return said + " " + text("change-not-over")
    if found.before and found.after and found.before + found.after >= FEWEST_IN_PERCENT:
        said += " " + text("card-moved-ratio", low=number(found.low, 2), high=number(found.high, 2))
    if found.lag_days:
        one = found.lag_days == 1
        said += " " + text("card-moved-lag-one" if one else "card-moved-lag", days=found.lag_days)
    return said


def kinds(found: Sequence[tuple[str, int]], names: dict[str, str], most: int) -> str:
    """List the most frequent kinds with their numbers, and with percent of ten or more."""
    total = sum(n for _, n in found)
    parts = []
    for code, n in found[:most]:
        name = names.get(code, code)
        if total >= FEWEST_IN_PERCENT:
            share = round(100 * n / total)
            parts.append(text("card-kind-share", kind=name, n=number(n), percent=share))
        else:
            parts.append(text("card-kind", kind=name, n=number(n)))
    return listed(parts)


def category_names(profile: Profile) -> dict[str, str]:
    """Name categories, in the middle of a sentence."""
    return {each.code: labels.category(each).lower() for each in profile.categories}
