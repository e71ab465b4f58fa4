"""Vector tiles of layers over HTTP: what they hold, for whom, and in which squares."""

import mapbox_vector_tile
import pytest
import shapely

from app.collections import COLLECTIONS
from geo import crs
from pipelines import places
from pipelines.roles import ANALYST, COORDINATOR, PLANNER

WEB, OWN = "WebMercatorQuad", "SWEREF99TM"
ZOOM = {WEB: 11, OWN: 5}
EMPTY = {WEB: "11/0/0", OWN: "5/0/0"}
TYPE = "application/vnd.mapbox-vector-tile"


def described(client, collection, grid, **asked):
    answer = client.get(f"/ogc/collections/{collection}/tiles/{grid}", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def covering(told, zoom):
    """Name the tiles that cover the municipality, as a client of TileJSON finds them."""
    epsg = int(told["crs"].removeprefix("EPSG:"))
    west, south, east, north = told["bounds"]
    outline = shapely.box(west, south, east, north).segmentize(0.05)
    x, y = crs.transform(*shapely.get_coordinates(outline).T, 4326, epsg)
    side = told["resolutions"][zoom] * told["tileSize"]
    left, top = told["origin"]
    for row in range(int((top - y.max()) // side), int((top - y.min()) // side) + 1):
        for column in range(int((x.min() - left) // side), int((x.max() - left) // side) + 1):
            yield row, column


def fetched(client, told, zoom, layer):
    """Read every tile of a level: the properties of each feature by its id, and its parts."""
    features = {}
    for row, column in covering(told, zoom):
        href = told["tiles"][0].replace("{z}", str(zoom))
        answer = client.get(href.replace("{y}", str(row)).replace("{x}", str(column)))
        assert answer.status_code in {200, 204}
        if answer.status_code == 204:
            assert answer.content == b""
            continue
        assert answer.headers["content-type"] == TYPE
        for feature in mapbox_vector_tile.decode(answer.content)[layer]["features"]:
            known = feature["properties"]
            features[known.get("cell", known.get("key"))] = known
    return features


@pytest.mark.parametrize("grid", [WEB, OWN])
@pytest.mark.parametrize(
    "asked", [{"resolution": "10"}, {"window": "helgnatt", "area": "Nattlivskärnan"}]
)
def test_tiles_hold_the_cells_of_the_items_with_their_numbers(program, grid, asked):
    told = described(program, "cells", grid, **asked)
    items = program.get("/ogc/collections/cells/items", params=asked | {"limit": "10000"}).json()
    tiles = fetched(program, told, ZOOM[grid], "cells")
    assert items["numberMatched"] == len(tiles) > 0
    for feature in items["features"]:
        told, known = tiles[feature["id"]], feature["properties"]
        reasons = known["reasons"] or [None]
        assert told["resolution"] == known["resolution"]
        assert (told["count"], told["weight"]) == (known["count"], known["weight"])
        assert (told.get("verdict"), told.get("expected")) == (known["verdict"], known["expected"])
        assert told.get("reason") == reasons[0]


@pytest.mark.parametrize("role", [PLANNER, COORDINATOR, ANALYST])
@pytest.mark.parametrize("detail", ["place", "unit"])
def test_tiles_hold_the_numbers_of_the_release(people, role, detail):
    client = people[role]
    told = described(client, "release", OWN, detail=detail)
    items = client.get("/ogc/collections/release/items", params={"detail": detail}).json()
    drawn = {one["id"]: one["properties"] for one in items["features"] if one["geometry"]}
    tiles = fetched(client, told, ZOOM[OWN], "release")
    assert set(tiles) == set(drawn)
    for key, known in drawn.items():
        for name in ("name", "count", "exact", "kind", "verdict", "trend"):
            assert tiles[key].get(name) == known[name], name


def test_shapes_of_a_tile_lie_where_the_cells_lie(program):
    told = described(program, "cells", OWN, resolution="9")
    zoom, side = 6, told["resolutions"][6] * told["tileSize"]
    items = program.get("/ogc/collections/cells/items?limit=10000&resolution=9").json()
    outlines = {one["id"]: shapely.geometry.shape(one["geometry"]) for one in items["features"]}
    for row, column in covering(told, zoom):
        answer = program.get(f"/ogc/collections/cells/tiles/{OWN}/{zoom}/{row}/{column}")
        if answer.status_code == 204:
            continue
        west, north = told["origin"][0] + column * side, told["origin"][1] - row * side
        for feature in mapbox_vector_tile.decode(answer.content)["cells"]["features"]:
            drawn = shapely.geometry.shape(feature["geometry"])  # y counts upwards here
            metres = shapely.transform(
                drawn, lambda xy, w=west, n=north: (w, n - side) + xy * (side / 4096)
            )
            true = shapely.transform(
                outlines[feature["properties"]["cell"]],
                lambda xy: shapely.get_coordinates(
                    shapely.points(*crs.transform(*xy.T, 4326, 3006))
                ),
            )
            assert shapely.hausdorff_distance(metres, true) < 3 * side / 4096
            return
    pytest.fail("no tile held anything")


def test_tile_json_names_its_own_question_and_its_squares(program):
    told = described(program, "cells", OWN, window="helgnatt", resolution="10")
    assert told["tilejson"] == "3.0.0"
    base = f"http://testserver/ogc/collections/cells/tiles/{OWN}"
    assert told["tiles"] == [f"{base}/{{z}}/{{y}}/{{x}}?window=helgnatt&resolution=10"]
    assert told["origin"] == [-1_200_000, 8_500_000]
    assert told["resolutions"][:2] == [4096, 2048]
    assert told["maxzoom"] == len(told["resolutions"]) - 1
    assert [layer["id"] for layer in told["vector_layers"]] == ["cells"]
    web = described(program, "cells", WEB)
    assert web["crs"] == "EPSG:3857"
    assert web["tiles"][0].endswith("/{z}/{y}/{x}")
    assert 0 <= web["minzoom"] < web["maxzoom"]


def test_every_property_of_a_tile_is_described(program):
    for collection in ("cells", "release"):
        told = described(program, collection, OWN)
        known = {name for one in fetched(program, told, 5, collection).values() for name in one}
        assert known <= set(told["vector_layers"][0]["fields"])
        assert {"count", "verdict"} <= known


def test_a_tile_where_nothing_lies_is_204_and_one_outside_is_404(program):
    path = "/ogc/collections/cells/tiles"
    for grid in (WEB, OWN):
        last = described(program, "cells", grid)["maxzoom"]
        empty = program.get(f"{path}/{grid}/{EMPTY[grid]}")
        assert (empty.status_code, empty.content) == (204, b"")
        kept = program.get(
            f"{path}/{grid}/{EMPTY[grid]}", headers={"If-None-Match": empty.headers["etag"]}
        )
        assert kept.status_code == 304
        for tile in (
            *(f"{last + 1}/0/0", "3/32/0", "3/0/32", "-1/0/0", "3/-1/0", "3/0/0.5", "a/b/c"),
            *("3/0/²", "3/0/+1", f"{'9' * 30}/0/0", f"3/{'9' * 5000}/0", "3/0/%00", "3/0/0x1"),
        ):
            answer = program.get(f"{path}/{grid}/{tile}")
            assert answer.status_code == 404, tile
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["", "/5/29/27"])
@pytest.mark.parametrize(
    "query",
    ["limit=1", "bbox=16,59,17,60", "f=mvt", "resolution=7", "area=Ingenstans", "window=x", "a"],
)
def test_what_cannot_be_asked_is_400(program, path, query):
    answer = program.get(f"/ogc/collections/cells/tiles/{OWN}{path}?{query}")
    assert answer.status_code == 400
    assert answer.json()["detail"].endswith(".")


@pytest.mark.parametrize("path", [f"/{OWN}", f"/{OWN}/5/29/27", f"/{OWN}/a/b/c", "/x", "/x/1/1/1"])
def test_tiles_of_hidden_collections_look_like_those_of_unknown_ones(people, path):
    for role in (PLANNER, COORDINATOR):
        nowhere = people[role].get(f"/ogc/collections/xxxxx/tiles{path}")
        hidden = people[role].get(f"/ogc/collections/cells/tiles{path}")
        assert nowhere.status_code == hidden.status_code == 404
        assert nowhere.text == hidden.text.replace("cells", "xxxxx")
        for header in ("cache-control", "vary", "content-type"):
            assert nowhere.headers.get(header) == hidden.headers.get(header)


def test_collections_without_tiles_and_grids_that_are_none_say_so(program):
    for collection in set(COLLECTIONS) - {"cells", "release"}:
        answer = program.get(f"/ogc/collections/{collection}/tiles/{OWN}/5/29/27")
        assert answer.status_code == 404
        assert "cells, release" in answer.json()["detail"]
    assert "SWEREF99TM" in program.get("/ogc/collections/cells/tiles/x").json()["detail"]


def test_nobody_gets_a_tile_without_a_session(anybody):
    assert anybody.get(f"/ogc/collections/release/tiles/{OWN}/5/29/27").status_code == 401


def test_a_tile_is_kept_by_its_reader_alone_and_sent_compressed(program):
    told = described(program, "cells", WEB)
    squares = list(covering(told, 9))
    paths = [f"/ogc/collections/cells/tiles/{WEB}/9/{row}/{column}" for row, column in squares]
    path = next(one for one in paths if program.get(one).status_code == 200)
    packed = program.get(path, headers={"Accept-Encoding": "gzip"})
    plain = program.get(path, headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
    assert packed.headers["cache-control"] == "private, no-cache"
    assert packed.headers["etag"] != plain.headers["etag"]
    assert "Accept-Encoding" in packed.headers["vary"]


def test_a_house_without_a_run_and_a_release_has_empty_tiles(houses):
    house = houses()
    places.load(house.store, "eskilstuna")
    for collection in ("cells", "release"):
        answer = house.reader("analyst").get(f"/ogc/collections/{collection}/tiles/{OWN}/5/29/27")
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["cache-control"] == "private, no-store"


def test_a_collection_leads_to_its_tiles(program):
    links = program.get("/ogc/collections/cells").json()["links"]
    (href,) = [link["href"] for link in links if link["rel"] == "tiles"]
    assert program.get(href).json()["tilejson"] == "3.0.0"
    assert "tiles" not in {
        link["rel"] for link in program.get("/ogc/collections/schools").json()["links"]
    }
