"""Tiles kept in memory: made once, bounded, the least used dropped."""

from pipelines.tile_cache import TileCache


class Maker:
    def __init__(self, body=b"x" * 800):
        self.body, self.made = body, 0

    def __call__(self):
        self.made += 1
        return self.body


def test_a_tile_is_made_once():
    kept, make = TileCache(), Maker()
    assert [kept.body((1, 2, 3), make) for _ in range(3)] == [make.body] * 3
    assert make.made == 1


def test_the_least_used_tile_goes_when_there_is_no_room():
    kept, makers = TileCache(most_bytes=3000), [Maker() for _ in range(4)]
    for at in (0, 1, 2, 0, 3, 0):  # three have room; 1 is the least used when 3 comes
        kept.body((0, 0, at), makers[at])
    kept.body((0, 0, 1), makers[1])
    assert [maker.made for maker in makers] == [1, 2, 1, 1]


def test_a_tile_larger_than_all_room_is_given_and_not_kept():
    kept, make = TileCache(most_bytes=100), Maker()
    assert kept.body((0, 0, 0), make) == make.body
    kept.body((0, 0, 0), make)
    assert make.made == 2


def test_empty_tiles_take_room_too():
    kept, makers = TileCache(most_bytes=1000), [Maker(b"") for _ in range(9)]
    for at, make in enumerate(makers):
        kept.body((0, 0, at), make)
    kept.body((0, 0, 0), makers[0])
    assert makers[0].made == 2
