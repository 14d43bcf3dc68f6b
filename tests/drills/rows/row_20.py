"""Row 20: twenty thousand texts in the worst weather, and kill -9 of whoever sends, every few seconds.

The carrier heeds no STOP by itself: it takes whatever it is given, so that it can bear witness.
"""

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import cycle
from typing import TypeVar

import httpx

from deploy.simulator.behaviour import Callbacks, Fault
from deploy.simulator.settings import OptOut, SimulatorSettings
from deploy.simulator.weather import Weather
from tests.drills import reading
from tests.drills.checker import Finding
from tests.drills.crowd import Crowd
from tests.drills.distributed import Distributed
from tests.drills.embedded import Embedded
from tests.drills.evidence import Event, Evidence, event, text_of
from tests.drills.folding import History, fold
from tests.drills.load import Mix
from tests.drills.stand import Process, Stand
from tests.drills.trial import Place, Trial

S = TypeVar("S", bound=Stand)
TEXTS = {"a thousand texts": 1_000, "twenty thousand texts": 20_000}
BETWEEN_KILLS_S = (2.0, 6.0)
RATE = 400.0
PEOPLE = 400
"""All accounts together."""
SETTLED_S_MAX = 1_800.0
MIX = Mix(duplicates=0.1, poison=0.01, replies=0.08)

WEATHER = Weather(
    answer_after_s=(0.0, 0.05),
    refusals={20429: 0.03, 21614: 0.01, 21610: 0.002},
    retry_after_s=(0, 1),
    problem_details=0.5,
    server_errors={500: 0.02, 503: 0.01},
    faults={
        Fault.RESET_BEFORE: 0.02,
        Fault.RESET_AFTER: 0.02,
        Fault.ERROR_AFTER: 0.02,
        Fault.TIMEOUT_AFTER: 0.02,
    },
    early=0.05,
    late=0.05,
    late_s=(0.2, 3.0),
    callbacks={
        Callbacks.LOST: 0.05,
        Callbacks.TWICE: 0.05,
        Callbacks.REVERSED: 0.05,
        Callbacks.SHUFFLED: 0.05,
    },
    failed={30007: 0.01},  # what is worth another try is tried after minutes: row 19 has those
    undelivered={30004: 0.02, 30005: 0.01},
    recounted=0.05,
    overwritten=1.0,
    replies={"STOP": 0.015, "START": 0.02, "Yes, at noon": 0.02},
    reply_after_s=(0.0, 0.5),
)


def embedded(place: Place, texts: int | None = None) -> Iterator[Trial]:
    """The one process that is everything dies again and again."""

    def victims(stand: Embedded, _: random.Random) -> list[Process]:
        return [stand.process]

    def database(stand: Embedded) -> reading.Database:
        return reading.Sqlite(stand.settings.data_dir / "views.db")

    def stand(seed: int) -> Embedded:
        return Embedded(
            place.nursery,
            place.fresh("worst"),
            seed,
            MIX,
            rate=RATE,
            wishes=partial(Crowd, people=PEOPLE // 2 if texts is None else 10),
            carrier=partial(_in_bad_weather, seed),
        )

    return _trials(place, "embedded", stand, victims, database, texts)


def distributed(place: Place, texts: int | None = None) -> Iterator[Trial]:
    """One of the workers dies, or all of them at once."""

    def victims(stand: Distributed, chance: random.Random) -> list[Process]:
        return chance.choice([stand.workers, stand.workers[:1], stand.workers[1:]])

    def database(stand: Distributed) -> reading.Database:
        return stand.database

    def stand(seed: int) -> Distributed:
        return Distributed(
            place.nursery,
            place.fresh("worst"),
            seed,
            place.servers(),
            mix=MIX,
            rate=RATE,
            wishes=partial(Crowd, people=PEOPLE // 8 if texts is None else 4),
            carrier=partial(_in_bad_weather, seed),
        )

    return _trials(place, "distributed", stand, victims, database, texts)


def _in_bad_weather(seed: int, usual: SimulatorSettings) -> SimulatorSettings:
    return replace(usual, weather=WEATHER.with_seed(seed), opt_out=OptOut(enabled=False))


def _trials(
    place: Place,
    form: str,
    made: Callable[[int], S],
    victims: Callable[[S, random.Random], list[Process]],
    database: Callable[[S], reading.Database],
    texts: int | None,
) -> Iterator[Trial]:
    """`texts`: so many, instead of those of the long form in turn."""
    faults = {f"{name} ({form})": texts or number for name, number in TEXTS.items()}
    for fault in cycle(place.chosen([*faults])):
        with made(place.chance.getrandbits(32)) as stand:
            stand.start()
            stand.load.prepare()
            kills = 0
            stand.load.start()
            while _texts(database(stand)) < faults[fault]:
                time.sleep(place.chance.uniform(*BETWEEN_KILLS_S))
                for process in victims(stand, place.chance):
                    process.kill()
                stand.start()
                kills += 1
            stand.load.stop()
            stand.settle(SETTLED_S_MAX)
            evidence = stand.evidence()
            seen = Seen(evidence, taken(stand.carrier_url))
            trial = stand.tally.trial(fault, evidence, *seen.findings())
            yield replace(trial, told={"kills": kills, **seen.figures()})


def _texts(database: reading.Database) -> int:
    """How many texts were accepted."""
    table = reading.view_table(database, "threads", "messages")
    ((found,),) = database.query(f"SELECT count(*) FROM {table} WHERE kind = 'text'")  # noqa: S608  # our own
    return int(found)


# --- what the carrier has to say --------------------------------------------------------------------


@dataclass(frozen=True)
class Taken:
    """A text that the carrier took; `text_id` is none for the answer to a keyword."""

    sid: str
    text_id: str | None
    at: datetime
    answered: bool
    status: str
    segments: int
    code: int | None


def taken(url: str) -> list[Taken]:
    """Every text that the carrier ever took, in order."""
    answer = httpx.get(f"{url}/taken", trust_env=False, timeout=120).raise_for_status()
    rows = [json.loads(line) for line in answer.text.splitlines()]
    return [
        Taken(
            row["sid"],
            text_of(row["body"]),
            datetime.fromisoformat(row["at"]),
            row["answered"],
            row["status"],
            row["segments"],
            row["error_code"],
        )
        for row in rows
    ]


class Seen:
    """Our ledger and the carrier's account of the same texts, side by side."""

    def __init__(self, evidence: Evidence, taken: list[Taken]) -> None:
        self._taken = [one for one in taken if one.text_id is not None]
        self._events = [event(raw) for stored in evidence.ledgers.values() for _, raw in stored]
        states = [fold([event(raw) for _, raw in stored])[0] for stored in evidence.ledgers.values()]
        self._texts = {name[1]: text for state in states for name, text in state.texts.items()}
        self._states = states
        self._billed = {
            one.data["text_id"]: one.data["billed"]
            for one in self._events
            if one.name in ("text-sent", "text-recounted", "text-counted") and one.data.get("billed")
        }
        self._consent = Consents(self._events)

    def findings(self) -> Iterator[Finding]:
        """P1, P3 and P4 as the carrier sees them."""
        for text_id, times in Counter(one.text_id for one in self._taken).items():
            if times > 1:
                yield Finding("P3", "the carrier has it twice", f"{text_id}: {times} times")
        for one in self._taken:
            text = self._texts.get(one.text_id or "")
            where = f"{one.sid}: {one.text_id}"
            if text is None:
                yield Finding("P1", "at the carrier and nobody's", where)
                continue
            if not self._consent.standing(one.text_id or "", one.at):
                yield Finding("P1", "at the carrier without consent at that instant", where)
            if one.status in ("delivered", "undelivered") and text.state not in (one.status, "unknown"):
                yield Finding("P3", "ends otherwise than at the carrier", f"{where}: {text.state}")
            if text.state == "failed" and text.paid:
                yield Finding("P4", "paid for what failed", f"{where}: {text.paid}")
            if text.state == "delivered" and one.segments != self._billed.get(one.text_id, text.paid):
                yield Finding("P4", "not what the carrier bills", f"{where}: {text.paid}, not {one.segments}")
        yield from self._balances()

    def figures(self) -> Mapping[str, object]:
        """What happened, by count."""
        ends = Counter(text.state for text in self._texts.values())
        attempts = Counter(text.attempts for text in self._texts.values())
        names = Counter(one.name for one in self._events)
        in_flight = self._consent.overtaken
        return {
            "texts accepted": len(self._texts),
            **{f"ended {state}": number for state, number in sorted(ends.items())},
            "never handed over": attempts[0],
            "handed over more than once": sum(n for times, n in attempts.items() if times > 1),
            "doubts": names["dispatch-doubted"],
            "taken by the carrier": len(self._taken),
            "taken twice": len(self._taken) - len({one.text_id for one in self._taken}),
            "answers lost": sum(not one.answered for one in self._taken),
            "recounted": names["text-recounted"],
            "consents revoked by keyword": names["consent-revoked"],
            "in flight while consent was revoked": len(in_flight),
            "longest such flight": f"{max(in_flight, default=timedelta()).total_seconds():.3f} s",
            "accounts, balance right": len({one.account for one in self._events}),
        }

    def _balances(self) -> Iterator[Finding]:
        """Each account's balance is what came in less what its texts cost in the end."""
        for state in self._states:
            for account, totals in state.credits.items():
                paid = sum(text.paid + text.spent for name, text in state.texts.items() if name[0] == account)
                by_hand = _by_hand(self._events, account)
                wanted = totals["free"] + totals["bought"] + by_hand - paid
                if totals["balance"] != wanted:
                    where = f"{account}: {totals['balance']}, not {wanted}"
                    yield Finding("P4", "the balance is not what is left", where)


def _by_hand(events: list[Event], account: str) -> int:
    """What was adjusted without a text."""
    return sum(
        one.data["segments"]
        for one in events
        if one.account == account and one.name == "segments-adjusted" and one.data.get("text_id") is None
    )


class Consents:
    """When consent stood, and when each text was let go: the ledger's order beside the clock."""

    def __init__(self, events: list[Event]) -> None:
        history = History()
        self._left: dict[str, tuple[str, datetime, bool]] = {}
        """Of each text's last hand-over: its conversation, when it began, and whether consent stood."""
        self._ended: dict[str, list[datetime]] = {}
        self.overtaken: list[timedelta] = []
        """How long texts flew during whose flight consent was revoked."""
        for one in events:
            list(history.see(one))
            if one.name == "dispatch-started":
                stood = history.talks[one.stream].status == "granted"
                self._left[one.data["text_id"]] = one.stream, datetime.fromisoformat(one.at), stood
            elif one.name in ("consent-revoked", "consent-withdrawn"):
                self._ended.setdefault(one.stream, []).append(datetime.fromisoformat(one.at))

    def standing(self, text_id: str, at: datetime) -> bool:
        """Whether the hand-over that led to this text was begun while consent stood, and before it came."""
        if text_id not in self._left:
            return False
        stream, began, stood = self._left[text_id]
        if any(began < ended < at for ended in self._ended.get(stream, ())):
            self.overtaken.append(at - began)
        return stood
