"""Every page in the language that its reader has chosen, and nothing of the other one in it."""

import html
import re

import pytest
from babel.messages.pofile import read_po

from app import ways
from app.language import COOKIE
from pipelines.roles import ADMIN, ANALYST, COORDINATOR, GROUP, PLANNER
from pipelines.texts import ENGLISH, LOCALE, SWEDISH

LINKS = ("", "?fonster=helgnatt&typ=tema-vald&period=2025", "?omrade=Atlantis&typ=x&fonster=x")
SAME_FOR_ALL = ("/hjalp", "/tillganglighet")
OF_A_ROLE = {
    ADMIN: ("/",),
    GROUP: ("/", "/lagesbildsgrupp", "/lagesbildsgrupp/protokoll"),
    COORDINATOR: ("/granskning?slappta=2",),
    PLANNER: (),
    ANALYST: (),
}
FOR_MACHINES = re.compile(
    r"""\s(?:value|href|src|name|id|class|for|action|data-(?!note|head)[a-z-]+)=(?:"[^"]*"|'[^']*')"""
)
IN_THE_DATA = "demo-"  # what the demonstration writes into its store
LONG_ENOUGH = 12  # letters: shorter words may be the same in both languages, or a name


def sentences(language):
    with (LOCALE / f"{language}.po").open("rb") as file:
        return {message.id: message.string for message in read_po(file) if message.id}


def only_swedish():
    """Give the longest fixed piece of each Swedish sentence that no English one holds."""
    english = "\n".join(sentences(ENGLISH).values())
    pieces = {
        code: max(re.split(r"\{[^}]*\}", words), key=len).strip()
        for code, words in sentences(SWEDISH).items()
    }
    return {
        code: piece
        for code, piece in pieces.items()
        if len(piece) > LONG_ENOUGH and piece not in english and not code.startswith(IN_THE_DATA)
    }


TELLTALES = only_swedish()


def speak(client, language):
    client.cookies.set(COOKIE, language)
    return client


def said(page):
    """Give what a person reads of a page, and what its scripts are given to say."""
    return html.unescape(FOR_MACHINES.sub("", page.text))


def pages(role):
    """Name every page of a role."""
    linked = [path + link for path, _, roles in ways.TASKS if role in roles for link in LINKS]
    more = [path for path, _, roles in ways.MORE if role in roles]
    return [*linked, *more, *OF_A_ROLE[role], *SAME_FOR_ALL]


def test_there_is_something_to_look_for():
    assert len(TELLTALES) > 700
    assert "caveat" in TELLTALES


@pytest.mark.parametrize("role", OF_A_ROLE)
def test_an_english_page_has_no_swedish_sentence_left(people, role):
    reader = speak(people[role], ENGLISH)
    left = {}
    for path in pages(role):
        page = reader.get(path)
        assert page.status_code == 200, path
        assert page.headers["content-language"] == ENGLISH
        assert '<html lang="en">' in page.text
        words = said(page)
        found = [code for code, piece in TELLTALES.items() if piece in words]
        if found:
            left[path] = found
    assert left == {}, f"{left}"


@pytest.mark.parametrize("role", OF_A_ROLE)
def test_a_swedish_page_says_no_code_in_place_of_a_sentence(people, role):
    codes = {code for code in sentences(SWEDISH) if code.count("-") > 1}
    for path in pages(role):
        page = people[role].get(path)
        assert page.headers["content-language"] == SWEDISH
        body = re.sub(r"<script.*?</script>|<[^>]*>", " ", page.text, flags=re.DOTALL)
        assert codes & set(body.split()) == set(), path


@pytest.mark.parametrize("path", ["/logga-in", "/tillganglighet", "/nowhere"])
def test_whoever_is_not_signed_in_is_spoken_to_in_english_too(anybody, path):
    anybody.headers["accept"] = "text/html"
    words = said(speak(anybody, ENGLISH).get(path))
    assert [code for code, piece in TELLTALES.items() if piece in words] == []


def test_a_program_reads_its_faults_in_the_language_of_its_cookie(programs):
    reader = speak(programs[PLANNER], ENGLISH)
    fault = reader.get("/ogc/collections/areas/items?limit=x").json()
    assert fault["detail"] == "The parameter limit must be a number, not x."


def test_the_choice_is_kept_in_a_cookie_and_leads_back(anybody):
    chosen = anybody.get("/sprak/en?tillbaka=/logga-in%3Fnext%3D%2Fnar")
    assert chosen.status_code == 303
    assert chosen.headers["location"] == "/logga-in?next=/nar"
    cookie = chosen.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=en;")
    assert "samesite=lax" in cookie.lower()
    page = anybody.get("/logga-in")
    assert page.headers["content-language"] == ENGLISH
    assert "Sign in" in page.text
    anybody.get("/sprak/sv")
    assert "Logga in" in anybody.get("/logga-in").text


@pytest.mark.parametrize("language", ["de", "EN", "sv-SE", "..%2Fen", "%00"])
def test_a_language_that_is_not_spoken_is_a_page_that_does_not_exist(anybody, language):
    answer = anybody.get(f"/sprak/{language}")
    assert answer.status_code == 404
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "target", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere", "nar", ""]
)
def test_the_way_back_never_leads_elsewhere(anybody, target):
    answer = anybody.get("/sprak/en", params={"tillbaka": target})
    assert answer.headers["location"] == "/"


def test_a_cookie_with_nonsense_is_swedish(anybody):
    assert speak(anybody, "<b>").get("/logga-in").headers["content-language"] == SWEDISH


def test_the_foot_leads_to_the_same_page_in_the_other_language(people):
    planner = people[PLANNER]
    page = planner.get("/?typ=tema-vald&period=2025").text
    there = re.search(r'href="(/sprak/en\?[^"]*)"', page)[1]
    back = planner.get(html.unescape(there)).headers["location"]
    assert back == "/?typ=tema-vald&period=2025"
    assert 'href="/sprak/sv?' in planner.get(back).text


def test_a_page_that_answers_a_form_leads_to_one_that_can_be_opened(people):
    admin = people[ADMIN]
    token = re.search(r'name="csrf" value="([^"]+)"', admin.get("/logg").text)[1]
    checked = admin.post("/logg/kontroll", data={"csrf": token}).text
    assert 'href="/sprak/en?tillbaka=/"' in checked


@pytest.mark.parametrize("role", [PLANNER, ANALYST])
def test_kept_answers_are_not_mixed_between_languages(programs, role):
    path = "/ogc/collections/release/items?detail=zone"
    swedish = programs[role].get(path)
    english = speak(programs[role], ENGLISH).get(path)
    again = speak(programs[role], SWEDISH).get(path)
    assert "Utanför stadsdelarna" in swedish.text or "Övriga kommunen" in swedish.text
    assert "Övriga kommunen" not in english.text
    assert english.headers["etag"] != swedish.headers["etag"]
    assert (again.text, again.headers["etag"]) == (swedish.text, swedish.headers["etag"])
    names = [[each["id"] for each in page.json()["features"]] for page in (swedish, english)]
    assert names[0] == names[1]


def test_numbers_and_days_are_written_as_the_language_writes_them(people):
    page = speak(people[PLANNER], ENGLISH).get("/tillganglighet").text
    assert "22 November 2026" in page
    assert "22 november 2026" in speak(people[PLANNER], SWEDISH).get("/tillganglighet").text
