"""Row 16: STOP races texts that are queued, or scheduled and due: none is handed over after its STOP."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from random import Random
from uuid import UUID, uuid4

from consumers.carriers.carrier import Accepted, Found, OutgoingText
from consumers.dispatcher import Dispatcher
from consumers.inbox import Inbox
from consumers.settling import Patience
from consumers.worker import Worker
from producers.http import forms
from schemas.commands import Command
from schemas.receipts import Answer
from tests.consumers.shards import Clock
from tests.drills import reading
from tests.drills.checker import Finding
from tests.drills.evidence import Carried, event
from tests.drills.lab import Lab, unlimited
from tests.drills.talks import Talks
from tests.drills.trial import Place, Tally, Trial
from tests.drills.wishes import Person
from tests.support.sayso import eventually

QUEUED = "STOP races queued texts"
SCHEDULED = "STOP races scheduled texts"
PEOPLE = 250
WAVES_PER_LAB = 8
HAND_OVERS_MAX = 8
APART_MAX = 24
"""How many texts a STOP comes before or after the hand-over of its own, at most."""
LATER = timedelta(minutes=10)
SETTLED_S_MAX = 120.0


class Witness:
    """A carrier that takes everything at once, and remembers it in order."""

    def __init__(self) -> None:
        self.taken: list[Carried] = []
        self.told: Callable[[str], None] = lambda _: None
        """Of the number of each text, while it is being taken."""
        self._lock = threading.Lock()

    def send(self, text: OutgoingText) -> Accepted:
        with self._lock:
            sid = f"SM{len(self.taken):032x}"
            self.taken.append(Carried(sid, text.to, text.body, "delivered"))
            self.told(text.to)
        return Accepted(sid, "delivered", 1, None)

    def find(self, carrier: str, to: str, since: datetime) -> tuple[Found, ...]:
        """Nothing is ever in doubt here."""
        raise AssertionError(f"{to} was asked after since {since}")

    def failing(self) -> frozenset[str]:
        return frozenset()


class Race:
    """Worker, projector and dispatcher at work in threads of their own, as in one process of Sayso."""

    def __init__(self, lab: Lab, talks: Talks) -> None:
        self.witness = Witness()
        self.inbox = Inbox(lab.position)
        self._lab = lab
        self._talks = talks
        self._clock = lab.clock
        lab.projector._on_batch = lambda _: self.dispatcher.wake()
        self.worker = Worker(lab.shard, self.inbox, [lambda _: lab.projector.wake()])
        self.dispatcher = Dispatcher(
            lab.worklist,
            self.inbox,
            self.witness,
            _callback,
            lab.clock,
            HAND_OVERS_MAX,
            unlimited(),
            Patience(),
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        with ExitStack() as stack:
            for one in (self.worker, self._lab.projector, self.dispatcher):
                one.start()
                stack.callback(one.stop)
            yield

    def put(self, commands: Sequence[Command]) -> list[Answer]:
        """Put all of them in, and wait for all answers."""
        return [reply.result() for reply in [self.inbox.put(command) for command in commands]]

    def wave(self, chance: Random, *, scheduled: bool) -> None:
        """A text to each of the people, and a STOP from each around the moment of its hand-over."""
        send_at = self._clock() + LATER if scheduled else None
        people = self._talks.people
        stops = Stops(self.inbox, chance, {one.number: self._said(one, "STOP") for one in people})
        self.witness.told = stops.after
        self.put([self._lab.asked(self._talks.text(person, send_at)) for person in people])
        if scheduled:
            self._clock.move(LATER)
            self.dispatcher.wake()
        eventually(self.settled, SETTLED_S_MAX)
        stops.all()
        self.put([self._said(person, "START") for person in people])

    def settled(self) -> bool:
        """Whether every text has ended, and the views show it."""
        last = self._lab.ledger.last_notification()
        return reading.settled(reading.Sqlite(self._lab.folder / "views.db"), last)

    def _said(self, person: Person, body: str) -> Command:
        reply = self._talks.said(person, body)
        form = {"MessageSid": f"SM{uuid4().hex}", "From": reply.number, "To": reply.to, "Body": reply.body}
        return forms.receive_text(form, self._talks.account, self._talks.sender)


class Stops:
    """Words of people who are texted in a certain order, said a little before or after their turn."""

    def __init__(self, inbox: Inbox, chance: Random, words: Mapping[str, Command]) -> None:
        self._inbox = inbox
        self._turn = {number: n for n, number in enumerate(words)}
        moments = ((n + chance.uniform(-APART_MAX, APART_MAX), n) for n in self._turn.values())
        said = [*words.values()]
        self._waiting = deque((moment, said[n]) for moment, n in sorted(moments))
        self._replies: list[Future[Answer]] = []

    def after(self, number: str) -> None:
        """It is this number's turn: whoever was to speak until then does so."""
        while self._waiting and self._waiting[0][0] <= self._turn[number]:
            self._say()

    def all(self) -> None:
        """Everybody else speaks; returns when all were heard."""
        while self._waiting:
            self._say()
        for reply in self._replies:
            reply.result()

    def _say(self) -> None:
        _, word = self._waiting.popleft()
        self._replies.append(self._inbox.put(word))


def _callback(_: str, text_id: UUID) -> str:
    return f"http://127.0.0.1/{text_id}"


def races(place: Place) -> Iterator[Trial]:
    """Wave after wave of texts and STOPs; each text is a trial."""
    return rounds(place, PEOPLE, WAVES_PER_LAB)


def rounds(place: Place, people: int, waves: int) -> Iterator[Trial]:
    faults = place.chosen([QUEUED, SCHEDULED])
    while True:
        for fault in faults:
            talks = Talks(place.chance.getrandbits(32), people)
            with Lab(place.fresh("race"), Clock()) as lab:
                race = Race(lab, talks)
                with race.running():
                    packages = [talks.package() for _ in range(1 + people * waves // 900)]
                    race.put([lab.asked(wish) for wish in [*talks.setup(), *packages]])
                    for _ in range(waves):
                        race.wave(place.chance, scheduled=fault == SCHEDULED)
                yield from _held(fault, lab, race, people * waves)


def _held(fault: str, lab: Lab, race: Race, texts: int) -> Iterator[Trial]:
    """Everything that happened, against the promises; and that there was a race at all."""
    lab.projector.catch_up()
    evidence = lab.evidence(race.witness.taken)
    names = [event(raw).name for _, raw in evidence.ledgers[0]]
    sent, called_back = len(race.witness.taken), names.count("text-cancelled")
    more = list[Finding]()
    if sent + called_back != texts:
        more.append(Finding("P3", "neither sent nor called back", f"{texts}: {sent} + {called_back}"))
    if not sent or not called_back:
        more.append(Finding("harness", "nobody raced", f"{sent} sent, {called_back} called back"))
    told = {"handed over before their STOP": sent, "called back by it": called_back}
    trial = Tally().trial(fault, evidence, *more)
    yield Trial(fault, trial.findings, trial.counts, told)
    yield from [Trial(fault, [])] * (texts - 1)
