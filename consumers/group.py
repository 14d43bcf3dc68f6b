"""A worker process in the group that shares the shards: whoever is assigned one opens and serves it.

What a member has, the group decides; where a shard stands, its ledger says; that nobody else writes there,
the ledger sees to. So nothing here has to be right for anything to be safe: it is here to be quick.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, Protocol, TypeVar

import structlog

from consumers.membership import Membership
from consumers.partition_source import PartitionSource

log = structlog.get_logger()

POLL_MS = 100
POLL_WHILE_FULL_MS = 10
REOPEN_AFTER_S = 2.5
"""Longer than a heartbeat: by then a member that was thought dead has been told so, and opens nothing."""
SHARDS_AT_ONCE = 8
"""How many are opened, or closed, at the same time."""


class ServedShard(Protocol):
    """A shard that this process has opened, and serves."""

    @property
    def source(self) -> PartitionSource | None:
        """Where its records go, from its position on; none, if it needs no records."""
        ...

    @property
    def alive(self) -> bool:
        """Whether commands are being decided. If not, it has to be opened anew."""
        ...

    def close(self) -> None:
        """Finish the batch at hand, and let everything go. Must come to an end, whatever is broken."""
        ...


S = TypeVar("S", bound=ServedShard)


class GroupMember(Generic[S]):
    """One thread that only moves records, from the topic to the sources of this process's shards."""

    def __init__(self, client: Mapping[str, Any], group: str, topic: str, open: Callable[[int], S]) -> None:
        """`open`: takes a shard's ledger over, and begins to serve it; called in threads of its own.

        Where it raises, it is tried again as long as the shard is this member's.
        """
        self._client = client
        self._group = group
        self._topic = topic
        self._open = open
        self._seats: dict[int, _Seat[S]] = {}
        self._stopping = threading.Event()
        self._hands = ThreadPoolExecutor(SHARDS_AT_ONCE, thread_name_prefix="shards")
        self._thread = threading.Thread(target=self._run, name="group-member", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether it takes part in the group, or tries to."""
        return self._thread.is_alive()

    @property
    def shards(self) -> list[int]:
        """Those that are served here."""
        return sorted(number for number, seat in list(self._seats.items()) if seat.serving)

    @property
    def opened(self) -> dict[int, S]:
        """Those that were opened here and not let go since, by their numbers. From any thread."""
        seats = list(self._seats.items())
        return {number: shard for number, seat in seats if (shard := seat.shard) is not None}

    def start(self) -> None:
        """Join."""
        self._thread.start()

    def stop(self) -> None:
        """Give every shard up in good order, and leave, so that others need not wait for our death."""
        self._stopping.set()
        self._thread.join()
        self._hands.shutdown()

    # --- in the group ----------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._take_part()
            except Exception:  # the broker is away, or says no: nothing is lost, the ledgers know
                log.exception("group_failed", group=self._group)
                self._stopping.wait(REOPEN_AFTER_S)

    def _take_part(self) -> None:
        with Membership(self._client, self._group, self._topic, self._sit_down, self._get_up) as member:
            try:
                while not self._stopping.is_set():
                    full = self._tend(member)
                    self._move(member, POLL_WHILE_FULL_MS if full else POLL_MS)
            finally:
                member.leave()
                self._get_up(list(self._seats))  # what the group did not ask back

    def _move(self, member: Membership, timeout_ms: int) -> None:
        records = dict(member.poll(timeout_ms))
        for number, seat in list(self._seats.items()):  # others give seats up meanwhile
            if seat.shard is not None and (source := seat.shard.source) is not None:
                if number in records:
                    source.offer(records[number])
                if (position := member.position(number)) is not None:
                    source.passed(position)

    def _sit_down(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._seats[number] = _Seat(self._hands.submit(self._open, number))

    def _get_up(self, numbers: Iterable[int]) -> None:
        """Close those shards, and return once they are closed."""
        seats = [seat for number in numbers if (seat := self._seats.pop(number, None)) is not None]
        for closed in [self._hands.submit(seat.close) for seat in seats]:
            closed.result()

    # --- at a shard ------------------------------------------------------------------------------

    def _tend(self, member: Membership) -> bool:
        """Do what each shard needs by now. Whether one of them has its hands full."""
        full = False
        for number, seat in list(self._seats.items()):  # others give seats up meanwhile
            if seat.opening is not None:
                if seat.opening.done():
                    self._begin(member, number, seat)
            elif seat.shard is None:
                if time.monotonic() >= seat.reopen_at:
                    seat.opening = self._hands.submit(self._open, number)
            elif not seat.shard.alive:
                member.pause(number)
                seat.retire(self._hands)
                log.warning("shard_reopens", shard=number)
            elif seat.shard.source is None:
                pass  # its partition stays paused, and is only agreed upon
            elif seat.shard.source.full:
                full = True
                member.pause(number)
            else:
                member.resume(number)
        return full

    def _begin(self, member: Membership, number: int, seat: "_Seat[S]") -> None:
        """The shard was opened, or could not be."""
        assert seat.opening is not None
        opening, seat.opening = seat.opening, None
        seat.reopen_at = time.monotonic() + REOPEN_AFTER_S
        try:
            seat.shard = opening.result()
            if seat.shard.source is not None:
                member.seek(number, seat.shard.source.position)
        except Exception:
            log.exception("shard_not_opened", shard=number)
            if seat.shard is not None:
                seat.retire(self._hands)
        else:
            log.info("shard_opened", group=self._group, shard=number)


class _Seat(Generic[S]):
    """What is known of one shard that the group gave us."""

    def __init__(self, opening: "Future[S]") -> None:
        self.opening: Future[S] | None = opening
        self.shard: S | None = None
        self.reopen_at = 0.0
        self._retired: Future[None] | None = None

    @property
    def serving(self) -> bool:
        return self.shard is not None and self.shard.alive

    def retire(self, hands: ThreadPoolExecutor) -> None:
        """Let the shard go, to open it again later."""
        assert self.shard is not None
        shard, self.shard = self.shard, None
        self.reopen_at = time.monotonic() + REOPEN_AFTER_S
        self._retired = hands.submit(shard.close)

    def close(self) -> None:
        try:
            if self._retired is not None:
                self._retired.result()
            shard = self.shard if self.opening is None else self.opening.result()
            if shard is not None:
                shard.close()
        except Exception:
            log.exception("shard_not_closed")  # whoever opens it next fences what is left of it
