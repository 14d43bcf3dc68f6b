"""What comes in from a phone: keywords, wishes to stop, ordinary replies."""

from uuid import UUID, uuid5

from pydantic import JsonValue

from domain import account as accounts
from domain import candidate as candidates
from domain import conversation as conversations
from domain import keywords, numbers, sending
from domain.conversation import Conversation
from domain.keywords import Answer, Keyword
from domain.refusals import Refused
from domain.segments import count
from domain.turn import Turn
from schemas.commands import ReceiveText
from schemas.events import FollowerNotified, KeywordReceived, TextQueued, TextReceived


def receive(turn: Turn, command: ReceiveText) -> dict[str, JsonValue]:
    """A keyword acts and stands in the thread; anything else is a reply. Followers hear of either, once."""
    stream = turn.stream_of(command.number)
    opened = conversations.open_with(
        turn.conversation(stream), command.number, numbers.region_of(command.number)
    )
    turn.on_conversation(stream, opened)
    keyword = _heard(turn, turn.conversation(stream), command)
    if keyword is None:
        _reply(turn, stream, command)
    else:
        _keyword(turn, stream, command, keyword)
    _tell_followers(turn, stream, command.sid, keyword)
    return {"keyword": None if keyword is None else keyword.action}


def _heard(turn: Turn, conversation: Conversation, command: ReceiveText) -> Keyword | None:
    keyword = keywords.classify(command.body, turn.account.settings.keyword_packs)
    if command.carrier_keyword == "stop" and (keyword is None or keyword.action != "stop"):
        return Keyword(action="stop", word="STOP")  # whoever hears a stop is right
    if keyword is None and command.carrier_keyword is not None:
        return Keyword(action=command.carrier_keyword, word=command.carrier_keyword.upper())
    if keyword is not None and keyword.word == "YES" and conversation.consent == "granted":
        return None  # an ordinary answer to a question
    return keyword


def _reply(turn: Turn, stream: str, command: ReceiveText) -> None:
    heard = TextReceived(sid=command.sid, body=command.body, media=command.media, sender=command.sender)
    turn.on_conversation(stream, [heard])
    if keywords.asks_to_stop(command.body, turn.account.settings.keyword_packs):
        turn.on_conversation(stream, conversations.flag(turn.conversation(stream), command.sid))


def _keyword(turn: Turn, stream: str, command: ReceiveText, keyword: Keyword) -> None:
    heard = KeywordReceived(
        sid=command.sid,
        action=keyword.action,
        keyword=keyword.word,
        body=command.body,
        media=command.media,
        sender=command.sender,
    )
    turn.on_conversation(stream, [heard])
    match keyword.action:
        case "stop":
            _stop(turn, stream, command, keyword)
        case "start":
            _start(turn, stream, keyword)
        case _ if not turn.account.settings.carrier_answers_help:
            _answer(turn, stream, command, "help_answer")
        case _:
            pass  # the carrier has answered


def _stop(turn: Turn, stream: str, command: ReceiveText, keyword: Keyword) -> None:
    conversation = turn.conversation(stream)
    if conversation.consent == "revoked":
        return
    turn.on_conversation(stream, conversations.revoke(conversation, keyword.word))
    sending.call_back_all(turn, stream, "revoked_by_keyword")
    if not turn.account.settings.carrier_confirms_stop:
        _answer(turn, stream, command, "stop_confirmation")


def _start(turn: Turn, stream: str, keyword: Keyword) -> None:
    conversation = turn.conversation(stream)
    if conversation.consent != "granted" or conversation.under_review:
        turn.on_conversation(stream, conversations.grant_by_keyword(keyword.word, turn.now))


def _answer(turn: Turn, stream: str, command: ReceiveText, purpose: Answer) -> None:
    """Answer a keyword ourselves. Where the account cannot pay or send, the keyword acts all the same."""
    settings = turn.account.settings
    body = keywords.answer(purpose, settings.language, settings.company)
    segments = count(body)
    text_id = answer_id(command.command_id, purpose)
    try:
        sending.require_measure(
            turn.conversation(stream), body, turn.now
        )  # two machines may answer each other
        accounts.require_sending(turn.account)
        debit = accounts.debit(turn.account, text_id, segments.segments)
    except Refused:
        return
    queued = TextQueued(
        text_id=text_id,
        candidate=None,
        body=body,
        encoding=segments.encoding,
        segments=segments.segments,
        purpose=purpose,
    )
    turn.on_conversation(stream, [queued])
    turn.on_account(debit)


def answer_id(command_id: UUID, purpose: Answer) -> UUID:
    """The id of the text that answers the keyword received by `command_id`."""
    return uuid5(command_id, purpose)


def _tell_followers(turn: Turn, stream: str, sid: str, keyword: Keyword | None) -> None:
    """Each one once, whoever of those with the number they follow."""
    listening = turn.account.listening
    for candidate in turn.conversation(stream).candidates:
        template = FollowerNotified(
            candidate=candidate,
            conversation=stream,
            member="",
            about="reply" if keyword is None else "keyword",
            sid=sid,
        )
        told = candidates.notify_followers(turn.candidate(candidate), listening, template)
        turn.on_candidate(candidate, told)
        listening -= {event.member for event in told}
