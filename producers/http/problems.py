"""Everything that can go wrong, as RFC 9457 problems: one table of codes, one shape of answer.

A problem's `code` is stable. `KINDS` are the doors' own; a refused command brings the code and the sentence
of its receipt, with a status by the class of the code: 402 for credit, 403 for permission, 422 for what the
command itself says, 409 for what stands against it just now.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from fastapi.responses import JSONResponse

from domain.refusals import REFUSALS

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "/v1/problems/"
UNAVAILABLE_RETRY_S = 5


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: the HTTP status it has, and what it is in a few words."""

    status: int
    title: str


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "bad_json": Kind(400, "The body is not JSON."),
        "bad_request": Kind(400, "The request cannot be read."),
        "token_missing": Kind(401, "There is no access token."),
        "token_invalid": Kind(401, "The access token does not hold."),
        "wrong_account": Kind(403, "The access token is for another account."),
        "scope_missing": Kind(403, "The access token lacks a permission."),
        "acting_not_allowed": Kind(403, "The access token may not act as somebody else."),
        "internal_command": Kind(403, "This command is not for this door."),
        "cross_site": Kind(403, "The request comes from another site."),
        "bad_signature": Kind(403, "The carrier's signature does not hold."),
        "not_found": Kind(404, "There is nothing here."),
        "receipt_unknown": Kind(404, "There is no receipt yet."),
        "method_not_allowed": Kind(405, "This address does not take that method."),
        "body_too_large": Kind(413, "The body is too large."),
        "unsupported_media_type": Kind(415, "The body is of another kind than this address takes."),
        "invalid_command": Kind(422, "The command cannot be understood."),
        "invalid_request": Kind(422, "A parameter or field is wrong."),
        "sender_taken": Kind(409, "The number belongs to another account."),
        "command_id_reused": Kind(422, "The command id was used before, with other content."),
        "internal_error": Kind(500, "Something broke on our side."),
        "busy": Kind(503, "There is no room just now."),
        "unavailable": Kind(503, "Something that this needs is away just now."),
        "keys_unavailable": Kind(503, "Access tokens cannot be checked just now."),
        "attachment_unavailable": Kind(503, "The folder or the keys of attachments are away just now."),
        "not_ready": Kind(503, "Sayso is not ready."),
    }
)

_STATUS_BY_REFUSAL: Mapping[str, int] = MappingProxyType(
    {
        "not_permitted": 403,
        "insufficient_credit": 402,
        # what the command says is wrong in itself, whatever else stands
        **dict.fromkeys(
            (
                "no_such_package", "no_price", "currency_unknown", "country_unknown", "time_zone_unknown",
                "number_invalid", "number_ambiguous", "number_region_needed", "number_cannot_be_texted",
                "no_such_keyword_pack",
                "country_blocked", "french_number", "obtained_in_future", "body_empty", "body_too_long",
                "first_text_incomplete", "send_at_past", "command_id_reused",
            ),
            422,
        ),
    }
)  # fmt: skip
_STATUS_OF_OTHER_REFUSALS = 409  # what stands just now is against it

_REFUSAL_TITLE = "The command was refused."


def kind_of(code: str) -> Kind:
    """What `code` stands for, whether one of the doors' own or a refusal's."""
    return KINDS.get(code) or Kind(_STATUS_BY_REFUSAL.get(code, _STATUS_OF_OTHER_REFUSALS), _REFUSAL_TITLE)


def codes() -> tuple[str, ...]:
    """Every code that a problem can have."""
    return tuple(dict.fromkeys((*KINDS, *REFUSALS)))


class Problem(Exception):
    """A request that ends as a problem.

    Attributes:
        code: one of `codes()`.
        detail: a sentence for whoever made the request; it repeats nothing personal.
        headers: to send along (`WWW-Authenticate`, `Retry-After`, `Allow`).
        extra: further members of the problem (`errors`, `receipt`).
    """

    def __init__(
        self,
        code: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.headers = headers or {}
        self.extra = extra or {}


def answer(problem: Problem, instance: str) -> JSONResponse:
    """`problem` as a response. `instance` names this one occurrence, and stands in our log too."""
    kind = kind_of(problem.code)
    members = {
        "type": TYPE_PREFIX + problem.code,
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail,
        "code": problem.code,
        "instance": instance,
        **problem.extra,
    }
    return JSONResponse(members, kind.status, dict(problem.headers), MEDIA_TYPE)
