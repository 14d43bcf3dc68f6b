"""Examples of answers, for the OpenAPI document; a test holds each against its shape."""

from typing import Any

COMMAND_ID = "01936f00-1111-7000-8000-000000000001"
_CONVERSATION = "c.8Xw2kq1V0mB6bq3yJt5n7A"
_MEMBER = {"kind": "member", "id": "m-7", "name": "Grace Hopper"}
_PHONE = {"kind": "carrier", "id": "twilio", "name": None}
_AT = "2026-11-23T12:00:00Z"
_NUMBER = "+14155552671"
_SENDER = "+14155550100"


def page(*items: dict[str, Any]) -> dict[str, Any]:
    """A page with `items`, and more to come."""
    return {"items": list(items), "next": "WyJ0aHJlYWQiLDQyXQ"}


ACCOUNT = {
    "account": "acme",
    "activated_at": _AT,
    "activated_by": _MEMBER,
    "country": "US",
    "currency": "USD",
    "agreement_version": "2026-01",
    "settings": {
        "company": "Acme Robotics",
        "language": "en",
        "keyword_packs": ["fr"],
        "first_text": "advise",
        "quiet_hours": None,
        "blocked_regions": [],
        "carrier_answers_help": True,
        "carrier_confirms_stop": True,
    },
    "sender": _SENDER,
    "sender_region": "US",
    "senders": [{"sender": _SENDER, "region": "US", "kind": "long_code", "carrier": "twilio"}],
    "stopped": None,
    "balance": 49,
}
RECEIPT = {
    "account": "acme",
    "command_id": COMMAND_ID,
    "command_type": "send-text",
    "accepted": True,
    "code": None,
    "sentence": None,
    "result": {"text_id": COMMAND_ID, "segments": 1, "balance": 49},
    "at": _AT,
    "by": _MEMBER,
}
TAKEN = {"command_id": COMMAND_ID, "receipt": f"/v1/accounts/acme/receipts/{COMMAND_ID}"}
CANDIDATE_LINE = {
    "candidate": "c-1001",
    "name": "Ada Byron",
    "numbers": [{"number": _NUMBER, "consent": "granted", "under_review": False}],
    "unread": 1,
}
CANDIDATE = {
    "candidate": "c-1001",
    "name": "Ada Byron",
    "added_at": _AT,
    "numbers": [
        {
            "number": _NUMBER,
            "conversation": _CONVERSATION,
            "region": "US",
            "time_zone": "America/Los_Angeles",
            "added_at": _AT,
            "removed_at": None,
        }
    ],
    "followers": ["m-7"],
}
MESSAGE = {
    "id": COMMAND_ID,
    "version": 4,
    "kind": "text",
    "status": "delivered",
    "body": "Hi Ada, are you free on Tuesday at 10?",
    "at": _AT,
    "by": _MEMBER,
    "candidate": "c-1001",
    "bulk": None,
    "bulk_paused": None,
    "encoding": "GSM-7",
    "segments": 1,
    "purpose": "message",
    "send_at": None,
    "delay": None,
    "overrides_quiet_hours": False,
    "sid": "SM00000000000000000000000000000001",
    "status_at": _AT,
    "status_by": _PHONE,
    "code": None,
    "reason": None,
    "action": None,
    "keyword": None,
    "media": [],
    "flagged": False,
    "unread": False,
}
THREAD = {
    "candidate": "c-1001",
    "number": _NUMBER,
    "conversation": _CONVERSATION,
    "name": "Ada Byron",
    "region": "US",
    "time_zone": "America/Los_Angeles",
    "removed_at": None,
    "consent": "granted",
    "under_review": False,
    "texted": True,
    "sender": _SENDER,
    "unread": 0,
    "last": MESSAGE,
}
_BY_HAND = {"how": "by_hand", "method": "call", "note": "Agreed on the phone."}
CONSENT = {
    "number": _NUMBER,
    "conversation": _CONVERSATION,
    "region": "US",
    "status": "granted",
    "under_review": False,
    "by": _MEMBER,
    "candidate": "c-1001",
    "obtained_at": _AT,
    "recorded_at": _AT,
    "evidence": _BY_HAND,
    "cause": None,
    "reason": None,
    "keyword": None,
    "history": [
        {
            "kind": "granted",
            "at": _AT,
            "by": _MEMBER,
            "candidate": "c-1001",
            "obtained_at": _AT,
            "evidence": _BY_HAND,
            "cause": None,
            "reason": None,
            "keyword": None,
            "wants_to_stop": None,
            "sid": None,
            "version": 3,
        }
    ],
}
CREDITS = {
    "balance": 49,
    "free": 50,
    "bought": 0,
    "debited": 1,
    "refunded": 0,
    "adjusted": 0,
    "level": 50,
    "warning": None,
}
STATEMENT_LINE = {
    "kind": "debited",
    "segments": -1,
    "balance": 49,
    "at": _AT,
    "by": _MEMBER,
    "text_id": COMMAND_ID,
    "package": None,
    "price": None,
    "currency": None,
    "reason": None,
}
BULK = {
    "bulk": COMMAND_ID,
    "body": "We open on Monday at 9. Can you start then?",
    "send_at": None,
    "state": "paused",
    "cause": "failures",
    "started_at": _AT,
    "by": _MEMBER,
    "state_at": _AT,
    "state_by": {"kind": "carrier", "id": "twilio", "name": None},
    "total": 300,
    "refused": 12,
    "waiting": 201,
    "sending": 2,
    "sent": 25,
    "delivered": 52,
    "failed": 8,
    "cancelled": 0,
    "unknown": 0,
    "opted_out": 1,
}
BULK_TEXT = {
    "text_id": "5d1e8a52-7c0b-5f6e-9a41-6a0c1d2e3f40",
    "candidate": "c-1001",
    "name": "Ada Byron",
    "number": _NUMBER,
    "status": "undelivered",
    "at": _AT,
    "segments": 1,
    "send_at": None,
    "delay": None,
    "bulk_paused": None,
    "status_at": _AT,
    "status_by": _PHONE,
    "code": 30003,
    "reason": "The phone was off or out of reach.",
    "detail": "The phone was off or out of reach. (carrier's code 30003)",
}
NOTIFICATION = {
    "id": "n-1",
    "member": "m-7",
    "candidate": "c-1001",
    "conversation": _CONVERSATION,
    "number": _NUMBER,
    "about": "reply",
    "sid": "SM00000000000000000000000000000002",
    "at": _AT,
}
DEAD_LETTER = {
    "id": 12,
    "at": _AT,
    "source": "twilio-inbound",
    "reason": "sender_unknown",
    "account": "acme",
    "body_bytes": 164,
}
PREVIEW_REQUEST = {"number": _NUMBER, "body": "Hi Ada – are you free on Tuesday at 10?"}
PREVIEW = {
    "encoding": "UCS-2",
    "units": 39,
    "segments": 1,
    "credits": 1,
    "segment_units_left": 31,
    "text_units_left": 1361,
    "forcing": [{"character": "–", "name": "EN DASH", "positions": [7], "swap": "-"}],
    "swapped": {
        "body": "Hi Ada - are you free on Tuesday at 10?",
        "encoding": "GSM-7",
        "segments": 1,
        "saved": 0,
    },
    "warnings": [],
    "advice": ["introduction"],
    "advised_sentence": "This is Grace Hopper of Acme Robotics. Reply STOP to end.",
    "appended": False,
    "refusal": None,
    "send_at": "2026-11-24T16:00:00Z",
    "deferred": True,
}
PROBLEM_KIND = {
    "code": "body_empty",
    "status": 422,
    "title": "The command was refused.",
    "sentence": "Write something first: the text is empty.",
}
