"""The OGC API as a program sees it: shapes, filters, pages, and what may be kept."""

import shutil
from datetime import timedelta

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from app.main import create_app
from geo.profile import Area
from pipelines import accounts, places
from pipelines.analyse import Parameters, analyse
from pipelines.ingest import Options, ingest
from pipelines.places import PlaceImport
from pipelines.roles import COORDINATOR
from store import installation, observations
from store.db import connect
from store.models import Observation
from store.places import IMPORT, areas, put_areas, touch
from tests.house import settings_of

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
PLACE_FILES = {"addresses": "syntetiska_adresser.gpkg", "venues": "syntetiska_krogar.csv"}
RECORD_FILES = {
    "incidents": "syntetiska_polisanmalningar.csv",
    "observations": "syntetisk_trygghetsvandring.csv",
}
QUESTIONS = [
    *("areas/items", "schools/items", "venues/items?area=Nattlivskärnan"),
    *("areas/items?window=helgnatt&category=krogvald&datetime=2025-01-01/2025-12-31", "areas"),
    *("incidents/items?limit=300&area=Skiftinge", "incidents/items?bbox=16.5,59.36,16.52,59.38"),
    "incidents/items?window=helgnatt&category=krogvald,ran&datetime=2025-06-01/..",
    *("observations/items?area=Årby", "cells/items?resolution=10", "cells/items?resolution=11"),
    "cells/items?window=skoltid&area=Fröslunda&datetime=../2025-03-31&category=klotter",
    *("clusters/items", "clusters/items?scope=core&window=helgnatt&category=krogvald"),
    "clusters/items?scope=school-300&window=skoltid",
]
TILES = [
    f"/ogc/collections/cells/tiles/{question}"
    for question in ("SWEREF99TM/3/14/13", "WebMercatorQuad/7/37/69?resolution=11&window=helgnatt")
]
NAMES = [
    *("release", "physical", "areas", "schools", "venues"),
    *("incidents", "observations", "cells", "clusters"),
]


def items(program, collection, **asked):
    answer = program.get(f"/ogc/collections/{collection}/items", params=asked)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/geo+json"
    assert answer.headers["content-crs"] == f"<{CRS84}>"
    return answer.json()


def counts(program, **asked):
    page = items(program, "cells", limit=10_000, **asked)
    return {one["id"]: one["properties"]["count"] for one in page["features"]}


def rels(links):
    return {link["rel"]: link["href"] for link in links}


def test_the_landing_page_leads_everywhere(program):
    links = rels(program.get("/ogc").json()["links"])
    assert {"self", "service-desc", "service-doc", "conformance", "data"} <= set(links)
    for href in links.values():
        assert program.get(href).status_code == 200


def test_it_conforms_to_core_geojson_and_openapi_30(program):
    named = program.get("/ogc/conformance").json()["conformsTo"]
    for end in ("core", "geojson", "oas30"):
        assert f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{end}" in named


def test_there_are_nine_collections_and_each_says_how_it_can_be_asked(program):
    listed = program.get("/ogc/collections").json()["collections"]
    assert [one["id"] for one in listed] == NAMES
    for one in listed:
        assert one["crs"] == [CRS84]
        assert one["extent"]["spatial"]["bbox"] == [[15.80, 59.10, 16.90, 59.54]]
        assert one == program.get(rels(one["links"])["self"]).json()
        assert program.get(rels(one["links"])["items"]).status_code == 200
    filters = {one["name"]: one.get("values") for one in listed[NAMES.index("cells")]["filters"]}
    assert filters["window"] == ["all", "helgnatt", "skoltid", "vardagskvall", "helgkvall"]
    assert filters["resolution"] == [8, 9, 10, 11]
    assert "Skiftinge" in filters["area"]
    assert "undantagen" not in filters["category"]


@pytest.mark.parametrize("collection", NAMES)
def test_every_item_of_a_page_can_be_fetched_alone(program, collection):
    page = items(program, collection, limit=3)
    assert page["type"] == "FeatureCollection"
    assert page["numberReturned"] == len(page["features"]) <= 3
    assert page["numberMatched"] >= page["numberReturned"]
    # The town has two closed years; the layer of measures wants three.
    assert (page["numberReturned"] > 0) is (collection != "physical")
    assert page["timeStamp"] == "2026-11-01T12:00:00Z"
    for feature in page["features"]:
        alone = program.get(f"/ogc/collections/{collection}/items/{feature['id']}").json()
        assert {"self", "collection"} <= set(rels(alone.pop("links")))
        assert alone == feature


@pytest.mark.parametrize("collection", NAMES)
@pytest.mark.parametrize("fid", ["nothing", "0", "-1", "9" * 30, "8a1fb46622dffff", "%00", "1;2"])
def test_an_unknown_item_is_404(program, collection, fid):
    answer = program.get(f"/ogc/collections/{collection}/items/{fid}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_unknown_collection_is_404(program):
    for path in ("/ogc/collections/persons", "/ogc/collections/persons/items"):
        assert program.get(path).status_code == 404


def test_next_links_lead_through_everything_once_with_every_filter_kept(program):
    whole = items(program, "incidents", area="Årby", category="skadegorelse,klotter", limit=10_000)
    path, found, pages = "/ogc/collections/incidents/items?area=%C3%85rby", [], 0
    path += "&category=skadegorelse,klotter&limit=50"
    while path:
        page = program.get(path).json()
        found += page["features"]
        path = rels(page["links"]).get("next", "")
        pages += 1
    assert pages == -(-whole["numberMatched"] // 50) > 1
    assert found == whole["features"]


def test_a_page_after_the_last_is_empty(program):
    page = items(program, "cells", offset=100_000)
    assert (page["features"], "next" in rels(page["links"])) == ([], False)


def test_a_limit_above_the_highest_is_not_an_error(program):
    assert items(program, "cells", limit=1_000_000)["numberReturned"] > 100


def test_cells_of_every_resolution_hold_the_same_events(program):
    sums = [sum(counts(program, resolution=r).values()) for r in (8, 9, 10, 11)]
    assert len(set(sums)) == 1


def test_years_add_up_to_the_whole_period(program):
    whole = sum(counts(program).values())
    years = [f"{year}-01-01/{year}-12-31" for year in (2023, 2024, 2025, 2026)]
    assert sum(sum(counts(program, datetime=year).values()) for year in years) == whole
    assert counts(program, datetime="2020-01-01/2020-12-31") == {}
    assert counts(program, datetime="../..") == counts(program)


def test_categories_add_up_to_the_total_and_the_police_driven_ones_stay_out(program):
    described = program.get("/ogc/collections/cells").json()["filters"]
    codes = next(one["values"] for one in described if one["name"] == "category")
    driven = {"narkotika", "trafik"}
    in_total = ",".join(code for code in codes if code not in driven)
    assert counts(program, category=in_total) == counts(program)
    assert sum(counts(program, category="narkotika").values()) > 0


def test_a_window_holds_part_of_all_times(program):
    night, everything = counts(program, window="helgnatt"), counts(program)
    assert 0 < sum(night.values()) < sum(everything.values())
    assert set(night) <= set(everything)


def test_an_area_is_found_by_name_in_any_case_and_by_id(program):
    row = next(
        one for one in items(program, "areas")["features"] if one["properties"]["name"] == "Årby"
    )
    by_name = counts(program, area="Årby")
    assert by_name
    assert by_name == counts(program, area="åRBY") == counts(program, area=str(row["id"]))
    assert by_name == counts(program, area="A\u030arby")
    assert sum(by_name.values()) <= row["properties"]["count"]


def test_the_municipality_holds_all_that_areas_and_cells_hold_and_what_has_no_place(program):
    rows = items(program, "areas")["features"]
    whole = next(
        r["properties"]["count"] for r in rows if r["properties"]["kind"] == "municipality"
    )
    assert whole > sum(counts(program).values())
    assert counts(program, area="Eskilstuna kommun") == counts(program)


@pytest.fixture
def twins(town, tmp_path, clock):
    """Give a program in front of two areas of one name, and of places changed after the run."""
    shutil.copytree(town["folder"], tmp_path / "twins")
    url = f"sqlite:///{tmp_path / 'twins' / 'lagesbild.gpkg'}"
    store = connect(url)
    with store.write() as connection:
        (arby,) = [row for row in areas(connection) if row.name == "Årby"]
        twin = Area("district", "Årby", arby.outline, "prov")
        put_areas(connection, [twin], IMPORT, replace=None)
        touch(connection)
        ids = [str(row.id) for row in areas(connection) if row.name == "Årby"]
    store.close()
    door = create_app(settings_of({"url": url}), clock)
    headers = {"X-API-Key": town["key"]}
    with TestClient(door, headers=headers, follow_redirects=False) as client:
        yield client, ids


def test_a_name_that_two_areas_have_is_refused_with_their_ids(twins):
    client, ids = twins
    for path in ("/ogc/collections/cells/items?area=Årby", "/?omrade=Årby"):
        answer = client.get(path)
        said = f"Området Årby finns flera gånger. Ange ett av dess id: {', '.join(ids)}."
        assert (answer.status_code, answer.json()["detail"]) == (400, said)
    for fid in ids:
        assert items(client, "cells", area=fid)["type"] == "FeatureCollection"
    filters = client.get("/ogc/collections/cells").json()["filters"]
    listed = next(one["values"] for one in filters if one["name"] == "area")
    assert set(ids) < set(listed)
    assert "Årby" not in listed
    page = client.get("/").text
    assert all(f'<option value="{fid}" data-name="Årby">Årby (' in page for fid in ids)


def test_an_old_link_by_name_leads_to_the_areas_id(program):
    row = next(r for r in items(program, "areas")["features"] if r["properties"]["name"] == "Årby")
    led = program.get("/", params={"omrade": "Årby", "typ": "ran"})
    assert (led.status_code, led.headers["location"]) == (303, f"/?omrade={row['id']}&typ=ran")
    assert program.get(led.headers["location"]).status_code == 200
    assert program.get("/?omrade=Atlantis").status_code == 200


def test_a_run_of_older_places_says_so(twins, program):
    client, _ = twins
    said = "Kartan bygger på äldre områden; kör analysen igen."
    for one, outdated in ((client, True), (program, False)):
        assert (said in one.get("/").text) is outdated
        listed = one.get("/ogc/collections").json()["collections"]
        told = {held["id"]: held["outdated"] for held in listed if "outdated" in held}
        assert told == dict.fromkeys(("areas", "cells", "clusters"), outdated)


def test_the_one_system_may_be_named_and_no_other(program):
    named = items(program, "cells", crs=CRS84, **{"bbox-crs": CRS84})
    assert named["features"] == items(program, "cells")["features"]
    assert program.get(f"/ogc/collections/areas/items/1?crs={CRS84}").status_code == 200
    for name in ("crs", "bbox-crs"):
        other = "http://www.opengis.net/def/crs/EPSG/0/3006"
        answer = program.get("/ogc/collections/cells/items", params={name: other})
        assert answer.status_code == 400


def test_a_box_keeps_what_touches_it(program):
    west, south, east, north = 16.50, 59.365, 16.53, 59.375
    box = f"{west},{south},{east},{north}"
    inside = items(program, "incidents", bbox=box, limit=10_000)
    assert 0 < inside["numberMatched"] < items(program, "incidents", limit=1)["numberMatched"]
    for one in inside["features"]:
        lon, lat = one["geometry"]["coordinates"]
        assert west <= lon <= east
        assert south <= lat <= north
    assert (
        items(program, "incidents", bbox=f"{west},{south},0,{east},{north},50", limit=1)[
            "numberMatched"
        ]
        == inside["numberMatched"]
    )
    some = counts(program, bbox=box)
    assert set(some) < set(counts(program))
    assert counts(program, bbox="0,0,1,1") == {}


def test_an_incident_tells_time_kind_and_precision_and_nothing_else(program):
    for one in items(program, "incidents", limit=200)["features"]:
        assert set(one["properties"]) == {
            *("category", "starts", "ends", "count", "area", "windows"),
            *("match_type", "uncertainty_m", "pile", "synthetic"),
        }
        assert one["properties"]["synthetic"] is True


def test_events_of_kinds_kept_off_maps_are_not_there_at_all(program):
    page = items(program, "incidents", limit=10_000)
    kinds = {one["properties"]["category"] for one in page["features"]}
    assert kinds.isdisjoint({"undantagen", "vapen"})


def test_an_unplaced_incident_is_there_without_a_geometry(program):
    page = items(program, "incidents", limit=10_000)
    unplaced = [one for one in page["features"] if one["geometry"] is None]
    assert unplaced
    assert all(one["properties"]["uncertainty_m"] is None for one in unplaced)


def test_a_walks_note_is_not_shown_before_its_review(program, programs, town):
    page = items(program, "observations", limit=10_000)["features"]
    noted = next(one for one in page if one["properties"]["note"])
    path = f"/ogc/collections/observations/items/{noted['id']}"
    store = connect(town["url"])
    for reviewed in (False, True):
        change = sa.update(Observation).where(Observation.id == noted["id"])
        with store.write() as connection:
            connection.execute(change.values(reviewed=reviewed))
        # Whoever reviews sees at once that something was seen there, and what was written on
        # the page of reviews alone.
        for role, client in programs.items():
            seen = client.get(path)
            if reviewed:
                assert seen.json()["properties"]["note"] == noted["properties"]["note"], role
            elif role == COORDINATOR:
                assert seen.json()["properties"]["note"] is None
            else:
                assert seen.status_code == 404, role
    store.close()


def test_clusters_come_by_rank_and_only_for_one_kind_at_a_time(program):
    page = items(program, "clusters", window="helgnatt", category="krogvald", scope="core")
    assert [one["properties"]["rank"] for one in page["features"]] == list(
        range(1, page["numberMatched"] + 1)
    )
    answer = program.get("/ogc/collections/clusters/items?category=ran,klotter")
    assert (answer.status_code, answer.json()["detail"]) == (
        400,
        "Kluster finns för alla händelser tillsammans eller för en kategori i taget.",
    )


@pytest.mark.parametrize("collection", NAMES)
@pytest.mark.parametrize(
    "query",
    [
        *("colour=red", "limit=1&limit=2", "limit=0", "bbox=1,2", "datetime=now", "offset=1e12"),
        *("area=Atlantis", "window=&window=", "limit=%00", "bbox=17,60,16,59", "category="),
    ],
)
def test_what_cannot_be_asked_is_400_with_a_sentence(program, collection, query):
    answer = program.get(f"/ogc/collections/{collection}/items?{query}")
    assert answer.status_code == 400, query
    problem = answer.json()
    assert problem["detail"].endswith(".")
    assert problem["detail"].startswith(("Parametern", "Området"))


@pytest.mark.parametrize("path", ["", "/conformance", "/api", "/collections", "/collections/cells"])
def test_where_there_is_nothing_to_ask_a_parameter_is_400(program, path):
    assert program.get(f"/ogc{path}?f=html").status_code == 400
    assert program.get("/ogc/collections/areas/items/1?f=html").status_code == 400


@pytest.mark.parametrize("collection", NAMES)
def test_points_are_kept_nowhere_and_layers_only_by_their_reader(program, collection):
    answer = program.get(f"/ogc/collections/{collection}/items?limit=1")
    # The corners of a cluster's hull are places of events.
    if collection not in {"release", "physical", "cells", "areas", "schools", "venues"}:
        assert answer.headers["cache-control"] == "private, no-store"
        assert "etag" not in answer.headers
        return
    assert answer.headers["cache-control"] == "private, no-cache"
    assert "X-API-Key" in answer.headers["vary"]
    again = {"If-None-Match": answer.headers["etag"]}
    kept = program.get(f"/ogc/collections/{collection}/items?limit=1", headers=again)
    assert (kept.status_code, kept.content) == (304, b"")
    other = program.get(f"/ogc/collections/{collection}/items?limit=2", headers=again)
    assert other.status_code == 200


def test_a_kept_answer_still_asks_who_is_there(program, anybody):
    path = "/ogc/collections/cells/items"
    etag = program.get(path).headers["etag"]
    assert anybody.get(path, headers={"If-None-Match": etag}).status_code == 401


def test_links_of_a_kept_answer_are_those_of_the_host_that_asked(program):
    path = "/ogc/collections/cells/items?limit=1"
    for host in ("one.example", "two.example"):
        links = rels(program.get(path, headers={"Host": host}).json()["links"])
        assert links["next"].startswith(f"http://{host}/ogc/")


def test_a_store_without_a_run_has_empty_layers(tmp_path, clock):
    url = f"sqlite:///{tmp_path / 'new.gpkg'}"
    installation.upgrade(url)
    store = connect(url)
    key = accounts.new_key(store, "k", "analyst", 1, clock.time - timedelta(hours=1))
    door = create_app(settings_of({"url": url}), clock)
    with TestClient(door, headers={"X-API-Key": key}) as client:
        assert client.get("/ogc/collections").status_code == 404
        places.load(store, "eskilstuna")
        for layer in ("cells", "clusters"):
            assert items(client, layer)["numberMatched"] == 0
        assert items(client, "areas")["features"][0]["properties"]["count"] is None
        page = client.get("/", headers={"Accept": "text/html"})
        assert "Ingen analys är publicerad ännu" in page.text
    store.close()


def test_both_kinds_of_store_give_the_same_answers(program, postgis_url, town, clock):
    installation.upgrade(postgis_url)
    store = connect(postgis_url)
    places.load(store, "eskilstuna")
    for kind, name in PLACE_FILES.items():
        places.import_file(store, PlaceImport(town["folder"] / name, kind))
    for kind, name in RECORD_FILES.items():
        ingest(store, town["folder"] / name, Options(kind, synthetic=True), clock.time)
    with store.write() as connection:
        observations.review(connection, [row.id for row in observations.unreviewed(connection)])
    analyse(store, Parameters(), clock.time)
    key = accounts.new_key(store, "k", "analyst", 1, clock.time)
    store.close()
    door = create_app(settings_of({"url": postgis_url}), clock)
    with TestClient(door, headers={"X-API-Key": key}) as other:
        for question in QUESTIONS:
            path = f"/ogc/collections/{question}"
            here, there = program.get(path), other.get(path)
            assert here.status_code == there.status_code == 200
            assert here.json() == there.json(), path
        for tile in TILES:
            here, there = program.get(tile), other.get(tile)
            assert here.content == there.content != b"", tile
