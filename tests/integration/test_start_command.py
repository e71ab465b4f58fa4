"""The image's own commands, run without Docker: upgrade the store, start, answer, stop."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(sys.executable).parent
PATIENCE_S = 90  # on a machine that runs other tests beside


def docker_commands():
    """Read the health check and the start command from the Dockerfile."""
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    check = re.search(r"^HEALTHCHECK .*?CMD (\[.*\])$", text, re.MULTILINE)
    start = re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)
    return json.loads(check[1]), json.loads(start[-1])


def upgrade_command():
    """Read the command of the service that compose.yaml runs before the server."""
    services = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]
    assert services["app"]["depends_on"]["upgrade"]["condition"] == "service_completed_successfully"
    return services["upgrade"]["command"]


@pytest.fixture
def environment(store_url):
    """Give the variables that the image and compose.yaml set, on a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LAGESBILD_", "UVICORN_"))}
    return kept | {
        "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
        "LAGESBILD_DATABASE_URL": store_url,
        "LAGESBILD_SESSION_SECRET": "not a secret, only long enough for it",
        "UVICORN_HOST": "127.0.0.1",
        "UVICORN_PORT": str(port),
    }


def finished(command, environment):
    """Run a command to its end and give what it said."""
    return subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def becomes_healthy(server, check, environment):
    """Ask as Docker would until the health check passes, the server dies or patience ends."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and server.poll() is None:
        if finished(check, environment).returncode == 0:
            return True
        time.sleep(0.2)
    return False


def test_the_image_upgrades_its_store_starts_answers_and_stops(environment, tmp_path):
    check, start = docker_commands()
    upgraded = finished(upgrade_command(), environment)
    assert upgraded.returncode == 0, upgraded.stderr
    with (
        (tmp_path / "server.log").open("w+") as log,
        subprocess.Popen(start, env=environment, cwd=ROOT, stdout=log, stderr=log) as server,
    ):
        try:
            assert becomes_healthy(server, check, environment), (
                tmp_path / "server.log"
            ).read_text()
            page = f"http://127.0.0.1:{environment['UVICORN_PORT']}/logga-in"
            with urllib.request.urlopen(page, timeout=5) as answer:
                assert "Lägesbild" in answer.read().decode("utf-8")
        finally:
            server.terminate()
            ended = server.wait(PATIENCE_S)
    assert ended in (0, -signal.SIGTERM)


def test_an_empty_store_stops_the_server_with_a_sentence_and_no_traceback(environment):
    _, start = docker_commands()
    ended = finished(start, environment)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "lagesbild db upgrade" in ended.stderr
