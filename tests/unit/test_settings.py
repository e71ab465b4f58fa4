"""What an installation may say, and what stops the start."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from geo.errors import InvalidParameter
from pipelines import settings
from pipelines.settings import Settings, load


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for field in Settings.model_fields:
        monkeypatch.delenv(settings.variable(field), raising=False)


def test_without_any_variable_the_store_is_a_file_and_nothing_goes_online():
    found = load()
    assert found.database_url == "sqlite:///var/lagesbild.gpkg"
    assert found.geocoder_kind == "none"
    assert found.cookie_secure
    assert found.session_secret is None


def test_variables_are_read(monkeypatch):
    monkeypatch.setenv("LAGESBILD_DATABASE_URL", "postgresql+psycopg://localhost/lagesbild")
    monkeypatch.setenv("LAGESBILD_SESSION_HOURS", "2.5")
    monkeypatch.setenv("LAGESBILD_COOKIE_SECURE", "false")
    found = load()
    assert found.database_url.endswith("/lagesbild")
    assert found.session_hours == 2.5
    assert not found.cookie_secure


def test_a_misspelt_variable_stops_the_start(monkeypatch):
    monkeypatch.setenv("LAGESBILD_DATABSE_URL", "sqlite:///elsewhere.gpkg")
    with pytest.raises(InvalidParameter) as refused:
        load()
    assert refused.value.code == "unknown-setting"
    assert refused.value.values["name"] == "LAGESBILD_DATABSE_URL"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LAGESBILD_SESSION_HOURS", "0"),
        ("LAGESBILD_SESSION_HOURS", "en dag"),
        ("LAGESBILD_SESSION_SECRET", "short"),
        ("LAGESBILD_GEOCODER_KIND", "guess"),
        ("LAGESBILD_GEOCODER_URL", "file:///etc"),
        ("LAGESBILD_DATABASE_URL", ""),
    ],
)
def test_a_value_that_cannot_be_used_stops_the_start_and_is_not_repeated(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidParameter) as refused:
        load()
    assert (refused.value.code, refused.value.values) == ("invalid-setting", {"name": name})


def test_a_geocoder_needs_an_address(monkeypatch):
    monkeypatch.setenv("LAGESBILD_GEOCODER_KIND", "nominatim")
    with pytest.raises(InvalidParameter, match="setting-missing"):
        load()


def test_settings_do_not_change_and_do_not_show_the_secret():
    found = Settings(session_secret="s" * 32)
    with pytest.raises(ValidationError):
        found.session_hours = 1
    assert "sss" not in repr(found)


def test_every_setting_stands_in_the_readmes_table_with_its_default():
    table = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    for name, field in Settings.model_fields.items():
        row = re.search(rf"^\| `{settings.variable(name)}` \| (\S+) \|", table, re.MULTILINE)
        assert row is not None, name
        default = str(field.default).lower() if field.default is not None else "none"
        assert row[1].strip("`") == default
