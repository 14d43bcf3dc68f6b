"""What came with replies, in the thread and in the list of what is not fetched yet."""

from projections.attachment_list import AttachmentList
from projections.attachment_shapes import Attachment
from schemas.commands import Media
from schemas.events import AttachmentRefused, AttachmentStored, Event, KeywordReceived, TextReceived
from tests.projections.history import ACME, History, conversation
from tests.projections.views import Views

NUMBER = "+14155552671"
STREAM = conversation(NUMBER)


def came(sid: str, count: int = 1) -> TextReceived:
    media = tuple(Media(url=f"https://carrier.example/{sid}/{n}", content_type="a/b") for n in range(count))
    return TextReceived(sid=sid, body="Look", media=media)


def stored(sid: str, index: int = 0) -> AttachmentStored:
    return AttachmentStored(sid=sid, index=index, size_bytes=7, sha256="0" * 64, picture="image/png")


def shown(views: Views, sid: str) -> tuple[Attachment, ...]:
    found = views.ask.messages(ACME, "grace", NUMBER).items
    return next(message.media for message in found if message.id == sid)


def waiting(views: Views, shard: int = 0) -> list[tuple[str, int]]:
    return [(one.sid, one.index) for one in AttachmentList(views.engine, shard).waiting(None, 100)]


def given(views: Views, history: History, *events: Event) -> None:
    views.given(history.numbered("grace", NUMBER).happened(STREAM, *events))


def test_each_waits_until_it_is_stored_or_refused(views: Views, history: History) -> None:
    given(
        views, history, came("MM1", 3), stored("MM1", 1), AttachmentRefused(sid="MM1", index=2, reason="gone")
    )
    first, second, third = shown(views, "MM1")
    assert (first.state, first.size_bytes, first.picture, first.reason) == ("waiting", None, None, None)
    assert (second.state, second.size_bytes, second.picture) == ("stored", 7, "image/png")
    assert (third.state, third.reason) == ("refused", "gone")
    assert waiting(views) == [("MM1", 0)]


def test_what_came_with_a_keyword_waits_and_is_shown_like_what_came_with_any_reply(
    views: Views, history: History
) -> None:
    keyword = KeywordReceived(
        sid="MM1", action="stop", keyword="STOP", body="Stop", media=came("MM1", 2).media
    )
    given(views, history, keyword, stored("MM1", 1))
    assert [one.state for one in shown(views, "MM1")] == ["waiting", "stored"]
    assert waiting(views) == [("MM1", 0)]
    found = views.ask.attachment(ACME, "grace", NUMBER, "MM1", 1)
    assert found is not None
    assert found.attachment.state == "stored"


def test_the_list_goes_on_where_it_ended(views: Views, history: History) -> None:
    given(views, history, came("MM3", 2), came("MM1", 2), came("MM2"))
    reading, found = AttachmentList(views.engine), []
    page = reading.waiting(None, 2)
    while page:
        found += [(one.sid, one.index, one.number, one.conversation) for one in page]
        page = reading.waiting(page[-1], 2)
    expected = [("MM1", 0), ("MM1", 1), ("MM2", 0), ("MM3", 0), ("MM3", 1)]
    assert found == [(sid, index, NUMBER, STREAM) for sid, index in expected]


def test_an_address_that_was_stored_with_a_character_no_database_keeps_is_shown_without(
    views: Views, history: History
) -> None:
    old = Media.model_construct(url="https://carrier.example/\0", content_type="image/\0png")
    given(views, history, TextReceived.model_construct(sid="MM1", body="Look", media=(old,)))
    (noted,) = shown(views, "MM1")
    assert (noted.url, noted.content_type) == ("https://carrier.example/\ufffd", "image/\ufffdpng")
    assert waiting(views) == [("MM1", 0)]


def test_what_waits_is_for_the_worker_of_its_shard(views: Views, history: History) -> None:
    given(views, history, came("MM1"))
    assert waiting(views, shard=1) == []


def test_the_same_reply_twice_has_its_attachments_once(views: Views, history: History) -> None:
    given(views, history, came("MM1"), stored("MM1"), came("MM1"))
    assert [one.state for one in shown(views, "MM1")] == ["stored"]
    assert waiting(views) == []


def test_the_last_message_of_a_thread_has_its_attachments_too(views: Views, history: History) -> None:
    given(views, history, came("MM1"))
    thread = views.ask.thread(ACME, "grace", NUMBER)
    assert thread is not None
    assert thread.last is not None
    assert len(thread.last.media) == 1


def test_an_attachment_is_found_by_its_thread_and_place(views: Views, history: History) -> None:
    keyword = KeywordReceived(sid="SM2", action="help", keyword="HELP", body="help")
    given(views, history, came("MM1"), keyword)
    found = views.ask.attachment(ACME, "grace", NUMBER, "MM1", 0)
    assert found is not None
    assert (found.conversation, found.sid, found.attachment.index) == (STREAM, "MM1", 0)
    for asked in (
        (ACME, "grace", NUMBER, "MM1", 1),
        (ACME, "grace", NUMBER, "SM2", 0),
        (ACME, "grace", NUMBER, "MM9", 0),
        (ACME, "henry", NUMBER, "MM1", 0),
        (ACME, "grace", "+14155550199", "MM1", 0),
        ("other", "grace", NUMBER, "MM1", 0),
    ):
        assert views.ask.attachment(*asked) is None
