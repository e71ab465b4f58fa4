"""What the page of the action plan says: which place a reader means, and the list itself.

No number is kept with a row. Each reader is shown what the reader's own role may see of it now.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from urllib.parse import urlencode

import numpy as np
import sqlalchemy as sa

from app import choices, release_page
from app.release_page import period_name
from geo import cells, crs
from geo.errors import InvalidParameter, NotFound
from geo.profile import Profile
from pipelines import answers
from pipelines.answers import MUNICIPALITY, Basis, CountedArea, CountedCells
from pipelines.naming import Namer
from pipelines.periods import local
from pipelines.questions import Question
from pipelines.released import ZONE, Asked, Released, Shown
from pipelines.roles import ANALYST
from pipelines.texts import text
from store import places
from store.places import AreaRow
from store.plan import NewRow, Row, Spot

NUMBER = re.compile(r"(?:release:)?([0-9]{4}(?:-T[1-3])?)\.([0-9]{1,6})", re.ASCII)
CELLS, CLUSTERS, AREAS, SCHOOLS = "cells", "clusters", "areas", "schools"
LEFT_OUT = 120  # characters of a word that nobody knows


@dataclass(frozen=True, slots=True)
class Site:
    """A place that every role knows, as links name it and in words; "" is the municipality."""

    place: str = ""
    name: str = ""
    area: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the list, as a reader sees it."""

    id: int
    name: str
    part: str  # which part of the place it speaks of; "" is all of it
    theme: str
    window: str
    period: str
    link: str
    count: int | None
    about: str  # what the number speaks of, or why there is none
    verdict: str
    added_by: str
    added_on: str


# --- which place somebody means ------------------------------------------------------------------


def wanted(
    connection: sa.Connection, on: Basis, given: Mapping[str, str]
) -> tuple[NewRow, Spot | None]:
    """Read what a card or a row sends: the place, and the choices of its link.

    Parameters
    ----------
    connection
        With the rights of the reader's role.
    on
        With the release in force.
    given
        `vald`, the chosen place as links name it; `omrade`, `fonster`, `typ`, `period`, `detalj`.

    Raises
    ------
    NotFound
        There is no such place for this role.
    InvalidParameter
        The number speaks of several places at once.
    """
    kind, _, key = given.get("vald", "").partition(":")
    spot = None
    if kind in (CELLS, CLUSTERS) and on.role == ANALYST:
        site, spot = _spot(connection, on, kind, key)
    else:
        site = _site(connection, on, given)
    window, theme, period = _question(on, given)
    return NewRow(site.place, site.name, site.area, window, theme, period), spot


def _question(on: Basis, given: Mapping[str, str]) -> tuple[str, str, str]:
    """Give time, theme and period of a link, as far as the reader's side knows them."""
    if on.role == ANALYST:
        read = choices.read({**given, "omrade": ""}, on.reference, on.run).given
        return read["fonster"], read["typ"], read["period"]
    if on.released is None or not on.released.periods():
        return choices.EVERY_WINDOW, "", choices.WHOLE_PERIOD
    asked = release_page.choose({**given, "omrade": ""}, on.released, on.reference).asked
    theme = "".join(f"{release_page.THEME_PREFIX}{each}" for each in asked.themes)
    return "".join(asked.blocks) or choices.EVERY_WINDOW, theme, asked.period


def _spot(connection: sa.Connection, on: Basis, kind: str, key: str) -> tuple[Site, Spot]:
    """Find a cell or a cluster, and the place around it that every role knows."""
    lon, lat = _middle(connection, on, kind, key)
    x_m, y_m = crs.transform(
        np.array([lon]), np.array([lat]), crs.WGS84, on.reference.profile.metric_epsg
    )
    (near,) = Namer(connection, on.reference.profile).names(x_m, y_m)
    name = text(f"plan-spot-{kind}", near=near) if near else text(f"plan-{kind}")
    at = sa_point(lon, lat)
    around = next((row for row in _by_size(on) if row.outline.intersects(at)), None)
    return _of_area(on, around), Spot(f"{kind}:{key}", name)
