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
    "files",
    "group",
    "imports",
    "incidents",
    "layers",
    "observations",
    "places",
    "plan",
    "records",
    "retention",
    "runs",
    "schema",
    "tables",
    "verdicts",
    "views",
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


# What the chapters must have seen, as one can count it in tests/store_story.py.


def ids(page):
    return [row["id"] for row in page["rows"]]


def test_the_first_revision_is_one_and_each_change_adds_one(seen):
    story = seen["a_profile_comes_back_as_it_was_saved"]
    assert story == {"same": True, "digest": "d2", "revisions": [1, 3]}


def test_replacing_a_kind_of_area_keeps_the_others_and_the_ids_of_those_that_stay(seen):
    story = seen["areas_keep_their_ids_when_their_outlines_change"]
    assert [(row["id"], row["name"]) for row in story["before"]] == [
        (1, "Väster"),
        (2, "Öster"),
        (3, "Kärnan"),
    ]
    assert [(row["id"], row["name"], row["note"]) for row in story["after"]] == [
        (2, "Öster", "flyttad"),
        (3, "Kärnan", ""),
    ]
    assert story["before"][1]["outline"] != story["after"][0]["outline"]
    assert (story["nightlife"], story["none"]) == (story["after"][1:], [])


def test_replacing_schools_leaves_venues_alone(seen):
    schools, venues, castles = seen["schools_and_venues_are_kept_apart"]
    assert [(row["id"], row["name"], row["lon"], row["form"]) for row in schools] == [
        (2, "B", 16.6, "7-9"),
        (4, "C", 16.5, "F-9"),
    ]
    assert [row["name"] for row in venues] == ["Ån"]
    assert castles == []


def test_a_source_of_the_gazetteer_replaces_its_own_entries_only(seen):
    names = [
        [row["name"] for row in step]
        for step in seen["the_gazetteer_is_replaced_by_source_or_as_a_whole"]
    ]
    assert names == [["a", "b"], ["b", "c"], ["d"], ["d"], [], ["e"]]


def test_a_profile_takes_away_its_own_places_only_and_an_import_takes_all(seen):
    story = seen["what_somebody_imported_outlives_the_profile"]
    assert story["after profile"] == [["B", "i"], ["C", "i"], ["D", "p2"]]
    assert story["after import"] == [["D", "i2"]]
    assert story["castles"] == ["S", "T"]
    assert story["gazetteer"] == ["x", "y"]


def test_an_import_is_kept_with_what_it_set_aside(seen):
    story = seen["an_import_keeps_its_counts_its_report_and_the_rows_it_set_aside"]
    one = story["one"]
    counts = [one[name] for name in ("rows_read", "accepted", "duplicates", "quarantined")]
    assert counts == [10, 7, 1, 2]
    kept = {"träffgrad": 0.97, "crs": 3006, "varningar": ["å"], "inget": None}
    assert one["report"] == {**kept, "layout": {"delimiter": ";"}}
    assert one["started_at"] == store_story.NOW
    assert [batch["id"] for batch in story["all"]] == story["ids"][::-1]
    earlier = {line: [row["id"] for row in rows] for line, rows in story["lines"].items()}
    assert earlier == {2: [2], 3: [1, 3]}
    assert story["lines"][2][0]["layout"] == {"delimiter": ";"}
    assert story["other file"] == {}
    assert (story["holds"], story["synthetic"]) == ([True, False], True)


def test_quarantine_is_in_the_order_of_the_file_and_shrinks_when_rows_are_retried(seen):
    story = seen["a_row_handed_in_again_leaves_the_quarantine"]
    assert [(row["import_id"], row["line"]) for row in story["before"]] == [(1, 2), (1, 3), (2, 3)]
    assert [row["id"] for row in story["after"]] == [1, 3]
    assert [row["line"] for row in story["of one"]] == [3]
    assert story["before"][0]["raw"] == 'a;"b";\n'


def test_keys_of_stored_rows_are_known_and_others_are_not(seen):
    story = seen["incidents_are_added_and_recognised_by_their_keys"]
    known = {store_story.key(n): store_story.key(n)[::-1] for n in (100, 104)}
    assert (story["count"], story["known"]) == (5, known)
    assert story["elsewhere"] == story["none asked"] == {}


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("all", [5, 3, 2, 1]),  # the fourth is kept off maps
        ("box", [3, 2]),
        ("border of a box", [3, 2]),
        ("from", [5, 3]),
        ("until", [2, 1]),  # 08.00 itself is after the end
        ("area", [5, 3, 2]),  # the fifth has no place but is known to lie in the district
        ("district", [3]),
        ("category", [3]),
        ("window", [1]),
        ("everything at once", [2]),
        ("nothing", []),
    ],
)
def test_a_filter_finds_the_incidents_it_names_newest_first(question, expected, seen):
    found = seen["incidents_are_found_by_box_time_area_category_and_window"][question]
    assert ids(found) == expected
    assert found["matched"] == len(expected)


def test_pages_follow_one_another_and_end(seen):
    story = seen["incidents_are_found_by_box_time_area_category_and_window"]
    assert [ids(page) for page in story["pages"]] == [[5, 3], [2, 1], [], []]
    assert {page["matched"] for page in story["pages"]} == {4}
    assert story["newest"] == 4
    shown = [row and row["id"] for row in story["one"]]
    assert shown == [1, 2, 3, None, 5]


def test_an_incident_tells_its_windows_and_its_area(seen):
    story = seen["incidents_are_found_by_box_time_area_category_and_window"]
    first, second = story["one"][:2]
    assert first["windows"] == ["all", "helgnatt"]
    assert (second["count"], second["area"], second["ends_at"]) == (3, "Öster", None)


def test_the_analysis_reads_what_began_in_the_period(seen):
    (sample,) = seen["the_analysis_reads_incidents_of_a_period_in_order"]["samples"]
    assert sample["id"] == ("int64", [1, 2, 3])
    assert sample["ends_at"][1][1:] == [None, None]
    assert sample["district_id"] == ("int64", [0, 0, 3])


def test_a_record_can_lose_and_gain_its_place(seen):
    story = seen["what_follows_from_the_profile_is_written_anew"]
    assert story["before"]["match_type"] == ["coordinates"] * 4 + ["none"]
    assert story["after"]["match_type"] == ["none"] + ["coordinates"] * 3 + ["area"]
    assert story["after"]["lon"][1] == ["not a number", 16.55, 16.55, 16.55, 16.5]
    assert story["after"]["street_number"] == story["before"]["street_number"]
    assert ids(story["found"]) == [3, 2, 1]  # the fifth has become one that is kept off maps


def test_a_pile_bears_many_texts_or_lies_on_a_centre(seen):
    story = seen["piles_are_seen_and_marked_exactly"]
    # 2, 3, 4 and 6, 7, 8 bear three texts each; 9 and 10 say the same; 11 lies on the square.
    assert story["both"]["id"] == ("int64", [2, 3, 4, 6, 7, 8, 11])
    assert story["no centres"]["id"] == ("int64", [2, 3, 4, 6, 7, 8])
    assert story["walks"]["id"] == ("int64", [])
    assert (sorted(story["marked"]), story["cleared"]) == ([3, 6], [])


def test_a_crossing_says_more_than_a_street_and_a_street_more_than_a_place(seen):
    story = seen["a_record_says_its_place_in_the_most_precise_words_it_has"]
    assert story["words"] == ["A/B", "A", "A 1", "Torg", "Väster", ""]
    added = [*range(300, 303), *range(400, 406)]
    assert story["contents"] == {store_story.key(n)[::-1]: 1 for n in added}
    assert story["of another import"] == {}


def test_a_note_is_shown_only_after_review(seen):
    story = seen["observations_show_their_note_after_review"]
    waiting = [(row["id"], row["type"], row["area"], row["note"]) for row in story["waiting"]]
    assert waiting == [
        (1, "belysning", "Öster", "Lampa trasig å"),
        (2, "klotter", None, ""),  # nobody has looked at it, though it has no note
        (3, "belysning", None, "Mörk tunnel"),
    ]
    assert [row["id"] for row in story["still waiting"]] == [2, 3]
    assert story["released"] == [1, 0]
    assert [row["note"] for row in story["all"]["rows"]] == [None, None, "Lampa trasig å"]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("all", [3, 2, 1]),
        ("box", [2]),
        ("from", [3, 2]),
        ("until", [1]),
        ("area", [1]),
        ("types", [2]),
        ("reviewed only", [1]),
    ],
)
def test_a_filter_finds_the_observations_it_names_newest_first(question, expected, seen):
    found = seen["observations_show_their_note_after_review"][question]
    assert (ids(found), found["matched"]) == (expected, len(expected))


def test_the_newest_run_takes_force_only_when_told_to(seen):
    story = seen["one_run_is_in_force_at_a_time"]
    none, still, now = story["in force"]
    assert none is None
    assert [still["id"], now["id"]] == story["ids"]
    assert [run["id"] for run in story["history"]] == story["ids"][::-1]
    assert sorted(story["layers"]) == ["areas", "cells", "clusters", "verdicts"]
    assert story["no layers"] == {}


def counted(seen, question):
    """Give (count, weight) of each cell at each resolution, then of the areas."""
    cells, areas, _ = seen["published_layers_are_added_up_from_their_finest_parts"][question]
    pairs = [sorted(zip(table["count"][1], table["weight"][1], strict=True)) for table in cells]
    return pairs, [(row["area_id"], row["count"], row["weight"]) for row in areas]


def test_coarser_cells_are_the_sums_of_finer_ones(seen):
    cells, areas = counted(seen, "total")
    assert cells == [[(1, 1.0), (7, 6.5)]] * 3 + [[(1, 1.0), (2, 1.5), (5, 5.0)]]
    assert areas == [(2, 4, 4.5)]


@pytest.mark.parametrize(
    ("question", "finest", "areas"),
    [
        ("window", [(0, 0.25)], [(2, 1, 1.0)]),
        ("categories", [(2, 1.5), (5, 5.0), (101, 101.0)], [(2, 4, 4.5), (3, 9, 9.0)]),
        ("months", [(2, 1.5)], []),
        ("area", [(1, 1.0)], [(2, 4, 4.5)]),
        ("district", [(2, 1.5)], []),
        ("nothing", [], []),
    ],
)
def test_a_filter_counts_the_part_it_names(question, finest, areas, seen):
    cells, found = counted(seen, question)
    assert (cells[-1], found) == (finest, areas)
    assert all(sum(n for n, _ in table) == sum(n for n, _ in finest) for table in cells)


def test_clusters_are_those_of_the_scope_window_and_category_by_rank(seen):
    story = seen["published_layers_are_added_up_from_their_finest_parts"]
    assert [row["id"] for row in story["total"][2]] == [2, 1]
    assert [row["id"] for row in story["area"][2]] == [1]
    assert [row["id"] for row in story["of a category"]] == [3]
    assert [row["id"] for row in story["window"][2]] == [4]
    assert [row["id"] for row in story["core"]] == [5]
    assert [row and row["id"] for row in story["one"]] == [1, 5, None]
    assert [text.partition(" ")[0] for text in story["refusals"]] == [
        "InvalidParameter:",
        "NotFound:",
        "NotFound:",
        "NotFound:",
    ]


def test_a_cluster_has_the_verdict_it_was_published_with_or_none(seen):
    story = seen["published_layers_are_added_up_from_their_finest_parts"]
    assert [row["verdict"] for row in story["total"][2]] == [None, "uncertain"]
    assert [row and row["verdict"] for row in story["one"]] == ["uncertain", "uncertain", None]


def test_verdicts_are_those_of_the_ground_size_window_and_category_asked_for(seen):
    story = seen["verdicts_are_found_by_what_they_are_about"]
    cells = story["cells"]
    (base,) = story["in an area"]
    assert len(cells) == 2
    assert set(story["window"]) == set(story["category"]) == {base} < set(cells)
    assert (set(story["areas"]), story["finer"]) == ({2, 3}, {})
    assert story["of a run without any"] is None


def test_a_verdict_keeps_its_reasons_and_its_numbers_and_nothing_to_divide_by_is_null(seen):
    story = seen["verdicts_are_found_by_what_they_are_about"]
    told, nothing = story["areas"][2], story["areas"][3]
    assert told["verdict"] == "established"
    assert told["reasons"] == ["many-comparisons", "one-resolution"]
    assert [told[name] for name in ("count", "expected", "ratio_low", "q")] == [7, 1 / 3, 1.5, 0.01]
    assert told["ratio_high"] == float("inf")
    assert (nothing["ratio_low"], nothing["ratio_high"]) == (None, None)
    assert (nothing["reasons"], nothing["expected"]) == (["no-exposure"], 0.0)


def test_a_cluster_is_hidden_while_another_run_is_in_force(seen):
    hidden, shown = seen["a_cluster_of_a_run_not_in_force_is_not_shown"]
    assert hidden is None
    assert shown["id"] == 1


def test_a_key_ends_and_a_name_is_given_once(seen):
    story = seen["accounts_and_keys_are_found_while_they_are_valid"]
    assert [user and (user["id"], user["role"]) for user in story["users"]] == [
        (1, "admin"),
        (2, "analyst"),
        None,
        None,
    ]
    assert story["key"]["name"] == "rapport"
    assert story["at its end"] is None
    assert story["unknown"] is None
    assert story["taken"] == "Conflict: key-name-taken (name='rapport')"


def test_an_account_gets_another_role_and_password_and_ends_once(seen):
    story = seen["an_account_changes_and_ends"]
    # One that expires does not count: it cannot be the last to run the system.
    assert story["lasting"] == [[0, 1], [0, 2]]
    assert story["changed"] == story["passwords"] == [True, False]
    named = [(user["name"], user["role"]) for user in story["everybody"]]
    assert named == [("bo", "analyst"), ("lag", "admin"), ("åsa", "admin")]
    assert (story["lag"]["password_hash"], story["lag"]["expires_at"]) == ("hash 2", None)
    assert story["lasts"] == [True, False]
    assert (story["removed"], story["left"]) == ([True, False], ["bo", "åsa"])


def test_a_key_can_be_for_some_collections_and_is_removed_once(seen):
    story = seen["keys_are_listed_and_removed"]
    scopes = [(key["name"], key["role"], key["collections"]) for key in story["keys"]]
    assert scopes == [("en sak", "planner", ["release", "physical"]), ("rapport", "analyst", [])]
    assert story["keys"][0]["mark"] == story["mark"] == "6e6e6e6e"
    assert story["names"] == ["en sak", None]
    assert (story["removed"], story["left"]) == ([True, False], ["rapport"])


def test_parts_lie_beside_each_other(seen):
    story = seen["each_part_has_a_file_of_its_own_unless_it_lies_on_a_server"]
    assert story["files"] == ["x.gpkg", "x.release.gpkg", "x.journal.sqlite"]
    assert story["there"] == [False] * 3
    assert story["on a server"] == [None] * 3


def test_a_backup_is_neither_overwritten_nor_poured_into_a_full_store(seen):
    story = seen["a_backup_goes_into_an_empty_store_and_comes_out_the_same"]
    assert len(set(story["rows"])) == 1
    assert [text.partition(" (")[0] for text in story["refusals"]] == [
        "Conflict: file-exists",
        "Conflict: store-not-empty",
        "NotFound: no-file",
    ]


def test_a_decision_holds_from_its_day_until_it_is_closed_or_over(seen):
    story = seen["a_decision_opens_the_groups_picture_until_it_is_closed_or_over"]
    assert story["in force"] == [False, True, True, False]
    assert (story["closed"], story["after"]) == ([1, 0], None)
    assert [row["number"] for row in story["history"]] == ["KS 1"]
    assert len(story["events"]["cell"][1]) > 0


def test_a_later_table_corrects_an_earlier_one(seen):
    story = seen["tables_of_others_are_kept_with_their_source"]
    assert [row["count"] for row in story["all"]["rows"]] == [8, None, 9]
    assert [row["month"] for row in story["some"]["rows"]] == [202602]
    assert story["removed"][0] == 3
    assert "no-table" in story["removed"][1]
    assert (story["known"], story["one"], story["nothing"]) == (True, True, None)


def test_what_a_weeding_counts_is_what_it_removes(seen):
    story = seen["what_is_too_old_is_counted_and_removed"]
    counted = {row["data_class"]: row["rows"] for row in story["counted"]}
    gone = dict(story["gone"])
    # With old events go the runs that counted them, so fewer are left for the rule of layers.
    assert {**gone, "layers": 0} == {**counted, "layers": 0}
    assert sum(gone.values()) > 0
    assert set(story["left"]) == {0}
    assert [row["rows"] for row in story["by rule"]] == [0, 0]
    assert story["compact"] is True


def test_the_list_of_the_plan_knows_a_row_again_and_puts_it_back(seen):
    story = seen["a_place_is_put_on_the_plan_taken_off_and_put_back"]
    whole, fine, other = story["ids"]
    assert [row["id"] for row in story["standing"]] == [fine, whole, other]
    assert [row["finer"] for row in story["standing"]] == [True, False, False]
    assert story["same"] == [whole, fine, None, None, whole, None]
    assert list(story["spots"]) == [fine]
    assert story["counts"] == [3, 2, 3]
    assert story["off"] == [fine, other]
    assert story["swept"] == [0, 1]
    assert story["spots after"] == {}
    assert story["gone"] == [True, False]


def test_saved_links_are_their_owners_alone(seen):
    story = seen["a_reader_keeps_links_under_names_of_their_own"]
    assert story["again"] == story["first"]
    assert [view["name"] for view in story["mine"]] == ["Skolan", "Årby"]
    assert [view["address"] for view in story["mine"]] == ["/skolor", "/nar?omrade=3"]
    assert [view["owner"] for view in story["theirs"]] == ["bo"]
    assert story["of somebody else"] is None
    assert story["left"] == [["Årby"], ["Skolan", "Årby"]]
    assert story["swept"] == 1
    assert story["forgotten"] == [1, 1, 0]


def test_links_go_with_the_account_that_has_ended(seen):
    assert seen["links_go_with_the_account_that_saved_them"] == [["gammal", "ny"], ["ny"]]
