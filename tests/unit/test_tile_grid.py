"""In which squares a map is cut: Lantmäteriet's numbers, and squares for everybody else."""

import pytest

from geo import tile_grid
from geo.errors import InvalidParameter
from geo.tiles import WEB_MERCATOR_QUAD

ESKILSTUNA = (15.8, 59.1, 16.9, 59.54)
CHICAGO = (-88.0, 41.6, -87.5, 42.1)


def test_squares_of_lantmateriet_begin_in_their_corner_and_halve_at_each_level():
    grid = tile_grid.pyramid(3006, ESKILSTUNA)
    assert (grid.west, grid.north) == (-1_200_000, 8_500_000)
    for zoom in range(15):
        assert grid.frame(zoom, 0, 0).size == 256 * 4096 / 2**zoom
    frame = grid.frame(10, 1743, 1872)  # resolution 4: 1024 metres a side
    assert (frame.west, frame.north, frame.size) == (584_832, 6_583_072, 1024)


def test_level_0_has_four_squares_along_a_side():
    assert tile_grid.LANTMATERIET.frame(0, 3, 3).size == 1_048_576
    with pytest.raises(InvalidParameter, match="no-such-tile"):
        tile_grid.LANTMATERIET.frame(0, 4, 0)


def test_web_mercator_has_everybodys_squares():
    assert tile_grid.pyramid(3857, CHICAGO) is WEB_MERCATOR_QUAD
    assert tile_grid.system(4326) == 3857
    assert tile_grid.system(3006) == 3006


@pytest.mark.parametrize(("epsg", "envelope"), [(26971, CHICAGO), (25833, ESKILSTUNA)])
def test_another_system_has_one_square_around_the_municipality(epsg, envelope):
    grid = tile_grid.pyramid(epsg, envelope)
    west, south, east, north = tile_grid.bounds(epsg, envelope)
    frame = grid.frame(0, 0, 0)
    assert frame.west < west
    assert east < frame.west + frame.size
    assert frame.north - frame.size < south
    assert north < frame.north
    assert grid == tile_grid.pyramid(epsg, envelope)


def test_an_envelope_becomes_a_box_that_holds_its_curved_sides():
    west, south, east, north = tile_grid.bounds(3006, ESKILSTUNA)
    assert south < tile_grid.bounds(3006, (16.0, 59.1, 16.1, 59.11))[1]
    assert 60_000 < east - west < 65_000
    assert 47_000 < north - south < 51_000


def test_the_level_of_a_size_is_the_first_that_is_no_larger():
    assert tile_grid.level(tile_grid.LANTMATERIET, 1024) == 10
    assert tile_grid.level(tile_grid.LANTMATERIET, 1023) == 11
    assert tile_grid.level(tile_grid.LANTMATERIET, 10**9) == 0
