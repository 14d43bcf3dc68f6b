"""From the bytes of a request to a command, strictly: what two readers could read differently is refused."""

import json
import math
from typing import Any, NoReturn
from uuid import UUID

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from producers.http.problems import Problem

ERRORS_MAX = 20
MESSAGE_CHARACTERS_MAX = 300


def json_object(data: bytes) -> dict[str, Any]:
    """The JSON object (RFC 8259, I-JSON) that `data` spells.

    Raises:
        Problem: `bad_json`: not UTF-8, not JSON, NaN, half a surrogate pair, nested too deeply (200), a name
            twice in one object, a number beyond all bounds, or no object at all.
    """
    try:
        from_json(data, allow_inf_nan=False)
        value = json.loads(data, object_pairs_hook=_without_repeats, parse_float=_finite)
    except ValueError as error:
        raise Problem("bad_json", f"The body is not JSON: {error}"[:MESSAGE_CHARACTERS_MAX]) from error
    if not isinstance(value, dict):
        raise Problem("bad_json", "The body must be a JSON object.")
    return value


def refuse(code: str, detail: str, error: ValidationError, tag: object = None) -> NoReturn:
    """Turn what pydantic found into a problem that points at each wrong field.

    Args:
        tag: the discriminator's value, where the model is a tagged union: it stands first in pydantic's
            places, and not in the body.

    Raises:
        Problem: always.
    """
    found = error.errors(include_url=False, include_context=False, include_input=False)
    raise Problem(code, detail, extra={"errors": [_entry(one, tag) for one in found[:ERRORS_MAX]]}) from error


def faults_of(error: RequestValidationError) -> list[dict[str, str]]:
    """What FastAPI found wrong with parameters: each by its name."""
    found = error.errors()[:ERRORS_MAX]
    return [{"parameter": _parameter(one["loc"]), "detail": _sentence(one)} for one in found]


def pointer(place: tuple[str | int, ...]) -> str:
    """`place` as a JSON pointer (RFC 6901) behind a `#`."""
    return "#" + "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in place)


def uuid_of(value: str) -> UUID | None:
    """The UUID that `value` spells, if it does."""
    try:
        return UUID(value)
    except ValueError:
        return None


def _parameter(place: tuple[str | int, ...]) -> str:
    """Its name: behind where it stands (query, path), before which of several values it is."""
    return str(place[min(1, len(place) - 1)])


def _sentence(error: ErrorDetails) -> str:
    """What is wrong, in words of whoever writes JSON, not Python."""
    match error["type"]:
        case "string_pattern_mismatch":
            return "is not written as it has to be; openapi.json shows the form"
        case "too_short":
            return "has too few items"
        case "too_long":
            return "has too many items"
        case _:
            return error["msg"][:MESSAGE_CHARACTERS_MAX]


def _entry(error: ErrorDetails, tag: object) -> dict[str, str]:
    place = error["loc"]
    if tag is not None and place[:1] == (tag,):
        place = place[1:]
    if error["type"].startswith("union_tag"):
        return {"pointer": pointer((*place, "type")), "detail": "names no command; openapi.json lists them"}
    return {"pointer": pointer(place), "detail": _sentence(error)}


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return members


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value
