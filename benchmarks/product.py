"""One measured run of the product: from a file to a published map, in a process of its own."""

from __future__ import annotations

import argparse
import json
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import data

from pipelines import mapping, places
from pipelines.analyse import Parameters, analyse
from pipelines.ingest import Options, ingest
from store import layers, runs, schema
from store.db import connect
from store.layers import LayerFilter

if TYPE_CHECKING:
    from store.db import Store

MAPPING = Path(__file__).with_name("bench_mapping.toml")


class Steps:
    """A stop watch: seconds between the beginnings of named steps."""

    def __init__(self) -> None:
        """Wait for the first step."""
        self.seconds: dict[str, float] = {}
        self._name = ""
        self._began = 0.0

    def begin(self, name: str) -> None:
        """End the step that is running and begin the next; "" begins none."""
        now = time.perf_counter()
        if self._name:
            self.seconds[self._name] = self.seconds.get(self._name, 0.0) + now - self._began
        self._name, self._began = name, now


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
    steps.begin("")
    return {
        "seconds": steps.seconds,
        "accepted": report.counts.accepted,
        "cells": outcome.cells,
        "clusters": outcome.clusters,
        "events": _events(store),
    }


def _events(store: Store) -> dict[str, int]:
    """Count whole events of the total in each window, to be compared with another program's."""
    with store.read() as connection:
        current = runs.current(connection)
        if current is None:
            raise AssertionError("nothing was published")
        return {
            window: int(
                layers.cell_counts(connection, current.id, 11, LayerFilter(window)).count.sum()
            )
            for window in data.windows()
        }


def main() -> None:
    """Print the result of one run as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="an empty store")
    parser.add_argument("path", type=Path, help="a file written by data.py")
    arguments = parser.parse_args()
    print(json.dumps(run(arguments.url, arguments.path)))


if __name__ == "__main__":
    main()
