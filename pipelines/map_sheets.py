"""What a stand-alone map holds: an analyst's cells, or the numbers of a release.

The first are exact: cells of fewer than five events are left out, for they point at single homes.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import shapely

from geo import cells
from geo.errors import NotFound, TooFewObservations
from pipelines import answers, export_html, labels, questions, reference, scale
from pipelines.derive import FOCUS_KINDS
from pipelines.export_html import Counted, Listed, Named, Sheet
from pipelines.periods import local_days
from pipelines.questions import Question
from pipelines.released import ground
from pipelines.texts import text
from store.files import whole_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    import sqlalchemy as sa

    from geo.profile import Profile
    from pipelines.answers import Basis
    from pipelines.questions import Period
    from pipelines.reference import Reference
    from pipelines.released import Shown, Told
    from store.db import Store
    from store.runs import Run

NOWHERE = ("rest", "unknown")  # ground that is no place of its own has no colour
FEWEST_SHOWN = 5  # a cell with fewer events points at a single home


def export(store: Store, question: Question, role: str, target: Path) -> int:
    """Write the map in force as one HTML file; give the number of cells shown.

    Raises
    ------
    InvalidParameter
        The profile does not know what is asked for.
    NotFound
        Nothing was analysed yet, or the map library was not installed with `make setup`.
    TooFewObservations
        No cell holds five events or more.
    Conflict
        The file exists.
    """
    with store.read() as connection:
        on = answers.basis(connection, role, reference.read(connection))
        questions.check(question, on.reference.profile)
        sheet = exact(connection, on, question, _words(question, on.reference.profile))
    with whole_file(target) as draft:
        draft.write_text(export_html.write(sheet), encoding="utf-8")
    return len(sheet.counted)


def exact(
    connection: sa.Connection,
    on: Basis,
    question: Question,
    words: Sequence[str],
    names: Mapping[str, str] = MappingProxyType({}),
) -> Sheet:
    """Give the counted cells of the run in force.

    `words` say what was asked for; `names` are what cells are called.

    Raises
    ------
    NotFound
        Nothing was analysed yet.
    TooFewObservations
        No cell holds five events or more.
    """
    found = answers.cells(connection, on, question)
    if on.run is None or found is None:
        raise NotFound("no-run")
    counts = found.counts
    shown = counts.count >= FEWEST_SHOWN
    if not shown.any():
        raise TooFewObservations("no-cell-to-show", fewest=FEWEST_SHOWN)
    numbers = counts.count[shown].tolist()
    said = [found.verdict(cell) for cell in counts.cell[shown].tolist()]
    outlines = cells.polygons(counts.cell[shown])
    called = [names.get(cells.name(cell), "") for cell in counts.cell[shown].tolist()]
    counted = [
        Counted(outline, count, name, "" if verdict is None else verdict.verdict, str(count))
        for outline, count, name, verdict in zip(outlines, numbers, called, said, strict=True)
    ]
    run, profile = on.run, on.reference.profile
    first, last = local_days(*_counted(run, question.period), profile.timezone)
    period = text("export-period", first=first, last=last, n=sum(numbers), run=run.id)
    unplaced = text("export-unplaced", unplaced=run.n_unplaced, imprecise=run.n_imprecise)
    return Sheet(
        title=f"{profile.label}: {' · '.join(words)}",
        counted=counted,
        areas=_areas(on.reference),
        schools=schools(connection, on),
        unit=text("export-per-cell"),
        lines=(
            period,
            unplaced,
            text("export-few", fewest=FEWEST_SHOWN),
            text("export-method", level=_level(question, on)),
            text("export-caveat"),
        ),
        synthetic=run.synthetic,
        scale=scale.classes(numbers),
    )


def _level(question: Question, on: Basis) -> str:
    """Name what verdicts compare with: the area that was asked for, or everywhere."""
    named = (area.name for area in on.reference.areas if area.id == question.area_id)
    return next(named, text("js-legend-everywhere"))


def _words(question: Question, profile: Profile) -> list[str]:
    """Say which kinds a question asks for, and at what time of the week."""
    window = next(labels.window(each) for each in profile.windows if each.name == question.window)
    named = {category.code: labels.category(category) for category in profile.categories}
    kinds = ", ".join(named[code] for code in question.categories)
    return [kinds or text("export-total"), window]


def _counted(run: Run, asked: Period | None) -> tuple[datetime, datetime]:
    """Give from when to when events are counted: what was asked for, as far as the run goes."""
    start, end = (None, None) if asked is None else (asked.start, asked.end)
    return max(run.period_start, start or run.period_start), min(
        run.period_end, end or run.period_end
    )


def told(
    rows: Sequence[tuple[Shown, Listed]],
    part: Told,
    on: Reference,
    *,
    words: Sequence[str],
    synthetic: bool,
) -> Sheet:
    """Give an answer of a release.

    Parameters
    ----------
    rows
        The numbers in their order, and what is said of each.
    part, on
        The period of the release, and the places.
    words
        What was asked for, which release it is, and what else is in the numbers.
    synthetic
        Whether the events are invented.
    """
    counted = []
    for each, said in rows:
        lies = ground(part, each)
        if lies is not None and part.units[each.units[0]].kind not in NOWHERE:
            verdict = "" if each.finding is None else each.finding.verdict or ""
            count = each.count if each.exact else None
            counted.append(Counted(lies, count, each.name, verdict, said.number, said.more))
    return Sheet(
        title=f"{on.profile.label}: {words[0]}",
        counted=counted,
        areas=_areas(on),
        unit=text("export-per-place"),
        lines=(
            *words[1:],
            text("export-method", level=text("js-legend-everywhere")),
            text("export-caveat"),
        ),
        rows=[said for _, said in rows],
        synthetic=synthetic,
        scale=scale.classes([each.count for each in counted if each.count is not None]),
    )


def schools(connection: sa.Connection, on: Basis) -> list[Named]:
    """Give the schools, which everybody knows and looks for first."""
    rows = answers.facilities(connection, on, Question(), "school")
    return [Named(shapely.Point(row.lon, row.lat), row.name) for row in rows]


def _areas(on: Reference) -> list[Named]:
    return [Named(area.outline, area.name) for area in on.areas if area.kind in FOCUS_KINDS]
