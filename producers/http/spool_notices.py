"""Telling the workers, on brokers, whose texts wait in this process's spool."""

from collections.abc import Collection
from datetime import timedelta
from time import monotonic
from uuid import UUID

from producers.http import ids
from producers.http.carrier_call import CarrierCall
from producers.spool import Spool
from producers.waiting_calls import WaitingCalls

SWEEP_EVERY_S = 30.0
NEVER_KEPT_AFTER = timedelta(minutes=1)
"""Longer than it can take to keep a call that was told of."""


class SpoolNotices:
    """One spool's notices. What could not be told, while PostgreSQL was away, is told once it is back.

    Every method raises `Unavailable` where it is away.
    """

    def __init__(self, waiting: WaitingCalls, spool: Spool) -> None:
        self._waiting = waiting
        self._spool = spool
        self._complete = False
        self._sweep_at_s = 0.0

    def tell(self, call: CarrierCall) -> None:
        """This one is about to be kept. First told, then kept: told after it was replayed, it would stay."""
        self._waiting.add(self._spool.id, _texts([call]))

    def missed(self) -> None:
        """One was kept that could not be told."""
        self._complete = False

    def complete(self) -> None:
        """Tell of all that waits, if something of it was missed. By whoever replays."""
        if self._complete:
            return
        self._complete = True  # what is missed from now on may not be in what is read
        try:
            for page in self._spool.pages():
                self._waiting.add(self._spool.id, _texts([CarrierCall.read(one.call) for one in page]))
        except BaseException:
            self._complete = False
            raise

    def taken(self, calls: Collection[CarrierCall]) -> None:
        """These were taken in; to be said before the spool forgets them."""
        self._waiting.remove(_texts(calls).keys())

    def empty(self) -> None:
        """Nothing waits: whatever was told, and then not kept, is taken back in the end."""
        if monotonic() >= self._sweep_at_s:
            self._sweep_at_s = monotonic() + SWEEP_EVERY_S
            self._waiting.sweep(self._spool.id, NEVER_KEPT_AFTER)


def _texts(calls: Collection[CarrierCall]) -> dict[UUID, str]:
    """What phones said among `calls`: only that may be a STOP."""
    inbound = [call for call in calls if call.door == "inbound"]
    return {ids.of_inbound(str(call.form.get("MessageSid"))): call.number for call in inbound}
