"""The fetcher: has attachments stored that wait for it, a few at once, and what became of each recorded.

It remembers nothing that matters: what waits stands in the view. What was stored and not recorded, because
the process died in between, is fetched once more, into the same file.
"""

import random
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID, uuid5

import structlog

from consumers.attachments.keeper import Kept
from consumers.attachments.outcomes import Again, Refused, Stored
from projections.attachment_shapes import WaitingAttachment
from schemas.actors import SYSTEM
from schemas.commands import AttachmentFetched, AttachmentNotFetched, RecordAttachment
from schemas.door import Busy, CommandDoor, Unavailable

log = structlog.get_logger()

HANDS = 4
LOOK_EVERY_S = 1.0
PAGE = 200
PAGES_PER_LOOK = 10
"""So a look passes at most 2,000 that are not to be tried yet; the next one goes on from there."""
LATER_MAX = 10_000
"""How many are remembered that are not to be tried yet; of more, the longest known may be tried too soon."""
FIRST_WAIT_S = 2.0
WAIT_S_MAX = 1_800.0
RECORDED_WAIT = timedelta(minutes=1)
"""Until the view has long shown what was recorded."""

_FROM_ATTACHMENTS = UUID("5d0f6c1e-3b0a-5f4e-9c36-6f1f8a1b7a03")

Key = tuple[str, str, int]


class WaitingAttachments(Protocol):
    """The view of what is not fetched yet."""

    def waiting(self, after: WaitingAttachment | None, limit: int) -> Iterable[WaitingAttachment]:
        """At most `limit` of them, the oldest first; those that come after that one."""
        ...


class Keeper(Protocol):
    """Whoever fetches and stores, and whoever watches them do so."""

    def keep(self, waiting: WaitingAttachment, now: datetime, tries: int) -> Kept:
        """Try it, for the `tries`th time in a row."""
        ...

    def leave(self) -> None:
        """Give up what is under way."""
        ...


class _Later(NamedTuple):
    """Not to be tried again for a while."""

    at: datetime
    wait: timedelta
    tries: int

    def over(self, now: datetime) -> bool:
        """By the wall clock, as moments in the view are; where that jumped, whichever way, it is over."""
        return abs(now - self.at) >= self.wait


class AttachmentFetcher:
    """One thread that looks for work, and a few that do it."""

    def __init__(
        self,
        waiting: WaitingAttachments,
        keeper: Keeper,
        door: CommandDoor,
        clock: Callable[[], datetime],
        hands: int = HANDS,
    ) -> None:
        self._waiting = waiting
        self._keeper = keeper
        self._door = door
        self._clock = clock
        self._hands = hands
        self._pool = ThreadPoolExecutor(hands, thread_name_prefix="attachment")
        self._lock = threading.Lock()
        self._in_hand: set[Key] = set()
        self._later: dict[Key, _Later] = {}
        self._after: WaitingAttachment | None = None
        self._free = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="attachments", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether it looks for work."""
        return self._thread.is_alive()

    @property
    def postponed(self) -> int:
        """How many are to be tried again."""
        with self._lock:
            return sum(later.tries > 0 for later in self._later.values())

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Give up what is under way, and let go."""
        self._stopping.set()
        self._keeper.leave()
        self._free.set()
        self._thread.join()
        self._pool.shutdown()

    # --- looking for work ------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                whole = self._look()
            except Exception:
                log.exception("attachments_not_looked_for")  # the view may be away; they wait in it
                whole = True
            if whole:
                self._stopping.wait(LOOK_EVERY_S)
            else:
                self._free.wait(LOOK_EVERY_S)
            self._free.clear()

    def _look(self) -> bool:
        """Hand out what is to be tried now. False: there may be more, once a hand is free."""
        now = self._clock()
        for _ in range(PAGES_PER_LOOK):
            page = list(self._waiting.waiting(self._after, PAGE))
            for one in page:
                if not self._begin(one, now):
                    return False
                self._after = one
            if len(page) < PAGE:
                self._after = None
                return True
        return True

    def _begin(self, one: WaitingAttachment, now: datetime) -> bool:
        """Try `one`, unless it is not to be tried now. False: no hand is free."""
        key = _key(one)
        with self._lock:
            later = self._later.get(key)
            if key in self._in_hand or (later is not None and not later.over(now)):
                return True
            if len(self._in_hand) >= self._hands:
                return False
            self._in_hand.add(key)
        self._pool.submit(self._guarded, one)
        return True

    # --- doing it --------------------------------------------------------------------------------

    def _guarded(self, one: WaitingAttachment) -> None:
        about = {"sid": one.sid, "index": one.index}
        try:
            self._do(one)
        except (Busy, Unavailable):
            log.warning("attachment_not_recorded", **about)  # it is still in the view
            self._postpone(one, Again("not_recorded"))
        except Exception:
            log.exception("attachment_failed", **about)
            self._postpone(one, Again("failed"))
        finally:
            with self._lock:
                self._in_hand.discard(_key(one))
            self._free.set()

    def _do(self, one: WaitingAttachment) -> None:
        kept = self._keeper.keep(one, self._clock(), self._tries(one))
        if isinstance(kept, Again):
            self._postpone(one, kept)
            return
        self._door.put(outcome(one, kept)).result()
        self._remember(_key(one), _Later(self._clock(), RECORDED_WAIT, 0))
        if isinstance(kept, Refused):
            log.warning("attachment_refused", sid=one.sid, index=one.index, reason=kept.reason)

    def _tries(self, one: WaitingAttachment) -> int:
        """Which try this is."""
        with self._lock:
            before = self._later.get(_key(one))
        return 1 if before is None else before.tries + 1

    def _postpone(self, one: WaitingAttachment, again: Again) -> None:
        tries = self._tries(one)
        log.info("attachment_postponed", sid=one.sid, index=one.index, cause=again.cause, tries=tries)
        wait_s = min(FIRST_WAIT_S * 2.0 ** min(tries - 1, 16), WAIT_S_MAX)
        wait_s = max(wait_s, again.retry_after_s or 0.0)
        wait_s *= random.uniform(1.0, 1.5)  # noqa: S311  # no secret: what failed together comes apart
        self._remember(_key(one), _Later(self._clock(), timedelta(seconds=wait_s), tries))

    def _remember(self, key: Key, later: _Later) -> None:
        with self._lock:
            self._later.pop(key, None)
            while len(self._later) >= LATER_MAX:
                del self._later[next(iter(self._later))]
            self._later[key] = later


def outcome(one: WaitingAttachment, kept: Stored | Refused) -> RecordAttachment:
    """What became of it. Its id is the attachment's own: there is one outcome, and the first one stands."""
    result: AttachmentFetched | AttachmentNotFetched
    if isinstance(kept, Stored):
        result = AttachmentFetched(size_bytes=kept.size_bytes, sha256=kept.sha256, picture=kept.picture)
    else:
        result = AttachmentNotFetched(reason=kept.reason)
    return RecordAttachment(
        command_id=uuid5(_FROM_ATTACHMENTS, f"{one.account}\n{one.sid}\n{one.index}"),
        account=one.account,
        actor=SYSTEM,
        number=one.number,
        sid=one.sid,
        index=one.index,
        result=result,
    )


def _key(one: WaitingAttachment) -> Key:
    return (one.account, one.sid, one.index)
