"""Scripts, styles and pictures as a browser gets them."""

import os

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from app.static import Static

SCRIPT = "export const words = 'the same words again and again';\n" * 60


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.js").write_text(SCRIPT)
    (tmp_path / "a.png").write_bytes(b"\x89PNG" + b"0" * 5_000)
    (tmp_path / "small.css").write_text("p { margin: 0 }")
    return tmp_path


@pytest.fixture
def files(folder):
    return Static(folder)


@pytest.fixture
def client(files):
    with TestClient(Starlette(routes=[Mount("/static", files)])) as client:
        yield client


def test_text_is_compressed_for_those_who_take_it_and_pictures_are_not(client):
    packed = client.get("/static/inner/a.js", headers={"Accept-Encoding": "gzip"})
    plain = client.get("/static/inner/a.js", headers={"Accept-Encoding": "identity"})
    assert packed.text == plain.text == SCRIPT
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(SCRIPT) / 5
    assert "javascript" in packed.headers["content-type"]
    assert packed.headers["vary"] == "Accept-Encoding"
    assert "content-encoding" not in plain.headers
    for name in ("a.png", "small.css"):
        answer = client.get(f"/static/{name}", headers={"Accept-Encoding": "gzip"})
        assert "content-encoding" not in answer.headers


def test_a_browser_asks_again_each_time_and_gets_304(client):
    first = client.get("/static/inner/a.js")
    assert first.headers["cache-control"] == "no-cache"
    held = {"If-None-Match": first.headers["etag"]}
    assert client.get("/static/inner/a.js", headers=held).status_code == 304
    other = held | {"Accept-Encoding": "identity"}
    assert client.get("/static/inner/a.js", headers=other).status_code == 200


def test_below_the_name_of_its_edition_a_file_is_kept_for_good(client, files):
    path = files.address.removeprefix("/static")
    answer = client.get(f"/static{path}/inner/a.js")
    assert answer.text == SCRIPT
    assert "immutable" in answer.headers["cache-control"]
    held = {"If-None-Match": answer.headers["etag"]}
    assert client.get(f"/static{path}/inner/a.js", headers=held).status_code == 304


def test_another_edition_is_asked_for_again_each_time(client, files):
    answer = client.get("/static/~0123456789ab/inner/a.js")
    assert answer.text == SCRIPT
    assert answer.headers["cache-control"] == "no-cache"
    for path in ("~", "~/inner/a.js", "~xyz/inner/a.js", f"~{files.edition}", f"~{files.edition}/"):
        assert client.get(f"/static/{path}").status_code == 404


def test_other_contents_are_another_edition(folder):
    before = Static(folder).edition
    assert Static(folder).edition == before
    (folder / "inner" / "a.js").rename(folder / "inner" / "b.js")
    renamed = Static(folder).edition
    (folder / "small.css").write_text("p { margin: 1 }")
    assert len({before, renamed, Static(folder).edition}) == 3


def test_a_changed_file_is_seen_at_once(client, folder, files):
    files.read_all()
    first = client.get("/static/inner/a.js")
    (folder / "inner" / "a.js").write_text(SCRIPT.replace("words", "sword"))
    os.utime(folder / "inner" / "a.js", (1, 1))
    again = client.get("/static/inner/a.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, "sword" in again.text) == (200, True)


@pytest.mark.parametrize(
    "path",
    [
        *("", "inner", "inner/", "none.js", "inner/a.js/x", "%00", "a" * 5_000, "..%2f..%2fetc"),
        *("%2fetc%2fpasswd", "inner/%2e%2e/%2e%2e/%2e%2e/etc/passwd"),
    ],
)
def test_what_is_no_file_of_the_folder_is_404(client, path):
    assert client.get(f"/static/{path}").status_code == 404


def test_nothing_can_be_sent_to_a_file(client):
    assert client.post("/static/inner/a.js").status_code == 405
    head = client.head("/static/inner/a.js")
    assert (head.status_code, head.headers["etag"]) == (
        200,
        client.get("/static/inner/a.js").headers["etag"],
    )
