"""Answers kept in memory."""

import threading

from app.kept import Answer, AnswerCache, AnswerKey


def key(query, role="analyst"):
    return AnswerKey("run 1", 1, role, "http://localhost", "/ogc/collections/cells/items", query)


def body(written):
    return Answer.of(written, 1)


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
    cache = AnswerCache(most_bytes=40)
    for name in "abcd":
        cache.answer(key(name), lambda: body(b"0123456789"))
    cache.answer(key("a"), lambda: body(b"unused"))
    cache.answer(key("e"), lambda: body(b"0123456789"))
    assert cache.answer(key("a"), lambda: body(b"made anew")).body == b"0123456789"
    assert cache.answer(key("b"), lambda: body(b"made anew")).body == b"made anew"


def test_one_huge_answer_does_not_push_out_all_others():
    cache = AnswerCache(most_bytes=40)
    cache.answer(key("a"), lambda: body(b"0123456789"))
    cache.answer(key("huge"), lambda: body(b"x" * 1000))
    assert cache.answer(key("a"), lambda: body(b"made anew")).body == b"0123456789"


def test_many_readers_at_once_all_get_the_right_answer():
    cache = AnswerCache(most_bytes=400)
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
