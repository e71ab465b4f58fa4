"""Shapes that a page hands to the script of its map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import shapely

DEGREES = 1e-6  # a decimetre


def feature(key: str, outline: shapely.Geometry, about: Mapping[str, object]) -> dict[str, Any]:
    """Write a shape in lon/lat as a GeoJSON feature."""
    geometry = shapely.geometry.mapping(shapely.set_precision(outline, DEGREES))
    return {"type": "Feature", "id": key, "geometry": geometry, "properties": dict(about)}
