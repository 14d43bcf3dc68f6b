import json
import re
from binascii import b2a_base64
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Annotated, Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import codec, events
from schemas.actors import Actor
from schemas.codec import ERASED, Head, KeyMissing, Unreadable
from schemas.commands import Media
from schemas.events import (
    Context,
    ConversationOpened,
    Event,
    Personal,
    Recorded,
    SegmentsDebited,
    TextQueued,
    event_classes,
)
from schemas.evidence import ApplicationEvidence
from schemas.sealing import KEY_BYTES, SealingKey
from schemas.topics import Topic
from tests.schemas import strategies

PERSONAL_CLASSES = [cls for cls in event_classes() if cls.PERSONAL]
FEW = settings(max_examples=settings().max_examples // 10)  # for each of many classes
PRIVATE: dict[str, Any] = {
    "number": "+14155550123",
    "name": "Zora Neale",
    "body": "Call me at the lighthouse",
    "reason": "She moved to Eatonville",
    "sha256": "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
    "media": (Media(url="https://media.example/lighthouse.jpg", content_type="image/jpeg"),),
    "evidence": ApplicationEvidence(
        source="career_site",
        scope="this_job",
        wording="You may text me about my application",
        wording_version="2026-04",
        application_id="application-4711",
        ip=ip_address("192.0.2.77"),
        user_agent="Lighthouse Browser/7",
    ),
}
"""Something to say for every personal field of the language, by its name."""

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
COMMAND = UUID("0193580a-1111-7000-8000-000000000001")
CONTEXT = Context("acme", Actor(kind="member", id="m-1", name="Ada"), AT, COMMAND, shard=3, position=42)


class Ring:
    """Keys in memory."""

    def __init__(self, key: SealingKey | None) -> None:
        self.key = key

    def cipher(self, stream: str) -> SealingKey | None:
        return self.key


KEYS = Ring(SealingKey(b"k" * KEY_BYTES, 1))
NEXT_KEYS = Ring(SealingKey(b"n" * KEY_BYTES, 2))
NO_KEYS = Ring(None)

QUEUED = Recorded(
    "cXYZ",
    2,
    TextQueued(text_id=COMMAND, candidate="c-1", body=PRIVATE["body"], encoding="GSM-7", segments=1),
    CONTEXT,
)
DEBITED = Recorded("aXYZ", 7, SegmentsDebited(text_id=COMMAND, segments=1, balance=49), CONTEXT)


def private(cls: type[Event]) -> st.SearchStrategy[Recorded]:
    """Events of `cls` that say something known in each of their personal fields."""
    return strategies.recorded(
        strategies.events(cls).map(
            lambda event: event.model_copy(update={name: PRIVATE[name] for name in cls.PERSONAL})
        )
    )


def texts_in(value: Any) -> list[str]:
    """All texts in a JSON value that are long enough not to stand somewhere by chance."""
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        return [text for part in parts for text in texts_in(part)]
    return [value] if isinstance(value, str) and len(value) > 8 else []


@pytest.mark.parametrize("cls", event_classes(), ids=lambda cls: cls.NAME)
@FEW
@given(data=st.data())
def test_what_was_written_is_read(cls: type[Event], data: st.DataObject) -> None:
    recorded = data.draw(strategies.recorded(strategies.events(cls)))
    assert codec.decode(codec.encode(recorded, KEYS, 7), KEYS) == _as_stored(recorded)


@given(strategies.recorded(strategies.events()))
def test_every_event_is_a_cloud_event(recorded: Recorded) -> None:
    event = json.loads(codec.encode(recorded, KEYS, 7))
    data = event.pop("data")
    assert isinstance(data, dict)
    assert event["specversion"] == "1.0"
    assert event["id"] == f"{recorded.stream}.{recorded.version}"
    assert event["type"] == recorded.event.NAME
    assert event["source"] == f"/accounts/{recorded.context.account}"
    assert event["subject"] == recorded.stream
    assert event["sequence"] == "7"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", event["time"])
    for name, value in event.items():
        assert re.fullmatch("[a-z0-9]{1,20}", name)
        assert isinstance(value, str) or (type(value) is int and -(2**31) <= value < 2**31)


@pytest.mark.parametrize("cls", PERSONAL_CLASSES, ids=lambda cls: cls.NAME)
@FEW
@given(data=st.data())
def test_nothing_personal_can_be_read_in_the_bytes(cls: type[Event], data: st.DataObject) -> None:
    recorded = data.draw(private(cls))
    written = codec.encode(recorded, KEYS, 7)
    words = texts_in(recorded.event.model_dump(mode="json", include=set(cls.PERSONAL)))
    assert words
    assert [word for word in words if word.encode() in written] == []
    assert codec.decode(written, KEYS) == _as_stored(recorded)


@pytest.mark.parametrize("cls", PERSONAL_CLASSES, ids=lambda cls: cls.NAME)
@FEW
@given(data=st.data())
def test_after_erasure_the_event_still_reads_without_the_person(
    cls: type[Event], data: st.DataObject
) -> None:
    recorded = data.draw(private(cls))
    written = codec.encode(recorded, KEYS, 7)
    for keys in (NO_KEYS, NEXT_KEYS):
        erased = codec.decode(written, keys)
        assert (erased.stream, erased.version) == (recorded.stream, recorded.version)
        assert erased.context == _as_stored(recorded).context
        assert type(erased.event) is cls
        for name in cls.model_fields:
            value = getattr(erased.event, name)
            if name in cls.PERSONAL:
                assert value in (ERASED, None, ())
            else:
                assert value == getattr(recorded.event, name)


def test_every_personal_field_has_something_to_say_here() -> None:
    assert {name for cls in PERSONAL_CLASSES for name in cls.PERSONAL} == set(PRIVATE)


def test_without_a_key_nothing_personal_is_written() -> None:
    with pytest.raises(KeyMissing, match=re.escape("text-queued.v1 at cXYZ.2")):
        codec.encode(QUEUED, NO_KEYS, 7)


def test_an_event_without_personal_fields_needs_no_key() -> None:
    assert codec.decode(codec.encode(DEBITED, NO_KEYS, 7), NO_KEYS) == DEBITED


def test_an_event_that_is_all_personal_but_one_field_leaves_that_field_clear() -> None:
    opened = Recorded("cXYZ", 1, ConversationOpened(number="+14155550123", region="US"), CONTEXT)
    data = json.loads(codec.encode(opened, KEYS, 7))["data"]
    assert data.keys() == {"region", "sealed"}


def test_no_byte_of_a_sealed_event_can_be_changed_unnoticed() -> None:
    written = codec.encode(QUEUED, KEYS, 7)
    for place in range(len(written)):
        for flip in (0x01, 0x20, 0x80):
            changed = bytearray(written)
            changed[place] ^= flip
            assert _refused(bytes(changed)), f"byte {place}"


def test_a_torn_event_is_refused() -> None:
    written = codec.encode(QUEUED, KEYS, 7)
    for length in range(len(written)):
        with pytest.raises(Unreadable):
            codec.decode(written[:length], KEYS)


def test_a_box_opens_in_no_other_event() -> None:
    other = Recorded("cXYZ", 3, QUEUED.event.model_copy(update={"body": "Another"}), CONTEXT)
    here, there = codec.encode(QUEUED, KEYS, 7), codec.encode(other, KEYS, 7)
    moved = here[: here.index(b'"sealed"')] + there[there.index(b'"sealed"') :]
    with pytest.raises(Unreadable, match="the seal is broken"):
        codec.decode(moved, KEYS)


def test_a_keystore_older_than_the_ledger_says_so() -> None:
    with pytest.raises(Unreadable, match="sealed under key 2, the keystore has only 1"):
        codec.decode(codec.encode(QUEUED, NEXT_KEYS, 7), KEYS)


def test_the_same_text_twice_is_two_boxes() -> None:
    assert codec.encode(QUEUED, KEYS, 7) != codec.encode(QUEUED, KEYS, 7)


def test_an_unknown_event_is_named() -> None:
    written = codec.encode(DEBITED, KEYS, 7).replace(b"segments-debited.v1", b"segments-debited.v9")
    with pytest.raises(Unreadable, match=re.escape("no event is known as segments-debited.v9")):
        codec.decode(written, KEYS)


def test_a_wrong_field_is_named_and_its_content_is_not() -> None:
    written = codec.encode(DEBITED, KEYS, 7).replace(b'"segments":1', b'"segments":"a private matter"')
    with pytest.raises(Unreadable, match=re.escape("wrong in ['segments']")) as refusal:
        codec.decode(written, KEYS)
    assert "private" not in str(refusal.value)


@pytest.mark.parametrize("data", [b"", b"{}", b"null", b"\xff\xfe", b'{"specversion":"1.0","id":"x"}'])
def test_what_is_no_event_of_ours_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        codec.decode(data, KEYS)
    with pytest.raises(Unreadable):
        codec.peek(data)


def test_a_glance_tells_name_and_place() -> None:
    head = codec.peek(codec.encode(QUEUED, KEYS, 7))
    assert head == Head("cXYZ", 2, "text-queued.v1", 7)


def test_the_events_of_one_command_share_their_context() -> None:
    first = codec.decode(codec.encode(QUEUED, KEYS, 7), KEYS)
    second = codec.decode(codec.encode(DEBITED, KEYS, 7), KEYS)
    assert first.context is second.context


# --- old versions ---------------------------------------------------------------------------------


@pytest.fixture
def renamed(monkeypatch: pytest.MonkeyPatch) -> type[Event]:
    """An event that was once stored with its sender in two fields and its words under another name."""
    monkeypatch.setattr(events, "_BY_NAME", dict(events._BY_NAME))

    def from_v1(data: dict[str, Any]) -> dict[str, Any]:
        words = {"words": data["note"]} if "note" in data else {}
        return {"sender": f"{data['first']} {data['last']}", **words}

    class Noted(Event):
        NAME: ClassVar = "noted.v2"
        TOPIC: ClassVar = Topic.MESSAGES
        OLD_NAMES: ClassVar = {"noted.v1": from_v1}
        sender: str
        words: Annotated[str, Personal]

    return Noted


@pytest.fixture
def old(renamed: type[Event]) -> bytes:
    """How version 1 wrote it, by hand."""
    before = (
        b'{"specversion":"1.0","id":"cXYZ.5","type":"noted.v1","subject":"cXYZ","streamversion":5,"sequence":"9",'
        + CONTEXT.attributes
        + b',"data":{"first":"Ada","last":"Lovelace","sealed":"'
    )
    key = KEYS.key
    assert key is not None
    return before + b2a_base64(key.seal(b'{"note":"On the engine"}', before), newline=False) + b'"}}'


def test_an_old_version_is_read_as_todays(renamed: type[Event], old: bytes) -> None:
    expected = renamed.model_validate({"sender": "Ada Lovelace", "words": "On the engine"})
    assert codec.decode(old, KEYS) == Recorded("cXYZ", 5, expected, CONTEXT)


def test_an_old_version_of_an_erased_person_is_read_without_the_person(
    renamed: type[Event], old: bytes
) -> None:
    expected = renamed.model_validate({"sender": "Ada Lovelace", "words": ERASED})
    assert codec.decode(old, NO_KEYS).event == expected


def test_a_personal_field_that_could_not_be_erased_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_BY_NAME", dict(events._BY_NAME))

    class Weighed(Event):
        NAME: ClassVar = "weighed.v1"
        TOPIC: ClassVar = Topic.MESSAGES
        grams: Annotated[int, Personal]

    with pytest.raises(TypeError, match="a text, a tuple or optional"):
        codec.encode(Recorded("cXYZ", 1, Weighed(grams=80_000), CONTEXT), KEYS, 7)


# --- what is stored stays readable ----------------------------------------------------------------


def test_what_was_once_stored_is_still_read() -> None:
    """These bytes are what ledgers hold: whatever changes, they must read the same for ever."""
    assert codec.decode(_STORED_CLEAR, KEYS) == DEBITED
    assert codec.decode(_STORED_SEALED, KEYS) == QUEUED


def test_stored_names_are_for_ever() -> None:
    """A name is added where an event or a version of it is; none ever goes or changes."""
    assert _STORED_NAMES - set(events._BY_NAME) == set()
    assert set(events._BY_NAME) - _STORED_NAMES == set()


_STORED_CLEAR = (
    b'{"specversion":"1.0","id":"aXYZ.7","type":"segments-debited.v1","subject":"aXYZ","streamversion":7,"sequ'
    b'ence":"41","source":"/accounts/acme","time":"2026-11-23T09:30:00+00:00","account":"acme","actorkind":"me'
    b'mber","actorid":"m-1","actorname":"Ada","commandid":"0193580a-1111-7000-8000-000000000001","shard":3,"po'
    b'sition":"42","data":{"text_id":"0193580a-1111-7000-8000-000000000001","segments":1,"balance":49}}'
)
_STORED_SEALED = (
    b'{"specversion":"1.0","id":"cXYZ.2","type":"text-queued.v1","subject":"cXYZ","streamversion":2,"sequence"'
    b':"40","source":"/accounts/acme","time":"2026-11-23T09:30:00+00:00","account":"acme","actorkind":"member"'
    b',"actorid":"m-1","actorname":"Ada","commandid":"0193580a-1111-7000-8000-000000000001","shard":3,"positio'
    b'n":"42","data":{"text_id":"0193580a-1111-7000-8000-000000000001","candidate":"c-1","encoding":"GSM-7","s'
    b'egments":1,"purpose":"message","overrides_quiet_hours":false,"sealed":"AAEljnzJFVNhgPRf8Jhm3TuNacMWH5MIK'
    b'hMEJi9uYRxMUcFUn31PE41BWr/4bso99HzGHXxuo3JdD4B4RArf8GrQ"}}'
)
_STORED_NAMES = {
    "attachment-refused.v1",
    "attachment-stored.v1",
    "bulk-cancelled.v1",
    "bulk-counted.v1",
    "bulk-paused.v1",
    "bulk-resumed.v1",
    "bulk-started.v1",
    "candidate-followed.v1",
    "candidate-joined.v1",
    "candidate-left.v1",
    "candidate-unfollowed.v1",
    "command-accepted.v1",
    "command-refused.v1",
    "consent-granted.v1",
    "consent-revoked.v1",
    "consent-withdrawn.v1",
    "conversation-opened.v1",
    "dispatch-doubted.v1",
    "dispatch-started.v1",
    "follower-notified.v1",
    "keyword-received.v1",
    "notifications-set.v1",
    "number-added.v1",
    "number-removed.v1",
    "package-bought.v1",
    "segments-adjusted.v1",
    "segments-debited.v1",
    "segments-refunded.v1",
    "sender-assigned.v1",
    "sender-assigned.v2",
    "sender-withdrawn.v1",
    "sending-resumed.v1",
    "sending-stopped.v1",
    "settings-changed.v1",
    "stop-request-flagged.v1",
    "stop-request-reviewed.v1",
    "text-cancelled.v1",
    "text-counted.v1",
    "text-delivered.v1",
    "text-failed.v1",
    "text-queued.v1",
    "text-received.v1",
    "text-recounted.v1",
    "text-rescheduled.v1",
    "text-scheduled.v1",
    "text-sent.v1",
    "text-unknown.v1",
    "texting-activated.v1",
    "thread-read.v1",
}


def _as_stored(recorded: Recorded) -> Recorded:
    """What the store keeps of it: all but what the actor was permitted to do."""
    context = recorded.context
    actor = context.actor.model_copy(update={"permissions": frozenset()})
    place = (context.at, context.command_id, context.shard, context.position, context.traceparent)
    return Recorded(
        recorded.stream, recorded.version, recorded.event, Context(context.account, actor, *place)
    )


def _refused(data: bytes) -> bool:
    try:
        return codec.decode(data, KEYS) == QUEUED  # changed nothing that means anything
    except Unreadable:
        return True
