"""Every error has its answer, and no answer says more than it should."""

import ast
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app import faults, problems
from app.headers import HEADERS
from geo import errors
from pipelines import texts

ROOT = Path(__file__).parents[2]
PAGE = {"Accept": "text/html,application/xhtml+xml"}


def kinds():
    listed = [*vars(errors).values(), *vars(faults).values()]
    return {
        one
        for one in listed
        if isinstance(one, type)
        and issubclass(one, errors.LagesbildError)
        and one is not errors.LagesbildError
    }


def test_every_error_has_a_status():
    assert set(problems.KINDS) == kinds()


def test_every_problem_has_its_section_in_the_list():
    listed = (ROOT / "web" / "static" / "fel.html").read_text("utf-8")
    names = {problems.slug(kind) for kind in problems.KINDS}
    names |= {name for name, _, _ in problems.ROUTING.values()} | {problems.BUG[0]}
    assert names == set(re.findall(r'<dt id="([a-z-]+)">', listed))


def codes():
    """Find every message code raised in app/ and in the settings."""
    for path in [*sorted((ROOT / "app").rglob("*.py")), ROOT / "pipelines" / "settings.py"]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(
                node.func, "attr", getattr(node.func, "id", "")
            ) in {kind.__name__ for kind in [*kinds(), errors.LagesbildError]}:
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    yield first.value


def test_every_code_has_a_swedish_sentence():
    assert len(set(codes())) > 20
    for code in {*codes(), *(one[-1] for one in [*problems.ROUTING.values(), problems.BUG])}:
        said = texts.text(code)
        assert said != code
        assert said.endswith((".", "}")) or "{" in said, code


def constants(path):
    """Find the texts in a file that are not documentation."""
    tree = ast.parse(path.read_text("utf-8"))
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


def test_no_sentence_stands_in_the_code_of_the_door():  # they stand in pipelines/locale
    for path in (ROOT / "app").rglob("*.py"):
        for said in set(constants(path)) - {"Lägesbild"}:
            assert not re.search("[åäöÅÄÖ]", said), (path.name, said)


def test_every_text_the_door_asks_for_is_there():
    for path in (ROOT / "app").rglob("*.py"):
        asked = re.findall(r'\btext\(\s*"([a-z-]+)"', path.read_text("utf-8"))
        assert [code for code in asked if texts.text(code) == code] == [], path.name


def test_a_problem_is_what_rfc_9457_says(program):
    answer = program.get("/ogc/collections/cells/items?colour=red")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "/static/fel.html#invalid-parameter",
        "title": "Värdet går inte att använda",
        "status": 400,
        "detail": "Parametern colour är okänd. Kända parametrar: limit, offset, bbox, bbox-crs,"
        " crs, datetime, area, category, window, resolution.",
        "instance": "/ogc/collections/cells/items",
    }


def test_routing_errors_are_problems_too(program):
    missing, wrong = program.get("/nothing"), program.delete("/ogc")
    assert (missing.status_code, missing.json()["detail"]) == (404, "Sidan finns inte.")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET")


def test_a_person_gets_a_page_with_the_same_words(person):
    answer = person.get("/nothing", headers=PAGE)
    assert answer.status_code == 404
    assert "<h1>Finns inte</h1>" in answer.text
    assert "Sidan finns inte." in answer.text
    assert person.get("/ogc/nothing", headers=PAGE).headers["content-type"].endswith("problem+json")


def test_what_a_caller_wrote_is_never_markup_in_a_page(person):
    form = {"name": "<script>alert(1)</script>", "password": "x", "next": '/"><script>'}
    answer = person.post("/logga-in", data=form)
    assert "<script>" not in answer.text


@pytest.fixture
def broken(app, town):
    """Give an application with a bug whose message holds what nobody should read."""

    def bug():
        raise ValueError("Storgatan 1, 19900101-1234")

    app.router.add_api_route("/bug", bug)
    headers = {"X-API-Key": town["key"]}
    with TestClient(app, headers=headers, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_a_bug_says_nothing_of_the_inside(capsys, broken, accept):
    answer = broken.get("/bug?adress=Storgatan", headers={"Accept": accept})
    logged = capsys.readouterr().err
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] in answer.text
    for inside in ("ValueError", "Storgatan", "Traceback", ".py"):
        assert inside not in answer.text
    assert "ValueError" in logged
    assert "tests/contract/test_problems.py" in logged
    assert "Storgatan" not in logged


def test_every_answer_carries_the_security_headers(anybody, program, broken):
    answers = [
        anybody.get("/logga-in"),
        anybody.get("/ogc"),
        anybody.get("/static/css/base.css"),
        anybody.post("/logga-ut", headers={"Sec-Fetch-Site": "cross-site"}),
        program.get("/ogc"),
        program.get("/nothing"),
        broken.get("/bug"),
    ]
    for answer in answers:
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
    policy = answers[0].headers["content-security-policy"]
    assert "unsafe" not in policy
    assert {"default-src 'self'", "frame-ancestors 'none'"} <= set(policy.split("; "))
