"""Row 11: status callbacks in every order, with repeats, before and after the answer that they overtake."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from random import Random
from typing import Any
from uuid import UUID, uuid4

from producers.http import forms
from schemas.actors import SYSTEM
from schemas.commands import Command, HandedOver, InDoubt, RecordHandover, StartDispatch
from tests.consumers.shards import Clock
from tests.drills.checker import Finding
from tests.drills.evidence import Carried, Event, event
from tests.drills.folding import fold
from tests.drills.lab import Lab
from tests.drills.talks import Talks, words
from tests.drills.trial import Place, Tally, Trial

EVERY = "every order of five"
RANDOM = "random orders and repeats"
BEFORE_THE_END = ("accepted", "queued", "sending", "sent")
ENDS = {"delivered": None, "undelivered": 30005, "failed": 30007}
ANSWERS: tuple[str | None, ...] = ("taken", "lost", None)
"""What becomes known of the hand-over: its answer, that there was none, or nothing: whoever waited died."""
REPEATS_MAX = 4
RANDOM_PER_LAB = 2_000
AT_ONCE_MAX = 400


@dataclass(frozen=True)
class Order:
    """One text's news, in the order in which they come; the answer is one of them."""

    news: tuple[str | None, ...]
    """Statuses, and None where the hand-over's answer is recorded."""
    end: str
    answer: str | None
    billed: int | None


def every_order(chance: Random) -> list[Order]:
    """Each of the 120 orders of five, whatever its end; with each place of the answer, and repeats."""
    found = []
    for n, statuses in enumerate(permutations((*BEFORE_THE_END, "end"))):
        end = (*ENDS,)[n % len(ENDS)]
        for place in range(len(statuses) + 1):
            told = [end if status == "end" else status for status in statuses]
            for repeated in chance.choices(told, k=chance.randint(0, REPEATS_MAX)):
                told.insert(chance.randint(0, len(told)), repeated)
            news: list[str | None] = [*told]
            news.insert(min(place, len(news)), None)
            found.append(Order(tuple(news), end, ANSWERS[(n + place) % 3], chance.choice((None, 1, 2))))
    return found


def random_order(chance: Random) -> Order:
    """Some of the statuses, the end among them, each once or more, in any order."""
    end = chance.choice((*ENDS,))
    told: list[str | None] = [*chance.sample(BEFORE_THE_END, chance.randint(0, 4)), end]
    told += chance.choices(told, k=chance.randint(0, 2 * REPEATS_MAX))
    chance.shuffle(told)
    told.insert(chance.randint(0, len(told)), None)
    return Order(tuple(told), end, chance.choice(ANSWERS), chance.choice((None, 1, 2, 3)))


def decisions(place: Place) -> Iterator[Trial]:
    """All that the carrier can tell of a text, in any order, told to a shard."""
    chosen = place.chosen([EVERY, RANDOM])
    while True:
        for fault in chosen:
            orders = (
                every_order(place.chance)
                if fault == EVERY
                else [random_order(place.chance) for _ in range(RANDOM_PER_LAB)]
            )
            findings, trial = _told(place, fault, orders)
            yield Trial(fault, findings, trial.counts)
            yield from [Trial(fault, [])] * (len(orders) - 1)


def _told(place: Place, fault: str, orders: Sequence[Order]) -> tuple[list[Finding], Trial]:
    """Tell a shard all the news of a text for each order; what was wrong then."""
    talks = Talks(place.chance.getrandbits(32), len(orders))
    with Lab(place.fresh("callbacks"), Clock()) as lab:
        setup = [*talks.setup(), *(talks.package() for _ in range(1 + len(orders) // 1_000))]
        batch = [lab.asked(wish) for wish in setup]
        carried, ends = list[Carried](), dict[str, Order]()
        for order, person in zip(orders, talks.people, strict=True):
            wish = talks.text(person)
            sid = f"SM{uuid4().hex}"
            batch.append(lab.asked(wish))
            batch += _news(talks.account, person.number, UUID(wish.command), sid, order)
            carried.append(Carried(sid, person.number, words(wish), order.end))
            ends[wish.command] = order
        for start in range(0, len(batch), AT_ONCE_MAX):
            lab.process(batch[start : start + AT_ONCE_MAX])
        evidence = lab.evidence(carried, views=False)
    history = [event(raw) for _, raw in evidence.ledgers[0]]
    trial = Tally().trial(fault, evidence)
    return [*trial.findings, *_wrong_ends(history, ends)], trial


def _news(account: str, number: str, text_id: UUID, sid: str, order: Order) -> Iterator[Command]:
    """The hand-over begins; then whatever there is to tell, as the carrier's forms and as our own steps."""
    base: dict[str, Any] = {
        "account": account,
        "actor": SYSTEM,
        "number": number,
        "text_id": text_id,
        "attempt": 1,
    }
    yield StartDispatch(command_id=uuid4(), **base)
    query = {"account": account, "text": str(text_id)}
    for status in order.news:
        if status is not None:
            form = {"MessageSid": sid, "MessageStatus": status, "To": number}
            if code := ENDS.get(status):
                form["ErrorCode"] = str(code)
            command = forms.report_status(form, query)
            # An id of its own each time: what a repeat changes is asked of decisions, not of receipts.
            yield command.model_copy(update={"command_id": uuid4()})
        elif order.answer == "taken":
            taken = HandedOver(sid=sid, status="queued", segments=order.billed)
            yield RecordHandover(command_id=uuid4(), result=taken, **base)
        elif order.answer == "lost":
            yield RecordHandover(command_id=uuid4(), result=InDoubt(reason="lost"), **base)


def _wrong_ends(history: Sequence[Event], ends: dict[str, Order]) -> Iterator[Finding]:
    """Each text ends as the carrier said, once, and costs what it says."""
    state, _ = fold(history)
    for (_, text_id), text in state.texts.items():
        order, where = ends[text_id], f"{text_id}: {ends[text_id]}"
        if text.state != order.end:
            yield Finding("P3", "ends otherwise than the carrier said", f"{where}, not {text.state}")
        if len(text.sids) != 1:
            yield Finding("P3", "taken not once", f"{where}, {len(text.sids)} times")
        if text.paid and order.end == "failed":
            yield Finding("P4", "paid for what failed", f"{where}, {text.paid}")
        if text.paid not in (1, order.billed) and order.end != "failed":
            yield Finding("P4", "neither our count nor the carrier's was paid", f"{where}, {text.paid}")
