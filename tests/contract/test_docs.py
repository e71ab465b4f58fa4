"""What the documents promise is what the program does."""

import ast
import re
import struct
import tomllib
import unicodedata
from pathlib import Path

import pytest
import typer.main
from babel.messages.pofile import read_po

from app import faults, problems
from geo import errors
from geo.errors import InvalidParameter
from geo.verdicts import Reason
from pipelines import mapping, places, profiles
from pipelines.__main__ import app as command_line
from pipelines.settings import Settings, variable

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted(DOCS.rglob("*.md")),
    ROOT / "benchmarks" / "main_job" / "README.md",
]
DECISIONS = sorted((DOCS / "adr").glob("*.md"))
MAPPINGS = sorted((DOCS / "mappings").glob("*.toml"))
CODE = [
    path for name in ("app", "geo", "pipelines", "store") for path in (ROOT / name).rglob("*.py")
]


def text(name):
    return (ROOT / name).read_text("utf-8")


def section(name, heading):
    """Give what stands under a heading, up to the next one of its level or a higher one."""
    marks, _, _ = heading.partition(" ")
    after = text(name).partition(f"\n{heading}\n")[2]
    assert after, f"{name} has no section {heading!r}"
    return re.split(rf"^#{{1,{len(marks)}}} ", after, maxsplit=1, flags=re.MULTILINE)[0]


def rows(part):
    """Give the cells of the tables in a part of a document, without heads and lines."""
    tables = re.findall(r"^\|.*\|\n\|[-| ]+\|\n((?:\|.*\|\n)+)", part, re.MULTILINE)
    lines = [line for table in tables for line in table.splitlines()]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def words(cell):
    """Give what stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def first_words(part):
    return [word for row in rows(part) for word in words(row[0])]


def sentences():
    with (ROOT / "pipelines" / "locale" / "sv.po").open("rb") as file:
        return {message.id for message in read_po(file) if message.id}


def codes_of(kind):
    return {code.removeprefix(kind) for code in sentences() if code.startswith(kind)}


def test_the_settings_table_lists_every_setting_with_its_default():
    listed = {
        words(row[0])[0]: row[1].strip("`") for row in rows(section("README.md", "## Settings"))
    }
    defaults = {variable(name): field.default for name, field in Settings.model_fields.items()}
    shown = {None: "none", True: "true", False: "false"}
    assert listed == {name: shown.get(value, str(value)) for name, value in defaults.items()}


def commands(group, path):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}"


@pytest.mark.parametrize(
    "command", list(commands(typer.main.get_command(command_line), "lagesbild"))
)
def test_every_command_stands_in_the_readme(command):
    assert re.search(rf"{command}\b", section("README.md", "## What do you want to do?"))


def test_no_document_names_a_command_that_does_not_exist():
    known = {f"{one} " for one in commands(typer.main.get_command(command_line), "lagesbild")}
    for document in DOCUMENTS:
        for word in re.findall(r"`(lagesbild [a-z][^`]*)`", document.read_text("utf-8")):
            named = re.match(r"lagesbild( [a-z]+){1,2}(?![^ ])", " ".join(word.split()))[0] + " "
            assert any(one.startswith(named) or named.startswith(one) for one in known), word


def test_the_picture_is_the_first_screen_of_the_map_and_small():
    picture = (DOCS / "images" / "map.png").read_bytes()
    assert struct.unpack(">II", picture[16:24]) == (1280, 800)
    assert len(picture) < 400_000


def test_every_problem_has_its_section_with_its_status():
    headings = re.findall(r"^## ([a-z-]+)\n\n(\d{3})\.", text("docs/ERRORS.md"), re.MULTILINE)
    expected = {problems.slug(kind): one.status for kind, one in problems.KINDS.items()}
    expected |= {name: status for status, (name, _, _) in problems.ROUTING.items()}
    expected |= {problems.BUG[0]: 500}
    assert {name: int(status) for name, status in headings} == expected
    assert len(headings) == len(expected)


def test_the_example_of_a_problem_is_what_the_service_answers(program):
    example = re.search(r'"type": "([^"]+)", "title": "([^"]+)"', text("docs/ERRORS.md"))
    answer = program.get("/ogc/collections/cells/items?colour=red").json()
    assert example.groups() == (answer["type"], answer["title"])


def test_the_answer_in_the_readme_has_the_shape_of_a_real_one(program):
    shown = section("README.md", "## Ask it from a program")
    question = re.search(r'"http://127\.0\.0\.1:8000(/ogc[^"]+)"', shown)[1]
    (cell,) = program.get(question).json()["features"]
    listed = re.search(r'"properties": \{([^}]+)\}', shown)[1]
    assert re.findall(r'"(\w+)":', listed) == list(cell["properties"])
    named = re.search(r"Collections:([^.]+)\.", shown)[1]
    held = program.get("/ogc/collections").json()["collections"]
    assert words(named) == [one["id"] for one in held]


@pytest.mark.parametrize(
    ("kind", "heading"),
    [("incidents", "## Incident fields"), ("observations", "## Observation fields")],
)
def test_every_field_of_a_mapping_is_explained(kind, heading):
    listed = first_words(section("docs/MAPPING.md", heading))
    assert sorted(listed) == sorted(mapping.FIELDS[kind])


def test_every_column_of_a_known_layout_is_listed():
    listed = words(section("docs/MAPPING.md", "## Built-in layouts"))
    for layout in mapping.KNOWN:
        assert {column.casefold() for column in layout.columns.values()} <= set(listed)


@pytest.fixture
def mapping_file(tmp_path):
    """Write a mapping and read it as the command does."""

    def load(content):
        file = tmp_path / "map.toml"
        file.write_text(content, encoding="utf-8")
        return mapping.load(file)

    return load


def test_the_examples_of_mappings_can_be_used(mapping_file):
    examples = re.findall(r"```toml\n(.*?)```", text("docs/MAPPING.md"), re.DOTALL)
    assert [mapping_file(example).kind for example in examples] == ["incidents", "incidents"]
    assert [mapping.load(path).kind for path in MAPPINGS] == ["incidents"] * len(MAPPINGS)


def test_the_listed_settings_of_a_mapping_are_those_that_exist(mapping_file):
    listed = set(first_words(section("docs/MAPPING.md", "## The file's own settings")))
    used = {key for path in MAPPINGS for key in tomllib.loads(path.read_text("utf-8"))}
    assert used <= listed
    for key in sorted(listed):
        with pytest.raises(InvalidParameter) as refusal:
            mapping_file(f"{key} = {{ a = {{ b = [] }} }}")
        assert refusal.value.code != "mapping-key", key


def test_every_reason_for_quarantine_is_explained():
    listed = first_words(section("docs/MAPPING.md", "## What is refused, and why"))
    of_verdicts = {reason.code for reason in Reason}
    assert sorted(listed) == sorted(codes_of("reason-") - of_verdicts)


@pytest.mark.parametrize("table", list(profiles.COLUMNS))
def test_every_column_of_a_profile_is_explained_in_its_order(table):
    assert tuple(first_words(section("docs/PLACES.md", f"## {table}"))) == profiles.COLUMNS[table]


def test_every_setting_of_a_profile_is_explained():
    shipped = tomllib.loads(
        (profiles.SHIPPED / "eskilstuna" / profiles.SETTINGS).read_text("utf-8")
    )
    assert set(first_words(section("docs/PLACES.md", "## profile.toml"))) == {*shipped, "events"}


def test_every_kind_of_place_that_can_be_imported_is_explained():
    assert set(first_words(section("docs/PLACES.md", "## Importing"))) == set(places.KINDS)


def test_the_windows_are_those_of_the_shipped_profile():
    listed = first_words(section("docs/METHODS.md", "## Windows and shares"))
    assert listed == [window.name for window in profiles.load("eskilstuna").profile.windows]


def test_every_way_of_placing_a_row_is_explained():
    listed = first_words(section("docs/METHODS.md", "## Geocoding"))
    assert sorted(listed) == sorted(codes_of("match-"))


def anchors(document):
    """Give the anchors that a reader of Markdown makes of the headings."""
    for heading in re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE):
        plain = unicodedata.normalize("NFC", heading.replace("`", "")).lower()
        yield re.sub(r"[^\w -]", "", plain).replace(" ", "-")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(document):
    prose = re.sub(r"```.*?```", "", document.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        found = (document.parent / path).resolve() if path else document
        assert found.exists(), target
        assert not anchor or anchor in set(anchors(found)), target


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_is_short_and_says_what_enforces_it(decision):
    content = decision.read_text("utf-8")
    assert len(content.splitlines()) <= 30
    parts = ["Context", "Decision", "Consequences", "Alternatives", "Enforced by"]
    assert re.findall(r"^\*\*([^*]+)\.\*\*", content, re.MULTILINE) == parts
    number = int(decision.name[:4])
    assert content.startswith(f"# {number}. ")
    assert number == DECISIONS.index(decision) + 1


@pytest.mark.parametrize(
    "document", [*DECISIONS, DOCS / "ARCHITECTURE.md"], ids=lambda path: path.stem
)
def test_the_files_that_a_decision_or_the_architecture_names_are_there(document):
    for name in words(document.read_text("utf-8")):
        if re.fullmatch(r"(app|docs|geo|migrations|pipelines|store|tests|web)/[\w./-]+", name):
            assert (ROOT / name).exists(), name


def raised():
    """Find the message codes of every error that the packages make."""
    kinds = {
        name
        for module in (errors, faults)
        for name, one in vars(module).items()
        if isinstance(one, type) and issubclass(one, errors.LagesbildError)
    }
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if called in kinds:
                    yield node.args[0].value


def test_every_error_has_a_swedish_sentence():  # docs/adr/0012
    codes = set(raised())
    assert len(codes) > 100
    assert sorted(codes - sentences()) == []


def test_routes_are_synchronous():  # docs/adr/0003
    for path in (ROOT / "app" / "routes").glob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text("utf-8")))
        assert not [node.name for node in nodes if isinstance(node, ast.AsyncFunctionDef)]


def test_only_one_module_knows_the_frameworks_errors():  # docs/adr/0005
    known = r"from (fastapi|starlette)\S* import .*\bHTTPException"
    assert [path.name for path in CODE if re.search(known, path.read_text("utf-8"))] == [
        "problems.py"
    ]
