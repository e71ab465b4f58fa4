"""From an offence code, a date and a place to a category people can read on a map."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from geo.errors import InvalidParameter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo.profile import OffenceRule, Profile

UNKNOWN = "okand_kod"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What lies around each of n incidents."""

    at_nightlife: NDArray[np.bool_]  # in the core or near a venue
    at_school: NDArray[np.bool_]  # near a school


@dataclass(frozen=True, slots=True)
class Categorised:
    """What n incidents are, and whether their kind may enter map layers."""

    category: NDArray[np.object_]  # (n,) category codes
    on_map: NDArray[np.bool_]  # (n,)


class OffenceTable:
    """The profile's versioned offence codes, ready to be asked."""

    def __init__(self, profile: Profile) -> None:
        """Index the profile's rules by code."""
        self._nightlife_category = profile.nightlife_category
        self._categories = {category.code: category for category in profile.categories}
        self._rules: dict[str, list[OffenceRule]] = defaultdict(list)
        for rule in profile.offences:
            if rule.category not in self._categories:
                raise InvalidParameter(
                    "offence-category-unknown", offence=rule.code, category=rule.category
                )
            self._rules[rule.code].append(rule)

    def rule(self, code: str, day: date) -> OffenceRule | None:
        """Find the rule that holds for a code on a day.

        A code met outside its years is read by the rule nearest in time: late registrations and
        re-used exports carry ended codes, and losing them would hide events.
        """
        rules = self._rules.get(code)
        if not rules:
            return None

        def days_away(rule: OffenceRule) -> int:
            if rule.valid_from is not None and day < rule.valid_from:
                return (rule.valid_from - day).days
            if rule.valid_to is not None and day >= rule.valid_to:
                return (day - rule.valid_to).days + 1
            return 0

        return min(rules, key=days_away)

    def knows_category(self, code: str) -> bool:
        """Tell whether the profile has such a category."""
        return code in self._categories

    def categorise(
        self,
        code: NDArray[np.object_],
        category: NDArray[np.object_],
        year: NDArray[np.int64],
        around: Surroundings,
    ) -> Categorised:
        """Tell the category of each incident and whether it may enter map layers.

        Parameters
        ----------
        code, category
            (n,) strings: the offence code, or "" and the category that the source itself gave.
        year
            (n,) local calendar year of the event.
        around
            What lies around each incident.
        """
        names = np.empty(code.shape, dtype=object)
        on_map = np.zeros(code.shape, dtype=bool)
        seen: dict[tuple[str, str, int], int] = {}
        inverse = np.fromiter(
            (
                seen.setdefault(key, len(seen))
                for key in zip(code, category, year.tolist(), strict=True)
            ),
            dtype=np.intp,
            count=code.size,
        )
        for (own_code, own_category, own_year), which in seen.items():
            mask = inverse == which
            rule = self.rule(own_code, date(own_year, 7, 1)) if own_code else None
            if rule is None:
                names[mask] = own_category or UNKNOWN
                on_map[mask] = self._on_map(own_category)
            else:
                names[mask], on_map[mask] = self._by_rule(
                    rule, around.at_nightlife[mask], around.at_school[mask]
                )
        return Categorised(names, on_map)

    def _on_map(self, category: str) -> bool:
        known = self._categories.get(category)
        return known is not None and known.on_map

    def _by_rule(
        self, rule: OffenceRule, at_nightlife: NDArray[np.bool_], at_school: NDArray[np.bool_]
    ) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
        names = np.full(at_nightlife.shape, rule.category, dtype=object)
        if rule.nightlife:
            names[at_nightlife] = self._nightlife_category
        allowed = {
            "any": np.ones(at_nightlife.shape, dtype=bool),
            "venue": at_nightlife,
            "school": at_school,
            "school_or_venue": at_nightlife | at_school,
            "never": np.zeros(at_nightlife.shape, dtype=bool),
        }[rule.place]
        shown = np.array([self._on_map(str(name)) for name in names], dtype=bool)
        return names, allowed & shown
