"""A still picture of what a release tells, for pages without scripts and for paper."""

from __future__ import annotations

import shapely
from markupsafe import Markup

from app.release_page import Chosen
from pipelines import picture, scale
from pipelines.picture import Shape
from pipelines.reference import Reference
from pipelines.released import Released

SIZE = (760, 460)
NOT_DRAWN = ("rest", "unknown")  # ground that is no place of its own


def told_picture(released: Released, chosen: Chosen, reference: Reference, alt: str) -> Markup:
    """Draw the numbers of an answer where they lie, on the outline of the focus areas."""
    told = released.part(chosen.asked.period)
    answer = told.answer(chosen.asked, chosen.detail)
    units = {unit.number: unit for unit in told.units}
    steps = scale.classes([shown.count for shown in answer.shown])
    shapes = []
    for shown in answer.shown:
        own = [units[number] for number in shown.units]
        outlines = [unit.outline for unit in own if unit.outline and unit.kind not in NOT_DRAWN]
        step = scale.class_of(steps, shown.count)
        if outlines and step is not None:
            title = f"{shown.name}: {shown.count}"
            shapes.append(
                Shape(shapely.union_all(outlines), step.colour, stroke="#4a626c", title=title)
            )
    epsg = reference.profile.metric_epsg
    return Markup(picture.draw(shapes, epsg=epsg, size=SIZE, alt=alt))  # noqa: S704 - `draw` escapes
