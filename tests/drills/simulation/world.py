"""A whole embedded Sayso in one thread, with simulated time, queue, disk and carrier: one seed, one story.

The shard, its ledger, the views and the dispatcher are Sayso's own. Threads are not: whatever they would do
waits as a step, and the seed says what happens next, in between and instead.
"""

from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime, timedelta
from random import Random
from typing import Any

from schemas import codec
from schemas.commands import Command
from schemas.door import Unavailable
from schemas.receipts import Answer
from tests.consumers.shards import Clock
from tests.drills.evidence import Evidence
from tests.drills.lab import Lab
from tests.drills.simulation.carrier import SAID, SimulatedCarrier
from tests.drills.simulation.chance import FAIR, Crash, Odds
from tests.drills.simulation.steps import SteppedDispatcher, by_seconds_of
from tests.drills.talks import Talks
from tests.drills.wishes import Wish

DEEP_MAX = 2
"""How many things may be under way inside each other."""
QUIET_STEPS_MAX = 4_000
WAITS_LONGER_MAX = 6
"""How often a wait is doubled."""
SCHEDULED_S = (310, 3_600)
EVENTS_MAX = 1_000_000


class World:
    """One story, told in steps: on the same files, the same seed tells the same one."""

    def __init__(self, lab: Lab, seed: int, odds: Odds, people: int) -> None:
        self.chance = Random(seed)
        self.time = Clock(lab.clock())
        """The true one."""
        self.talks = Talks(self.chance.getrandbits(32), people, lambda: self.time().timestamp())
        self.carrier = SimulatedCarrier(self.chance, self.time, self.talks.account, self.said)
        self.carrier.odds = odds
        self.carrier.meanwhile = self._meanwhile
        self.crashes = 0
        self._odds = odds
        self.lab = lab
        self._clock = lab.clock
        self._queue: list[tuple[Command, Future[Answer] | None, Wish | None]] = []
        self._unheard: dict[str, Wish] = {}
        """What somebody wants and has no answer to yet."""
        self._texts: list[tuple[Any, str]] = []
        self._deep = 0
        self._waits = 0
        """How often nothing else was left to do at the end: each time it is waited longer."""
        self._begin()

    def run(self, steps: int) -> None:
        """Tell the story, and then let everything settle in fair weather."""
        undo = by_seconds_of(self.carrier.monotonic_s)
        try:
            self._tell(steps)
        finally:
            undo()

    def evidence(self) -> Evidence:
        """What is left, but for the views."""
        return self.lab.evidence(self.carrier.carried(), views=False)

    def happened(self) -> list[str]:
        """Everything there is to say of the story: each event, opened, and each message at the carrier."""
        stored = self.lab.ledger.notifications(0, EVENTS_MAX)
        events = [repr(codec.decode(data, self.lab.keys)) for _, data in stored]
        return events + [repr(message) for message in self.carrier.messages]

    def _tell(self, steps: int) -> None:
        for wish in self.talks.setup():
            self._want(wish)
        self._surviving(self._heard)
        for _ in range(steps):
            self._surviving(self._anything)
        self._odds = self.carrier.odds = FAIR
        for _ in range(QUIET_STEPS_MAX):
            if self._surviving(self._settle):
                return

    # --- the door: what stands where the inbox does ----------------------------------------------

    def put(self, command: Command) -> "Future[Answer]":
        """A step of Sayso's own. The future has its end already: nobody can wait in one thread."""
        reply: Future[Answer] = Future()
        self._queue.append((command, reply, None))
        self._meanwhile()
        while not reply.done():
            self._decide()
        return reply

    async def submit(self, command: Command, wait_s: float) -> Answer | None:
        raise NotImplementedError

    def said(self, command: Command) -> None:
        """What comes by the carrier's door, which does not wait for more than the queue."""
        self._queue.append((command, None, None))

    # --- what may happen -------------------------------------------------------------------------

    def _anything(self) -> bool:
        self.chance.choices(
            (
                self._member_wants,
                self._phone_writes,
                self._decide,
                self._project,
                self._look,
                self._work,
                self._time_passes,
                self.carrier.happen,
                self._crash,
                self._jump,
            ),
            (4, 1, 6, 6, 5, 10, 3, 5, 0.3, 100 * self._odds.jump),
        )[0]()
        return False

    def _meanwhile(self) -> None:
        if self._deep < DEEP_MAX and self._happens(self._odds.meanwhile):
            self._deep += 1
            try:
                self._anything()
            finally:
                self._deep -= 1
        if self._happens(self._odds.crash):
            raise Crash

    def _member_wants(self) -> None:
        talks, person = self.talks, self.chance.choice(self.talks.people)
        lot = self.chance.random()
        if lot < 0.15 and self._unheard:
            wish = self.chance.choice([*self._unheard.values()])
        elif lot < 0.25 and self._texts:
            wish = talks.cancelled(*self.chance.choice(self._texts))
        elif lot < 0.6:
            wish = talks.text(person)
        elif lot < 0.75:
            wish = talks.text(person, self._clock() + timedelta(seconds=self.chance.randint(*SCHEDULED_S)))
        else:
            wish = talks.next()
        if wish.kind == "send-text":
            self._texts.append((person, wish.command))
        self._want(wish)

    def _want(self, wish: Wish) -> None:
        self._unheard[wish.command] = wish
        self._queue.append((self.lab.asked(wish), None, wish))

    def _phone_writes(self) -> None:
        person = self.chance.choice(self.talks.people)
        self.carrier.reply(person.number, self.talks.sender, self.chance.choice(SAID))

    def _decide(self) -> None:
        """The worker takes whatever waits, as one batch."""
        if not self._queue:
            return
        batch, self._queue = self._queue, []
        shard = self.lab.shard
        try:
            decided = self.lab.decide([command for command, _, _ in batch])
            if self._happens(self._odds.disk_full):
                raise OSError(28, "No space left on the simulated device")
            if self._happens(self._odds.crash):
                raise Crash
            shard.store(decided)
        except OSError:
            shard.forget()
            for _, reply, _ in batch:
                if reply is not None:
                    reply.set_exception(Unavailable("simulated"))
            return
        if self._happens(self._odds.crash):
            raise Crash
        shard.settle(decided)
        for (_, reply, wish), (_, answer) in zip(batch, decided.answers, strict=True):
            if wish is not None:
                self._unheard.pop(wish.command, None)
            if reply is not None:
                reply.set_result(answer)

    def _project(self) -> None:
        self.lab.projector.catch_up()

    def _look(self) -> None:
        self._dispatcher.look()

    def _work(self) -> None:
        if self._deep == 0 or self._happens(0.5):
            self._dispatcher.steps.one(self.chance)

    def _time_passes(self) -> None:
        self._pass(timedelta(seconds=self.chance.choice((0.01, 1, 5, 31, 61, 301, 3_601))))

    def _pass(self, by: timedelta) -> None:
        self.time.move(by)
        self._clock.move(by)

    def _jump(self) -> None:
        """The clock is never wrong by more than one of its jumps."""
        if not self._odds.jumps:
            return
        jump, wrong = self.chance.choice(self._odds.jumps), self._clock() - self.time()
        if abs(wrong + jump) <= max(self._odds.jumps):
            self._clock.move(jump)

    def _crash(self) -> None:
        raise Crash

    # --- starting, and ending --------------------------------------------------------------------

    def _begin(self) -> None:
        """As a process does that has just been started: it knows what is in the files."""
        self._queue.clear()
        self._deep = 0
        self.lab.projector.catch_up()
        self._dispatcher = SteppedDispatcher(self.lab.worklist, self, self.carrier, self._clock)

    def _surviving(self, step: Callable[[], bool]) -> bool:
        try:
            return step()
        except Crash:
            self.crashes += 1
            self.lab.crash()
            self._begin()
            return False

    def _heard(self) -> bool:
        while self._unheard:
            for wish in [*self._unheard.values()]:
                self._want(wish)
            self._decide()
        return True

    def _settle(self) -> bool:
        """One step towards the end of all texts; whether that is reached."""
        self._heard()
        while self._queue:
            self._decide()
        self._project()
        self._look()
        while len(self._dispatcher.steps):
            self._work()
        if self._queue:
            return False
        self._project()
        if self.lab.all_ended():
            return True
        if (due := self.carrier.due()) is not None:
            self._pass(max(due - self.time(), timedelta()))
            while self.carrier.happen():
                pass
        else:
            self._pass(self._next_moment() - self._clock())
            self._waits += 1
        return False

    def _next_moment(self) -> datetime:
        """When something may come of waiting: a text is due, or it is time to ask after one again."""
        soon = self._clock() + timedelta(minutes=6 << min(self._waits, WAITS_LONGER_MAX))
        due: datetime | None = self.lab.worklist.next_due(self._clock())
        return soon if due is None else min(due, soon)

    def _happens(self, share: float) -> bool:
        return self.chance.random() < share
