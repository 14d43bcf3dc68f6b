"""What came with a reply ends once, as stored or as refused, and changes nothing else."""

import pytest

from schemas.commands import AttachmentNotFetched, AttachmentRefusal
from schemas.events import AttachmentRefused, AttachmentStored
from tests.domain.facts import ready
from tests.domain.given import given
from tests.domain.people import attach


def test_a_stored_attachment_is_an_event_of_the_conversation() -> None:
    stored = AttachmentStored(sid="MM1", index=0, size_bytes=3, sha256="0" * 64, picture="image/png")
    given(ready()).when(attach()).then(stored)


@pytest.mark.parametrize("reason", ["unexpected_host", "too_large", "gone", "given_up"])
def test_a_refused_one_says_why(reason: AttachmentRefusal) -> None:
    refused = AttachmentRefused(sid="MM1", index=2, reason=reason)
    given(ready()).when(attach(AttachmentNotFetched(reason=reason), index=2)).then(refused)


def test_nothing_is_recorded_of_a_number_that_the_account_never_met() -> None:
    given().when(attach()).refused("number_unknown")


def test_the_state_of_a_conversation_does_not_grow_with_it() -> None:
    before = given(ready()).when(attach())
    after = given(ready()).when(attach(index=9))
    assert before.conversation() == after.conversation()
