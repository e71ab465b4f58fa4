"""The API definition: valid, true to the routes, and changed only on purpose."""

import json
import re
from pathlib import Path

from openapi_spec_validator import OpenAPIV30SpecValidator

from app.collections import COLLECTIONS
from app.tiles import TILED

SNAPSHOT = Path(__file__).parents[2] / "docs" / "openapi.json"


def definition(program):
    answer = program.get("/ogc/api")
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"
    return answer.json()


def wherever(served):
    """Write a definition as a server without a name would."""
    for part in (served, *served["paths"].values()):
        for server in part.get("servers", ()):
            server["url"] = server["url"].removeprefix("http://testserver") or "/"
    return served


def test_it_is_valid_openapi_30(program):
    OpenAPIV30SpecValidator(definition(program)).validate()


def test_it_is_the_committed_one(program):
    """Write docs/openapi.json anew when a change is meant; a client may depend on the old one."""
    assert wherever(definition(program)) == json.loads(SNAPSHOT.read_text("utf-8"))


def test_every_path_it_names_answers(program):
    served = definition(program)
    for path, described in served["paths"].items():
        (server,) = described.get("servers", served["servers"])
        if "{" not in path:
            assert program.get(f"{server['url']}{path}").status_code == 200


def test_every_route_for_programs_is_in_it(app, program):
    served = wherever(definition(program))
    described = {
        f"{part.get('servers', served['servers'])[0]['url'].rstrip('/')}{path}".rstrip("/")
        for path, part in served["paths"].items()
    }
    routes = {route.path.rstrip("/") for route in app.routes}
    own = {path for path in routes if re.fullmatch(r"/(ogc|methods)(?!.*{collection).*", path)}
    assert own <= described
    assert len(described) == len(own) + 3 * len(COLLECTIONS) + 2 * len(TILED)


def test_standard_parameters_are_defined_as_the_standard_says(program):
    parameters = definition(program)["components"]["parameters"]
    assert all(one["style"] == "form" and one["explode"] is False for one in parameters.values())
    limit = parameters["limit"]["schema"]
    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, 10_000, 1000)
    box = parameters["bbox"]["schema"]
    assert (box["type"], box["minItems"], box["maxItems"]) == ("array", 4, 6)


def test_every_collection_has_its_parameters(program):
    paths = definition(program)["paths"]
    for collection in COLLECTIONS.values():  # the analyst sees all
        named = paths[f"/collections/{collection.id}/items"]["get"]["parameters"]
        ends = [one["$ref"].rpartition("/")[2] for one in named]
        assert ends == list(collection.parameters)
