"""What is measured where things are acted on, per shard and in no way per account or person.

Everything is counted a batch at a time, after the batch; what changes all the time by itself (lags, queues,
caches) is only looked at when somebody asks.
"""

from collections import Counter as Tally
from collections.abc import Iterator, Mapping, Sequence, Sized
from types import MappingProxyType
from typing import Literal, Protocol, get_args

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from schemas.events import CommandRefused
from schemas.receipts import Answer

log = structlog.get_logger()

Outcome = Literal["accepted", "refused", "repeated", "conflict", "failed"]
"""What became of a command; `failed`: it was not stored, or nobody knows whether it was."""
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

_COMMANDS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_LATE_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600, 3_600)
_CARRIER_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class ConsumerMetrics:
    """All of it, for every shard that the process has. Once in a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.batch_commands = Histogram(
            "sayso_batch_commands",
            "Commands decided and stored together.",
            ["shard"],
            buckets=_COMMANDS,
            registry=registry,
        )
        self.decide = Histogram(
            "sayso_decide_seconds",
            "Deciding one batch, its receipts looked up.",
            ["shard"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.commit = Histogram(
            "sayso_commit_seconds",
            "Writing one batch to the ledger, until it is durable.",
            ["shard"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.commands = Counter(
            "sayso_commands_total",
            "Commands by what became of them: accepted, refused, repeated, conflict or failed.",
            ["shard", "outcome"],
            registry=registry,
        )
        self.refusals = Counter(
            "sayso_refusals_total",
            "Refused commands by the refusal's code.",
            ["shard", "code"],
            registry=registry,
        )
        self.events = Counter("sayso_events_total", "Events stored.", ["shard"], registry=registry)
        self.dispatch = Histogram(
            "sayso_dispatch_seconds",
            "Hand-overs by the carrier's answer: accepted, rejected, unreachable or unknown.",
            ["shard", "outcome"],
            buckets=_CARRIER_SECONDS,
            registry=registry,
        )
        self.late = Histogram(
            "sayso_hand_over_late_seconds",
            "From the moment when a text was to leave until its hand-over began.",
            ["shard"],
            buckets=_LATE_SECONDS,
            registry=registry,
        )
        self.throttled = Counter(
            "sayso_throttled_total",
            "Hand-overs that the carrier turned down for their number (429): they are tried again.",
            ["shard"],
            registry=registry,
        )
        self.projected = Counter(
            "sayso_projected_events_total", "Events that the views show now.", ["shard"], registry=registry
        )
        self.project = Histogram(
            "sayso_project_seconds",
            "Reading one batch of events and folding it into the views, until it is stored.",
            ["shard"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.attachments = Counter(
            "sayso_attachments_total",
            "Tries to fetch what came with a reply: stored, refused for good, or again, for another try.",
            ["shard", "outcome"],
            registry=registry,
        )
        self.standing = Standing(registry)


class ShardMeter:
    """The worker's part, for one shard. From any thread."""

    def __init__(self, metrics: ConsumerMetrics, shard: int) -> None:
        name = str(shard)
        self._batch = metrics.batch_commands.labels(name)
        self.decide = metrics.decide.labels(name)
        self.commit = metrics.commit.labels(name)
        self._events = metrics.events.labels(name)
        self._refusals = metrics.refusals
        self._shard = name
        self._commands = {outcome: metrics.commands.labels(name, outcome) for outcome in OUTCOMES}

    def stored(self, answers: Sequence[Answer], events: int) -> None:
        """A batch is on disk."""
        # Comprehensions and a few sums: a counter touched for each command would cost ten times as much.
        receipts = [answer.receipt for answer in answers if not answer.repeated]
        refused = [receipt.code for receipt in receipts if isinstance(receipt, CommandRefused)]
        self._count("accepted", len(receipts) - len(refused))
        self._count("refused", len(refused))
        if len(receipts) < len(answers):
            conflicts = sum(answer.conflict for answer in answers)
            self._count("conflict", conflicts)
            self._count("repeated", len(answers) - len(receipts) - conflicts)
        for code, times in Tally(refused).items():
            self._refusals.labels(self._shard, code).inc(times)
        self._events.inc(events)
        self._batch.observe(len(answers))

    def failed(self, commands: int) -> None:
        """So many commands could not be stored."""
        self._count("failed", commands)

    def _count(self, outcome: Outcome, commands: int) -> None:
        if commands:
            self._commands[outcome].inc(commands)


def outcome_of(answer: Answer) -> Outcome:
    """What became of a command that was answered."""
    if answer.repeated:
        return "conflict" if answer.conflict else "repeated"
    return "refused" if isinstance(answer.receipt, CommandRefused) else "accepted"


# --- looked at when somebody asks -----------------------------------------------------------------------


class Following(Protocol):
    """Somebody who follows a ledger: a relay, a projector."""

    def lag(self) -> tuple[int, float]:
        """How many events it is behind, and how many seconds old the oldest of them is; from any thread."""
        ...


class Waiting(Protocol):
    """A shard's source of commands."""

    @property
    def waiting(self) -> int:
        """How many commands wait; from any thread."""
        ...


class Limited(Protocol):
    """A shard's dispatcher."""

    @property
    def held_up(self) -> int:
        """How many texts at hand wait for a limit; from any thread."""
        ...

    @property
    def carrier_rate(self) -> float:
        """Segments a second that may be handed over now; from any thread."""
        ...


class Postponing(Protocol):
    """A shard's fetcher of attachments."""

    @property
    def postponed(self) -> int:
        """How many are to be tried again; from any thread."""
        ...


_GAUGES: Mapping[str, str] = MappingProxyType(
    {
        "sayso_relay_lag_events": "Events in the ledger that are not on the topics yet.",
        "sayso_relay_lag_seconds": "How old the oldest of them is.",
        "sayso_projection_lag_events": "Events that the views do not show yet.",
        "sayso_projection_lag_seconds": "How old the oldest of them is, at most.",
        "sayso_streams_cached": "Streams whose state is in memory.",
        "sayso_commands_waiting": "Commands taken in and not decided yet.",
        "sayso_texts_held_up": "Texts at hand that wait for a limit, of their sender or of all.",
        "sayso_carrier_rate": "Segments a second that the process may hand over now, for all its shards.",
        "sayso_attachments_postponed": "Attachments that could not be fetched or written yet.",
    }
)


class Standing(Collector):
    """How things stand at this moment, read from those who know whenever a measurement is asked for.

    Shards come and go; a gauge that cannot be read just now is left out, for alerts on its absence to notice.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._readings: dict[tuple[str, int], _Reading] = {}
        registry.register(self)

    def relay(self, shard: int, relay: Following) -> None:
        """From now on, tell how far `relay` is behind."""
        self._readings["relay", shard] = _LagOf("relay", relay)

    def projection(self, shard: int, projector: Following) -> None:
        """From now on, tell how far the views are behind."""
        self._readings["projection", shard] = _LagOf("projection", projector)

    def cached(self, shard: int, states: Sized) -> None:
        """From now on, tell how many streams `states` holds."""
        self._readings["cached", shard] = lambda: {"sayso_streams_cached": len(states)}

    def waiting(self, shard: int, source: Waiting) -> None:
        """From now on, tell how many commands wait in `source`."""
        self._readings["waiting", shard] = lambda: {"sayso_commands_waiting": source.waiting}

    def limits(self, shard: int, dispatcher: Limited) -> None:
        """From now on, tell what limits hold up."""
        self._readings["limits", shard] = lambda: {
            "sayso_texts_held_up": dispatcher.held_up,
            "sayso_carrier_rate": dispatcher.carrier_rate,
        }

    def attachments(self, shard: int, fetcher: Postponing) -> None:
        """From now on, tell how many attachments are to be tried again."""
        self._readings["attachments", shard] = lambda: {"sayso_attachments_postponed": fetcher.postponed}

    def drop(self, shard: int) -> None:
        """The shard is somebody else's now."""
        for key in [key for key in self._readings if key[1] == shard]:
            self._readings.pop(key, None)

    def describe(self) -> Iterator[Metric]:
        """The gauges without a value."""
        yield from self._families().values()

    def collect(self) -> Iterator[Metric]:
        """The gauges as they stand now."""
        families = self._families()
        for (what, shard), reading in list(self._readings.items()):
            try:
                read = reading()
            except Exception:
                log.warning("gauge_unreadable", gauge=what, shard=shard, exc_info=True)
                continue
            for name, value in read.items():
                families[name].add_metric([str(shard)], value)
        yield from families.values()

    def _families(self) -> dict[str, GaugeMetricFamily]:
        return {name: GaugeMetricFamily(name, text, labels=["shard"]) for name, text in _GAUGES.items()}


class _Reading(Protocol):
    def __call__(self) -> Mapping[str, float]: ...


class _LagOf:
    """Both gauges of one look."""

    def __init__(self, what: str, follower: Following) -> None:
        self._what = what
        self._follower = follower

    def __call__(self) -> Mapping[str, float]:
        events, seconds = self._follower.lag()
        return {f"sayso_{self._what}_lag_events": events, f"sayso_{self._what}_lag_seconds": seconds}
