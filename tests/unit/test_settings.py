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


SECRET = "a secret of this test alone, quite long"  # noqa: S105
OIDC = {
    "LAGESBILD_OIDC_ISSUER": "https://login.example.org/t",
    "LAGESBILD_OIDC_CLIENT_ID": "lagesbild",
    "LAGESBILD_OIDC_CLIENT_SECRET": "shared",
    "LAGESBILD_OIDC_ROLES": "Planerare=planner",
}


def put(monkeypatch, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


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
        ("LAGESBILD_SESSION_SECRET", "s" * 64),
        ("LAGESBILD_SESSION_SECRET", "hemlig" * 10),
        ("LAGESBILD_SESSION_IDLE_MINUTES", "14"),
        ("LAGESBILD_OPEN_ROLE", "x -c search_path=y"),
        ("LAGESBILD_OIDC_ISSUER", "http://login.example.org"),
        ("LAGESBILD_OIDC_ISSUER", "http://localhost.example.org"),
        ("LAGESBILD_OIDC_ROLES", "Planerare=kung"),
        ("LAGESBILD_OIDC_ROLES", "Planerare"),
        ("LAGESBILD_OIDC_ROLES", "=planner"),
        ("LAGESBILD_OIDC_ROLES", "Alla=public"),
        ("LAGESBILD_OIDC_ROLES", "Alla=group"),  # its members have accounts that end
        ("LAGESBILD_OIDC_ROLES", '{"Planerare": 1}'),
        ("LAGESBILD_OIDC_ROLES", "{"),
        ("LAGESBILD_OIDC_ROLES", ";"),
        ("LAGESBILD_SECRETS_DIR", "/nowhere/at/all"),
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
    found = Settings(session_secret=SECRET, oidc_client_secret=SECRET)
    with pytest.raises(ValidationError):
        found.session_hours = 1
    assert "secret of this" not in repr(found)


@pytest.mark.parametrize(
    "written",
    [
        "CN=Planerare,OU=x=planner;Analytiker=analyst",
        " CN=Planerare,OU=x = planner ; Analytiker = analyst ; ",
        '{"CN=Planerare,OU=x": "planner", "Analytiker": "analyst"}',
    ],
)
def test_groups_are_mapped_to_roles_in_the_order_written(monkeypatch, written):
    put(monkeypatch, OIDC | {"LAGESBILD_OIDC_ROLES": written})
    found = load()
    assert found.oidc
    assert list(found.oidc_roles.items()) == [
        ("CN=Planerare,OU=x", "planner"),
        ("Analytiker", "analyst"),
    ]


@pytest.mark.parametrize("lacking", OIDC)
def test_a_sign_in_service_that_is_half_configured_stops_the_start(monkeypatch, lacking):
    put(monkeypatch, {name: value for name, value in OIDC.items() if name != lacking})
    with pytest.raises(InvalidParameter) as refused:
        load()
    assert (refused.value.code, refused.value.values) == ("setting-missing", {"name": lacking})


def test_without_a_sign_in_service_there_are_local_accounts_only():
    assert not load().oidc


def test_secrets_are_read_from_files_and_the_environment_speaks_first(monkeypatch, tmp_path):
    (tmp_path / "LAGESBILD_SESSION_SECRET").write_text(f"{SECRET}\n")
    (tmp_path / "lagesbild_session_hours").write_text("3")
    (tmp_path / "of_another_program").write_text("x")
    monkeypatch.setenv("LAGESBILD_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("LAGESBILD_SESSION_HOURS", "2")
    found = load()
    assert found.session_secret.get_secret_value() == SECRET
    assert found.session_hours == 2


@pytest.mark.parametrize("name", ["LAGESBILD_SESION_SECRET", "lagesbild_secret"])
def test_a_misspelt_secret_stops_the_start(monkeypatch, tmp_path, name):
    (tmp_path / name).write_text(SECRET)
    monkeypatch.setenv("LAGESBILD_SECRETS_DIR", str(tmp_path))
    with pytest.raises(InvalidParameter) as refused:
        load()
    assert refused.value.code == "unknown-setting"
    assert SECRET not in str(refused.value.values)


def test_a_weak_secret_from_a_file_stops_the_start_too(monkeypatch, tmp_path):
    (tmp_path / "LAGESBILD_SESSION_SECRET").write_text("changeme")
    monkeypatch.setenv("LAGESBILD_SECRETS_DIR", str(tmp_path))
    with pytest.raises(InvalidParameter, match="invalid-setting"):
        load()


def test_every_setting_stands_in_the_readmes_table_with_its_default():
    table = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    for name, field in Settings.model_fields.items():
        row = re.search(rf"^\| `{settings.variable(name)}` \| (\S+) \|", table, re.MULTILINE)
        assert row is not None, name
        default = str(field.default).lower() if field.default is not None else "none"
        assert row[1].strip("`") == default
