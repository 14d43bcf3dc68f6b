"""The only way to read the views.

Every question names its account first, and no answer holds anything of another.
"""

from uuid import UUID

from sqlalchemy import Engine

from projections.shapes import (
    Account,
    Candidate,
    CandidateLine,
    Consent,
    Credits,
    Notification,
    Page,
    Receipt,
    StatementLine,
    TextPlace,
    Thread,
    ThreadMessage,
)

PAGE_DEFAULT = 50
PAGE_MAX = 200


class Queries:
    """Answers from the views. Methods block for about a millisecond; call them from any thread.

    `cursor` is a page's `next`, or None for the first page. Where a method takes one, it raises
    `projections.cursors.BadCursor` (a ValueError) for anything else. Limits are held to 1..PAGE_MAX.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def account(self, account: str) -> Account | None:
        """None: nothing ever happened to that account."""
        raise NotImplementedError

    def wants_notifications(self, account: str, member: str) -> bool:
        """Whether the member wants to hear of actions in the profiles that they follow; off at first."""
        raise NotImplementedError

    def sender_account(self, sender: str) -> str | None:
        """The account that texts from `sender` (E.164 or messaging service), for what comes in there."""
        raise NotImplementedError

    def candidates(
        self, account: str, cursor: str | None = None, limit: int = PAGE_DEFAULT
    ) -> Page[CandidateLine]:
        """The account's candidates, newest first."""
        raise NotImplementedError

    def candidate(self, account: str, candidate: str) -> Candidate | None:
        """None: the account has no such candidate."""
        raise NotImplementedError

    def threads(self, account: str, candidate: str) -> tuple[Thread, ...]:
        """The threads of the candidate's present numbers, oldest number first."""
        raise NotImplementedError

    def thread(self, account: str, candidate: str, number: str) -> Thread | None:
        """None: the candidate never had that number (E.164)."""
        raise NotImplementedError

    def messages(
        self, account: str, candidate: str, number: str, cursor: str | None = None, limit: int = PAGE_DEFAULT
    ) -> Page[ThreadMessage]:
        """The thread's messages, newest first; none where `thread` is None.

        What was texted for another candidate with the same number is not among them; what came from the
        number is, if it came while the candidate had it.
        """
        raise NotImplementedError

    def text(self, account: str, text_id: UUID) -> TextPlace | None:
        """Where that text belongs, whatever became of it."""
        raise NotImplementedError

    def consent(self, account: str, number: str) -> Consent | None:
        """Consent of a number (E.164) and its history. None: the account never had that number."""
        raise NotImplementedError

    def credits(self, account: str) -> Credits | None:
        """None: the account was never activated."""
        raise NotImplementedError

    def statement(
        self, account: str, cursor: str | None = None, limit: int = PAGE_DEFAULT
    ) -> Page[StatementLine]:
        """What moved the balance, newest first."""
        raise NotImplementedError

    def receipt(self, account: str, command_id: UUID) -> Receipt | None:
        """None: no such command was decided yet, or the view has not heard of it."""
        raise NotImplementedError

    def notifications(
        self, account: str, member: str, cursor: str | None = None, limit: int = PAGE_DEFAULT
    ) -> Page[Notification]:
        """What the member was told, newest first."""
        raise NotImplementedError

    def position(self) -> int:
        """How far the views have come: the position of the last change, as announced to live readers."""
        raise NotImplementedError
