"""The list of methods is the same in the code, on the command line, in the API and in the docs."""

import inspect
import json
import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from geo import methods
from geo.errors import NotFound
from pipelines import method_list
from pipelines.__main__ import main
from pipelines.texts import LOCALE

DOCUMENT = Path(__file__).parents[2] / "docs" / "METHODS.md"
EACH = pytest.mark.parametrize("method", methods.METHODS, ids=lambda method: method.name)


def sentences():
    with (LOCALE / "sv.po").open("rb") as file:
        return {message.id: message.string for message in read_po(file) if message.id}


SENTENCES = sentences()


@pytest.fixture
def command(monkeypatch, capsys):
    """Give a function that runs `lagesbild methods` and gives exit code, output and errors."""

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["lagesbild", "methods", *arguments])
        code = 0
        try:
            main()
        except SystemExit as leaving:
            code = leaving.code or 0
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


# --- the list itself ---------------------------------------------------------------------------


def test_names_are_unique_and_in_kebab_case():
    names = [method.name for method in methods.METHODS]
    assert len(names) == len(set(names)) > 30
    assert [name for name in names if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)] == []


def test_a_method_is_found_by_its_name_and_no_other():
    assert all(methods.method(method.name) is method for method in methods.METHODS)
    for name in ("", "DBSCAN", "dbscan ", "x" * 1_000):
        with pytest.raises(NotFound, match="unknown-method"):
            methods.method(name)


@EACH
def test_the_first_line_of_its_docstring_is_a_sentence(method):
    assert re.fullmatch(r"\S.*\S\.", method.question)


@EACH
def test_its_choices_are_a_frozen_dataclass_with_slots(method):
    if method.choices is None:
        assert method.parameters == ()
        return
    assert is_dataclass(method.choices)
    assert method.choices.__dataclass_params__.frozen
    assert "__slots__" in vars(method.choices)
    assert [each.name for each in method.parameters] == [f.name for f in fields(method.choices)]


@EACH
def test_its_function_takes_its_choices(method):
    """So that nobody lists the choices of another method."""
    if method.choices is None:
        return
    taken = {
        str(each.annotation) for each in inspect.signature(method.function).parameters.values()
    }
    names = [kind.__name__ for kind in method.choices.__mro__[:-1]]  # or what it is a kind of
    assert any(re.search(rf"\b{name}\b", kind) for name in names for kind in taken)


@EACH
def test_it_says_where_its_formula_stands_and_what_it_was_tried_against(method):
    assert method.source.strip()
    assert method.checked.strip()


@EACH
def test_it_has_a_swedish_question(method):
    assert SENTENCES.get(f"method-{method.name}", "").endswith("?")


@pytest.mark.parametrize("name", sorted({p.name for m in methods.METHODS for p in m.parameters}))
def test_a_choice_has_a_swedish_meaning(name):
    assert SENTENCES.get(f"parameter-{name}")


# --- the command line --------------------------------------------------------------------------


def test_the_command_and_the_api_list_the_same(command, program):
    code, out, err = command("--json")
    assert (code, err) == (0, "")
    listed = json.loads(out)
    assert [one["name"] for one in listed] == [method.name for method in methods.METHODS]
    assert program.get("/methods").json() == {"methods": listed}


def test_one_method_is_shown_with_its_choices(command):
    code, out, _ = command("hot-times")
    assert code == 0
    for word in ("hot-times", "certain_within_minutes = 60.0", "most_peaks = 3", "Ratcliffe 2000"):
        assert word in " ".join(out.split())
    assert [one["name"] for one in json.loads(command("dbscan", "--json")[1])] == ["dbscan"]


def test_a_method_that_does_not_exist_is_refused_with_the_names_of_those_that_do(command):
    code, out, err = command("atlantis")
    assert (code, out) == (2, "")
    assert "atlantis" in err
    assert "dbscan" in err


# --- the api -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/methods", "/methods/dbscan", "/methods/atlantis"])
def test_the_methods_are_for_those_who_signed_in(anybody, path):
    answer = anybody.get(path)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_person_who_signed_in_may_read_them(person):
    assert person.get("/methods").status_code == 200


def test_one_method_is_what_the_list_says(program):
    for listed in program.get("/methods").json()["methods"]:
        answer = program.get(f"/methods/{listed['name']}")
        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == listed


def test_a_method_says_everything_about_itself(program):
    found = program.get("/methods/dbscan").json()
    assert set(found) == {
        *("name", "question", "answers", "function", "parameters", "source", "checked"),
    }
    assert found["function"] == "geo.clusters.dbscan"
    assert found["question"] != found["answers"]
    (eps_m, min_samples) = found["parameters"]
    assert eps_m.pop("meaning")
    assert eps_m == {"name": "eps_m", "kind": "float", "unit": "m", "default": None}
    assert min_samples["name"] == "min_samples"
    (first, *_) = program.get("/methods/hot-times").json()["parameters"]
    assert (first["name"], first["default"], first["unit"]) == (
        *("certain_within_minutes", 60.0, "min"),
    )


@pytest.mark.parametrize("name", ["atlantis", "DBSCAN", "%00", "a" * 500])
def test_an_unknown_method_is_404(program, name):
    answer = program.get(f"/methods/{name}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"].endswith(".")


@pytest.mark.parametrize("path", ["/methods", "/methods/dbscan", "/methods/atlantis"])
def test_there_is_nothing_to_ask_of_a_method(program, path):
    answer = program.get(f"{path}?f=html")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert "f" in answer.json()["detail"]


# --- the documents -----------------------------------------------------------------------------


def test_the_document_holds_the_list_as_it_is():
    begin, end = "<!-- methods: begin -->\n", "<!-- methods: end -->"
    content = DOCUMENT.read_text("utf-8")
    assert content.count(begin) == content.count(end) == 1
    inside = content.partition(begin)[2].partition(end)[0]
    assert inside.strip("\n") + "\n" == method_list.as_markdown()


def test_the_table_of_the_document_has_as_many_cells_in_each_row():
    lines = method_list.as_markdown().splitlines()
    assert len(lines) == 2 + len(methods.METHODS)
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {6}
