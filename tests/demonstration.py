"""The demonstration, prepared once for all test processes of a run; everybody gets a copy."""

import fcntl
import shutil
from dataclasses import dataclass
from pathlib import Path

from pipelines import demo
from store.db import connect
from tests.house import NOW, ease


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A demonstration on disk."""

    folder: Path
    password: str

    @property
    def url(self):
        return f"sqlite:///{self.folder / 'lagesbild.gpkg'}"


def a_copy(tmp_path_factory, worker_id):
    """Copy what whichever process came first has made for all; its sign-ins cost little."""
    base = tmp_path_factory.getbasetemp()
    common = (base if worker_id == "master" else base.parent) / "demonstration-of-all"
    common.mkdir(exist_ok=True)
    made, whole = common / "made", common / "whole"
    with (common / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            first = _prepared(made)
            store = connect(first.url)
            ease(store, first.password)
            store.close()
            whole.touch()
    own = tmp_path_factory.mktemp("town") / "town"
    shutil.copytree(made, own)
    return _prepared(own)  # finds it made, and writes down where it lies now


def _prepared(folder):
    return Demonstration(folder, demo.prepare(folder, NOW, lambda _: None).password)
