"""How routes describe their problems and examples in the OpenAPI document."""

from collections import defaultdict
from typing import Any

from domain.refusals import REFUSALS
from producers.http.problems import MEDIA_TYPE, TYPE_PREFIX, kind_of

Responses = dict[int | str, dict[str, Any]]

ANY_ROUTE = ("internal_error",)
ACCOUNT_ROUTE = (
    *ANY_ROUTE,
    "token_missing",
    "token_invalid",
    "wrong_account",
    "keys_unavailable",
    "unavailable",
    "invalid_request",
)
READ_ROUTE = (*ACCOUNT_ROUTE, "scope_missing")
WRITE_ROUTE = (*ACCOUNT_ROUTE, "cross_site", "bad_json", "body_too_large", "unsupported_media_type")

_RETRY_AFTER = {"description": "Seconds to wait before trying again.", "schema": {"type": "string"}}
_CHALLENGE = {"description": "What is wrong with the token (RFC 6750).", "schema": {"type": "string"}}
_HEADERS = {401: {"WWW-Authenticate": _CHALLENGE}, 503: {"Retry-After": _RETRY_AFTER}}
_INSTANCE = "urn:uuid:6f8f7c1e-70e5-4c51-9a80-3f7f1f0e5c11"


def problems(*codes: str) -> Responses:
    """The responses that the problems of `codes` make, each status with an example of every code."""
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in dict.fromkeys(codes):
        by_status[kind_of(code).status].append(code)
    return {status: _response(status, together) for status, together in by_status.items()}


def example(value: Any, media_type: str = "application/json") -> dict[str, Any]:
    """A response's content with `value` as its example."""
    return {"content": {media_type: {"example": value}}}


def _response(status: int, codes: list[str]) -> dict[str, Any]:
    described = "; ".join(f"`{code}`: {kind_of(code).title}" for code in codes if code not in REFUSALS)
    refusals = ", ".join(f"`{code}`" for code in codes if code in REFUSALS)
    parts = [described, f"Refused: {refusals}." if refusals else ""]
    response: dict[str, Any] = {
        "description": " ".join(part for part in parts if part),
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {code: {"value": _example_of(code)} for code in codes},
            }
        },
    }
    if status in _HEADERS:
        response["headers"] = _HEADERS[status]
    return response


def _example_of(code: str) -> dict[str, Any]:
    kind = kind_of(code)
    return {
        "type": TYPE_PREFIX + code,
        "title": kind.title,
        "status": kind.status,
        "detail": REFUSALS.get(code, kind.title),
        "code": code,
        "instance": _INSTANCE,
    }
