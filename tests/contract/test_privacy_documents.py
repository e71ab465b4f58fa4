"""The privacy documents are those of this very system; docs/ holds the ones of a new installation.

Made anew by `lagesbild documents register --standard --out FILE`, and likewise `dpia`.
"""

import re
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines import retention, settings
from pipelines.commands import documents
from pipelines.privacy_documents import DOCUMENTS, Facts, assessment, register
from pipelines.roles import ROLES
from store import installation, schema
from store.parts import PARTS
from store.retention import CLASSES, Rule

DOCS = Path(__file__).parents[2] / "docs"
KEPT = {"REGISTERFORTECKNING.md": register, "KONSEKVENSBEDOMNING.md": assessment}
RULE = Rule("incidents", 24, "KS 2026:9 | bilaga 2", datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("name", KEPT)
def test_the_documents_in_docs_are_those_of_the_system_as_it_is_now(name):
    assert (DOCS / name).read_text("utf-8") == KEPT[name](Facts())


def test_every_table_and_column_is_in_the_register():
    written = register(Facts())
    for part in PARTS:
        for table in part.metadata.sorted_tables:
            (row,) = re.findall(rf"^\| `{table.name}` \|.*$", written, re.MULTILINE)
            columns = row.rsplit("|", 2)[1].strip().split(", ")
            assert columns == [column.name for column in table.columns]


def test_the_words_name_what_there_is_and_nothing_else():
    words = tomllib.loads((DOCUMENTS / "facts.toml").read_text("utf-8"))
    tables = {table.name for part in PARTS for table in part.metadata.sorted_tables}
    assert set(words["tables"]) == tables
    assert set(words["roles"]) == set(ROLES)
    assert set(words["parts"]) == {part.name for part in PARTS}
    assert list(words["classes"]) == list(CLASSES)
    assert {kind for _, kind in words["tables"].values()} == {"ja", "nej", "indirekt"}


@pytest.mark.parametrize("write", [register, assessment])
def test_the_rules_of_the_installation_are_told_and_a_missing_one_is_marked(write):
    without, given = write(Facts()), write(Facts(rules=(RULE,)))
    assert without.count("ingen regel") == len(CLASSES)
    assert given.count("ingen regel") == len(CLASSES) - 1
    assert "| 24 månader | KS 2026:9 \\| bilaga 2 |" in given
    assert "| 1 månad |" in write(Facts(rules=(replace(RULE, months=1),)))


@pytest.mark.parametrize("write", [register, assessment])
def test_what_is_open_or_not_is_told_as_it_is(write):
    closed = write(Facts())
    opened = write(Facts(public_view=True, oidc=True, session_hours=8, idle_minutes=30))
    assert "inte öppnad för alla" in closed
    assert "är inte påslagen" in closed
    assert "Allmänheten: utgåvan är öppnad för alla" in opened
    assert "egna organisationens tjänst" in opened
    assert "efter 8 timmar, efter 30 minuter" in opened


@pytest.mark.parametrize("write", [register, assessment])
def test_what_only_the_controller_can_say_is_left_blank_and_marked(write):
    written = write(Facts())
    assert written.count("**[FYLL I") > 15
    assert "juridisk rådgivning" in written
    assert "$" not in written


def test_the_defaults_told_are_the_defaults_of_the_settings(monkeypatch):
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(settings.variable(name), raising=False)
    chosen, facts = settings.load(), Facts()
    told = (facts.public_view, facts.oidc, facts.session_hours, facts.idle_minutes)
    assert told == (
        chosen.public_view,
        chosen.oidc,
        chosen.session_hours,
        chosen.session_idle_minutes,
    )


def test_the_command_line_writes_them_with_the_installations_own_rules(tmp_path):
    url = f"sqlite:///{tmp_path}/store.gpkg"
    installation.upgrade(url)
    store = schema.open_store(url)
    retention.put_rule(store, RULE)
    store.close()
    environment = {"LAGESBILD_DATABASE_URL": url}
    for name, write in (("register", register), ("dpia", assessment)):
        printed = CliRunner().invoke(documents.app, [name], env=environment)
        assert printed.output == write(Facts(rules=(RULE,)))
        file = tmp_path / f"{name}.md"
        again = ["--standard", "--out", str(file)]
        assert CliRunner().invoke(documents.app, [name, *again], env=environment).exit_code == 0
        assert file.read_text("utf-8") == write(Facts())
