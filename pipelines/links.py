"""What links to our pages say: one table of their words, and what a value may be.

Whatever else somebody writes into a link is carried no further: not to the next page, not into a
kept view, not into the log.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# The hours of a week that are the longest to write: pairs with an hour between them, `when.py`.
LONGEST: Final = 375
# Slugs and numbers; a tertial is `2026-T1`, its numbers `2026-T1.5`, a weekend `2026-W46`.
VALUE: Final = re.compile(rf"[0-9A-Za-z_.,:-]{{1,{LONGEST}}}", re.ASCII)

QUESTION: Final = ("omrade", "fonster", "typ", "period")  # every page understands these
VIEW: Final = "vy"  # where a map looks: only the browser reads it
CHOSEN: Final = "vald"  # the place whose card is open
ASKED: Final = (*QUESTION, "detalj")  # what a number answers
LISTED: Final = (*ASKED, "rutor", "kring", "lista")  # what the list of places answers
SHOWN: Final = (*LISTED, "lager")  # and which layers lie on the map
ON_MAP: Final = (*SHOWN, CHOSEN, VIEW)
EDITION: Final = "ur"  # from what the card and the list of a map are read
# What a page's links say beside the question and the view.
OWN: Final[Mapping[str, tuple[str, ...]]] = {
    "/": ON_MAP,
    "/nar": ("timmar", "rutor", CHOSEN),
    "/skolor": ("skola",),
    "/nattliv": ("helg",),
    "/pa-plats": ("typ_obs", "ljus", CHOSEN),
    "/utveckling": ("jamfor", "visa", "kant", "rutor"),
    "/plan": (),
    "/utgava": ON_MAP,
    "/tabeller": ("kalla", "ar"),
}


def of_page(path: str) -> frozenset[str]:
    """Give all words that the links to a page say."""
    return frozenset((*QUESTION, VIEW, *OWN[path]))


def kept(given: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Give the words of a link that are asked for and have a value as links write them."""
    return {name: given[name] for name in names if VALUE.fullmatch(given.get(name, ""))}
