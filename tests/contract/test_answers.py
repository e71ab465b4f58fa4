"""Answers kept in memory."""

import gzip
import threading

import pytest

from app.kept import OWN_BYTES, Answer, AnswerCache, AnswerKey, holds, takes_gzip

ROOM = 4 * (10 + OWN_BYTES)  # for four answers of ten bytes


def key(query, role="analyst"):
    path = "/ogc/collections/cells/items"
    return AnswerKey("run 1", 1, role, "sv", "http://localhost", path, query)


def body(written):
    return Answer.of(written, 1)


def test_a_long_body_is_compressed_once_and_sent_to_those_who_take_it():
    written = b"the same words again and again, " * 100
    answer = Answer.to_keep(written, 1)
    plain, packed = answer.sent(""), answer.sent("gzip, br")
    assert (plain.body, plain.encoding) == (written, "")
    assert gzip.decompress(packed.body) == written
    assert packed.body is answer.sent("br, gzip").body
    assert (packed.encoding, len(packed.body) < len(written) / 5) == ("gzip", True)
    assert plain.etag != packed.etag
    assert Answer.to_keep(b"short", 1).sent("gzip").body == b"short"


def test_two_bodies_that_differ_in_the_moment_only_have_one_name():
    made = [f'{{"timeStamp":"{at}","n":1}}'.encode() for at in ("now", "then")]
    one, other = Answer.to_keep(made[0], 1, "now"), Answer.to_keep(made[1], 1, "then")
    assert one.etag == other.etag
    assert Answer.to_keep(made[0], 1).etag != Answer.to_keep(made[1], 1).etag
    assert one.etag != Answer.to_keep(b'{"timeStamp":"now","n":2}', 1, "now").etag


@pytest.mark.parametrize(
    ("accepted", "taken"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("*", True),
        ("br, gzip;q=0.5, zstd", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("gzip; q=0.001", True),
        ("*;q=0", False),
        ("*, gzip;q=0", False),
        ("*;q=0, gzip", True),
        ("identity", False),
        ("br, deflate", False),
        ("identity;q=1, gzip;q=0.5", False),
        ("identity;q=0.5, gzip", True),
        ("identity;q=0", False),
        ("gzip;q=2", False),
        ("gzip;q=x", False),
        (",,;,gzip", True),
    ],
)
def test_gzip_is_sent_where_it_is_wanted(accepted, taken):
    assert takes_gzip(accepted) is taken


@pytest.mark.parametrize(
    ("named", "held"),
    [
        ("", False),
        ('W/"a"', True),
        ('"a"', True),
        ('"b", W/"a" ,"c"', True),
        ("*", True),
        ('"b", *', True),
        ('"b"', False),
        ('"aa"', False),
        ("a", False),
    ],
)
def test_a_browser_is_told_that_it_holds_exactly_this(named, held):
    assert holds(named, 'W/"a"') is held


def test_an_answer_is_made_once():
    made = []
    cache = AnswerCache()
    for _ in range(3):
        assert cache.answer(key("a"), lambda: made.append(1) or body(b"body")).body == b"body"
    assert made == [1]


def test_an_answer_for_one_role_never_reaches_another():
    cache = AnswerCache()
    cache.answer(key("a"), lambda: body(b"exact"))
    assert cache.answer(key("a", role="planner"), lambda: body(b"coarse")).body == b"coarse"


def test_the_least_used_answer_makes_room():
    cache = AnswerCache(most_bytes=ROOM)
    for name in "abcd":
        cache.answer(key(name), lambda: body(b"0123456789"))
    cache.answer(key("a"), lambda: body(b"unused"))
    cache.answer(key("e"), lambda: body(b"0123456789"))
    assert cache.answer(key("a"), lambda: body(b"made anew")).body == b"0123456789"
    assert cache.answer(key("b"), lambda: body(b"made anew")).body == b"made anew"


def test_one_huge_answer_does_not_push_out_all_others():
    cache = AnswerCache(most_bytes=ROOM)
    cache.answer(key("a"), lambda: body(b"0123456789"))
    cache.answer(key("huge"), lambda: body(b"x" * ROOM))
    assert cache.answer(key("a"), lambda: body(b"made anew")).body == b"0123456789"


def test_many_readers_at_once_all_get_the_right_answer():
    cache = AnswerCache(most_bytes=10 * ROOM)
    wrong = []

    def read(seed):
        for step in range(300):
            name = (seed * 7 + step) % 60
            wanted = body(f"{name:010d}".encode())
            if cache.answer(key(name), lambda wanted=wanted: wanted).body != wanted.body:
                wrong.append(name)

    readers = [threading.Thread(target=read, args=(seed,)) for seed in range(8)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert wrong == []
