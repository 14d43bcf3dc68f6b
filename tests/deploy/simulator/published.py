"""Twilio's published description of its API, as JSON Schemas: what each answer has to be.

The description is Twilio's own OpenAPI file (see `deploy/setup/carrier_api.sh`). It lets nearly all fields be
null, and names no error at all; so where the documentation says more, more is asked for.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

DESCRIPTION = Path(__file__).parents[3] / ".carrier" / "twilio_api_v2010.json"
MESSAGES = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
MESSAGE = "/2010-04-01/Accounts/{AccountSid}/Messages/{Sid}.json"
MEDIA_LIST = "/2010-04-01/Accounts/{AccountSid}/Messages/{MessageSid}/Media.json"
MEDIA = "/2010-04-01/Accounts/{AccountSid}/Messages/{MessageSid}/Media/{Sid}.json"
# https://www.twilio.com/docs/messaging/api/message-resource#message-properties
DATE = {"type": ["string", "null"], "pattern": r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000$"}
COUNT = {"type": "string", "pattern": "^[0-9]+$"}
NEVER_NULL = ("account_sid", "api_version", "body", "date_created", "direction", "sid", "status", "to", "uri")
ALWAYS = {
    "date_created": DATE,
    "date_sent": DATE,
    "date_updated": DATE,
    "num_media": COUNT,
    "num_segments": COUNT,
    **{name: {"not": {"type": "null"}} for name in NEVER_NULL},
}
# https://www.twilio.com/docs/usage/twilios-response#exceptions, and RFC 9457 with a code.
ERROR = {
    "type": "object",
    "additionalProperties": False,
    "required": ["code", "message", "more_info", "status"],
    "properties": {
        "code": {"type": "integer", "minimum": 10_000, "maximum": 99_999},
        "message": {"type": "string", "minLength": 1},
        "more_info": {"type": "string", "pattern": "^https://www.twilio.com/docs/errors/[0-9]{5}$"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
    },
}
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string", "minLength": 1},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "integer"},
    },
}


def check_answer(path: str, method: str, status: int, answer: Any) -> None:
    """Hold `answer` to what the description says of it. Raises jsonschema's ValidationError."""
    content = description()["paths"][path][method]["responses"][str(status)]["content"]
    _hold(_schema(content["application/json"]["schema"]), answer)
    for message in answer.get("messages", [answer]):
        Draft202012Validator({"properties": ALWAYS}).validate(message)


def check_error(answer: Any) -> None:
    """Hold the body of a refusal to its documentation, in either form."""
    _hold(PROBLEM if "type" in answer else ERROR, answer)


def parameters(path: str, method: str) -> frozenset[str]:
    """What a request may say."""
    operation = description()["paths"][path][method]
    form = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    return frozenset(form["properties"])


@cache
def description() -> dict[str, Any]:
    """The whole of it."""
    whole: dict[str, Any] = json.loads(DESCRIPTION.read_text())
    return whole


def _hold(schema: dict[str, Any], answer: Any) -> None:
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(answer)


def _schema(node: Any) -> Any:
    """OpenAPI 3.0 said in JSON Schema: references put in place, nothing unnamed allowed."""
    if isinstance(node, list):
        return [_schema(one) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _schema(description()["components"]["schemas"][node["$ref"].rpartition("/")[2]])
    made = {name: _schema(value) for name, value in node.items() if name not in _SAID_OTHERWISE}
    if node.get("type") == "object" and "properties" in node:
        made |= {"additionalProperties": False, "required": sorted(node["properties"])}
    if node.get("nullable"):
        made = {"anyOf": [{"type": "null"}, made]}
    return made


_SAID_OTHERWISE = {"nullable", "format", "x-twilio", "description", "examples"}
