"""The OpenAPI document says what is true: about every command and answer, and under random calls."""

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from producers.http import examples
from producers.http.command_docs import EXAMPLES, PUBLIC
from producers.http.problems import codes, kind_of
from tests.producers.world import Caller, Json, World


@pytest.fixture(scope="module")
def document(world: World) -> Json:
    found: Json = world.http.get("/openapi.json").json()
    return found


@pytest.fixture(scope="module")
def boss(world: World) -> Caller:
    return world.account()


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def contents(document: Json) -> Iterator[tuple[str, Json, Any]]:
    """Every example of an answer: where it stands, its schema, and itself."""
    for _, _, operation in operations(document):
        for status, answer in operation["responses"].items():
            for kind, content in answer.get("content", {}).items():
                found = [one["value"] for one in content.get("examples", {}).values()]
                if "example" in content:
                    found.append(content["example"])
                for example in found:
                    yield f"{operation['operationId']} {status} {kind}", content.get("schema", {}), example


# --- the document ---------------------------------------------------------------------------------


def test_every_operation_says_what_it_is(document: Json) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    for path, _, operation in operations(document):
        assert operation["summary"], path
        assert operation["description"], path
        assert operation["tags"], path
        for answer in operation["responses"].values():
            assert answer["description"], path


def test_every_operation_shows_an_example_of_each_answer_in_json(document: Json) -> None:
    for path, _, operation in operations(document):
        for status, answer in operation["responses"].items():
            for kind, content in answer.get("content", {}).items():
                if kind.endswith("json"):
                    assert "example" in content or content.get("examples"), f"{path} {status}"


def test_every_example_is_what_its_schema_says(document: Json) -> None:
    for place, schema, example in contents(document):
        if "json" in place:
            jsonschema.validate(example, {**schema, "components": document["components"]})


def test_every_problem_is_documented_somewhere(document: Json) -> None:
    said = {
        name
        for _, _, operation in operations(document)
        for answer in operation["responses"].values()
        for content in answer.get("content", {}).values()
        for name in content.get("examples", {})
    }
    assert said == set(codes()) - {"method_not_allowed"}  # a method that is documented is allowed
    for place, _, example in contents(document):
        if "problem+json" in place:
            assert f" {kind_of(example['code']).status} " in place


def test_every_answer_but_the_open_ones_needs_a_token(document: Json) -> None:
    for path, _, operation in operations(document):
        assert ("security" in operation) == path.startswith("/v1/accounts/"), path


def test_every_command_has_an_example_that_is_taken(world: World, boss: Caller) -> None:
    assert {kind.model_fields["type"].default for kind in PUBLIC} == EXAMPLES.keys()
    for kind, fields in EXAMPLES.items():
        answer = boss.post({"type": kind, **fields})
        assert answer.status_code == 200 or "receipt" in answer.json(), answer.text


def test_the_preview_of_the_example_is_the_example(world: World) -> None:
    boss = world.account()
    answer = world.http.post(
        f"/v1/accounts/{boss.account}/texts/preview", json=examples.PREVIEW_REQUEST, headers=boss.headers
    )
    assert answer.status_code == 200, answer.text
    found = answer.json()
    for name in ("encoding", "units", "segments", "forcing", "swapped", "text_units_left"):
        assert found[name] == examples.PREVIEW[name]


# --- random calls -----------------------------------------------------------------------------------

LINE_SHOWN_MAX = 300  # a body that is too long is no help
CALLS = """
seed = {seed}
max-time = 60
continue-on-failure = true
request-timeout = 20
workers = 1
headers = {{ Authorization = "Bearer {token}" }}
warnings = false

[generation]
max-examples = 10
codec = "utf-8"  # half a surrogate pair is no text; test_19_receipts sends some

[[operations]]
include-operation-id = "followChanges"
enabled = false  # it never ends; test_stream follows it

[[operations]]
include-operation-id = ["postCommand", "previewText"]
# what a schema cannot say is said with these: a rule of texting, a year out of bounds, an empty name
checks.positive_data_acceptance.expected-statuses = ["2xx", "402", "403", "409", "422"]
# what breaks the schema by its length may be too large altogether
checks.negative_data_rejection.expected-statuses = ["400", "401", "403", "404", "409", "413", "415", "422"]

[[operations]]
include-operation-id = [
  "listBulks", "listBulkTexts", "listCandidates", "listMessages", "listStatement", "listNotifications",
  "listDeadLetters"
]
# only cursors that we gave out are taken
checks.positive_data_acceptance.expected-statuses = ["2xx", "404", "422"]

[[operations]]
include-tag = "carrier"
# only the carrier can sign
checks.positive_data_acceptance.expected-statuses = ["403"]
"""


def test_no_random_call_gets_an_answer_that_is_not_documented(
    world: World, boss: Caller, document: Json, tmp_path: Path
) -> None:
    config = tmp_path / "schemathesis.toml"
    seed = random.getrandbits(32)
    config.write_text(CALLS.format(seed=seed, token=boss.token))
    schema = tmp_path / "openapi.json"
    schema.write_text(json.dumps(about(boss.account, document)))
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run", str(schema)]
    command += ["--url", str(world.http.base_url)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=150, check=False)
    told = "\n".join(line[:LINE_SHOWN_MAX] for line in done.stdout.splitlines())
    assert done.returncode == 0, f"seed {seed}\n{told[-20_000:]}{done.stderr}"


def about(account: str, document: Json) -> Json:
    """`document`, as somebody reads it who has a token for `account` alone."""
    told: Json = json.loads(json.dumps(document))
    for _, _, operation in operations(told):
        for parameter in operation.get("parameters", []):
            if (parameter["in"], parameter["name"]) == ("path", "account"):
                parameter.pop("examples", None)
                parameter["schema"] = {"const": account}
    return told
