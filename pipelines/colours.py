"""The colours of counts, verdicts and change: one source for map, legend, matrix, print and file.

Scripts get them with the page (`web/static/js/scale.js` reads them), style sheets as classes from
`/karta/farger.css`.
"""

from __future__ import annotations

from typing import Final

# Five steps of cmocean's "matter": lightness falls evenly, so they keep their order in grey and for
# every kind of colour vision.
COUNTS: Final = ("#fbe5bd", "#f5a273", "#e06552", "#b0315c", "#661d58")
INKS: Final = ("#17323d", "#17323d", "#17323d", "#ffffff", "#ffffff")  # text read on each of them
UNCERTAIN: Final = "#d9dedb"  # only events whose time is uncertain
BOUNDED: Final = "#eceeed"  # a number that is only the highest it can be; its edge is dotted
DOTTED: Final = "1 4"  # pixels of line and gap
# Fewer and more than before: blue and orange part for every kind of colour vision.
FEWER: Final = ("#2f6f9f", "#9cc3de")
UNCHANGED: Final = "#e9ebe6"
MORE: Final = ("#f2b77a", "#b85a12")


def as_json() -> dict[str, object]:
    """Give what scripts need."""
    return {
        "counts": COUNTS,
        "inks": INKS,
        "uncertain": UNCERTAIN,
        "bounded": BOUNDED,
        "fewer": FEWER,
        "unchanged": UNCHANGED,
        "more": MORE,
    }


def as_css() -> str:
    """Give a class for each step: `step-1` the fewest events, `step-5` the most."""
    steps = enumerate(zip(COUNTS, INKS, strict=True), start=1)
    rules = [f".step-{i}{{background:{fill};color:{ink};fill:{fill}}}" for i, (fill, ink) in steps]
    rules.append(".step-0{{background:transparent;fill:none}}")
    named = {"uncertain": UNCERTAIN, "bounded": BOUNDED, "unchanged": UNCHANGED}
    named |= {"fewer": FEWER[0], "more": MORE[1]}
    rules += [f".fill-{name}{{background:{one};fill:{one}}}" for name, one in named.items()]
    return "\n".join(rules) + "\n"
