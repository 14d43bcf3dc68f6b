"""What is measured at shard, carrier and views: it is true, names nobody, and never stands in the way."""

from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import CollectorRegistry, generate_latest
from structlog.testing import capture_logs

from consumers.carriers.carrier import (
    Accepted,
    Found,
    Outcome,
    OutgoingText,
    Rejected,
    Unknown,
    Unreachable,
)
from consumers.freshness import Freshness, Lag
from consumers.inbox import Inbox
from consumers.metrics import ConsumerMetrics
from consumers.observing import ObservedCarriers, ObservedShard, ObservedViews
from consumers.projector import Projector
from consumers.worker import Worker
from domain.policy import Policy
from projections.engine import open_engine
from schemas.commands import Command
from schemas.receipts import Answer
from schemas.tracing import Channel
from tests.consumers.shards import NAMES, Rig, disk_full, ready
from tests.domain import people
from tests.domain.given import ACME, NUMBER
from tests.projections.history import History

SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = SAMPLED[:-1] + "0"
TRACE_ID = int(SAMPLED[3:35], 16)
COMMANDS = Channel("kafka", "sayso.commands")
WAIT_S = 30


class Watched:
    """Everything that is watched, and what was seen."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = ConsumerMetrics(self.registry)
        self.exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = provider.get_tracer("tests")

    def value(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, {"shard": "3", **labels}) or 0.0

    def outcomes(self) -> dict[str, float]:
        names = ("accepted", "refused", "repeated", "conflict", "failed")
        return {name: self.value("sayso_commands_total", outcome=name) for name in names}

    def shown(self) -> str:
        return generate_latest(self.registry).decode()


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def rig(tmp_path: Path, watched: Watched) -> Iterator[Rig]:
    """Its shard is number 3."""
    with Rig(tmp_path) as rig:
        rig.shard.close()
        rig.shard = ObservedShard(
            3,
            rig.ledger,
            NAMES,
            Policy(),
            rig.clock,
            metrics=watched.metrics,
            tracer=watched.tracer,
            channel=COMMANDS,
        )
        yield rig


def traced(command: Command, traceparent: str | None = SAMPLED) -> Command:
    return command.model_copy(update={"traceparent": traceparent})


# --- the shard --------------------------------------------------------------------------------------


def test_commands_are_counted_by_what_became_of_them(rig: Rig, watched: Watched) -> None:
    rig.process(*ready())
    text = people.send(command_id=uuid4())
    rig.process(text, text, text.model_copy(update={"body": "Else"}), people.send(number="+14155550111"))
    found = {"accepted": 5.0, "refused": 1.0, "repeated": 1.0, "conflict": 1.0, "failed": 0.0}
    assert watched.outcomes() == found
    assert watched.value("sayso_refusals_total", code="number_unknown") == 1
    assert watched.value("sayso_events_total") == len(rig.events())


def test_a_batch_is_measured_once_whatever_its_size(rig: Rig, watched: Watched) -> None:
    rig.process(*ready())
    rig.process(people.send())
    for name in ("sayso_batch_commands", "sayso_decide_seconds", "sayso_commit_seconds"):
        assert watched.value(f"{name}_count") == 2
    assert watched.value("sayso_batch_commands_sum") == 5
    assert watched.value("sayso_batch_commands_bucket", le="1.0") == 1


def test_what_could_not_be_stored_counts_as_failed(rig: Rig, watched: Watched) -> None:
    rig.process(*ready())
    inbox = Inbox(rig.ledger.position() or 0)
    worker = Worker(rig.shard, inbox)
    worker.start()
    with capture_logs(), disk_full(rig.folder):
        replies: list[Future[Answer]] = [
            inbox.put(people.add_number(f"+1415555{2600 + i}", f"candidate-{i}")) for i in range(300)
        ]
        failed = sum(reply.exception(WAIT_S) is not None for reply in replies)
    again = inbox.put(people.send())
    again.result(WAIT_S)
    worker.stop()
    assert failed > 0
    assert watched.outcomes()["failed"] == failed
    assert watched.outcomes()["accepted"] == 4 + 300 - failed + 1


def test_a_traced_command_has_a_span_and_others_have_none(rig: Rig, watched: Watched) -> None:
    rig.process(*ready(), traced(people.send(), UNSAMPLED))
    assert watched.exporter.get_finished_spans() == ()
    command = traced(people.send(command_id=uuid4()))
    refused = traced(people.send(number="+14155550111", command_id=uuid4()))
    rig.process(people.send(command_id=uuid4()), command, refused)
    first, second = watched.exporter.get_finished_spans()
    assert (first.name, first.kind, first.context.trace_id) == (
        "process sayso.commands",
        SpanKind.CONSUMER,
        TRACE_ID,
    )
    assert dict(first.attributes or {}) == {
        "messaging.system": "kafka",
        "messaging.destination.name": "sayso.commands",
        "messaging.destination.partition.id": "3",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.message.id": str(command.command_id),
        "messaging.kafka.offset": 6,  # it is the seventh, and offsets begin at 0
        "sayso.command.type": "send-text",
        "sayso.outcome": "accepted",
    }
    assert (second.attributes or {})["sayso.outcome"] == "refused"
    assert first.start_time is not None
    assert first.end_time is not None
    assert first.start_time < first.end_time


def test_how_late_a_text_leaves_is_measured_where_it_leaves(rig: Rig, watched: Watched) -> None:
    rig.process(*ready(), people.send())
    due = people.start(due_at=rig.clock() - timedelta(seconds=3))
    rig.process(due, due, people.start(due_at=rig.clock(), attempt=2))
    assert watched.value("sayso_hand_over_late_seconds_count") == 1
    assert watched.value("sayso_hand_over_late_seconds_sum") == 3


# --- the carrier ------------------------------------------------------------------------------------


class Answering:
    """Carriers that answer what they were told to."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.got: list[OutgoingText] = []

    def send(self, text: OutgoingText) -> Outcome:
        self.got.append(text)
        return self.outcome

    def find(self, carrier: str, to: str, since: datetime) -> tuple[Found, ...] | Unknown:
        return Unknown(f"{carrier} {to} {since}")

    def failing(self) -> frozenset[str]:
        return frozenset({"backup"})


OUTCOMES: dict[str, Outcome] = {
    "accepted": Accepted("SM1", "queued", 1, None),
    "rejected": Rejected(21610, 400, f"{NUMBER} unsubscribed", None),
    "unreachable": Unreachable("nobody there"),
    "unknown": Unknown("silence"),
}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_hand_over_is_timed_and_traced_and_answers_as_before(watched: Watched, outcome: str) -> None:
    behind = Answering(OUTCOMES[outcome])
    carrier = ObservedCarriers(behind, watched.metrics, shard=3, tracer=watched.tracer)
    text = OutgoingText(UUID(int=7), NUMBER, "Hello Ada", people.SENDER, "https://x.example", SAMPLED)
    assert carrier.send(text) is behind.outcome
    assert behind.got == [text]
    assert watched.value("sayso_dispatch_seconds_count", outcome=outcome) == 1
    (span,) = watched.exporter.get_finished_spans()
    assert (span.name, span.kind, span.context.trace_id) == ("dispatch", SpanKind.CLIENT, TRACE_ID)
    assert (span.attributes or {})["sayso.outcome"] == outcome
    assert (span.status.status_code is StatusCode.ERROR) == (outcome != "accepted")
    for said in (NUMBER[1:], "Ada", people.SENDER[1:]):
        assert said not in span.to_json() + watched.shown()


def test_what_the_carrier_turns_down_for_its_number_alone_is_counted(watched: Watched) -> None:
    too_many = Rejected(20429, 429, "Too many requests", 1.0), Rejected(None, 429, "", None)
    for outcome in (OUTCOMES["accepted"], OUTCOMES["rejected"], *too_many):
        carrier = ObservedCarriers(Answering(outcome), watched.metrics, shard=3)
        carrier.send(OutgoingText(UUID(int=7), NUMBER, "Hello", people.SENDER, "https://x.example", SAMPLED))
    assert watched.value("sayso_throttled_total") == 2


def test_carriers_are_asked_as_before(watched: Watched) -> None:
    now = datetime.now(UTC)
    carrier = ObservedCarriers(Answering(OUTCOMES["unknown"]), watched.metrics, shard=3)
    assert carrier.find("twilio", NUMBER, now) == Unknown(f"twilio {NUMBER} {now}")
    assert carrier.failing() == {"backup"}
    carrier.send(OutgoingText(UUID(int=7), NUMBER, "Hello", people.SENDER, "https://x.example", SAMPLED))
    assert watched.exporter.get_finished_spans() == ()


# --- the views --------------------------------------------------------------------------------------


def test_batches_of_the_views_are_counted_and_each_trace_in_them_has_a_span(
    rig: Rig, watched: Watched, tmp_path: Path
) -> None:
    other = write_of(TRACE_ID + 1)
    rig.process(
        *ready(), traced(people.send()), traced(people.follow(), other), traced(people.buy(), UNSAMPLED)
    )
    watched.exporter.clear()
    views = ObservedViews(
        watched.metrics, shard=3, tracer=watched.tracer, channel=Channel("kafka", "sayso.events")
    )
    engine = open_engine(f"sqlite:///{tmp_path / 'views.db'}")
    Projector(rig.ledger, engine, rig.keys, on_batch=views).catch_up()
    engine.dispose()
    assert watched.value("sayso_projected_events_total") == len(rig.events())
    assert watched.value("sayso_project_seconds_count") == 1
    spans = watched.exporter.get_finished_spans()
    assert {span.context.trace_id for span in spans} == {TRACE_ID, TRACE_ID + 1}
    for span in spans:
        assert (span.name, span.kind) == ("project", SpanKind.CONSUMER)
        assert (span.attributes or {})["messaging.batch.message_count"] == len(rig.events())


def write_of(trace_id: int) -> str:
    return f"00-{trace_id:032x}-{1:016x}-01"


# --- how things stand -------------------------------------------------------------------------------


class Behind:
    """A relay or projector that is behind by that much; or is not to be asked."""

    def __init__(self, events: int | None, seconds: float = 0.0) -> None:
        self._lag = events, seconds

    def lag(self) -> tuple[int, float]:
        events, seconds = self._lag
        if events is None:
            raise ConnectionError(NUMBER)
        return events, seconds


class Slowed:
    """A dispatcher whose texts wait."""

    held_up = 40
    carrier_rate = 12.5


def test_lags_queues_and_caches_are_read_when_somebody_asks(rig: Rig, watched: Watched) -> None:
    standing, inbox = watched.metrics.standing, Inbox(0)
    standing.cached(3, rig.shard.states)
    standing.waiting(3, inbox)
    standing.relay(3, Behind(7, 1.5))
    standing.projection(3, Behind(2, 0.25))
    standing.limits(3, Slowed())
    inbox.put(people.send())
    rig.process(*ready())
    assert (watched.value("sayso_texts_held_up"), watched.value("sayso_carrier_rate")) == (40, 12.5)
    assert watched.value("sayso_commands_waiting") == 1
    assert watched.value("sayso_streams_cached") == len(rig.shard.states) > 0
    assert watched.value("sayso_relay_lag_events") == 7
    assert watched.value("sayso_relay_lag_seconds") == 1.5
    assert watched.value("sayso_projection_lag_events") == 2
    assert watched.value("sayso_projection_lag_seconds") == 0.25
    standing.drop(3)
    assert 'lag_events{shard="3"}' not in watched.shown()
    assert 'cached{shard="3"}' not in watched.shown()


def test_what_cannot_be_read_just_now_is_left_out_and_the_rest_is_shown(watched: Watched) -> None:
    watched.metrics.standing.relay(3, Behind(None))
    watched.metrics.standing.projection(3, Behind(2))
    with capture_logs() as logs:
        assert watched.registry.get_sample_value("sayso_relay_lag_events", {"shard": "3"}) is None
        assert watched.value("sayso_projection_lag_events") == 2
    assert logs[0]["event"] == "gauge_unreadable"


def test_measurements_name_nobody(rig: Rig, watched: Watched) -> None:
    rig.process(*ready(), people.send("Hello Ada", command_id=uuid4()))
    for said in (ACME, NUMBER[1:], "Ada", "grace"):
        assert said not in watched.shown()


# --- how old the lag is -----------------------------------------------------------------------------

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Hand:
    """A clock's hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def after(self, seconds: float) -> None:
        self.now = NOON + timedelta(seconds=seconds)


def test_whoever_is_not_behind_has_no_lag() -> None:
    assert Freshness(Hand()).lag(0) == Freshness(Hand()).lag(-1) == Lag(0, 0.0)


def test_a_lag_is_as_old_as_the_next_event_can_be() -> None:
    hand = Hand()
    fresh = Freshness(hand)
    hand.after(5)
    assert fresh.lag(3) == Lag(3, 5.0), "nothing read yet: since it began"
    fresh.reached(NOON - timedelta(hours=1))
    assert fresh.lag(3) == Lag(3, 3_605.0), "catching up: since the last event it had"
    fresh.at_end()
    hand.after(7)
    assert fresh.lag(1) == Lag(1, 2.0), "an idle hour is no lag: since it last found nothing to read"
    fresh.reached(NOON + timedelta(seconds=60))
    assert fresh.lag(1) == Lag(1, 0.0), "clocks apart"


def test_a_projector_knows_how_old_its_lag_is(tmp_path: Path) -> None:
    history = History().numbered("grace", NUMBER)
    engine = open_engine(f"sqlite:///{tmp_path / 'views.db'}")
    projector = Projector(history.log, engine, history.keys, batch_max=1)
    assert projector.lag().events == 2
    assert projector._step()
    age_s = (datetime.now(UTC) - history.recorded[0].context.at).total_seconds()
    assert projector.lag().events == 1
    assert projector.lag().seconds == pytest.approx(age_s, abs=WAIT_S)
    projector.catch_up()
    assert projector.lag() == Lag(0, 0.0)
    engine.dispose()
