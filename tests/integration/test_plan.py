"""The list of the plan and the kept links, in both stores: limits, doubles, undoing, forgetting."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from geo.errors import Conflict, InvalidParameter, NotFound
from pipelines import accounts, plan, views
from pipelines.accounts import NewUser
from store import plan as rows
from store import retention, schema
from store import views as links
from store.db import connect
from store.plan import NewRow, Spot
from store.views import NewView

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ARBY = NewRow("priority-arby", "Årby", "Årby", "all", "tema-vald", "2025")
SPOT = Spot("cells:891f25a9adbffff", "Tunneln")


@pytest.fixture
def store(store_url):
    opened = connect(store_url)
    schema.upgrade(opened)
    yield opened
    opened.close()


def standing(store):
    with store.read() as connection:
        return [row.id for row in rows.standing(connection)]


def names(store, owner="anna"):
    with store.read() as connection:
        return [view.name for view in links.standing(connection, owner)]


# --- the plan


def test_a_place_is_listed_once_for_a_theme_and_a_time_and_a_spot_of_it_is_another_row(store):
    first = plan.add(store, ARBY, None, "anna", NOW)
    again = plan.add(store, replace(ARBY, period="2024"), None, "bo", NOW)
    spot = plan.add(store, ARBY, SPOT, "bo", NOW)
    spot_again = plan.add(store, ARBY, SPOT, "anna", NOW)
    other = plan.add(store, replace(ARBY, window="helgnatt"), None, "bo", NOW)
    assert [each.there for each in (first, again, spot, spot_again, other)] == [
        *(False, True, False, True, False)
    ]
    assert again.row == first.row
    assert again.row.added_by == "anna"
    assert standing(store) == [first.row.id, spot.row.id, other.row.id]


def test_two_who_add_the_same_place_at_once_add_it_once(store):
    with ThreadPoolExecutor(4) as several:
        made = list(several.map(lambda n: plan.add(store, ARBY, None, f"{n}", NOW), range(8)))
    assert [each.there for each in made].count(False) == 1
    assert len({each.row.id for each in made}) == 1


def test_a_row_comes_back_within_a_day_and_is_forgotten_after_it(store):
    first, second = (
        plan.add(store, replace(ARBY, theme=theme), SPOT, "anna", NOW).row.id for theme in "ab"
    )
    assert plan.remove(store, first, NOW).id == first
    assert standing(store) == [second]
    assert plan.remove(store, first, NOW + timedelta(hours=1)).id == first  # twice does no more
    assert not plan.restore(store, first, NOW).there
    assert standing(store) == [first, second]
    with store.read() as connection:
        assert set(rows.spots(connection)) == {first, second}
    plan.remove(store, first, NOW)
    plan.remove(store, second, NOW + DAY)  # exactly a day later it can still be put back
    assert plan.restore(store, first, NOW + DAY).row.id == first
    plan.remove(store, first, NOW)
    late = NOW + DAY + timedelta(seconds=1)
    with store.read() as connection:
        assert plan.one(connection, first, NOW + DAY).id == first
        assert plan.one(connection, first, late) is None
    with pytest.raises(NotFound) as gone:
        plan.restore(store, first, late)
    assert gone.value.code == "plan-no-row"
    plan.add(store, ARBY, None, "anna", late)  # whatever is written, the old ones go with it
    with store.read() as connection:
        assert set(rows.spots(connection)) == {second}


def test_a_row_that_somebody_added_again_is_not_put_back_beside_it(store):
    first = plan.add(store, ARBY, None, "anna", NOW).row.id
    plan.remove(store, first, NOW)
    second = plan.add(store, ARBY, None, "bo", NOW).row.id
    found = plan.restore(store, first, NOW)
    assert (found.there, found.row.id) == (True, second)
    assert standing(store) == [second]


def test_no_row_is_removed_or_put_back_that_is_not_there(store):
    for change in (lambda: plan.remove(store, 7, NOW), lambda: plan.restore(store, 7, NOW)):
        with pytest.raises(NotFound):
            change()


def test_the_list_is_full_at_its_limit_and_has_room_when_a_row_is_taken_off(store):
    with store.write() as connection:
        for number in range(plan.MOST - 1):
            rows.add(connection, replace(ARBY, place=str(number)), None, "anna", NOW)
    last = plan.add(store, ARBY, None, "anna", NOW).row.id
    with pytest.raises(Conflict) as full:
        plan.add(store, replace(ARBY, theme=""), None, "anna", NOW)
    assert (full.value.code, full.value.values) == ("plan-full", {"most": plan.MOST})
    assert plan.add(store, ARBY, None, "anna", NOW).there  # what is there may be said again
    plan.remove(store, last, NOW)
    plan.add(store, replace(ARBY, theme=""), None, "anna", NOW)
    with pytest.raises(Conflict):
        plan.restore(store, last, NOW)


# --- kept links


def keep(store, name="Årby", address="/nar", owner="anna", now=NOW):
    return views.save(store, NewView(owner, name, address), now)


def test_a_name_has_one_link_for_each_reader(store):
    first = keep(store, "  Årby   på natten ", "/nar?omrade=3")
    again = keep(store, "Årby på natten", "/nar?omrade=4")
    assert (first.there, again.there) == (False, True)
    assert (again.view.id, again.view.address) == (first.view.id, "/nar?omrade=4")
    keep(store, "Årby på natten", owner="bo")
    assert names(store) == names(store, "bo") == ["Årby på natten"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "två\x00rader", "\u202eomvänt"])
def test_a_name_has_one_to_sixty_signs_that_can_be_printed(store, name):
    with pytest.raises(InvalidParameter) as wrong:
        keep(store, name)
    assert (wrong.value.code, wrong.value.values) == ("view-name", {"most": 60})


def test_a_name_of_sixty_signs_is_kept(store):
    keep(store, "ö" * 60)
    assert names(store) == ["ö" * 60]


def test_fifty_links_are_kept_and_no_more(store):
    for number in range(50):
        keep(store, f"{number:02}")
    with pytest.raises(Conflict) as full:
        keep(store, "50")
    assert (full.value.code, full.value.values) == ("views-full", {"most": 50})
    assert keep(store, "49", "/plan").there  # a name that is there gets its new link
    keep(store, "50", owner="bo")
    assert len(names(store)) == 50


def test_a_removed_link_comes_back_within_a_day_for_its_owner_alone(store):
    kept = keep(store).view.id
    for change in (
        lambda: views.remove(store, "bo", kept, NOW),
        lambda: views.restore(store, "bo", kept, NOW),
    ):
        with pytest.raises(NotFound):
            change()
    views.remove(store, "anna", kept, NOW)
    views.remove(store, "anna", kept, NOW + timedelta(hours=1))
    assert names(store) == []
    views.restore(store, "anna", kept, NOW)
    views.restore(store, "anna", kept, NOW)
    assert names(store) == ["Årby"]
    views.remove(store, "anna", kept, NOW)
    views.restore(store, "anna", kept, NOW + DAY)
    views.remove(store, "anna", kept, NOW)
    late = NOW + DAY + timedelta(seconds=1)
    with store.read() as connection:
        assert views.one(connection, "anna", kept, late) is None
    with pytest.raises(NotFound):
        views.restore(store, "anna", kept, late)
    keep(store, "annan", now=late)
    with store.read() as connection:
        assert links.one(connection, "anna", kept, NOW) is None  # gone for good


def test_a_link_is_not_put_back_over_its_name_or_over_the_limit(store):
    kept = keep(store).view.id
    views.remove(store, "anna", kept, NOW)
    keep(store, address="/plan")
    with pytest.raises(Conflict) as taken:
        views.restore(store, "anna", kept, NOW)
    assert taken.value.code == "view-name-taken"
    other = keep(store, "annan").view.id
    views.remove(store, "anna", other, NOW)
    for number in range(49):
        keep(store, f"{number}")
    with pytest.raises(Conflict) as full:
        views.restore(store, "anna", other, NOW)
    assert full.value.code == "views-full"


def test_links_go_with_the_account_and_with_the_key(store):
    accounts.put_user(store, NewUser("anna", "four words of nobody", "planner"), NOW)
    accounts.new_key(store, "skript", "planner", 1, NOW)
    for owner in ("anna", "key:skript", "bo"):
        keep(store, owner=owner)
    accounts.remove_user(store, "anna")
    accounts.revoke_key(store, "skript")
    assert [names(store, owner) for owner in ("anna", "key:skript", "bo")] == [[], [], ["Årby"]]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("/", "/"),
        ("/nar?omrade=3&fonster=helgnatt", "/nar?omrade=3&fonster=helgnatt"),
        ("/?vald=cells:891f25a9adbffff&lager=omraden,rutor", None),
        ("/nar?omrade=3&kod=1234&vem=anna", "/nar?omrade=3"),
        ("/nar?omrade=%3Cscript%3E", "/nar"),
        ("/pa-plats?typ_obs=klotter&ljus=morkt#mitt", "/pa-plats?typ_obs=klotter&ljus=morkt"),
        ("/nar?omrade=" + "x" * 375, None),
        ("/nar?omrade=" + "x" * 376, "/nar"),
    ],
)
def test_a_link_keeps_what_links_say_and_nothing_else(written, kept):
    assert views.own_address(written) == (written if kept is None else kept)


@pytest.mark.parametrize(
    "written",
    ["", "nar", "//nar", "https://annan.example/nar", "/logg", "/nar/..", "javascript:1", "/\\x"],
)
def test_a_link_elsewhere_is_refused(written):
    with pytest.raises(InvalidParameter) as wrong:
        views.own_address(written)
    assert wrong.value.code == "view-address"


@pytest.mark.parametrize("data_class", ["plan", "views"])
def test_rows_and_links_go_when_their_months_have_passed(store, data_class):
    for when in (NOW - timedelta(days=70), NOW - timedelta(days=40), NOW):
        plan.add(store, replace(ARBY, theme=f"{when:%j}"), SPOT, "anna", when)
        keep(store, f"{when:%j}", now=when)
    limit = retention.limit(1, NOW, "Europe/Stockholm")  # the first of October
    with store.write() as connection:
        assert retention.expected(connection, data_class, limit).rows == 2
        assert retention.weed(connection, data_class, limit).rows == 2
        left = rows.count(connection), len(rows.spots(connection))
    assert left == ((1, 1) if data_class == "plan" else (3, 3))
    assert len(names(store)) == (3 if data_class == "plan" else 1)
