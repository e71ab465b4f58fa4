"""How many readers a second one core serves, with session and role, beside tipg on the same data.

    python -m benchmarks.serving [--seconds 5] [--repeat 3] [--no-postgis] [--no-tipg]

The server runs on core 0 and the readers on core 1, sixteen connections, the median of some runs.
Every request carries an analyst's session. The data are a made town of 50,000 incidents; the
answer is about 200 kB of its cells as GeoJSON, and a vector tile of all of them. "Kept" answers
are given again from memory; "computed" is a question that nobody has asked before. tipg computes
each answer from PostGIS and asks nobody who they are, so the two do different work: the ratio
tells what keeping is worth, not which program is the better one.
"""

from __future__ import annotations

import argparse
import http.client
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import numpy as np
import psycopg

from benchmarks import doors, load
from geo import cells as grid
from geo import tiles
from pipelines.profiles import load as load_profile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.doors import House

SERVER_CORE: Final = 0
RESOLUTION: Final = 9
TARGET_BYTES: Final = 200_000
TILE_ZOOM: Final = 9
COLD_QUESTIONS: Final = 40
ITEMS: Final = "/ogc/collections/cells/items"
TILES: Final = "/ogc/collections/cells/tiles/WebMercatorQuad"
TIPG_TABLE: Final = "bench_cells"
GOALS: Final = {"items": 5_000, "304": 10_000, "p99": 10}
HEAD: Final = "| what | from | size | requests/s | p50 ms | p99 ms | |\n" + "| --- " * 7 + "|"


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing to ask for."""

    what: str
    path: str
    headers: dict[str, str]
    note: str


def main() -> None:
    """Measure, and print a table."""
    chosen = _arguments()
    print(HEAD)
    with tempfile.TemporaryDirectory(prefix="lagesbild-bench-") as name:
        folder = Path(name)
        _ours("GeoPackage", doors.city(folder), chosen)
        if chosen.postgis:
            with _postgres() as server:
                if server is None:
                    print("| no PostGIS on this machine | | | | | | |")
                else:
                    house = doors.city(folder, server.create())
                    _ours("PostGIS", house, chosen)
                    _beside(house, folder, chosen)
    print(f"\nGoals: {GOALS}; client: {load.name()}; load {os.getloadavg()[0]:.1f} at the end.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5, help="of each run")
    parser.add_argument("--repeat", type=int, default=3, help="runs; the median is shown")
    parser.add_argument("--no-postgis", dest="postgis", action="store_false")
    parser.add_argument("--no-tipg", dest="tipg", action="store_false")
    return parser.parse_args()


def _ours(store: str, house: House, chosen: argparse.Namespace) -> None:
    """Measure our server on one kind of store."""
    with doors.served(house, SERVER_CORE) as port:
        session = {"Cookie": doors.sign_in(port, house)}
        path = f"{ITEMS}?resolution={RESOLUTION}&limit={_fitting(port, session)}"
        tag = _fetch(port, path, session)[1]["etag"]
        tile = f"{TILES}/{_tile()}?resolution={RESOLUTION}"
        packed = session | {"Accept-Encoding": "gzip"}
        for one in (
            Asked("cells, plain", path, session, "kept"),
            Asked("cells, gzip", path, packed, "kept"),
            Asked("cells, 304", path, session | {"If-None-Match": tag}, "kept"),
            Asked("tile, gzip", tile, packed, "kept"),
        ):
            _tell(store, port, one, chosen)
        _cold(store, port, session)


def _fitting(port: int, session: dict[str, str]) -> int:
    """Find how many cells make the size to be measured."""
    path = f"{ITEMS}?resolution={RESOLUTION}&limit=100"
    return round(100 * TARGET_BYTES / len(_fetch(port, path, session)[0]))


def _tile() -> str:
    """Name the tile that holds the town's middle, as zoom/row/column."""
    west, south, east, north = load_profile("eskilstuna").profile.envelope
    zoom, row, column = _square((west + east) / 2, (south + north) / 2)
    return f"{zoom}/{row}/{column}"


def _square(lon: float, lat: float) -> tuple[int, int, int]:
    web = tiles.WEB_MERCATOR_QUAD
    x, y = tiles.web_mercator(np.array([lon]), np.array([lat]))
    size = web.size / 2**TILE_ZOOM
    return TILE_ZOOM, int((web.north - y[0]) // size), int((x[0] - web.west) // size)


def _tell(store: str, port: int, one: Asked, chosen: argparse.Namespace) -> None:
    """Measure one thing some times; print the run in the middle."""
    for _ in range(5):
        body = _fetch(port, one.path, one.headers)[0]
    url = f"http://127.0.0.1:{port}{one.path}"
    runs = [load.ask(url, one.headers, chosen.seconds) for _ in range(chosen.repeat)]
    runs.sort(key=lambda run: run.per_s)
    middle = runs[len(runs) // 2]
    print(
        f"| {one.what} | {store} | {len(body) / 1000:.0f} kB | {middle.per_s:,.0f}"
        f" | {middle.p50_ms:.1f} | {middle.p99_ms:.1f} | {one.note} |",
        flush=True,
    )


def _cold(store: str, port: int, session: dict[str, str]) -> None:
    """Ask questions that nobody has asked before, one after the other."""
    waits, sizes = [], []
    for number in range(COLD_QUESTIONS):
        asked = {"resolution": RESOLUTION, "limit": 400, "offset": number, "window": "helgnatt"}
        began = time.perf_counter()
        body = _fetch(port, f"{ITEMS}?{urlencode(asked)}", session)[0]
        waits.append((time.perf_counter() - began) * 1000)
        sizes.append(len(body))
    waits.sort()
    middle, worst = statistics.median(waits), waits[int(0.99 * len(waits))]
    print(
        f"| cells, first time | {store} | {statistics.median(sizes) / 1000:.0f} kB"
        f" | {1000 / middle:,.0f} (one reader) | {middle:.1f} | {worst:.1f} | computed |",
        flush=True,
    )


def _fetch(port: int, path: str, headers: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    """Ask once.

    Raises
    ------
    RuntimeError
        The answer is neither 200 nor 304.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status not in {http.HTTPStatus.OK, http.HTTPStatus.NOT_MODIFIED}:
        raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
    return body, {name.lower(): value for name, value in answer.getheaders()}


# --- tipg, and PostGIS's own tiles


def _beside(house: House, folder: Path, chosen: argparse.Namespace) -> None:
    """Put the same cells into a table with outlines; measure tipg and ST_AsMVT on it."""
    with doors.served(house) as port:
        session = {"Cookie": doors.sign_in(port, house)}
        found = _fetch(port, f"{ITEMS}?resolution={RESOLUTION}&limit=10000", session)[0]
    features = json.loads(found)["features"]
    where = house.url.replace("+psycopg", "")
    with psycopg.connect(where, autocommit=True) as database:
        _fill(database, features)
        _compare_tiles(database, features)
    if not chosen.tipg:
        return
    python = _with_tipg(folder)
    if python is None:
        print("| tipg could not be installed | | | | | | |")
        return
    with _tipg(python, where) as port:
        items = f"/collections/public.{TIPG_TABLE}/items"
        hundred = len(_fetch(port, f"{items}?limit=100", {})[0])
        zoom, row, column = _tile().split("/")
        path = f"{items}?limit={round(100 * TARGET_BYTES / hundred)}"
        tile = f"/collections/public.{TIPG_TABLE}/tiles/WebMercatorQuad/{zoom}/{column}/{row}"
        _tell("tipg", port, Asked("cells, plain", path, {}, "computed, no session"), chosen)
        _tell("tipg", port, Asked("tile, plain", tile, {}, "computed, no session"), chosen)


def _fill(database: psycopg.Connection[Any], features: list[dict[str, Any]]) -> None:
    database.execute(
        f"CREATE TABLE {TIPG_TABLE} (id serial PRIMARY KEY, cell text, count int, weight float,"
        " resolution int, verdict text, reason text, expected float, geom geometry(Polygon, 4326))"
    )
    sql = (
        "INSERT INTO bench_cells (cell, count, weight, resolution, verdict, reason, expected,"
        " geom) VALUES (%s, %s, %s, %s, %s, %s, %s, ST_SetSRID(ST_GeomFromGeoJSON(%s), 4326))"
    )
    with database.cursor() as cursor:
        cursor.executemany(sql, [_row(one) for one in features])
    database.execute(f"CREATE INDEX ON {TIPG_TABLE} USING gist (geom)")
    database.execute(f"ANALYZE {TIPG_TABLE}")


def _row(feature: dict[str, Any]) -> tuple[object, ...]:
    known = feature["properties"]
    reason = next(iter(known["reasons"] or ()), None)
    plain = [known[name] for name in ("cell", "count", "weight", "resolution", "verdict")]
    return (*plain, reason, known["expected"], json.dumps(feature["geometry"]))


def _compare_tiles(database: psycopg.Connection[Any], features: list[dict[str, Any]]) -> None:
    """Measure one tile made by PostGIS and by our encoder, each from what it stores."""
    zoom, row, column = (int(part) for part in _tile().split("/"))
    sql = """
        SELECT ST_AsMVT(drawn, 'cells') FROM (
            SELECT cell, count, weight, resolution, verdict, reason, expected,
                ST_AsMVTGeom(ST_Transform(geom, 3857), square) AS geom
            FROM bench_cells, ST_TileEnvelope(%s, %s, %s) AS square
            WHERE geom && ST_Transform(square, 4326)) AS drawn
    """
    numbers = np.array([grid.parse(one["properties"]["cell"]) for one in features])
    known = [one["properties"] for one in features]
    columns = {
        **{name: [one[name] for one in known] for name in ("cell", "verdict")},
        "reason": [next(iter(one["reasons"] or ()), None) for one in known],
        **{
            name: np.array([one[name] for one in known], dtype=float)
            for name in ("count", "weight", "resolution", "expected")
        },
    }
    frame = tiles.WEB_MERCATOR_QUAD.frame(zoom, column, row)

    def postgis() -> bytes:
        answer = database.execute(sql, (zoom, column, row)).fetchone()
        return bytes(answer[0]) if answer else b""

    def ours() -> bytes:
        shapes = tiles.of_cells(numbers, tiles.web_mercator)
        return tiles.encode("cells", shapes, frame, columns)

    for label, make in (("ST_AsMVT, stored outlines", postgis), ("own encoder, from ids", ours)):
        waits = []
        for _ in range(20):
            began = time.perf_counter()
            body = make()
            waits.append((time.perf_counter() - began) * 1000)
        print(
            f"| one tile of {len(features):,} cells | {label} | {len(body) / 1000:.0f} kB"
            f" | | {statistics.median(waits):.1f} (best {min(waits):.1f}) | {max(waits):.1f}"
            " | computed |",
            flush=True,
        )


@contextmanager
def _postgres() -> Iterator[Any]:
    """Run a private PostgreSQL server, as the tests do; None where there is none with PostGIS."""
    shared: Any = importlib.import_module("tests.conftest")
    programs = shared.postgres_programs()
    if programs is None:
        yield None
        return
    server = shared.PrivatePostgres(programs)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _with_tipg(folder: Path) -> Path | None:
    """Install tipg into a folder of its own; give its Python, None when that fails."""
    home = folder / "tipg"
    python = home / "bin" / "python"
    with suppress(subprocess.CalledProcessError):
        quiet = subprocess.DEVNULL
        for command in (
            [sys.executable, "-m", "venv", str(home)],
            [str(python), "-m", "pip", "install", "--quiet", "tipg", "uvicorn[standard]"],
        ):
            subprocess.run(command, check=True, stdout=quiet, stderr=quiet)  # noqa: S603 - ours
        return python
    return None


@contextmanager
def _tipg(python: Path, where: str) -> Iterator[int]:
    """Serve a database by tipg on the server's core; give the port."""
    port = doors.free_port()
    command = [
        *(str(python), "-m", "uvicorn", "tipg.main:app", "--host", "127.0.0.1"),
        *("--port", str(port), "--log-level", "warning"),
    ]
    own = {
        "DATABASE_URL": where,
        "TIPG_DB_SCHEMAS": json.dumps(["public"]),
        "TIPG_DB_TABLES": json.dumps([f"public.{TIPG_TABLE}"]),
        "TIPG_MAX_FEATURES_PER_QUERY": "10000",
    }
    with doors.running(command, SERVER_CORE, dict(os.environ) | own):
        doors.wait_for(port, "/healthz")
        yield port


if __name__ == "__main__":
    main()
