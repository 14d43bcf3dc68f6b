"""One shard: the only place where commands become events."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from consumers.inbox import Incoming
from consumers.states import Entry, States
from domain import snapshots
from domain.decide import decide
from domain.ledger import Ledger, LedgerError, StreamNames
from domain.policy import Policy
from domain.refusals import Refused
from domain.turn import State
from schemas.commands import Command
from schemas.events import CommandAccepted, CommandRefused, Context, Event, Recorded
from schemas.receipts import Answer

log = structlog.get_logger()

EVENTS_BETWEEN_SNAPSHOTS = 5_000  # read and folded in about 50 ms

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Committed:
    """What one batch led to."""

    recorded: Sequence[Recorded]
    """The new events, in order."""
    answers: Sequence[tuple[Incoming, Answer]]
    """To each command of the batch, repeats included."""


class Shard:
    """Decides batches of commands, in order, and stores what comes of each batch in one transaction.

    For one thread alone.
    """

    def __init__(
        self,
        number: int,
        ledger: Ledger,
        names: StreamNames,
        policy: Policy,
        clock: Clock,
    ) -> None:
        self.number = number
        self.ledger = ledger
        self.states = States(ledger, names)
        self._names = names
        self._policy = policy
        self._clock = clock
        self._recorded: list[Recorded] = []
        self._receipts: dict[str, Recorded] = {}
        self._long: dict[str, Entry] = {}
        self._snapshotter = ThreadPoolExecutor(1, thread_name_prefix="snapshots")

    def process(self, batch: Sequence[Incoming]) -> Committed:
        """Decide `batch`; when this returns, its events, receipts and position are on disk.

        Raises:
            PositionConflict: another owner has this shard now.
            Exception: nothing was stored; the same commands can be tried again.
        """
        names = [self._names.receipt(item.command.account, item.command.command_id) for item in batch]
        self._recorded, self._receipts = [], self.ledger.existing(names)
        try:
            answers = [(item, self._answer(item, name)) for item, name in zip(batch, names, strict=True)]
            self.ledger.append(self._recorded, batch[-1].position)
        except BaseException:
            self._long.clear()
            self.states.forget({recorded.stream for recorded in self._recorded})
            raise
        self._take_snapshots()
        self.states.trim()
        return Committed(self._recorded, answers)

    def close(self) -> None:
        """Finish the snapshots that were begun."""
        self._snapshotter.shutdown()

    def _take_snapshots(self) -> None:
        """Write them off this thread: nobody waits for one, and whoever misses it reads the events."""
        for stream, entry in self._long.items():
            entry.snapshot_version = entry.version
            self._snapshotter.submit(self._save_snapshot, stream, entry.version, entry.state)
        self._long.clear()

    def _save_snapshot(self, stream: str, version: int, state: State) -> None:
        try:
            self.ledger.save_snapshot(stream, version, snapshots.write(state))
        except LedgerError:
            log.warning("snapshot_failed", exc_info=True)

    def _answer(self, item: Incoming, receipt_name: str) -> Answer:
        fingerprint = self._names.fingerprint(content_of(item.command))
        known = self._receipts.get(receipt_name)
        if known is None:
            return self._first(item, receipt_name, fingerprint)
        receipt = known.event
        assert isinstance(receipt, CommandAccepted | CommandRefused)
        conflict = receipt.fingerprint != fingerprint
        return Answer(receipt, known.context, repeated=True, conflict=conflict)

    def _first(self, item: Incoming, receipt_name: str, fingerprint: str) -> Answer:
        command = item.command
        now = self._clock()
        context = Context(
            account=command.account,
            actor=command.actor,
            at=now,
            command_id=command.command_id,
            shard=self.number,
            position=item.position,
            traceparent=command.traceparent,
        )
        receipt = self._decide(command, now, context, fingerprint)
        recorded = Recorded(receipt_name, 1, receipt, context)
        self._recorded.append(recorded)
        self._receipts[receipt_name] = recorded
        return Answer(receipt, context)

    def _decide(
        self, command: Command, now: datetime, context: Context, fingerprint: str
    ) -> CommandAccepted | CommandRefused:
        try:
            decision = decide(command, self.states, now, self._policy)
        except Refused as no:
            return _refusal(command, fingerprint, no)
        except LedgerError:
            raise  # the ledger cannot be read just now: the command is not to blame
        except Exception:
            # A mistake of ours that no repeat would mend: it gets its receipt, the next command its turn.
            log.exception("decision_failed", command_type=command.type, command_id=str(command.command_id))
            return _refusal(command, fingerprint, Refused("internal_error"))
        for stream, event in decision.events:
            self._record(stream, event, context)
        for stream, state in decision.states.items():
            self.states.entry(stream).state = state
        return CommandAccepted(command_type=command.type, fingerprint=fingerprint, result=decision.result)

    def _record(self, stream: str, event: Event, context: Context) -> None:
        entry = self.states.entry(stream)
        entry.version += 1
        if entry.version - entry.snapshot_version >= EVENTS_BETWEEN_SNAPSHOTS:
            self._long[stream] = entry
        self._recorded.append(Recorded(stream, entry.version, event, context))


def _refusal(command: Command, fingerprint: str, no: Refused) -> CommandRefused:
    return CommandRefused(
        command_type=command.type, fingerprint=fingerprint, code=no.code, sentence=no.sentence
    )


def content_of(command: Command) -> bytes:
    """What makes a command this one and no other: all but how it travelled and what its actor may do."""
    return command.__pydantic_serializer__.to_json(command, exclude=_NOT_CONTENT)


_NOT_CONTENT: dict[str, Any] = {"traceparent": True, "actor": {"name", "permissions"}}
