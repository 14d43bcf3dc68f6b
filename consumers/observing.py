"""The shard, the carrier and the projector, watched: the same as without, and measurements and spans besides.

They stand around what they watch, so that what decides, hands over and projects knows nothing of them. Where
there is no tracer, nothing looks for traces.
"""

import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime

from opentelemetry.trace import SpanKind, Tracer

from consumers.attachments.keeper import AttachmentKeeper, Kept
from consumers.attachments.outcomes import Again, Refused, Stored
from consumers.carriers.carrier import (
    Accepted,
    Carriers,
    Found,
    Outcome,
    OutgoingText,
    Rejected,
    Unknown,
    Unreachable,
)
from consumers.inbox import Incoming
from consumers.metrics import ConsumerMetrics, ShardMeter, outcome_of
from consumers.projector import Projected
from consumers.rates import is_too_many
from consumers.shard import Clock, Decided, Shard
from domain.ledger import Ledger, StreamNames
from domain.policy import Policy
from projections.attachment_shapes import WaitingAttachment
from schemas import tracing
from schemas.commands import StartDispatch
from schemas.events import CommandAccepted
from schemas.receipts import Answer
from schemas.tracing import INBOX, LEDGER, Attributes, Channel


class ObservedShard(Shard):
    """A shard that tells how long its batches take and what becomes of its commands.

    With a tracer, each command that carries a sampled trace gets a span from its batch's beginning until it
    was stored.
    """

    def __init__(
        self,
        number: int,
        ledger: Ledger,
        names: StreamNames,
        policy: Policy,
        clock: Clock,
        *,
        metrics: ConsumerMetrics,
        tracer: Tracer | None = None,
        channel: Channel = INBOX,
    ) -> None:
        """`channel`: where its commands come from."""
        super().__init__(number, ledger, names, policy, clock)
        self._meter = ShardMeter(metrics, number)
        self._late = metrics.late.labels(str(number))
        self._tracer = tracer
        self._channel = channel
        self._begun: deque[tuple[int, int]] = deque()
        """Of each batch that is not settled: when it began, in nanoseconds, and its number of commands."""

    def decide(self, batch: Sequence[Incoming], position: int) -> Decided:
        self._begun.append((time.time_ns(), len(batch)))
        began_s = time.perf_counter()
        decided = super().decide(batch, position)
        self._meter.decide.observe(time.perf_counter() - began_s)
        return decided

    def store(self, decided: Decided) -> None:
        began_s = time.perf_counter()
        super().store(decided)
        self._meter.commit.observe(time.perf_counter() - began_s)

    def settle(self, decided: Decided) -> None:
        super().settle(decided)
        began_ns, _ = self._begun.popleft()
        self._meter.stored([answer for _, answer in decided.answers], len(decided.recorded))
        if any(type(item.command) is StartDispatch for item, _ in decided.answers):
            self._tell_how_late(decided)
        if self._tracer is not None:
            ended_ns = time.time_ns()
            for item, answer in decided.answers:
                if item.command.traceparent is not None:
                    self._trace(self._tracer, item, answer, began_ns, ended_ns)

    def _tell_how_late(self, decided: Decided) -> None:
        for item, answer in decided.answers:
            due_at = item.command.due_at if isinstance(item.command, StartDispatch) else None
            if due_at is not None and not answer.repeated and _begins(answer):
                self._late.observe((answer.context.at - due_at).total_seconds())

    def forget(self) -> None:
        super().forget()
        self._meter.failed(sum(commands for _, commands in self._begun))
        self._begun.clear()

    def _trace(self, tracer: Tracer, item: Incoming, answer: Answer, began_ns: int, ended_ns: int) -> None:
        command = item.command
        attributes = self._channel.attributes("process", "process")
        attributes |= {
            "messaging.destination.partition.id": str(self.number),
            "messaging.message.id": str(command.command_id),
            "sayso.command.type": command.type,
            "sayso.outcome": outcome_of(answer),
        }
        if self._channel.system == "kafka" and command.actor.kind != "system":  # ours come another way
            attributes["messaging.kafka.offset"] = item.position - 1
        name = f"process {self._channel.name}"
        tracing.record(tracer, command.traceparent, name, attributes, began_ns, ended_ns)


def _begins(answer: Answer) -> bool:
    receipt = answer.receipt
    return isinstance(receipt, CommandAccepted) and bool(receipt.result["dispatch"])


class ObservedCarriers:
    """Carriers whose answers are counted and timed; a text that carries a trace gets a span in it."""

    def __init__(
        self,
        carriers: Carriers,
        metrics: ConsumerMetrics,
        *,
        shard: int,
        tracer: Tracer | None = None,
    ) -> None:
        self._carriers = carriers
        self._tracer = tracer
        self._throttled = metrics.throttled.labels(str(shard))
        self._timers = {
            kind: metrics.dispatch.labels(str(shard), name) for kind, name in _CARRIER_OUTCOMES.items()
        }

    def send(self, text: OutgoingText) -> Outcome:
        """As the carriers do."""
        attributes: Attributes = {
            "messaging.system": text.carrier,
            "messaging.operation.name": "dispatch",
            "messaging.operation.type": "send",
            "messaging.message.id": str(text.text_id),
        }
        began_s = time.perf_counter()
        with tracing.span(self._tracer, text.traceparent, "dispatch", SpanKind.CLIENT, attributes) as span:
            outcome = self._carriers.send(text)
            if span is not None:
                span.set_attribute("sayso.outcome", _CARRIER_OUTCOMES[type(outcome)])
                if isinstance(outcome, Rejected):
                    span.set_attribute("http.response.status_code", outcome.http_status)
                if not isinstance(outcome, Accepted):
                    code = outcome.code if isinstance(outcome, Rejected) else None
                    tracing.fail(span, str(code or _CARRIER_OUTCOMES[type(outcome)]))
        self._timers[type(outcome)].observe(time.perf_counter() - began_s)
        if is_too_many(outcome):
            self._throttled.inc()
        return outcome

    def find(self, carrier: str, to: str, since: datetime) -> tuple[Found, ...] | Unknown:
        """As the carriers do."""
        return self._carriers.find(carrier, to, since)

    def failing(self) -> frozenset[str]:
        """As the carriers say."""
        return self._carriers.failing()


_CARRIER_OUTCOMES: dict[type[Outcome], str] = {
    Accepted: "accepted",
    Rejected: "rejected",
    Unreachable: "unreachable",
    Unknown: "unknown",
}


class ObservedKeeper:
    """A keeper of attachments, with what each try comes to counted."""

    def __init__(self, keeper: AttachmentKeeper, metrics: ConsumerMetrics, *, shard: int) -> None:
        self._keeper = keeper
        self._counters = {
            outcome: metrics.attachments.labels(str(shard), name) for outcome, name in _KEPT.items()
        }

    def keep(self, waiting: WaitingAttachment, now: datetime, tries: int) -> Kept:
        """As the keeper does."""
        kept = self._keeper.keep(waiting, now, tries)
        self._counters[type(kept)].inc()
        return kept

    def leave(self) -> None:
        """As the keeper does."""
        self._keeper.leave()


_KEPT: dict[type[Kept], str] = {Stored: "stored", Refused: "refused", Again: "again"}


class ObservedViews:
    """Told of each batch that a projector has put into the views (its `on_batch`)."""

    def __init__(
        self,
        metrics: ConsumerMetrics,
        *,
        shard: int,
        tracer: Tracer | None = None,
        channel: Channel = LEDGER,
    ) -> None:
        """`channel`: where the projector reads."""
        self._events = metrics.projected.labels(str(shard))
        self._seconds = metrics.project.labels(str(shard))
        self._tracer = tracer
        self._shard = str(shard)
        self._channel = channel

    def __call__(self, projected: Projected) -> None:
        """Count it, and give every trace in it a span."""
        self._events.inc(projected.events)
        self._seconds.observe(projected.seconds)
        if self._tracer is not None:
            contexts = (recorded.context for _, recorded in projected.batch.events)
            traced = {context.traceparent for context in contexts if context.traceparent is not None}
            if traced:
                self._trace(self._tracer, sorted(traced), projected)

    def _trace(self, tracer: Tracer, traced: Sequence[str], projected: Projected) -> None:
        ended_ns = time.time_ns()
        began_ns = ended_ns - int(projected.seconds * 1e9)
        attributes = self._channel.attributes("project", "process")
        attributes |= {
            "messaging.destination.partition.id": self._shard,
            "messaging.batch.message_count": projected.events,
            "sayso.position": projected.position,
        }
        for traceparent in traced:
            tracing.record(tracer, traceparent, "project", attributes, began_ns, ended_ns)
