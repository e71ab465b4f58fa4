"""Programs by others read the API over a real connection: OWSLib and GDAL."""

import pyogrio
import pytest
from owslib.ogcapi.features import Features

from app.collections import COLLECTIONS
from tests.serving import served


@pytest.fixture(scope="module")
def address(town):
    """Serve the town."""
    with served(town["url"]) as found:
        yield found


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
