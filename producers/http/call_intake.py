"""How the carrier's calls are taken in: each becomes a command for the door, or a dead letter, or is spooled.

The carrier calls once and does not wait for long. So we wait for nothing longer than `DOOR_S_MAX`: a call
that the door, the view or the letters did not take by then goes to the spool, and is answered as if all were
well; a thread of ours tries again until it is taken. What was taken all the same, unheard, is found by its
id: ids come from the carrier's own, so twice is once.

While something waits in the spool, what comes goes behind it: a START must not overtake a STOP.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from types import MappingProxyType
from typing import Literal

import structlog
from pydantic import ValidationError

from producers.dead_letters import DeadLetters
from producers.http import forms
from producers.http.carrier_call import CarrierCall
from producers.http.spool_metrics import SpoolMetrics
from producers.http.spool_notices import SpoolNotices
from producers.spool import Spool, SpoolBroken, SpoolFull
from schemas.commands import Command
from schemas.door import Busy, CommandDoor, Unavailable
from schemas.stores import StoreUnavailable

DOOR_S_MAX = 0.5
"""How long a call may wait for the door: half of what it may take in all."""
ANSWER_WAIT_S = 0.001  # an answer that is there already tells whether the call came before
TELL_S_MAX = 0.3
"""How long others may take to be told of a call. It is answered after that, and they hear of it later."""
SPOOL_S_MAX = 10.0  # of a disk that hardly writes; Twilio listens for 15 s
REPLAY_S_MAX = 15.0  # longer than the door itself waits for a broker
REPLAYED_AT_ONCE_MAX = 200
LOOK_EVERY_S = 0.25
RETRY_S = 0.25
SENDER_KNOWN_S = 5.0
"""How long it is believed whose number one is: numbers hardly ever move."""
SENDERS_KNOWN_MAX = 10_000
THREADS = 4

Outcome = Literal["taken", "repeated", "kept", "spooled"]
Whose = Callable[[str], str | None]
"""The account that texts from a number or messaging service; asks a view, and may take its time."""

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "sender_unknown": "No account texts from the number that was texted.",
        "account_unknown": "Its address names no account.",
        "status_unknown": "It tells of a state that a text cannot have, as far as we know.",
        "fields_wrong": "A field is missing or wrong.",
        "command_id_reused": "The carrier used the same id before, with other content.",
        "internal_error": "A mistake of ours; the log has it as call_not_delivered.",
    }
)
"""Why a call becomes a dead letter, by its reason."""

_AWAY = (Busy, Unavailable, TimeoutError, OSError, StoreUnavailable)
"""What passes, once whatever it was is back."""

log = structlog.get_logger("sayso.webhooks")


class NotKept(Exception):
    """The call could neither be taken in nor spooled: nothing is promised. `full`: for want of room."""

    def __init__(self, *, full: bool) -> None:
        super().__init__("The call was neither taken in nor spooled.")
        self.full = full


@dataclass(frozen=True, slots=True)
class _Unusable(Exception):
    """A signed call that makes no command: the same call again would be no better."""

    reason: str
    account: str | None


class CallIntake:
    """Takes signed calls in. `take` belongs to the server's loop; replaying has its own thread and loop.

    Attributes:
        door: where their commands go.
        spool: where calls wait that could not be taken in at once.
    """

    def __init__(
        self,
        door: CommandDoor,
        whose: Whose,
        letters: DeadLetters,
        spool: Spool,
        clock: Callable[[], datetime],
        metrics: SpoolMetrics,
        notices: SpoolNotices | None = None,
    ) -> None:
        """`notices`: how others are told of what waits, where it is others who send."""
        self.door = door
        self.spool = spool
        self._whose = whose
        self._letters = letters
        self._clock = clock
        self._metrics = metrics
        self._notices = notices
        self._known: dict[str, tuple[str, float]] = {}
        # Of our own: whatever else of the process waits for a database must not hold the carrier up.
        self._asking = ThreadPoolExecutor(THREADS, thread_name_prefix="carrier-calls")
        self._telling = ThreadPoolExecutor(THREADS, thread_name_prefix="spool-notices")
        self._stopping, self._empty = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._replay, name="spool-replay", daemon=True)

    def start(self, drained_within_s: float = 0.0) -> bool:
        """Begin to replay; whether, within so many seconds, nothing is left that waited."""
        self._thread.start()
        if self._notices is not None:
            self._notices.start()
        return self._empty.wait(drained_within_s)

    def stop(self) -> None:
        """Finish the calls at hand; what waits, waits for the next start."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()
        if self._notices is not None:
            self._notices.stop()
        for pool in (self._asking, self._telling):
            pool.shutdown(wait=False, cancel_futures=True)

    async def take(self, call: CarrierCall) -> Outcome:
        """Take `call` in, or spool it; either way it survives a crash.

        Raises:
            NotKept: neither was possible.
        """
        if not self.spool.waiting:
            try:
                async with asyncio.timeout(DOOR_S_MAX):
                    return await self._deliver(call)
            except _AWAY as error:
                log.warning("call_spooled", door=call.door, error=type(error).__name__)
            except Exception:  # a mistake of ours: no reason to lose what somebody wrote
                log.exception("call_not_delivered", door=call.door)
        told = await self._told(call)
        try:
            kept = asyncio.wrap_future(self.spool.keep(call.write(), self._clock(), told=told))
            await asyncio.wait_for(asyncio.shield(kept), SPOOL_S_MAX)
        except (SpoolFull, SpoolBroken, TimeoutError) as error:
            self._metrics.refused()
            log.critical("call_lost", door=call.door, error=type(error).__name__)
            raise NotKept(full=isinstance(error, SpoolFull)) from error
        self._metrics.spooled()
        return "spooled"

    async def _told(self, call: CarrierCall) -> bool:
        """Whether those who send know, or need not know, that this call is about to wait."""
        if self._notices is None:
            return True
        try:
            async with asyncio.timeout(TELL_S_MAX):
                await asyncio.get_running_loop().run_in_executor(self._telling, self._notices.tell, call)
        except _AWAY:
            return False  # they hear of it from the spool, as soon as what is away is back
        return True

    # --- one call ----------------------------------------------------------------------------------

    async def _deliver(self, call: CarrierCall) -> Outcome:
        try:
            command = await self._command(call)
        except _Unusable as unusable:
            await self._keep(call, unusable.reason, unusable.account)
            return "kept"
        answer = await self.door.submit(command, ANSWER_WAIT_S)
        if answer is not None and answer.conflict:
            await self._keep(call, "command_id_reused", command.account)
            return "kept"
        return "repeated" if answer is not None and answer.repeated else "taken"

    async def _command(self, call: CarrierCall) -> Command:
        sender: str | None = None
        if call.door == "inbound":
            sender, account = await self._addressee(call)
        else:
            account = forms.account_of(call.parameters)
        if account is None:
            raise _Unusable("sender_unknown" if call.door == "inbound" else "account_unknown", None)
        if call.door == "status" and not forms.is_known_status(call.form):
            raise _Unusable("status_unknown", account)
        try:
            if call.door == "inbound":
                return forms.receive_text(call.form, account, sender)
            return forms.report_status(call.form, call.parameters)
        except ValidationError as error:
            raise _Unusable("fields_wrong", account) from error

    async def _addressee(self, call: CarrierCall) -> tuple[str | None, str | None]:
        """Which number, or messaging service, was texted, and whose it is."""
        for sender in (call.form.get("To"), call.form.get("MessagingServiceSid")):
            account = await self._account_of(str(sender)) if sender else None
            if account is not None:
                return str(sender), account
        return None, None

    async def _account_of(self, sender: str) -> str | None:
        account, until = self._known.get(sender, (None, 0.0))
        if account is not None and monotonic() < until:
            return account
        account = await asyncio.get_running_loop().run_in_executor(self._asking, self._whose, sender)
        if account is not None:
            if len(self._known) >= SENDERS_KNOWN_MAX:
                self._known.clear()
            self._known[sender] = account, monotonic() + SENDER_KNOWN_S
        return account

    async def _keep(self, call: CarrierCall, reason: str, account: str | None) -> None:
        """Keep a call that cannot be used; in doubt twice rather than never."""
        letter = await asyncio.get_running_loop().run_in_executor(
            self._asking,
            self._letters.keep,
            call.source,
            reason,
            call.whole,
            account,
            self._clock(),
        )
        log.warning("dead_letter", door=call.door, reason=reason, letter=letter)

    # --- what waits in the spool ---------------------------------------------------------------------

    def _replay(self) -> None:
        with asyncio.Runner() as runner:
            while not self._stopping.is_set():
                try:
                    busy = self.spool.look() and self.spool.mine() and runner.run(self._replay_some())
                except Exception:  # the spool cannot be read or written just now
                    log.exception("spool_not_replayed")
                    busy = False
                if not self.spool.waiting:
                    self._empty.set()
                if not busy:
                    self._stopping.wait(RETRY_S if self.spool.waiting else LOOK_EVERY_S)

    async def _replay_some(self) -> bool:
        """Deliver the calls that have waited longest. Whether all of them are taken in now."""
        waiting = self.spool.oldest(REPLAYED_AT_ONCE_MAX)
        calls = [CarrierCall.read(spooled.call) for spooled in waiting]
        batch = [*zip(waiting, calls, strict=True)][: _until_one_repeats([call.number for call in calls])]
        taken = await asyncio.gather(*(self._replay_one(call) for _, call in batch))
        done = [pair for pair, one in zip(batch, taken, strict=True) if one]
        if self._notices is not None:
            self._notices.taken([call for _, call in done])
        self.spool.drop([spooled.id for spooled, _ in done])
        self._metrics.replayed(len(done))
        return len(done) == len(batch)

    async def _replay_one(self, call: CarrierCall) -> bool:
        """Whether it is taken in now, or kept."""
        try:
            async with asyncio.timeout(REPLAY_S_MAX):
                await self._deliver(call)
        except _AWAY as error:
            log.debug("still_away", door=call.door, error=type(error).__name__)
            return False
        except (
            Exception
        ):  # a mistake of ours that no repeat would mend: it must not hold up what is behind it
            log.exception("call_not_delivered", door=call.door)
            return await self._keep_broken(call)
        return True

    async def _keep_broken(self, call: CarrierCall) -> bool:
        try:
            await self._keep(call, "internal_error", None)
        except _AWAY:
            return False
        return True


def _until_one_repeats(numbers: Sequence[str]) -> int:
    """How many come before one that came already: those can be delivered side by side."""
    seen: set[str] = set()
    for position, number in enumerate(numbers):
        if number in seen:
            return position
        seen.add(number)
    return len(numbers)
