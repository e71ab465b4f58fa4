"""One measured run of the product: from a file to a published map, in a process of its own."""

from __future__ import annotations

import argparse
import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.main_job import data
from benchmarks.steps import Steps
from pipelines import mapping, places
from pipelines.analyse import Parameters, analyse
from pipelines.ingest import Options, ingest
from store import layers, runs, schema
from store import places as stored
from store.db import connect
from store.layers import LayerFilter

if TYPE_CHECKING:
    from store.db import Store

MAPPING = Path(__file__).with_name("bench_mapping.toml")


def run(url: str, path: Path) -> dict[str, object]:
    """Take a file in and publish the map; give the seconds of each step and what came out."""
    steps = Steps()
    steps.begin("set up")
    store = connect(url)
    schema.upgrade(store)
    places.load(store, data.PROFILE)
    steps.begin("ingest")
    options = Options("incidents", mapping.load(MAPPING))
    report = ingest(store, path, options, data.READ_AT)
    steps.begin("open")
    outcome = analyse(store, Parameters(), data.READ_AT + timedelta(hours=1), steps.begin)
    seconds = steps.end()
    return {
        "seconds": seconds,
        "rows": report.counts.accepted,
        "cells": outcome.cells,
        "clusters": outcome.clusters,
        "events": _events(store),
    }


def _events(store: Store) -> dict[str, int]:
    """Count the published events of each window, to be compared with the other program's."""
    with store.read() as connection:
        current = runs.current(connection)
        if current is None:
            raise RuntimeError("nothing was published")
        windows = [window.name for window in stored.profile(connection).windows]
        counts = {
            window: layers.cell_counts(connection, current.id, 11, LayerFilter(window))
            for window in windows
        }
    return {window: int(found.count.sum()) for window, found in counts.items()}


def main() -> None:
    """Print the result of one run as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, help="a file written by data.py")
    parser.add_argument("url", help="an empty store")
    arguments = parser.parse_args()
    print(json.dumps(run(arguments.url, arguments.path)))


if __name__ == "__main__":
    main()
