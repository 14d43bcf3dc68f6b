"""A link that can be hurt: a small TCP proxy that delays, throttles, holds, cuts and resets.

Every client of a drill has one of its own for each server, so that links fail one by one.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

T = TypeVar("T")
LOOPBACK = "127.0.0.1"
CHUNK_BYTES = 64 * 1024
REFUSED_AFTER_S = 0.1
"""Clients pause where nobody listens; where somebody does, and resets them, some try again at once."""
END_TXN = 26
"""The API key of EndTxn. https://kafka.apache.org/protocol#protocol_api_keys"""
_HEAD = struct.Struct(">ih")  # the length of what follows, and the API key
_LINGER_OFF = struct.pack("ii", 1, 0)

Way = Literal["up", "down"]
"""From the client to the server, or back."""


@dataclass(frozen=True)
class Manner:
    """How a link treats what goes over it."""

    held: frozenset[Way] = frozenset()
    """Where nothing gets through, without a word; it stays in the pipe until the link is well again, or until
    whoever sent it resets the connection, as a machine then takes back what did not get through."""
    one_in: int = 1
    """Only so many connections are held, as where one of several ways through a network is broken."""
    delay_s: float = 0.0
    bytes_per_s: float | None = None
    refuses: bool = False
    """New connections are reset."""


WELL = Manner()
HALF_OPEN = Manner(held=frozenset({"up", "down"}))


class Proxy:
    """A link to `target`, on a port of its own. It runs from entering the context to leaving it."""

    def __init__(self, target: int, port: int = 0, *, kafka: bool = False) -> None:
        """`kafka`: what goes over it is Kafka's protocol, whose requests can be told apart."""
        self._kafka = kafka
        self._target = target
        self._manner = WELL
        self._changed = asyncio.Event()
        self._numbers = count()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((LOOPBACK, port))
        self._socket.listen()  # now, or somebody else may take the port meanwhile
        self._hold_end_s: float | None = None
        self.ends_held = 0
        """How many ends of transactions were held back so far."""

    @property
    def port(self) -> int:
        """Where clients find the server."""
        port: int = self._socket.getsockname()[1]
        return port

    def behave(self, manner: Manner) -> None:
        """Treat everything so from now on, connections that stand included."""
        self._call(self._behave(manner))

    def cut(self) -> None:
        """Close every connection that stands, in good order."""
        self._call(self._drop(reset=False))

    def reset(self) -> None:
        """Reset every connection that stands."""
        self._call(self._drop(reset=True))

    def hold_next_end(self, seconds: float) -> None:
        """The next end of a Kafka transaction is delivered so late, even if the client has gone by then."""
        assert self._kafka
        self._hold_end_s = seconds

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._serve())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        done: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return done.result(30)

    # --- in the loop -----------------------------------------------------------------------------

    async def _serve(self) -> None:
        self._server = await asyncio.start_server(self._connected, sock=self._socket)

    async def _close(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._drop(reset=False)

    async def _behave(self, manner: Manner) -> None:
        self._manner = manner
        self._changed.set()
        self._changed = asyncio.Event()

    async def _drop(self, *, reset: bool) -> None:
        for writer in list(self._writers):
            _end(writer, reset=reset)

    async def _connected(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        try:
            if self._manner.refuses:
                raise ConnectionRefusedError
            server, to_server = await asyncio.open_connection(LOOPBACK, self._target)
        except OSError:
            await asyncio.sleep(REFUSED_AFTER_S)
            _end(to_client, reset=True)
            return
        number = next(self._numbers)
        self._writers |= {to_client, to_server}
        for source, sink, way in ((client, to_server, "up"), (server, to_client, "down")):
            task = asyncio.create_task(self._pump(source, sink, way, number))  # type: ignore[arg-type]  # a Way
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, way: Way, number: int
    ) -> None:
        with suppress(OSError):
            async for data in self._requests(source) if self._kafka and way == "up" else _chunks(source):
                await self._passes(data, way, number)
                if source.exception() is not None:
                    break
                sink.write(data)
                await sink.drain()
        _end(sink, reset=source.exception() is not None)
        self._writers.discard(sink)

    async def _passes(self, data: bytes, way: Way, number: int) -> None:
        """Return when `data` may go on, over the connection of that number."""
        while way in (manner := self._manner).held and number % manner.one_in == 0:
            await self._changed.wait()
        if manner.bytes_per_s:
            await asyncio.sleep(len(data) / manner.bytes_per_s)
        if manner.delay_s:
            await asyncio.sleep(manner.delay_s)

    async def _requests(self, source: asyncio.StreamReader) -> AsyncIterator[bytes]:
        """What a client asks of Kafka, request by request: each begins with its length and its API key."""
        while True:
            head = await _exactly(source, _HEAD.size)
            if not head:
                return
            length, key = _HEAD.unpack(head)
            request = head + await _exactly(source, length + 4 - _HEAD.size)
            if key == END_TXN and self._hold_end_s is not None:
                seconds, self._hold_end_s = self._hold_end_s, None
                self.ends_held += 1
                await asyncio.sleep(seconds)
            yield request


async def _chunks(source: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while data := await source.read(CHUNK_BYTES):
        yield data


async def _exactly(source: asyncio.StreamReader, size: int) -> bytes:
    """So many bytes; none where the client has gone before."""
    try:
        return await source.readexactly(size)
    except asyncio.IncompleteReadError:
        return b""


def _end(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    """Close a connection; with `reset`, as a machine does that knows nothing of it."""
    if reset:
        with suppress(OSError):
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_OFF)
        writer.transport.abort()
    else:
        writer.close()
