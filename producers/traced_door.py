"""A door that leaves a span for every command that carries a trace; the command goes on below that span."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from opentelemetry.trace import SpanKind, Tracer

from schemas import records, tracing
from schemas.commands import Command
from schemas.door import CommandDoor
from schemas.receipts import Answer
from schemas.tracing import Channel


class TracedDoor:
    """`door`, watched. A span ends when the door has taken the command in, or answered whoever waits."""

    def __init__(self, door: CommandDoor, tracer: Tracer, channel: Channel) -> None:
        self._door = door
        self._tracer = tracer
        self._name = f"send {channel.name}"
        self._attributes = channel.attributes("send", "send")

    async def submit(self, command: Command, wait_s: float) -> Answer | None:
        """As the door does."""
        with self._sending(command) as sent:
            return await self._door.submit(sent, wait_s)

    def put(self, command: Command) -> "Future[Answer]":
        """As the door does."""
        with self._sending(command) as sent:
            return self._door.put(sent)

    @contextmanager
    def _sending(self, command: Command) -> Iterator[Command]:
        if command.traceparent is None:
            yield command
            return
        attributes = {
            **self._attributes,
            "messaging.message.id": str(command.command_id),
            "sayso.command.type": command.type,
        }
        with tracing.span(
            self._tracer, command.traceparent, self._name, SpanKind.PRODUCER, attributes
        ) as span:
            if span is not None:
                at = tracing.write(span.get_span_context())
                command = command.model_copy(update={records.TRACEPARENT: at})
            yield command
