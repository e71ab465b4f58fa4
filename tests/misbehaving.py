"""Jobs that do what a parser might do with a file made to hurt; `bounded` runs them in a child."""

import ctypes
import os
import sys
import time
from pathlib import Path

from geo.errors import InvalidParameter


def counts(path, upto):
    """Do what was asked."""
    yield path.name
    yield from range(upto)


def eats_memory(_path):
    yield len(bytearray(1 << 34))


def eats_memory_outside_python(_path):
    library = ctypes.CDLL(None)
    library.malloc.restype = ctypes.c_void_p
    if library.malloc(ctypes.c_size_t(1 << 34)) is None:
        os.abort()  # what Rust and C++ do
    yield "there was enough"


def spins(_path):
    yield "begins"
    while True:
        pass


def sleeps(_path):
    yield "begins"
    time.sleep(600)


def crashes(_path):
    yield "begins"
    ctypes.string_at(0)


def leaves(_path):
    sys.exit(0)
    yield


def stumbles(_path, words):
    yield "begins"
    raise KeyError(words)


def refuses(_path, value):
    yield "begins"
    raise InvalidParameter("place-kind", value=value, allowed="x")


def tells_its_environment(_path):
    yield dict(os.environ)


def writes(path):
    Path(f"{path}.new").write_bytes(b"x" * (2 << 20))
    yield "written"


def is_itself(_path):
    yield os.getpid()
    for n in range(1_000_000):
        yield str(n) * 100


def map_formats(_path):
    """List the formats that GDAL knows in this process."""
    import pyogrio  # noqa: PLC0415 - the other jobs do without

    yield list(pyogrio.list_drivers())
