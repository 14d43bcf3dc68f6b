"""From Twilio's forms to commands.

Fields: https://www.twilio.com/docs/messaging/guides/webhook-request and
https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks.
Every function but the two questions raises `pydantic.ValidationError` where a field is missing or wrong.
"""

import re
from collections.abc import Mapping
from typing import Any, get_args

import structlog
from pydantic import TypeAdapter, ValidationError

from producers.http import ids
from schemas.actors import CARRIER
from schemas.base import AccountId
from schemas.commands import (
    BODY_CHARACTERS_MAX,
    CONTENT_TYPE_CHARACTERS_MAX,
    MEDIA_MAX,
    CarrierStatus,
    Media,
    ReceiveText,
    ReportStatus,
)

_ACCOUNT_SIDS = re.compile(r"/Accounts/([^/?#]*)")
"""Whose file an address of the carrier names: nobody's but that of the account whose secret signed the call.

With the secret of one carrier account, another's files could be had otherwise.
"""
UNKNOWN_TYPE = "application/octet-stream"

log = structlog.get_logger("sayso.webhooks")

_ACCOUNT: TypeAdapter[str] = TypeAdapter(AccountId)
_STATUSES = frozenset(get_args(CarrierStatus))


def account_of(query: Mapping[str, str]) -> str | None:
    """The account that a status callback's own query names, if it is one."""
    try:
        return _ACCOUNT.validate_python(query.get("account"))
    except ValidationError:
        return None


def is_known_status(form: Mapping[str, Any]) -> bool:
    """Whether we know the word for how far the text has come."""
    return form.get("MessageStatus") in _STATUSES


def receive_text(form: Mapping[str, Any], account: str, sender: str | None) -> ReceiveText:
    """The reply that Twilio passes on; `sender` of the account was texted.

    One that Twilio took for a keyword is cut to what a command holds: a STOP acts, however long it is.
    """
    sid, word, body = form.get("MessageSid"), _word(form.get("OptOutType")), form.get("Body", "")
    if word is not None and len(body) > BODY_CHARACTERS_MAX:
        log.warning("body_cut", keyword=word, characters=len(body))
        body = body[:BODY_CHARACTERS_MAX]
    return ReceiveText.model_validate(
        {
            "command_id": ids.of_inbound(str(sid)),
            "account": account,
            "actor": CARRIER,
            "number": form.get("From"),
            "sid": sid,
            "body": body,
            "media": tuple(_media(form)),
            "carrier_keyword": word,
            "sender": sender,
        }
    )


def report_status(form: Mapping[str, Any], query: Mapping[str, str]) -> ReportStatus:
    """The news of the text that `query` names."""
    sid, status = form.get("MessageSid"), form.get("MessageStatus")
    return ReportStatus.model_validate(
        {
            "command_id": ids.of_status(str(sid), str(status)),
            "account": query.get("account"),
            "actor": CARRIER,
            "number": form.get("To"),
            "text_id": query.get("text"),
            "sid": sid,
            "status": status,
            "error_code": form.get("ErrorCode") or None,
            "segments": form.get("NumSegments") or None,
        }
    )


def _media(form: Mapping[str, Any]) -> list[Media]:
    """The attachments that can be noted. The others are left out: no picture may cost us what somebody wrote.

    Those after the tenth, which Twilio does not send, are not looked at.
    """
    found = (_attachment(form, i) for i in range(MEDIA_MAX))
    return [media for media in found if media is not None]


def _attachment(form: Mapping[str, Any], index: int) -> Media | None:
    url = form.get(f"MediaUrl{index}")
    if not url:
        return None
    if not set(_ACCOUNT_SIDS.findall(url)) <= {form.get("AccountSid")}:
        log.warning("attachment_left_out", reason="other_account", index=index)
        return None
    kind = form.get(f"MediaContentType{index}") or UNKNOWN_TYPE
    if len(kind) > CONTENT_TYPE_CHARACTERS_MAX:
        kind = kind.partition(";")[0].strip()  # its parameters tell nobody anything
    if len(kind) > CONTENT_TYPE_CHARACTERS_MAX:
        kind = UNKNOWN_TYPE
    try:
        return Media(url=url, content_type=kind)
    except ValidationError:
        log.warning("attachment_left_out", reason="unusable", index=index)
        return None


def _word(opt_out_type: str | None) -> str | None:
    """What Twilio's advanced opt-out took the text for: STOP, START or HELP."""
    word = (opt_out_type or "").lower()
    return word if word in ("stop", "start", "help") else None
