"""What the checker knows of Sayso, written down again by hand: where events belong, what commands lead to."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

_TOPICS = {
    "accounts": (
        "texting-activated settings-changed sender-assigned sender-withdrawn notifications-set "
        "sending-stopped sending-resumed number-added number-removed candidate-followed candidate-unfollowed"
    ),
    "credits": "package-bought segments-debited segments-refunded segments-adjusted",
    "consent": (
        "conversation-opened candidate-joined candidate-left consent-granted consent-withdrawn "
        "consent-revoked stop-request-flagged stop-request-reviewed"
    ),
    "messages": (
        "text-queued text-scheduled text-rescheduled text-cancelled dispatch-started dispatch-doubted "
        "text-sent text-recounted text-counted text-delivered text-failed text-unknown text-received "
        "keyword-received attachment-stored attachment-refused thread-read "
        "bulk-started bulk-counted bulk-paused bulk-resumed bulk-cancelled"
    ),
    "notifications": "follower-notified",
    "receipts": "command-accepted command-refused",
}
TOPIC_OF: Mapping[str, str] = {name: topic for topic, names in _TOPICS.items() for name in names.split()}
"""The topic of each event, without its prefix."""

Effect = Callable[[Counter[str], Mapping[str, Any]], bool]
"""Whether the events before an accepted command's receipt, counted by name, are what its result says."""


def _exactly(*names: str, **more: int) -> Effect:
    """These events, once each, whatever others come along."""
    return lambda events, _: all(events[name] == 1 for name in names)


def _send(events: Counter[str], _: Mapping[str, Any]) -> bool:
    return (
        events["text-queued"] + events["text-scheduled"]
        == 1
        == events["segments-debited"]
        == events.total() - 1
    )


def _bulk(events: Counter[str], result: Mapping[str, Any]) -> bool:
    texts = events["text-queued"] + events["text-scheduled"]
    return texts == len(result["accepted"]) == events["segments-debited"] and events["bulk-started"] == 1


def _end_bulk(events: Counter[str], result: Mapping[str, Any]) -> bool:
    back = events["text-cancelled"] == result["cancelled"] == events["segments-refunded"]
    return back and events["bulk-cancelled"] == 1


def _receive(events: Counter[str], _: Mapping[str, Any]) -> bool:
    return events["text-received"] + events["keyword-received"] <= 1


def _dispatch(events: Counter[str], result: Mapping[str, Any]) -> bool:
    return events["dispatch-started"] == (1 if result["dispatch"] else 0)


def _at_most(*names: str) -> Effect:
    return lambda events, _: events.keys() <= set(names) and all(times == 1 for times in events.values())


def _anything(_: Counter[str], __: Mapping[str, Any]) -> bool:
    return True


EFFECTS: Mapping[str, Effect] = {
    "activate-texting": _exactly("texting-activated"),
    "buy-package": _exactly("package-bought"),
    "change-settings": _at_most("settings-changed"),
    "assign-sender": _at_most("sender-assigned"),
    "withdraw-sender": _at_most("sender-withdrawn"),
    "adjust-segments": _exactly("segments-adjusted"),
    "resume-sending": _exactly("sending-resumed"),
    "refund-text": _exactly("text-failed", "segments-refunded"),
    "set-notifications": _at_most("notifications-set"),
    "add-number": _exactly("number-added", "candidate-joined"),
    "remove-number": _exactly("number-removed", "candidate-left"),
    "change-number": _exactly("number-added", "number-removed", "candidate-joined", "candidate-left"),
    "follow-candidate": _exactly("candidate-followed"),
    "unfollow-candidate": _exactly("candidate-unfollowed"),
    "record-application-consent": _exactly("consent-granted"),
    "add-consent": _exactly("consent-granted"),
    "withdraw-consent": _exactly("consent-withdrawn"),
    "review-stop-request": _exactly("stop-request-reviewed"),
    "send-text": _send,
    "send-bulk": _bulk,
    "pause-bulk": _exactly("bulk-paused"),
    "resume-bulk": _exactly("bulk-resumed"),
    "cancel-bulk": _end_bulk,
    "reschedule-text": _exactly("text-rescheduled"),
    "cancel-text": _exactly("text-cancelled", "segments-refunded"),
    "mark-read": _exactly("thread-read"),
    "receive-text": _receive,
    "start-dispatch": _dispatch,
    "record-handover": _anything,  # what an outcome leads to is the folding's affair
    "report-status": _anything,
    "record-attachment": lambda events, _: events["attachment-stored"] + events["attachment-refused"] == 1,
}


def partition_of(key: str, partitions: int) -> int:
    """Where Java's default partitioner puts `key`: murmur2, as Kafka's `Utils` has it."""
    data = key.encode()
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    h = 0x9747B28C ^ len(data)
    whole = len(data) // 4 * 4
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at : at + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = h * m & mask ^ k
    if rest := data[whole:]:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return ((h ^ h >> 15) & 0x7FFFFFFF) % partitions
