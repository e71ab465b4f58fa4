"""The contract of store/: one story, told to both kinds of store, seen the same in both."""

import inspect
import sys
from importlib import import_module

import pytest

from store import db, schema
from tests import store_story

MODULES = (
    "accounts",
    "backup",
    "bulk",
    "db",
    "imports",
    "incidents",
    "layers",
    "observations",
    "places",
    "records",
    "runs",
    "schema",
)
CHAPTERS = [tell.__name__ for tell in store_story.CHAPTERS]


def told_to(url):
    store = db.connect(url)
    try:
        schema.upgrade(store)
        return store_story.told(store)
    finally:
        store.close()


@pytest.fixture(scope="module")
def in_geopackage(tmp_path_factory):
    """Tell the story to a GeoPackage; give what was seen and which functions took part."""
    called = set()
    sys.setprofile(lambda frame, event, _: called.add(frame.f_code) if event == "call" else None)
    try:
        seen = told_to(f"sqlite:///{tmp_path_factory.mktemp('story')}/story.gpkg")
    finally:
        sys.setprofile(None)
    return seen, called


@pytest.fixture(scope="module")
def in_postgis(postgres):
    """Tell the story to PostGIS."""
    url = postgres.create()
    yield told_to(url)
    postgres.drop(url)


@pytest.fixture
def seen(in_geopackage):
    return in_geopackage[0]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_both_stores_see_the_same(chapter, in_geopackage, in_postgis):
    assert in_postgis[chapter] == in_geopackage[0][chapter]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_chapter_ends_in_a_refusal(chapter, seen):
    assert not isinstance(seen[chapter], str), seen[chapter]


def public_functions():
    for name in MODULES:
        module = import_module(f"store.{name}")
        for function_name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and not function_name.startswith("_"):
                yield f"{name}.{function_name}", inspect.unwrap(function).__code__


def test_every_public_function_of_the_store_plays_a_part(in_geopackage):
    _, called = in_geopackage
    functions = dict(public_functions())
    assert len(functions) > 60
    assert [name for name, code in functions.items() if code not in called] == []
