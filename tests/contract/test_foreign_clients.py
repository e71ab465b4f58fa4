"""Programs by others read the API over a real connection: OWSLib and GDAL."""

import os
import socket
import subprocess
import sys
import time

import pyogrio
import pytest
from owslib.ogcapi.features import Features

from app.collections import COLLECTIONS

PATIENCE_S = 20


@pytest.fixture(scope="module")
def address(town):
    """Start the server the way it is started everywhere; give its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [*(sys.executable, "-m", "uvicorn", "--factory", "app.main:create_app")]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    settings = {"LAGESBILD_DATABASE_URL": town["url"], "LAGESBILD_SESSION_SECRET": "s" * 40}
    with subprocess.Popen(
        command, env={**os.environ, **settings}, stderr=subprocess.DEVNULL
    ) as server:
        try:
            wait_for(port, server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def wait_for(port, server):
    """Wait until something listens on a port."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and server.poll() is None:
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("the server did not start")


def test_owslib_lists_filters_and_reads(address, town):
    service = Features(f"{address}/ogc/", headers={"X-API-Key": town["key"]})
    assert "cells" in service.feature_collections()
    assert service.api()["openapi"] == "3.0.3"
    box = [16.50, 59.36, 16.53, 59.38]
    some = service.collection_items("incidents", bbox=box, datetime_="2025-01-01/2025-12-31")
    assert 0 < some["numberMatched"] < service.collection_items("incidents")["numberMatched"]
    one = service.collection_item("areas", "1")
    assert one["properties"]["name"]
    cells = service.collection_items("cells", window="helgnatt", limit=5)
    assert cells["numberReturned"] == 5


def test_gdal_reads_every_page(address, town, tmp_path):
    header = tmp_path / "header.txt"
    header.write_text(f"X-API-Key: {town['key']}\n")
    pyogrio.set_gdal_config_options({"GDAL_HTTP_HEADER_FILE": str(header)})
    try:
        names = {name for name, _ in pyogrio.list_layers(f"OAPIF:{address}/ogc")}
        cells = pyogrio.read_dataframe(f"OAPIF:{address}/ogc", layer="cells")
        incidents = pyogrio.read_dataframe(f"OAPIF:{address}/ogc", layer="incidents")
    finally:
        pyogrio.set_gdal_config_options({"GDAL_HTTP_HEADER_FILE": None})
    assert names == set(COLLECTIONS)
    assert cells.geometry.is_valid.all()
    assert (cells["resolution"] == 9).all()
    assert incidents["category"].nunique() > 5
    assert len(incidents) > 1000
