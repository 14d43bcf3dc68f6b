"""One trace, from whoever asked for a text to the phone and the page: nothing of it missing, nobody in it."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from deploy.clock import utc_now
from deploy.observability import Observability
from schemas import codec
from schemas import events as e
from schemas.events import Recorded
from tests.support.office import POLITE, Office, office_hours, open_office, quick
from tests.support.sayso import System, running

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
CALLER = f"00-{TRACE_ID}-b7ad6b7169203331-01"
UNSAMPLED = CALLER[:-1] + "0"


class Recording:
    """A system whose spans are kept; they are all there once it is closed."""

    def __init__(self, folder: Path) -> None:
        self.exporter = InMemorySpanExporter()
        self._running = running(folder, carrier=quick, observability=Observability(self.exporter))

    def __enter__(self) -> System:
        system = self._running.__enter__()
        system.clock.set(office_hours(utc_now()))
        return system

    def __exit__(self, *error: Any) -> None:
        self._running.__exit__(*error)

    @property
    def spans(self) -> list[ReadableSpan]:
        return sorted(self.exporter.get_finished_spans(), key=lambda span: span.start_time or 0)


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    return Recording(tmp_path)


def post(office: Office, command: Mapping[str, Any], **headers: str) -> str:
    """Ask for something, and get its id."""
    answer = office.boss.http.post("/commands", json=command, headers={"Prefer": "wait=20", **headers})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["command_id"])


def events_of(system: System) -> Iterator[Recorded]:
    for _, data in system.sayso.stores.ledger.notifications(0, 10_000):
        yield codec.decode(data, system.sayso.stores.keys)


def test_one_trace_from_the_header_to_command_event_dispatch_and_views(recording: Recording) -> None:
    with recording as system:
        office = open_office(system)
        person = office.candidate()
        send = {"type": "send-text", **person.at, "body": POLITE}
        text_id = post(office, send, traceparent=CALLER)
        person.becomes(text_id, "delivered")
        system.client(account=office.account).get("")
        traced = [
            one for one in events_of(system) if (one.context.traceparent or "").startswith(f"00-{TRACE_ID}")
        ]
        number = person.number
    assert {type(one.event) for one in traced} >= {
        e.TextQueued,
        e.DispatchStarted,
        e.TextSent,
        e.CommandAccepted,
    }

    spans = recording.spans
    assert {f"{span.context.trace_id:032x}" for span in spans if span.context} == {TRACE_ID}
    kinds = {(span.name, span.kind) for span in spans}
    assert kinds == {
        ("POST /v1/accounts/{account}/commands", SpanKind.SERVER),
        ("send sayso.commands", SpanKind.PRODUCER),
        ("process sayso.commands", SpanKind.CONSUMER),
        ("dispatch", SpanKind.CLIENT),
        ("project", SpanKind.CONSUMER),
    }
    by_id = {span.context.span_id: span for span in spans if span.context}
    server, sent = spans[0], spans[1]
    assert server.parent is not None
    assert f"{server.parent.span_id:016x}" == CALLER.split("-")[2]
    assert by_id[sent.parent.span_id if sent.parent else 0] is server
    for span in spans[2:]:
        assert span.parent is not None
        assert by_id[span.parent.span_id] is sent, span.name
    commands = [(span.attributes or {}).get("sayso.command.type") for span in spans]
    assert {"send-text", "start-dispatch", "record-handover"} <= set(commands)

    said = json.dumps([span.to_json() for span in spans])
    for word in (number[1:], "Ada", "Acme Robotics", POLITE, office.account):
        assert word not in said


def test_without_a_header_or_a_wish_to_follow_there_is_no_span(recording: Recording) -> None:
    with recording as system:
        office = open_office(system)
        person = office.candidate()
        person.becomes(person.gets()["text_id"], "delivered")
        follow = {"type": "follow-candidate", "candidate": person.candidate}
        post(office, follow, traceparent=UNSAMPLED)
        post(office, {**follow, "type": "unfollow-candidate"}, traceparent="nonsense")
        traces = {one.context.traceparent for one in events_of(system)}
    assert traces == {None, UNSAMPLED}
    assert recording.spans == []


def test_what_goes_wrong_is_seen_in_the_trace_without_words(recording: Recording) -> None:
    with recording as system:
        office = open_office(system)
        person = office.candidate()
        person.phone.behaves(error_code=21610)
        send = {"type": "send-text", **person.at, "body": POLITE}
        person.becomes(post(office, send, traceparent=CALLER), "failed")
        number = person.number
    (dispatch,) = [span for span in recording.spans if span.name == "dispatch"]
    assert (dispatch.attributes or {})["sayso.outcome"] == "rejected"
    assert (dispatch.attributes or {})["error.type"] == "21610"
    assert number[1:] not in json.dumps([span.to_json() for span in recording.spans])
