"""Telling the workers, on brokers, whose texts wait in a spool."""

import threading
from collections.abc import Collection
from datetime import timedelta
from time import monotonic
from uuid import UUID

import structlog

from producers.http import ids
from producers.http.carrier_call import CarrierCall
from producers.spool import Spool
from producers.waiting_calls import WaitingCalls
from schemas.door import Unavailable

LOOK_EVERY_S = 0.25
SWEEP_EVERY_S = 30.0
NEVER_KEPT_AFTER = timedelta(minutes=1)
"""Longer than it can take to keep a call that was told of."""
TOLD_AT_ONCE_MAX = 500

log = structlog.get_logger("sayso.webhooks")


class SpoolNotices:
    """The notices of one spool. A thread tells what could not be told while PostgreSQL was away."""

    def __init__(self, waiting: WaitingCalls, spool: Spool) -> None:
        self._waiting = waiting
        self._spool = spool
        self._sweep_at_s = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="spool-notices", daemon=True)

    def start(self) -> None:
        """Begin to tell what was not told."""
        self._thread.start()

    def stop(self) -> None:
        """What is not told waits for the next start."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def tell(self, call: CarrierCall) -> None:
        """This one is about to be kept. First told, then kept: told after it was replayed, it would stay.

        Raises:
            Unavailable: PostgreSQL is away.
        """
        self._waiting.add(self._spool.id, _texts([call]))

    def taken(self, calls: Collection[CarrierCall]) -> None:
        """These were taken in; to be said before the spool forgets them. Raises as `tell` does."""
        self._waiting.remove(_texts(calls).keys())

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_EVERY_S):
            try:
                self._look()
            except Unavailable as error:
                log.debug("calls_not_told_yet", reason=str(error))  # they are looked at again
            except Exception:
                log.exception("calls_not_told")

    def _look(self) -> None:
        while missed := self._spool.untold(TOLD_AT_ONCE_MAX):
            self._waiting.add(self._spool.id, _texts([CarrierCall.read(one.call) for one in missed]))
            self._spool.tell([one.id for one in missed])
        if not self._spool.waiting and monotonic() >= self._sweep_at_s:
            self._sweep_at_s = monotonic() + SWEEP_EVERY_S
            self._waiting.sweep(self._spool.id, NEVER_KEPT_AFTER)  # what was told, and then not kept


def _texts(calls: Collection[CarrierCall]) -> dict[UUID, str]:
    """What phones said among `calls`: only that may be a STOP."""
    inbound = [call for call in calls if call.door == "inbound"]
    return {ids.of_inbound(str(call.form.get("MessageSid"))): call.number for call in inbound}
