"""What the pages say of texts whose end is rare."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import pytest

from producers.http.pages.text_words import line
from projections.shapes import MessageStatus, ThreadMessage, Who
from schemas.events import BulkPauseCause

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MAX = Who("member", "m-max", "Max Manager")
TEXT = ThreadMessage(
    id="t-1",
    version=1,
    kind="text",
    status="sent",
    body="Hello",
    at=NOON,
    by=MAX,
    candidate="c-1",
    bulk=None,
    bulk_paused=None,
    encoding="GSM-7",
    segments=1,
    purpose="message",
    send_at=None,
    delay=None,
    overrides_quiet_hours=False,
    sid=None,
    status_at=NOON,
    status_by=MAX,
    code=None,
    reason=None,
    action=None,
    keyword=None,
    media=(),
    flagged=False,
    unread=False,
)


@pytest.mark.parametrize(
    ("status", "said", "can_be_called_back"),
    [
        ("queued", "Queued", True),
        ("scheduled", "Scheduled for", True),
        ("sending", "Sending", False),
        ("in_doubt", "Handed over, not confirmed yet", False),
        ("sent", "Sent", False),
        ("delivered", "Delivered", False),
        ("undelivered", "Not delivered", False),
        ("failed", "Failed, refunded", False),
        ("cancelled", "Cancelled, refunded", False),
        ("unknown", "Unknown", False),
    ],
)
def test_every_status_has_words(status: MessageStatus, said: str, can_be_called_back: bool) -> None:
    shown = line(replace(TEXT, status=status), "Ada", ())
    assert (shown.status, shown.waits) == (said, can_be_called_back)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("cancelled_by_member", "by Max Manager"),
        ("missed", "it missed its time and would have come too late"),
        ("something_new", "something new"),
    ],
)
def test_a_cancelled_text_says_why(reason: str, said: str) -> None:
    assert line(replace(TEXT, status="cancelled", reason=reason), "Ada", ()).detail == said


def test_a_text_that_was_not_delivered_says_why_with_the_carriers_code() -> None:
    failed = replace(TEXT, status="undelivered", reason="The carrier could not deliver the text.", code=30003)
    said = "The carrier could not deliver the text. (carrier's code 30003)"
    assert line(failed, "Ada", ()).detail == said


@pytest.mark.parametrize(
    ("delay", "code", "said"),
    [
        ("requested", None, None),
        ("quiet_hours", None, "moved out of quiet hours"),
        ("carrier", 30003, "The phone was off or out of reach. It is tried again then."),
        ("carrier", 20429, "The carrier asks us to slow down. It is tried again then."),
        ("carrier", 20003, "The carrier did not take it. It is tried again then."),
        ("carrier", None, "The carrier did not take it. It is tried again then."),
    ],
)
def test_a_text_that_waits_says_what_for(
    delay: Literal["requested", "quiet_hours", "carrier"], code: int | None, said: str | None
) -> None:
    waiting = replace(TEXT, status="scheduled", delay=delay, code=code, send_at=NOON)
    assert line(waiting, "Ada", ()).detail == said


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        ("member", "It waits: its bulk is paused."),
        ("failures", "It waits: its bulk paused itself, since too many of its texts failed."),
        ("opt_outs", "It waits: its bulk paused itself, since too many candidates texted a stop keyword."),
    ],
)
@pytest.mark.parametrize("status", ["queued", "scheduled"])
def test_a_text_of_a_paused_bulk_says_why_it_waits(
    status: MessageStatus, cause: BulkPauseCause, said: str
) -> None:
    held = replace(
        TEXT, status=status, delay="quiet_hours", bulk=UUID(int=5), bulk_paused=cause, send_at=NOON
    )
    shown = line(held, "Ada", ())
    assert (shown.detail, shown.is_held, shown.bulk) == (said, True, UUID(int=5))


def test_an_automatic_answer_is_nobodys_and_cannot_be_called_back() -> None:
    answer = line(replace(TEXT, status="queued", purpose="help_answer", candidate=None), "Ada", ())
    assert (answer.author, answer.waits) == ("Automatic answer", False)
