"""How every task's page opens: what a link asks that a role's side has not is said, and no more."""

import pytest

from pipelines.roles import ANALYST, COORDINATOR, PLANNER

PAGES = ("/nar", "/skolor", "/nattliv", "/pa-plats", "/utveckling")
HOURS = "Timmar visas bara för analytiker; du ser tidsblocken."
CELLS = "Rutor visas bara för analytiker; du ser hela platser."
WEEKENDS = "Enskilda helger visas bara för analytiker"
STRANGE = "som den här sidan inte känner till"
# Links as an analyst sends them, with what a reader of the release is told of each.
SENT = (
    ("/nar?timmar=118-122", HOURS),
    ("/nar?rutor=10&vald=cells:88088699e7fffff", CELLS),
    ("/nattliv?helg=2026-W40", WEEKENDS),
    ("/utveckling?rutor=10", CELLS),
    ("/skolor?omrade=1", "sidan visar alla skolor"),
)


@pytest.mark.parametrize(("link", "said"), SENT)
def test_who_reads_the_release_is_told_what_an_analysts_link_asks_in_vain(people, link, said):
    for role in (PLANNER, COORDINATOR):
        page = people[role].get(link).text
        assert page.count(said) == 1
        assert STRANGE not in page
    assert said not in people[ANALYST].get(link).text


@pytest.mark.parametrize("role", [PLANNER, ANALYST])
@pytest.mark.parametrize("page", PAGES)
def test_words_that_a_page_does_not_know_are_named_in_one_sentence(people, role, page):
    answer = people[role].get(f"{page}?natt=1&lista=cells&dag=5")
    assert answer.status_code == 200
    assert answer.text.count(STRANGE) == 1
    assert "natt, lista och dag" in answer.text


@pytest.mark.parametrize("role", [PLANNER, ANALYST])
@pytest.mark.parametrize("page", PAGES)
def test_a_plain_page_and_the_shared_words_leave_nothing_to_be_said(people, role, page):
    answer = people[role].get(f"{page}?omrade=&fonster=&typ=&period=").text
    assert STRANGE not in answer
    assert "bara för analytiker;" not in answer


@pytest.mark.parametrize("role", [PLANNER, ANALYST])
@pytest.mark.parametrize(
    ("link", "value"),
    [("/utveckling?visa=baklanges", "baklanges"), ("/utveckling?rutor=99", "99")],
)
def test_an_own_choice_that_does_not_exist_is_said(people, role, link, value):
    assert f"”{value}” i länken" in people[role].get(link).text


def test_in_english_it_is_said_in_english(people):
    reader = people[PLANNER]
    reader.cookies.set("lagesbild_sprak", "en")
    page = reader.get("/nar?timmar=118-122&natt=1").text
    reader.cookies.delete("lagesbild_sprak")
    assert "Only analysts see hours" in page
    assert "which this page does not know" in page
