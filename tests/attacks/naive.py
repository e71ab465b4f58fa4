"""The control: what a planner would be told without the frozen tree.

The recipe of many tutorials: count live, by whatever filter is asked for, and leave out what is
below five. It speaks as `pipelines.released.Released` does and is put in its place, so the same
harness asks it the same questions over the same API, and must find what it hides.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import shapely

from pipelines.released import PLACE, UNIT, ZONE, Answer, Shown
from store.releases import TREE, Unit
from tests.attacks.harness import K
from tests.attacks.town import days_of

SPOKEN = ("themes", "blocks", "tertials")
LAST_DAYS = [date(2025, 6, 1) + timedelta(days=n) for n in range(10)]


@dataclass(frozen=True, slots=True)
class Naive:
    """In the place of `ReleasedCache` and `Released` at once."""

    header: object
    truth: object
    units: tuple
    unit: np.ndarray  # of each event

    @classmethod
    def of(cls, truth, header):
        """Draw a unit for each piece of ground, and one for what each zone has besides."""
        places = dict(zip(truth.zone.tolist(), truth.place.tolist(), strict=True))
        zones = sorted(places)
        grounds = [(piece.zone, places[piece.zone], piece.shape) for piece in truth.pieces]
        grounds += [(zone, places[zone], None) for zone in zones]
        units = tuple(_unit(number, *ground) for number, ground in enumerate(grounds))
        loose = len(truth.pieces) + np.searchsorted(zones, truth.zone)
        of_event = np.where(truth.piece >= 0, truth.piece, loose)
        return cls(replace(header, digest="naive"), truth, units, of_event)

    def in_force(self):
        """Answer as the cache does."""
        return self

    def periods(self, product=TREE):
        """List years, and days of one's own choice: from New Year until any day."""
        if product != TREE:
            return ()
        return ("2025", "2024", "2023", *(f"2025-01-01/{day}" for day in LAST_DAYS))

    def part(self, period="", product=TREE):
        """Give one period."""
        return Live(self, period or self.periods(product)[0])


def _unit(number, zone, place, shape):
    outline = None
    if shape is not None:
        polygons = [each for each in shapely.get_parts(shape) if each.geom_type == "Polygon"]
        outline = shapely.MultiPolygon(polygons)
    return Unit(number, place, place, place, zone, zone, "cell", "", 0.0, (), None, outline)


class Live:
    """One period, counted anew for each question."""

    def __init__(self, naive, period):
        truth = naive.truth
        self.naive, self.units = naive, naive.units
        self.part = SimpleNamespace(period=period, product=TREE)
        shown = truth.theme != ""
        self.themes = tuple(sorted(set(truth.theme[shown].tolist())))
        self.blocks = tuple(sorted(set(truth.block.tolist())))
        self.tertials = (1, 2, 3)
        first, after = map(np.datetime64, days_of(period))
        self._inside = shown & (truth.day >= first) & (truth.day < after)

    def answer(self, asked, level=PLACE):
        """Count, and leave out what is below five; the total is of all that was asked for."""
        truth = self.naive.truth
        themes = asked.themes or self.themes
        blocks = asked.blocks or self.blocks
        tertials = asked.tertials or self.tertials
        own = self._inside & np.isin(truth.theme, themes) & np.isin(truth.block, blocks)
        own &= np.isin(truth.tertial, tertials)
        if level == PLACE and set(asked.places) - {unit.place for unit in self.units}:
            level = ZONE
        groups, wanted = {}, set(asked.places)
        for number, unit in enumerate(self.units):
            name = {PLACE: unit.place, ZONE: unit.zone, UNIT: number}[level]
            if not wanted or wanted & {unit.place, unit.zone}:
                groups.setdefault(name, []).append(number)
        held = Counter()
        for number, count in zip(self.naive.unit[own], truth.count[own], strict=True):
            held[int(number)] += int(count)
        counts = {name: sum(held[n] for n in numbers) for name, numbers in groups.items()}
        spoken = (tuple(themes), tuple(blocks), tuple(tertials))
        shown = tuple(
            self._shown(numbers, counts[name], spoken)
            for name, numbers in groups.items()
            if counts[name] >= K
        )
        total = sum(counts.values())
        told = total if total >= K else 0
        return Answer(
            period=self.part.period,
            product=TREE,
            shown=shown,
            total=told,
            low=told,
            **dict(zip(SPOKEN, spoken, strict=True)),
        )

    def lies(self, numbers):
        """Give the ground of some units."""
        outlines = [self.units[number].outline for number in numbers]
        known = [each for each in outlines if each is not None]
        return shapely.union_all(known) if known else None

    def _shown(self, numbers, count, spoken):
        lies = [self.units[number] for number in numbers]
        places = tuple(dict.fromkeys(unit.place for unit in lies))
        zones = tuple(dict.fromkeys(unit.zone for unit in lies))
        name = zones[0] if len(zones) == 1 else places[0]
        return Shown(
            units=tuple(numbers),
            places=places,
            zones=zones,
            name=name,
            label="",
            count=count,
            low=count,
            **dict(zip(SPOKEN, spoken, strict=True)),
            finding=None,
        )
