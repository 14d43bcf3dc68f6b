"""Folds events as plain data and finds where a promise about texts, consent or credit is broken.

A second opinion: it shares no line with `domain` or `projections`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from tests.drills.evidence import Carried, Event, Views, text_of

Broken = tuple[str, str, str]
"""Promise, rule, where."""

SETTLED = ("delivered", "failed", "undelivered", "cancelled", "unknown")
Key = TypeVar("Key", str, tuple[str, str])


@dataclass
class Text:
    account: str
    candidate: str | None
    purpose: str
    state: str = "waiting"
    attempts: int = 0
    sids: list[str] = field(default_factory=list)
    paid: int = 0
    bulk: str | None = None
    spent: int = 0
    """What was paid for attempts that the network took and did not deliver: it never comes back."""


@dataclass
class Talk:
    """A conversation, as far as consent goes."""

    members: set[str] = field(default_factory=set)
    brought_by: set[str | None] = field(default_factory=set)
    """The candidates whose records brought the standing consent; None is the phone, by keyword."""
    status: str = "not_given"
    flagged: bool = False


class History:
    """What a shard's events amount to."""

    def __init__(self) -> None:
        self.texts: dict[tuple[str, str], Text] = {}
        self.talks: dict[str, Talk] = defaultdict(Talk)
        self.bulks: dict[str, str] = {}
        """Whether each goes on."""
        self.credits: dict[str, Counter[str]] = defaultdict(Counter)

    def see(self, one: Event) -> Iterator[Broken]:
        """The next event, and what is wrong with it."""
        where = f"{one.name} {one.stream}.{one.version} of {one.command}"
        for promise, rule in self._rules(one):
            yield promise, rule, where

    def _rules(self, one: Event) -> Iterator[tuple[str, str]]:
        if one.name in _MOVEMENTS:
            yield from self._credit(one)
        elif one.name in ("text-queued", "text-scheduled"):
            yield from self._accepted(one)
        elif one.stream[0] == "b":
            yield from self._bulk(one)
        elif "text_id" in one.data:
            yield from self._moved(one)
        elif one.stream[0] == "c":
            yield from self._consent(one)
        elif one.name == "command-refused" and one.data["code"] == "internal_error":
            yield "P9", "a command that nobody could decide"

    # --- P4 --------------------------------------------------------------------------------------

    def _credit(self, one: Event) -> Iterator[tuple[str, str]]:
        kind, sign = _MOVEMENTS[one.name]
        amount = one.data["free_segments" if kind == "free" else "segments"]
        totals = self.credits[one.account]
        totals[kind] += amount
        totals["balance"] += sign * amount
        if totals["balance"] != one.data["balance"]:
            yield "P4", "the balance does not add up"
            totals["balance"] = one.data["balance"]  # so that one mistake is found once
        if one.data["balance"] < 0:
            yield "P4", "the balance is negative"
        text = self.texts.get((one.account, str(one.data.get("text_id"))))
        if text is None:
            if one.name in ("segments-debited", "segments-refunded"):
                yield "P4", "paid for a text that is not there"
            return
        if one.name == "segments-debited" and text.attempts:
            text.spent, text.paid = text.spent + text.paid, 0
        text.paid -= sign * amount
        if one.name == "segments-refunded" and text.paid != 0:
            yield "P4", "not what was paid comes back"

    # --- P3 --------------------------------------------------------------------------------------

    def _accepted(self, one: Event) -> Iterator[tuple[str, str]]:
        name = (one.account, one.data["text_id"])
        if name in self.texts:
            yield "P2", "text accepted twice"
        purpose = one.data.get("purpose", "message")
        self.texts[name] = Text(one.account, one.data["candidate"], purpose, bulk=one.data.get("bulk"))

    def _moved(self, one: Event) -> Iterator[tuple[str, str]]:
        text = self.texts.get((one.account, one.data["text_id"]))
        if text is None:
            yield "P3", "news of a text that was never accepted"
            return
        if one.name == "text-counted":
            yield from _counted(one, text)
        elif text.state in SETTLED:
            yield "P3", "a text goes on after its end"
        match one.name:
            case "dispatch-started":
                yield from self._dispatched(one, text)
            case "dispatch-doubted":
                text.state = "in_doubt"
            case "text-sent":
                if text.attempts == 0:
                    yield "P3", "taken without a hand-over"
                text.sids.append(one.data["sid"])
                if len(text.sids) > 1:
                    yield "P3", "taken twice"
                text.state = "sent"
            case "text-rescheduled":
                if text.state == "sent" and one.data["delay"] == "carrier":
                    text.sids.clear()  # the carrier reported that attempt as failed
                text.state = "waiting"
            case "text-cancelled":
                if text.state != "waiting":
                    yield "P3", "called back after its hand-over"
                text.state = "cancelled"
            case "text-failed":
                text.state = one.data["status"]
            case "text-delivered" | "text-unknown":
                text.state = one.name.removeprefix("text-")
            case _:
                pass

    def _dispatched(self, one: Event, text: Text) -> Iterator[tuple[str, str]]:
        if text.state != "waiting":
            yield "P3", "two hand-overs at a time"
        text.state, text.attempts = "dispatching", text.attempts + 1
        if one.data["attempt"] != text.attempts:
            yield "P3", "attempts are miscounted"
        if text.bulk is not None and self.bulks.get(text.bulk) != "running":
            yield "P3", "handed over while its bulk was held or ended"
        talk = self.talks[one.stream]
        if text.purpose == "message":  # the answer to a keyword was asked for by the phone itself
            if talk.status != "granted" or not talk.brought_by:
                yield "P1", "handed over without consent"
            if talk.flagged:
                yield "P1", "handed over under review"
            if text.candidate not in talk.members:
                yield "P1", "handed over to a number that is not the candidate's"

    def _bulk(self, one: Event) -> Iterator[tuple[str, str]]:
        name, state = one.data["bulk"], _BULK_STATES.get(one.name)
        if (name in self.bulks) != (one.name != "bulk-started"):
            yield "P2", "a bulk begins other than once"
        if state is not None:
            self.bulks[name] = state

    # --- P1, P6: consent -------------------------------------------------------------------------

    def _consent(self, one: Event) -> Iterator[tuple[str, str]]:
        talk = self.talks[one.stream]
        match one.name:
            case "conversation-opened":
                if one.version != 1:
                    yield "P8", "a conversation opens in the middle"
            case "candidate-joined":
                talk.members.add(one.data["candidate"])
            case "candidate-left":
                talk.members.discard(one.data["candidate"])
                talk.brought_by.discard(one.data["candidate"])
                if not talk.members:
                    talk.brought_by.clear()
            case "consent-granted":
                by_keyword = one.data["candidate"] is None
                if talk.status == "revoked" and not by_keyword:
                    yield "P6", "consent brought back by somebody else"
                talk.status, talk.flagged = "granted", talk.flagged and not by_keyword
                talk.brought_by.add(one.data["candidate"])
            case "consent-withdrawn" | "consent-revoked":
                talk.brought_by.clear()
                talk.status = one.name.removeprefix("consent-")
                talk.flagged = talk.flagged and talk.status == "withdrawn"
            case "stop-request-flagged" | "stop-request-reviewed":
                talk.flagged = one.name.endswith("flagged")
            case _:
                pass


_BULK_STATES = {
    "bulk-started": "running",
    "bulk-paused": "paused",
    "bulk-resumed": "running",
    "bulk-cancelled": "cancelled",
}


def _counted(one: Event, text: Text) -> Iterator[tuple[str, str]]:
    """After its end, a text's price is settled."""
    if text.state not in ("delivered", "undelivered"):
        yield "P4", "billed for what did not leave"
    if text.paid != one.data["paid"]:
        yield "P4", "what it cost is not what was paid"


_MOVEMENTS = {
    "texting-activated": ("free", 1),
    "package-bought": ("bought", 1),
    "segments-debited": ("debited", -1),
    "segments-refunded": ("refunded", 1),
    "segments-adjusted": ("adjusted", 1),
}


def fold(history: Sequence[Event]) -> tuple[History, list[Broken]]:
    """What `history` amounts to, and what is wrong in it."""
    state = History()
    return state, [broken for one in history for broken in state.see(one)]


def promises_of(history: Sequence[Event], *, settled: bool) -> list[Broken]:
    """What is wrong in one shard's history; where all is `settled`, unfinished texts, too."""
    state, found = fold(history)
    for (account, text_id), text in state.texts.items():
        if settled and text.state not in SETTLED:
            found.append(("P3", "a text without an end", f"{text_id} of {account}: {text.state}"))
    return found


# --- the views --------------------------------------------------------------------------------------


def views_of(histories: Mapping[int, Sequence[Event]], views: Views) -> Iterator[Broken]:
    """P5 (and P4): what the views show is what the events say, down to the last one."""
    for (view, shard), position in views.positions.items():
        if position != len(histories.get(shard, ())):
            yield "P5", "a view stands elsewhere than its ledger", f"{view}, shard {shard}: {position}"
    states = [fold(history)[0] for history in histories.values()]
    balances = {a: _totals(totals) for state in states for a, totals in state.credits.items()}
    consent = {c: talk.status for state in states for c, talk in state.talks.items()}
    texts = {name: text.state for state in states for name, text in state.texts.items()}
    receipts = {
        (one.account, one.command): one.name == "command-accepted"
        for history in histories.values()
        for one in history
        if one.is_receipt and not one.within
    }
    unfinished = {name: state for name, state in texts.items() if state not in SETTLED}
    yield from _differences("P4", "balances", balances, views.balances)
    yield from _differences("P2", "receipts", receipts, views.receipts)
    yield from _differences("P5", "consent", consent, views.consent)
    yield from _differences("P5", "texts", texts, views.texts)
    yield from _differences("P5", "open texts", dict.fromkeys(unfinished), dict.fromkeys(views.open_texts))


def _totals(totals: Counter[str]) -> dict[str, int]:
    return {name: totals[name] for name in ("free", "bought", "debited", "refunded", "adjusted", "balance")}


def _differences(
    promise: str, what: str, wanted: Mapping[Key, object], shown: Mapping[Key, object]
) -> Iterator[Broken]:
    for name in wanted.keys() | shown.keys():
        if name not in shown or name not in wanted or wanted[name] != shown[name]:
            difference = f"{name}: {shown.get(name)}, not {wanted.get(name)}"
            yield promise, f"the view of {what} differs", difference


# --- the carrier ------------------------------------------------------------------------------------


def carrier_of(whole: Sequence[Event], carried: Sequence[Carried]) -> Iterator[Broken]:
    """P1, P3: what the carrier has is what was handed over, once each, and nothing else."""
    state, _ = fold(whole)
    texts = {text_id: text for (_, text_id), text in state.texts.items()}
    had: Counter[str] = Counter()
    for message in carried:
        text_id = text_of(message.body)
        if text_id is None:
            continue  # the answer to a keyword, or the carrier's own words
        failed = message.status in ("failed", "undelivered")
        had[text_id] += not failed  # it never came to the phone: another try may follow
        text = texts.get(text_id)
        where = f"{message.sid}: {text_id}"
        if text is None or text.attempts == 0:
            yield "P1", "at the carrier and never handed over", where
        elif text.state == "cancelled" and not failed:
            yield "P3", "at the carrier and called back", where
        elif text.sids and message.sid not in text.sids and not failed:
            yield "P3", "at the carrier under another sid", where
    for text_id, times in had.items():
        if times > 1:
            yield "P3", "handed over twice", f"{text_id}: {times} times"
    for text_id, text in texts.items():
        if text.state == "delivered" and text.purpose == "message" and not had[text_id]:
            yield "P3", "delivered and never at the carrier", text_id
