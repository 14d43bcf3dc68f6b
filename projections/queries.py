"""The only way to read the views.

Every question names its account first, and no answer holds anything of another.
"""

from collections.abc import Callable, Collection
from typing import Concatenate, ParamSpec, TypeVar
from uuid import UUID

from sqlalchemy import Connection, Engine

from projections.answers import accounts, bulks, candidates, consent, credit, threads
from projections.answers.common import PAGE_MAX, bounded
from projections.attachment_shapes import AttachmentPlace
from projections.bulk_shapes import Bulk, BulkText
from projections.candidate_shapes import Candidate, CandidateLine
from projections.catalog import LIVE
from projections.engine import reading
from projections.shapes import (
    Account,
    Consent,
    Credits,
    MessageStatus,
    Notification,
    Page,
    Receipt,
    StatementLine,
    TextPlace,
    Thread,
    ThreadMessage,
)
from projections.tracking import shown, source_of
from schemas.receipts import Answer

__all__ = ["PAGE_DEFAULT", "PAGE_MAX", "Queries"]

PAGE_DEFAULT = 50

P = ParamSpec("P")
T = TypeVar("T")


class Queries:
    """Answers from the views. Methods block for about a millisecond; call them from any thread.

    `cursor` is a page's `next`, or None for the first page. Where a method takes one, it raises
    `projections.cursors.BadCursor` (a ValueError) for anything else. Limits are held to 1..PAGE_MAX.
    Every method raises `schemas.stores.StoreUnavailable` where the views' database is away.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def account(self, account: str) -> Account | None:
        """None: nothing ever happened to that account."""
        return self._ask(accounts.account, account)

    def wants_notifications(self, account: str, member: str) -> bool:
        """Whether the member wants to hear of actions in the profiles that they follow; off at first."""
        return self._ask(accounts.wants_notifications, account, member)

    def sender_account(self, sender: str) -> str | None:
        """The account that texts from `sender` (E.164 or messaging service), for what comes in there."""
        return self._ask(accounts.sender_account, sender)

    def candidates(
        self, account: str, cursor: str | None = None, limit: int = PAGE_DEFAULT
    ) -> Page[CandidateLine]:
        """The account's candidates, newest first."""
        return self._ask(candidates.candidates, account, cursor, bounded(limit))

    def candidate(self, account: str, candidate: str) -> Candidate | None:
        """None: the account has no such candidate."""
        return self._ask(candidates.candidate, account, candidate)

    def threads(self, account: str, candidate: str) -> tuple[Thread, ...]:
        """The threads of the candidate's present numbers, oldest number first."""
        return self._ask(threads.threads, account, candidate)

    def thread(self, account: str, candidate: str, number: str) -> Thread | None:
        """None: the candidate never had that number (E.164)."""
        return self._ask(threads.thread, account, candidate, number)

    def messages(
        self, account: str, candidate: str, number: str, cursor: str | None = None, limit: int = PAGE_DEFAULT
    ) -> Page[ThreadMessage]:
        """The thread's messages, newest first; none where `thread` is None.

        What was texted for another candidate with the same number is not among them; what came from the
        number is, up to the moment when it was taken from the candidate, if it was.
        """
        return self._ask(threads.messages, account, candidate, number, cursor, bounded(limit))

    def attachment(
        self, account: str, candidate: str, number: str, sid: str, index: int
    ) -> AttachmentPlace | None:
        """One of what came with the reply `sid`. None: the candidate's thread shows no such thing."""
        return self._ask(threads.attachment, account, candidate, number, sid, index)

    def text(self, account: str, text_id: UUID) -> TextPlace | None:
        """Where that text belongs, whatever became of it."""
        return self._ask(threads.text, account, text_id)

    def consent(self, account: str, number: str) -> Consent | None:
        """Consent of a number (E.164) and its history. None: the account never had that number."""
        return self._ask(consent.consent, account, number)

    def credits(self, account: str) -> Credits | None:
        """None: the account was never activated."""
        return self._ask(credit.balance, account)

    def statement(
        self, account: str, cursor: str | None = None, limit: int = PAGE_DEFAULT
    ) -> Page[StatementLine]:
        """What moved the balance, newest first."""
        return self._ask(credit.statement, account, cursor, bounded(limit))

    def bulks(self, account: str, cursor: str | None = None, limit: int = PAGE_DEFAULT) -> Page[Bulk]:
        """The account's bulks, newest first."""
        return self._ask(bulks.bulks, account, cursor, bounded(limit))

    def bulk(self, account: str, bulk: UUID) -> Bulk | None:
        """None: the account has no such bulk."""
        return self._ask(bulks.bulk, account, bulk)

    def bulk_texts(
        self,
        account: str,
        bulk: UUID,
        statuses: Collection[MessageStatus] = (),
        cursor: str | None = None,
        limit: int = PAGE_DEFAULT,
    ) -> Page[BulkText] | None:
        """The bulk's texts, those of `statuses` alone if any are given. None: the account has no such bulk.

        They are ordered by their ids: without `statuses` each is met once, however they move on meanwhile.
        """
        return self._ask(bulks.texts, account, bulk, statuses, cursor, bounded(limit))

    def receipt(self, account: str, command_id: UUID) -> Receipt | None:
        """None: no such command was decided yet, or the view has not heard of it."""
        return self._ask(accounts.receipt, account, command_id)

    def notifications(
        self, account: str, member: str, cursor: str | None = None, limit: int = PAGE_DEFAULT
    ) -> Page[Notification]:
        """What the member was told, newest first."""
        return self._ask(candidates.notifications, account, member, cursor, bounded(limit))

    def receipt_answer(self, account: str, command_id: UUID) -> Answer | None:
        """The receipt as whoever sent the command gets it, with the fingerprint of what was sent.

        None: as `receipt`; and for commands of the carrier or of Sayso itself, whose receipts no view shows.
        """
        return self._ask(accounts.receipt_answer, account, command_id)

    def position(self, shard: int = 0) -> int:
        """How far the views have come: the position that the shard's feed announces, or has announced."""
        return self._ask(_shown).get(source_of(shard), 0)

    def _ask(
        self, question: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Ask within one transaction, so that all parts of an answer are of the same moment."""
        with reading(self._engine) as connection:
            return question(connection, *args, **kwargs)


def _shown(connection: Connection) -> dict[str, int]:
    return shown(connection, [view.key for view in LIVE])
