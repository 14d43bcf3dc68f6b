"""Everything that came in and could not be used, wherever it is kept, and sending it again.

The carrier's calls are in a database: a file in the embedded form, PostgreSQL with brokers. Records of the
commands topic are on a topic of their own.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from cryptography.exceptions import InvalidTag

from deploy.archive import NothingThere, require_files
from deploy.clock import utc_now
from deploy.distributed import letters as on_the_topic
from deploy.distributed import stores as databases
from deploy.distributed.asking import said_of
from deploy.http import open_spool, spool_folder
from deploy.parts import client_of, raw, topics_of
from deploy.settings import Settings, SettingsError
from deploy.stores import LETTERS_FILE, StoresUnavailable
from deploy.stores import said_of as said_of_files
from domain.keywords import PACKS, classify
from producers.dead_letters import PAGE_LETTERS_MAX, DeadLetter, DeadLetters
from producers.http.call_intake import REASONS
from producers.http.carrier_call import CarrierCall
from producers.spool import SpoolBroken, SpoolFull
from schemas.letters import Letter
from schemas.stores import StoreUnavailable
from schemas.topics import Topic

SPOOLED_S_MAX = 30.0
UNKNOWN_REASON = "Another release of Sayso kept it, for a reason that this one does not know."


@dataclass(frozen=True, slots=True)
class Kept:
    """One of them.

    Attributes:
        origin: where it lies or lay; names it.
        reason, detail: why it could not be used: a code, and a sentence that repeats nothing of it.
        account: whose it is, where that could be told.
        size_bytes: of its content; none, if it has none.
        content: opens it.
        replay: sends it again; what to tell whoever asked for that.
    """

    origin: str
    reason: str
    detail: str
    account: str | None
    at: datetime
    size_bytes: int | None
    content: Callable[[], bytes]
    replay: Callable[[], str]


@contextmanager
def opened(settings: Settings) -> Iterator[Iterator[Kept]]:
    """All of them, while the context lasts; those of the topic first, and calls newest first.

    Raises:
        NothingThere: no Sayso has run in that folder.
        SettingsError, StoresUnavailable: the brokers or the database cannot be used.
    """
    with closing(_database(settings)) as letters:
        try:
            yield _all(settings, letters)
        except StoreUnavailable as error:
            raise StoresUnavailable(f"The dead letters cannot be read. {error}") from error


def _database(settings: Settings) -> DeadLetters:
    key = raw(settings.master_key)
    if settings.database_url is not None and settings.kafka_bootstrap is not None:
        with databases.said_of(settings.database_url):
            return DeadLetters.on_postgres(settings.database_url, key)
    require_files(settings.data_dir)
    with said_of_files(settings.data_dir):
        return DeadLetters.on_sqlite(str(settings.data_dir / LETTERS_FILE), key)


def _all(settings: Settings, letters: DeadLetters) -> Iterator[Kept]:
    if settings.kafka_bootstrap is not None:
        yield from _records(settings)
    yield from _calls(settings, letters)


# --- records of the commands topic ------------------------------------------------------------------


def _records(settings: Settings) -> Iterator[Kept]:
    with said_of(settings):
        for letter in on_the_topic.letters(client_of(settings), topics_of(settings)[Topic.DEAD_LETTERS]):
            value = letter.value
            yield Kept(
                letter.origin,
                letter.reason.value,
                letter.detail,
                letter.account,
                letter.at,
                None if value is None else len(value),
                partial(bytes, value or b""),
                partial(_publish, settings, letter),
            )


def _publish(settings: Settings, letter: Letter) -> str:
    """Put the record on the commands topic again.

    Raises:
        NothingThere: it has no key, and would come back.
    """
    if letter.key is None:
        raise NothingThere(
            f"The record from {letter.origin} has no key, and would come back: publish it anew, with one."
        )
    commands_topic = topics_of(settings)[Topic.COMMANDS]
    with said_of(settings):
        on_the_topic.replay(client_of(settings), commands_topic, settings.partitions, letter)
    return f"{letter.origin} is on {commands_topic} again."


# --- the carrier's calls ----------------------------------------------------------------------------


def _calls(settings: Settings, letters: DeadLetters) -> Iterator[Kept]:
    before: int | None = None
    while page := letters.page(None, PAGE_LETTERS_MAX, before):
        for letter in page:
            content = partial(_content, letters, letter)
            yield Kept(
                f"{letter.source}/{letter.id}",
                letter.reason,
                REASONS.get(letter.reason, UNKNOWN_REASON),
                letter.account,
                letter.at,
                letter.body_bytes,
                content,
                partial(_spool, settings, letter, content),
            )
        before = page[-1].id


def _content(letters: DeadLetters, letter: DeadLetter) -> bytes:
    try:
        found = letters.show(letter.id)
    except InvalidTag as error:
        raise SettingsError("SAYSO_MASTER_KEY is wrong: the letters were sealed with another.") from error
    assert found is not None, "letters are never deleted"
    return found[1]


def _gives_consent(call: CarrierCall) -> bool:
    """Whether it is a START, in any language, or the carrier took it for one."""
    keyword = classify(str(call.form.get("Body", "")), PACKS.keys())
    started = str(call.form.get("OptOutType", "")).lower() == "start"
    return started or (keyword is not None and keyword.action == "start")


def _spool(settings: Settings, letter: DeadLetter, content: Callable[[], bytes]) -> str:
    """Put the call into the spool of this machine: whoever takes in what waits there takes it in.

    Raises:
        NothingThere: it gives consent, which may have been taken back since.
        StoresUnavailable: the spool takes nothing.
    """
    call = CarrierCall.of_letter(letter.source, content())
    if call.door == "inbound" and _gives_consent(call):
        raise NothingThere(
            f"{letter.source}/{letter.id} gives consent, and a STOP may have come since. "
            "Only the candidate can say it anew: ask them to text START."
        )
    folder = spool_folder(settings)
    with closing(open_spool(settings)) as spool:
        try:
            spool.keep(call.write(), utc_now(), told=False).result(SPOOLED_S_MAX)
        except (SpoolFull, SpoolBroken) as error:
            raise StoresUnavailable(f"The spool in {folder} takes nothing: it is full or locked.") from error
    return f"{letter.source}/{letter.id} is in the spool in {folder} again: whoever works there takes it in."
