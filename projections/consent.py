"""The consent view: whether a number may be texted, and every step that led there."""

from collections.abc import Mapping

from pydantic_core import to_json
from sqlalchemy import BigInteger, Boolean, Column, Integer

from projections.moments import micros
from projections.view import TEXT, Fold, View, who, who_columns
from projections.writing import Row, Writes
from schemas.events import (
    CandidateJoined,
    CandidateLeft,
    ConsentGranted,
    ConsentRevoked,
    ConsentWithdrawn,
    ConversationOpened,
    Event,
    Recorded,
    StopRequestFlagged,
    StopRequestReviewed,
)
from schemas.evidence import KeywordEvidence


class Consent(View):
    """`status`: one row per conversation. `steps`: its history, by the events' places in the conversation."""

    NAME = "consent"
    VERSION = 1

    def __init__(self, copy: str = "", generation: int = 1) -> None:
        super().__init__(copy, generation)
        self.status = self._table(
            "status",
            Column("conversation", TEXT, primary_key=True),
            Column("account", TEXT, nullable=False),
            Column("status", TEXT),
            Column("under_review", Boolean),
        )
        self.steps = self._table(
            "steps",
            Column("conversation", TEXT, primary_key=True),
            Column("version", Integer, primary_key=True, autoincrement=False),
            Column("account", TEXT, nullable=False),
            Column("kind", TEXT, nullable=False),
            Column("at", BigInteger, nullable=False),
            *who_columns(),
            Column("candidate", TEXT),
            Column("obtained_at", BigInteger),
            Column("evidence", TEXT),
            Column("cause", TEXT),
            Column("reason", TEXT),
            Column("keyword", TEXT),
            Column("wants_to_stop", Boolean),
            Column("sid", TEXT),
        )

    def _folds(self) -> Mapping[type[Event], Fold]:
        return {
            ConversationOpened: self._opened,
            CandidateJoined: self._joined,
            CandidateLeft: self._left,
            ConsentGranted: self._granted,
            ConsentWithdrawn: self._withdrawn,
            ConsentRevoked: self._revoked,
            StopRequestFlagged: self._flagged,
            StopRequestReviewed: self._reviewed,
        }

    def _opened(self, writes: Writes, recorded: Recorded, _: ConversationOpened) -> None:
        self._put(writes, recorded, {"status": "not_given", "under_review": False})
        self._step(writes, recorded, "opened", {})

    def _joined(self, writes: Writes, recorded: Recorded, event: CandidateJoined) -> None:
        self._step(writes, recorded, "joined", {"candidate": event.candidate})

    def _left(self, writes: Writes, recorded: Recorded, event: CandidateLeft) -> None:
        self._step(writes, recorded, "left", {"candidate": event.candidate})

    def _granted(self, writes: Writes, recorded: Recorded, event: ConsentGranted) -> None:
        evidence = event.evidence
        # Whoever texts a start keyword has answered the question that was to be reviewed.
        answered = {"under_review": False} if event.candidate is None else {}
        self._put(writes, recorded, {"status": "granted", **answered})
        columns = {
            "candidate": event.candidate,
            "obtained_at": micros(event.obtained_at),
            "evidence": None if evidence is None else to_json(evidence).decode(),
            "keyword": evidence.keyword if isinstance(evidence, KeywordEvidence) else None,
        }
        self._step(writes, recorded, "granted", columns)

    def _withdrawn(self, writes: Writes, recorded: Recorded, event: ConsentWithdrawn) -> None:
        self._put(writes, recorded, {"status": "withdrawn"})
        self._step(writes, recorded, "withdrawn", {"cause": event.cause, "reason": event.reason})

    def _revoked(self, writes: Writes, recorded: Recorded, event: ConsentRevoked) -> None:
        self._put(writes, recorded, {"status": "revoked", "under_review": False})
        self._step(writes, recorded, "revoked", {"keyword": event.keyword})

    def _flagged(self, writes: Writes, recorded: Recorded, event: StopRequestFlagged) -> None:
        self._put(writes, recorded, {"under_review": True})
        self._step(writes, recorded, "flagged", {"sid": event.sid})

    def _reviewed(self, writes: Writes, recorded: Recorded, event: StopRequestReviewed) -> None:
        self._put(writes, recorded, {"under_review": False})
        self._step(writes, recorded, "reviewed", {"wants_to_stop": event.wants_to_stop})

    def _put(self, writes: Writes, recorded: Recorded, columns: Row) -> None:
        account = recorded.context.account
        writes.put(self.status, (recorded.stream,), {"account": account, **columns})

    def _step(self, writes: Writes, recorded: Recorded, kind: str, columns: Row) -> None:
        context = recorded.context
        row = {
            "conversation": recorded.stream,
            "version": recorded.version,
            "account": context.account,
            "kind": kind,
            "at": micros(context.at),
            **who(context.actor),
            **columns,
        }
        writes.insert(self.steps, (recorded.stream, recorded.version), row)
