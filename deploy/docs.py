"""What is written down from the code: `make docs` writes it, and a test holds the files to it."""

import json
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

from deploy import acls
from deploy.dashboard import dashboard
from deploy.observability import metrics_in_markdown
from domain.decide import RULES
from producers.http.command_docs import EXAMPLES
from schemas import asyncapi
from schemas.json_schemas import command_schemas, event_schemas
from schemas.topics import STANDARD_PREFIX

ROOT = Path(__file__).parents[1]
ASYNCAPI = "docs/asyncapi.json"
COMMANDS = "docs/schemas/commands"
EVENTS = "docs/schemas/events"
SECURITY = "docs/security.md"
OPERATIONS = "docs/operations.md"
SCRIPT = "deploy/kafka/acls.sh"
DASHBOARD = "deploy/grafana/sayso.json"

_BASIC = {"command_id": "01936f00-2222-7000-8000-000000000002", "account": "acme"}
_MEMBER = {"kind": "member", "id": "m-7", "name": "Grace Hopper"}
_SETTINGS = MappingProxyType({"prefix": STANDARD_PREFIX, "partitions": 8, "replication": 3})


def asyncapi_document(**settings: Any) -> dict[str, Any]:
    """The AsyncAPI document with an example of each command; `settings` as `asyncapi.document` has them."""
    needed = {cls.model_fields["type"].default: sorted(rule.allowed[0]) for cls, rule in RULES.items()}
    examples = {
        kind: {"type": kind, **_BASIC, "actor": {**_MEMBER, "permissions": needed[kind]}, **fields}
        for kind, fields in EXAMPLES.items()
    }
    return asyncapi.document(version("sayso"), examples=examples, **settings)


def files(root: Path = ROOT) -> Mapping[str, str]:
    """Every file that is written, path to content. Of `SECURITY` and `OPERATIONS`, only tables are ours."""
    return {
        **{f"{COMMANDS}/{name}.json": _json(schema) for name, schema in command_schemas().items()},
        **{f"{EVENTS}/{name}.json": _json(schema) for name, schema in event_schemas().items()},
        ASYNCAPI: _json(asyncapi_document(**_SETTINGS)),
        SECURITY: _with_tables(root, SECURITY, roles=acls.roles_in_markdown(), rights=acls.in_markdown()),
        OPERATIONS: _with_tables(root, OPERATIONS, metrics=metrics_in_markdown()),
        SCRIPT: acls.script(),
        DASHBOARD: _json(dashboard()),
    }


def write(root: Path = ROOT) -> None:
    """Write them. Schemas of events that are no longer written stay: the topics still hold such events."""
    for name, text in files(root).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / SCRIPT).chmod(0o755)


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _with_tables(root: Path, path: str, **tables: list[str]) -> str:
    text = (root / path).read_text()
    for name, lines in tables.items():
        start, end = f"<!-- {name}: written by make docs -->\n", f"<!-- end of {name} -->"
        before, found, rest = text.partition(start)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"{path} has no place for its table of {name}")
        text = before + start + "\n".join(lines) + "\n" + end + after
    return text


if __name__ == "__main__":
    write(*map(Path, sys.argv[1:2]))
