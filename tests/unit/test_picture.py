"""A still picture holds what it was given, where it lies, and can be read without eyes."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
import shapely

from geo import crs
from geo.errors import InvalidParameter
from pipelines.picture import DOT, Shape, draw

EPSG = 3006
NS = "{http://www.w3.org/2000/svg}"
SQUARE = shapely.box(16.50, 59.36, 16.52, 59.37)
HOLED = SQUARE.difference(shapely.box(16.505, 59.363, 16.51, 59.366))


def drawn(shapes, **more):
    return ET.fromstring(draw(shapes, epsg=EPSG, size=(400, 300), alt="Rutor & <områden>", **more))  # noqa: S314 - our own


def corners(path):
    found = path.get("d").replace("M", " ").replace("L", " ").replace("Z", " ").split()
    return np.array(found, dtype=float).reshape(-1, 2)


def test_everything_lies_inside_the_picture_and_fills_it():
    picture = drawn([Shape(SQUARE, "#ff0000")])
    at = corners(picture.find(f".//{NS}g/{NS}path"))
    assert at.min() > 0
    assert (at.max(axis=0) < [400, 300]).all()
    assert max(np.ptp(at, axis=0) / [400, 300]) == pytest.approx(0.92, abs=0.01)


def test_north_is_up_and_east_is_right():
    north = Shape(shapely.Point(16.51, 59.37), "#000000")
    east = Shape(shapely.Point(16.52, 59.36), "#000000")
    first, second = drawn([north, east]).findall(f".//{NS}circle")
    assert float(first.get("cy")) < float(second.get("cy"))
    assert float(first.get("cx")) < float(second.get("cx"))
    assert first.get("r") == f"{DOT:g}"


def test_a_hole_stays_a_hole():
    path = drawn([Shape(HOLED, "#ff0000")]).find(f".//{NS}path")
    assert path.get("fill-rule") == "evenodd"
    assert path.get("d").count("M") == path.get("d").count("Z") == 2


def test_words_are_read_aloud_and_cannot_become_markup():
    picture = drawn([Shape(SQUARE, "none", label="Årby <b>", title="9 & fler")])
    assert picture.get("role") == "img"
    assert picture.get("aria-label") == "Rutor & <områden>"
    assert picture.find(f".//{NS}title").text == "9 & fler"
    assert next(each.text for each in picture.iter(f"{NS}text")) == "Årby <b>"


def test_what_lies_outside_the_frame_is_left_out():
    far = Shape(shapely.Point(17.5, 59.9), "#000000")
    picture = drawn([Shape(SQUARE, "#ff0000"), far], within=SQUARE.bounds)
    assert not picture.findall(f".//{NS}circle")


def test_the_scale_bar_is_as_long_as_it_says():
    picture = drawn([Shape(SQUARE, "#ff0000")])
    words = [each.text for each in picture.iter(f"{NS}text")][-1]
    assert words == "200 m"
    bar = picture.findall(f".//{NS}path")[-1].get("d")
    start, end = float(bar[1:].split()[0]), float(bar.split("H")[1].split("V")[0])
    width_px = np.ptp(corners(picture.find(f".//{NS}path"))[:, 0])
    x_m, _ = crs.transform(*shapely.get_coordinates(SQUARE).T, crs.WGS84, EPSG)
    assert (end - start) / width_px == pytest.approx(200 / np.ptp(x_m), rel=0.005)


def test_nothing_to_draw_is_an_empty_ground():
    picture = drawn([])
    assert not picture.findall(f".//{NS}g/{NS}circle")
    assert drawn([Shape(shapely.Polygon(), "#000000")]) is not None


def test_no_style_is_needed():
    written = draw([Shape(SQUARE, "#ff0000", dash="4 3")], epsg=EPSG, size=(90, 90), alt="x")
    assert "style" not in written


def test_degrees_are_no_projection():
    with pytest.raises(InvalidParameter) as fault:
        draw([], epsg=4326, size=(90, 90), alt="x")
    assert fault.value.code == "picture-not-metric"
