"""One shard: the only place where commands become events."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import structlog

from consumers.inbox import Incoming
from consumers.states import States
from domain import snapshots
from domain.decide import Decision, decide
from domain.ledger import Ledger, LedgerError, StreamNames
from domain.policy import Policy
from domain.receipts import fingerprint_of, receipt_stream
from domain.refusals import Refused
from domain.turn import State
from schemas import tracing
from schemas.commands import Command
from schemas.events import CommandAccepted, CommandRefused, Context, Recorded
from schemas.receipts import Answer

log = structlog.get_logger()

EVENTS_BETWEEN_SNAPSHOTS = 5_000  # read and folded in about 50 ms

Clock = Callable[[], datetime]


class Decided:
    """A batch that is decided and not yet stored."""

    __slots__ = ("answers", "position", "receipts", "recorded", "snapshots")

    def __init__(self, position: int) -> None:
        self.position = position
        """Where it ends: with its last command, or further on."""
        self.recorded: list[Recorded] = []
        """The new events, in order."""
        self.answers: list[tuple[Incoming, Answer]] = []
        """To each of its commands, repeats included."""
        self.receipts: dict[str, Recorded] = {}
        """The new ones, by their streams."""
        self.snapshots: dict[str, tuple[int, State]] = {}
        """Streams grown long since their last snapshot: version and state at the end of the batch."""


class Shard:
    """Decides batches of commands, in order, and stores what comes of each batch in one transaction.

    A batch can be decided while the one before it is being stored. So `decide`, `settle` and `forget` belong
    to one thread, and `store` to one, perhaps another.
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
        self._unstored: dict[str, Recorded] = {}
        """Receipts that are decided and not yet stored."""
        self._snapshotter = ThreadPoolExecutor(1, thread_name_prefix="snapshots")

    def process(self, batch: Sequence[Incoming]) -> Decided:
        """Decide `batch` and store what comes of it: when this returns, it is on disk.

        Raises:
            PositionConflict: another owner has this shard now.
            OutcomeUnknown: it may have been stored; the same commands, tried again, get the same answers.
            Exception: nothing was stored; the same commands can be tried again.
        """
        try:
            decided = self.decide(batch, batch[-1].position)
            self.store(decided)
        except BaseException:
            self.forget()
            raise
        self.settle(decided)
        return decided

    def decide(self, batch: Sequence[Incoming], position: int) -> Decided:
        """What comes of `batch`, given all that was decided before. If it raises, `forget` must follow.

        `position` is where the source stands after it; a batch of none only moves there.

        Raises:
            PositionConflict: another owner has this shard now.
        """
        self.ledger.resume()  # nothing is read before it is settled what was stored
        names = [receipt_stream(self._names, item.command) for item in batch]
        known = self.ledger.existing(names) if names else {}
        self.states.begin()
        decided = Decided(position)
        for item, name in zip(batch, names, strict=True):
            receipt = known.get(name) or self._unstored.get(name)
            decided.answers.append((item, self._answer(item, name, receipt, decided)))
        return decided

    def store(self, decided: Decided) -> None:
        """Put it on disk, in one transaction, or do nothing. Raises as `Ledger.append` does."""
        self.ledger.append(decided.recorded, decided.position)

    def settle(self, decided: Decided) -> None:
        """It is on disk: what was kept for its sake can go, and long streams get a snapshot."""
        for name in decided.receipts:
            del self._unstored[name]
        for stream, (version, state) in decided.snapshots.items():
            # Off this thread: nobody waits for a snapshot, and whoever misses it reads the events.
            self._snapshotter.submit(self._save_snapshot, stream, version, state)
        self.states.trim()

    def forget(self) -> None:
        """Something was not stored after all, or nobody knows: believe only the ledger."""
        self.states.clear()
        self._unstored.clear()

    def close(self) -> None:
        """Finish the snapshots that were begun."""
        self._snapshotter.shutdown()

    def _save_snapshot(self, stream: str, version: int, state: State) -> None:
        try:
            self.ledger.save_snapshot(stream, version, snapshots.write(state))
        except Exception:
            log.exception("snapshot_failed", stream=stream)  # nothing is lost: the events are read instead

    def _answer(self, item: Incoming, name: str, known: Recorded | None, decided: Decided) -> Answer:
        fingerprint = fingerprint_of(self._names, item.command)
        if known is None:
            return self._first(item, name, fingerprint, decided)
        receipt = known.event
        assert isinstance(receipt, CommandAccepted | CommandRefused)
        conflict = receipt.fingerprint != fingerprint
        return Answer(receipt, known.context, repeated=True, conflict=conflict)

    def _first(self, item: Incoming, name: str, fingerprint: str, decided: Decided) -> Answer:
        command, now = item.command, self._clock()
        context = Context(
            command.account,
            command.actor,
            now,
            command.command_id,
            self.number,
            item.position,
            command.traceparent,
        )
        receipt = self._receipt(command, now, context, fingerprint, decided)
        recorded = Recorded(name, 1, receipt, context)
        decided.recorded.append(recorded)
        decided.receipts[name] = self._unstored[name] = recorded
        return Answer(receipt, context)

    def _receipt(
        self, command: Command, now: datetime, context: Context, fingerprint: str, decided: Decided
    ) -> CommandAccepted | CommandRefused:
        try:
            decision = decide(command, self.states, now, self._policy)
        except Refused as no:
            return _refusal(command, fingerprint, no)
        except LedgerError:
            raise  # the ledger cannot be read just now: the command is not to blame
        except Exception:
            # A mistake of ours that no repeat would mend: it gets its receipt, the next command its turn.
            what = {"command_type": command.type, "command_id": str(command.command_id)}
            log.exception("decision_failed", **what, **tracing.named(command.traceparent))
            return _refusal(command, fingerprint, Refused("internal_error"))
        self._record(decision, context, decided)
        return CommandAccepted.of(command.type, fingerprint, decision.result)

    def _record(self, decision: Decision, context: Context, decided: Decided) -> None:
        entries = self.states.at_hand
        for stream, event in decision.events:
            entry = entries[stream]
            entry.version += 1
            decided.recorded.append(Recorded(stream, entry.version, event, context))
        for stream, state in decision.states.items():
            entry = entries[stream]
            entry.state = state
            if entry.version - entry.snapshot_version >= EVENTS_BETWEEN_SNAPSHOTS:
                entry.snapshot_version = entry.version
                decided.snapshots[stream] = entry.version, entry.state


def _refusal(command: Command, fingerprint: str, no: Refused) -> CommandRefused:
    return CommandRefused(
        command_type=command.type, fingerprint=fingerprint, code=no.code, sentence=no.sentence
    )
