"""A still picture of what a release tells, for pages without scripts and for paper."""

from __future__ import annotations

from dataclasses import replace

import shapely
from markupsafe import Markup

from app.release_page import Chosen, number_said
from pipelines import picture
from pipelines.reference import Reference
from pipelines.released import Released

SIZE = (760, 460)
EDGE = "#4a626c"
NOT_DRAWN = ("rest", "unknown")  # ground that is no place of its own


def told_picture(released: Released, chosen: Chosen, reference: Reference, alt: str) -> Markup:
    """Draw the numbers of an answer where they lie, on the outline of the focus areas."""
    told = released.part(chosen.asked.period)
    answer = told.answer(chosen.asked, chosen.detail)
    units = {unit.number: unit for unit in told.units}
    drawn, lies = [], []
    for shown in answer.shown:
        own = [units[number] for number in shown.units]
        outlines = [unit.outline for unit in own if unit.outline and unit.kind not in NOT_DRAWN]
        if outlines:
            drawn.append(shown)
            lies.append(shapely.union_all(outlines))
    numbers = [each.count if each.exact else None for each in drawn]
    shapes = [
        replace(shape, stroke=EDGE, title=f"{each.name}: {number_said(each.low, each.count)}")
        for shape, each in zip(picture.coloured(lies, numbers), drawn, strict=True)
    ]
    epsg = reference.profile.metric_epsg
    return Markup(picture.draw(shapes, epsg=epsg, size=SIZE, alt=alt))  # noqa: S704 - `draw` escapes
