"""A real server process for tests that need a real connection."""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

PATIENCE_S = 30


@contextmanager
def served(database_url, **others):
    """Start the server the way it is started everywhere; give its address, and stop it.

    `others` are further settings, by the names of their variables.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {
        "LAGESBILD_DATABASE_URL": database_url,
        "LAGESBILD_SESSION_SECRET": "something of this test session only",
        "LAGESBILD_COOKIE_SECURE": "false",
        **others,
    }
    command = [sys.executable, "-m", "uvicorn", "--factory", "app.main:create_app"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(
        command, env={**os.environ, **settings}, stderr=subprocess.DEVNULL
    ) as server:
        try:
            _wait(port, server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def _wait(port, server):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and server.poll() is None:
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the server did not start")
