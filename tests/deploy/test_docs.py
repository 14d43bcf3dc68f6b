"""What is written from the code is up to date, and others can read it."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from deploy import docs
from producers.http.command_docs import EXAMPLES
from schemas import commands
from schemas.events import event_classes
from schemas.json_schemas import command_schemas

PARSER = docs.ROOT / "deploy" / "asyncapi" / "validate.mjs"


def judged(document: Path) -> subprocess.CompletedProcess[str]:
    """What the official parser, which is none of ours, says about `document`."""
    node = shutil.which("node")
    assert node is not None, "Node is missing; `make asyncapi` installs it"
    return subprocess.run([node, PARSER, document], capture_output=True, text=True, timeout=120, check=False)


def test_what_is_written_from_the_code_is_up_to_date() -> None:
    stale = [
        name
        for name, text in docs.files().items()
        if not (docs.ROOT / name).is_file() or (docs.ROOT / name).read_text() != text
    ]
    assert stale == [], "run: make docs"


def test_there_is_a_schema_for_all_that_is_or_was_ever_said_and_for_nothing_else() -> None:
    """The data of an old version is told by the file that was written when it was new."""
    names = {name for cls in event_classes() for name in (cls.NAME, *cls.OLD_NAMES)}
    assert {path.stem for path in (docs.ROOT / docs.EVENTS).iterdir()} == names
    assert {path.stem for path in (docs.ROOT / docs.COMMANDS).iterdir()} == command_schemas().keys()


def test_everything_is_written_where_it_belongs(tmp_path: Path) -> None:
    for name in (docs.SECURITY, docs.SCRIPT):
        (tmp_path / name).parent.mkdir(parents=True)
    for name in (docs.SECURITY, docs.OPERATIONS):
        shutil.copy(docs.ROOT / name, tmp_path / name)
    docs.write(tmp_path)
    assert all((tmp_path / name).read_text() == text for name, text in docs.files().items())


def test_a_document_without_a_place_for_its_tables_is_refused(tmp_path: Path) -> None:
    (tmp_path / docs.SECURITY).parent.mkdir()
    (tmp_path / docs.SECURITY).write_text("# Security\n")
    with pytest.raises(ValueError, match="no place for its table of roles"):
        docs.write(tmp_path)


def test_the_official_parser_finds_the_asyncapi_document_valid() -> None:
    done = judged(docs.ROOT / docs.ASYNCAPI)
    assert done.returncode == 0, done.stdout + done.stderr
    messages = len(command_schemas()) + len(event_classes()) + 1  # the dead letter
    assert done.stdout.splitlines()[-1] == f"8 channels, {messages} messages"


def test_every_example_in_it_is_what_its_schema_says() -> None:
    """The parser does not look; and it is its part of JSON Schema, draft 07, that counts there."""
    document = docs.asyncapi_document()
    messages = document["components"]["messages"]
    examples = {name: example for name, m in messages.items() for example in m.get("examples", ())}
    assert examples.keys() == EXAMPLES.keys()
    for name, example in examples.items():
        schema = {**messages[name]["payload"], "components": document["components"]}
        Draft7Validator({"allOf": [{"$ref": schema.pop("$ref")}], **schema}).validate(example["payload"])
        commands.read(json.dumps(example["payload"]).encode())


def test_the_official_parser_finds_mistakes(tmp_path: Path) -> None:
    document = docs.asyncapi_document()
    document["channels"]["consent"]["bindings"]["kafka"]["partitions"] = "eight"
    document["operations"]["receiveCommands"]["action"] = "publish"
    document["components"]["schemas"]["SendText"]["type"] = "letter"
    path = tmp_path / "asyncapi.json"
    path.write_text(json.dumps(document))
    done = judged(path)
    assert done.returncode == 1
    for place in ("partitions", "receiveCommands", "SendText"):
        assert place in done.stdout
