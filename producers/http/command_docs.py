"""The commands in the OpenAPI document: the schema of each that this door takes, and an example of each."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Union, get_args

from pydantic import Field, TypeAdapter

from domain.refusals import REFUSALS
from producers.http.documenting import WRITE_ROUTE
from schemas import commands as c

_INTERNAL = (c.ReceiveText, c.StartDispatch, c.RecordHandover, c.ReportStatus, c.RecordAttachment)
INTERNAL_TYPES = frozenset(str(kind.model_fields["type"].default) for kind in _INTERNAL)
"""Commands of the carrier's doors and of Sayso's own workers: never taken here."""
PUBLIC = tuple(kind for kind in get_args(get_args(c.AnyCommand)[0]) if kind not in _INTERNAL)

FILLED_IN = ("account", "actor", "command_id")
"""What may be left out here: the address, the token and the `Idempotency-Key` (or we) say it."""

COMMAND_PROBLEMS = (
    *WRITE_ROUTE,
    "acting_not_allowed",
    "internal_command",
    "invalid_command",
    "sender_taken",
    "busy",
    "unavailable",
    *REFUSALS,
)

DESCRIPTION = """\
Takes any command: the same JSON as on the commands topic. `account` and `actor` may be left out, they follow
from the address and the access token; only tokens with `texts:act-as` may state an `actor`, who then may do
no more than the token. `command_id` may be left out where an `Idempotency-Key` is given, or where no retry
needs protecting.

With `Prefer: wait=N` the answer is the receipt: 200 if the command was accepted, and if it was refused a
problem with the refusal's `code`, its sentence as `detail` and the whole `receipt` (402 for credit, 403 for
permission, 422 for what the command itself says, 409 for what stands against it). Without, or if the decision
takes longer, the answer is 202: the command is taken in, and its receipt will stand at `Location`.

A `send-bulk` may have 320 KiB, any other command 64 KiB. Its `result` lists every recipient by `index` and
`candidate`: those `accepted` with their `text_id`, those `refused` with a `code` and its `sentence`.

The same id again gives the same answer, with `Idempotent-Replayed: true`; with other content it is refused
with 422 `command_id_reused`."""

PREFER = "`wait=N`: wait up to N seconds (30 at most) for the receipt (RFC 7240)."
IDEMPOTENCY_KEY = (
    "Makes a retry harmless. A UUID is the command's id; from anything else an id is made. "
    "At most 255 printable ASCII characters."
)

_CANDIDATE = {"candidate": "c-1001", "number": "+14155552671"}
_BULK = {"bulk": "01936f00-1111-7000-8000-000000000002"}

EXAMPLES: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        "activate-texting": {
            "country": "US",
            "currency": "USD",
            "agreement": {"accepted": True, "version": "2026-01"},
            "company": "Acme Robotics",
        },
        "buy-package": {"package": "standard"},
        "change-settings": {"change": {"language": "fr", "first_text": "append"}},
        "assign-sender": {"sender": "+14155550100"},
        "withdraw-sender": {"sender": "+14155550100"},
        "adjust-segments": {"segments": 20, "reason": "Goodwill after the outage of 3 March"},
        "resume-sending": {},
        "refund-text": {
            "number": "+14155550123",
            "text_id": "01936f00-1111-7000-8000-000000000001",
            "reason": "The candidate never got it",
        },
        "set-notifications": {"profile_actions": True},
        "add-number": {**_CANDIDATE, "name": "Ada Byron", "time_zone": "America/Los_Angeles"},
        "remove-number": _CANDIDATE,
        "change-number": {**_CANDIDATE, "to": "+14155552672"},
        "follow-candidate": {"candidate": "c-1001"},
        "unfollow-candidate": {"candidate": "c-1001"},
        "record-application-consent": {
            **_CANDIDATE,
            "obtained_at": "2026-11-20T09:30:00Z",
            "evidence": {
                "how": "application",
                "source": "career_site",
                "scope": "this_job",
                "wording": "I agree to receive texts from Acme Robotics about my application.",
                "wording_version": "3",
                "application_id": "app-77",
                "job_id": "job-12",
                "ip": "203.0.113.9",
                "user_agent": "Mozilla/5.0",
            },
        },
        "add-consent": {
            **_CANDIDATE,
            "obtained_at": "2026-11-20T09:30:00Z",
            "evidence": {"how": "by_hand", "method": "call", "note": "Agreed on the phone."},
        },
        "withdraw-consent": {**_CANDIDATE, "reason": "Asked by e-mail"},
        "review-stop-request": {**_CANDIDATE, "wants_to_stop": False},
        "send-text": {**_CANDIDATE, "body": "Hi Ada, are you free on Tuesday at 10?"},
        "reschedule-text": {
            **_CANDIDATE,
            "text_id": "01936f00-1111-7000-8000-000000000001",
            "send_at": "2026-12-01T17:00:00Z",
        },
        "cancel-text": {**_CANDIDATE, "text_id": "01936f00-1111-7000-8000-000000000001"},
        "send-bulk": {
            "recipients": [_CANDIDATE, {"candidate": "c-1002", "number": "+14155552672"}],
            "body": "We open on Monday at 9. Can you start then?",
        },
        "pause-bulk": _BULK,
        "resume-bulk": _BULK,
        "cancel-bulk": _BULK,
        "mark-read": _CANDIDATE,
    }
)
"""By type: each command as short as this door takes it."""


def request_body() -> dict[str, Any]:
    """The OpenAPI request body of the commands' door; its schema refers to `components`."""
    examples = {
        kind: {"summary": kind, "value": {"type": kind, **fields}} for kind, fields in EXAMPLES.items()
    }
    schema = {"$ref": "#/components/schemas/Command"}
    return {"required": True, "content": {"application/json": {"schema": schema, "examples": examples}}}


def components() -> dict[str, Any]:
    """The schemas that `request_body` refers to, by name."""
    union = Annotated[Union[PUBLIC], Field(discriminator="type")]  # type: ignore[valid-type]  # noqa: UP007
    schema = TypeAdapter(union).json_schema(ref_template="#/components/schemas/{model}")
    found: dict[str, Any] = schema.pop("$defs")
    for kind in PUBLIC:
        required = found[kind.__name__]["required"]
        found[kind.__name__]["required"] = ["type", *(name for name in required if name not in FILLED_IN)]
    return {**found, "Command": schema}
