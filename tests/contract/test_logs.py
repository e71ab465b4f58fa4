"""What the log says of a request, and what it never says."""

import json
import logging

LINE = {"time", "level", "logger", "event", "request_id", "method", "route", "status", "ms"}


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_one_line_per_request_with_the_route_and_not_the_question(capsys, program):
    answer = program.get("/ogc/collections/incidents/items?area=Skiftinge&bbox=16,59,17,60")
    (line,) = lines(capsys)
    assert set(line) == LINE
    assert line["route"] == "/ogc/collections/{collection_id}/items"
    assert (line["method"], line["status"], line["event"]) == ("GET", 200, "request")
    assert line["request_id"] == answer.headers["x-request-id"]
    assert line["ms"] > 0


def test_what_a_caller_wrote_is_not_logged(capsys, anybody):
    anybody.post("/logga-in", data={"name": "Anna\nAndersson", "password": "hemligt lösenord"})
    anybody.get("/Storgatan%201?who=Andersson", headers={"X-Request-Id": "forged", "Referer": "x"})
    written = capsys.readouterr().err
    for word in ("Anna", "hemligt", "Storgatan", "forged"):
        assert word not in written
    assert len(written.splitlines()) == 2


def test_the_servers_own_log_of_addresses_is_off(app):
    assert app is not None
    assert logging.getLogger("uvicorn.access").disabled
