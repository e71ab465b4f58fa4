"""Patterns that break naive code, by name: read the name, know the trap."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

CENTRE_LONLAT = (16.50987, 59.37036)  # Fristadstorget, Eskilstuna
CENTRE_M = (585_802.0, 6_582_337.0)  # about the same place in EPSG:3006

# Half-hour jumps, jumps at midnight, both hemispheres, an odd offset, and no jump at all.
TIMEZONES = (
    "Europe/Stockholm",
    "America/Chicago",
    "Australia/Lord_Howe",
    "America/Havana",
    "America/Santiago",
    "Asia/Kathmandu",
    "UTC",
)


def blob(n, spread_m=20.0, east_m=0.0, north_m=0.0):
    """Scatter n points around a spot near the centre; the same ones each time."""
    rng = np.random.default_rng(n)
    x = CENTRE_M[0] + east_m + rng.normal(0, spread_m, n)
    return x, CENTRE_M[1] + north_m + rng.normal(0, spread_m, n)


def patterns():
    """Give every pattern as (x_m, y_m), under its name."""
    x, y = CENTRE_M
    angle = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    steps = np.arange(30.0)
    two = [blob(20), blob(25, east_m=1000.0)]
    return {
        "empty": (np.empty(0), np.empty(0)),
        "one point": (np.array([x]), np.array([y])),
        "all identical": (np.full(40, x), np.full(40, y)),
        "two places": (np.repeat([x, x + 10], 20), np.repeat([y, y], 20)),
        "two blobs": (np.concatenate([b[0] for b in two]), np.concatenate([b[1] for b in two])),
        "line": (x + 40 * steps, y + 0 * steps),
        "ring": (x + 200 * np.cos(angle), y + 200 * np.sin(angle)),
        "grid": (x + 50 * (steps % 6), y + 50 * (steps // 6)),
        "far apart": (x + 10_000 * steps, y + 0 * steps),
    }


def clock_changes(timezone, first_year, last_year):
    """List the UTC days on which a zone's clocks change, found by asking zoneinfo day by day."""
    zone = ZoneInfo(timezone)
    day, end = datetime(first_year, 1, 1, tzinfo=UTC), datetime(last_year + 1, 1, 1, tzinfo=UTC)
    days = [day + timedelta(days=n) for n in range((end - day).days)]
    offsets = [d.astimezone(zone).utcoffset() for d in days]
    return [d for d, (a, b) in zip(days, pairwise(offsets), strict=False) if a != b]


def wall_times_around(days, minutes):
    """List wall-clock times every so many minutes from a day before to two days after each day."""
    return [
        day.replace(tzinfo=None) + timedelta(minutes=m)
        for day in days
        for m in range(-1440, 2880, minutes)
    ]
