"""What an event's first bytes tell those who carry it: where it belongs, without opening it."""

from typing import Any, ClassVar

import pytest
from hypothesis import given

from schemas import codec, events
from schemas.codec import Route, Unreadable
from schemas.events import Event, Recorded
from schemas.topics import Topic
from tests.schemas import strategies
from tests.schemas.test_codec import CONTEXT, KEYS


@given(strategies.recorded(strategies.events()))
def test_every_event_tells_its_topic_its_number_its_account_and_its_time(recorded: Recorded) -> None:
    data = codec.encode(recorded, KEYS, 41)
    context = recorded.context
    assert codec.route(data) == Route(recorded.event.TOPIC, 41, context.account.encode())
    assert codec.sequence_of(data) == 41
    assert codec.time_of(data) == context.at
    assert codec.position_of(data) == context.position


def test_an_event_that_was_stored_under_an_older_name_goes_where_it_goes_today(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "_BY_NAME", dict(events._BY_NAME))

    def same(data: dict[str, Any]) -> dict[str, Any]:
        return data

    class Glanced(Event):
        NAME: ClassVar = "glanced.v2"
        TOPIC: ClassVar = Topic.MESSAGES
        OLD_NAMES: ClassVar = {"glanced.v1": same}

    data = codec.encode(Recorded("c1", 1, Glanced(), CONTEXT), KEYS, 1).replace(b"glanced.v2", b"glanced.v1")
    assert codec.route(data).topic == Topic.MESSAGES


def test_an_event_of_a_later_version_is_named() -> None:
    data = (
        b'{"specversion":"1.0","id":"c.1","type":"later.v1","subject":"c","streamversion":1,"sequence":"1",'
    )
    with pytest.raises(Unreadable, match=r"no event is known as later\.v1"):
        codec.route(data + b'"source":"/accounts/acme",')


@pytest.mark.parametrize("data", [b"", b"{}", b'{"specversion":"1.0","id":"x"}'])
def test_what_is_no_event_of_ours_is_refused(data: bytes) -> None:
    for glance in (codec.route, codec.sequence_of, codec.time_of, codec.position_of):
        with pytest.raises(Unreadable):
            glance(data)
