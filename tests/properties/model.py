"""A small model of what must hold, which folds the events itself and knows none of our decisions.

It is fed every event of a ledger, in order, and asserts the promises as it goes: P1 and the quiet hours at
every hand-over, P2 of every receipt, P3 of every text, P4 after every event of credit, P6 at every consent,
P8 of every stream.
"""

import csv
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers.timezone import time_zones_for_number

import domain
from schemas import events as e
from schemas.account_settings import AccountSettings
from schemas.events import Recorded

with (Path(domain.__file__).parent / "data" / "countries.csv").open(encoding="utf-8", newline="") as _rows:
    COUNTRIES: Mapping[str, Mapping[str, str]] = {row["region"]: row for row in csv.DictReader(_rows)}

SETTLED = ("delivered", "failed", "cancelled", "unknown")

RETRIED = 30003  # the phone was off: that a text failed so does not end it


@dataclass
class Text:
    candidate: str | None
    purpose: str
    owed: int
    """Segments by which it was accepted."""
    overrides: bool
    due: datetime | None
    state: str = "waiting"
    attempt: int = 0
    taken: int = 0
    """How often the carrier is said to have taken it."""
    paid: int = 0
    refunds: int = 0
    bulk: UUID | None = None


@dataclass
class Bulk:
    """A text for many."""

    account: str
    texts: int
    state: str = "running"
    handed_over: int = 0
    failed: int = 0
    told: tuple[int, int] = (0, 0)
    """What it says of the two."""


@dataclass
class Talk:
    """A conversation."""

    account: str
    number: str = ""
    zones: dict[str, str | None] = field(default_factory=dict)
    """By candidate."""
    brought_by: set[str | None] = field(default_factory=set)
    """Who brought the consent that stands; None is the phone itself."""
    stands: bool = False
    """Consent, by what grants and ends it alone."""
    revoked: bool = False
    flagged: bool = False
    texts: dict[UUID, Text] = field(default_factory=dict)


@dataclass
class Customer:
    balance: int = 0
    activations: int = 0
    senders: set[str] = field(default_factory=set)
    stopped: bool = False
    settings: AccountSettings = field(default_factory=AccountSettings)
    notified: set[tuple[str, str]] = field(default_factory=set)
    """Member and the carrier's id of the message."""


class Model:
    def __init__(self) -> None:
        self.customers: dict[str, Customer] = defaultdict(Customer)
        self.talks: dict[str, Talk] = {}
        self.versions: dict[str, int] = defaultdict(int)
        self.owners: dict[str, str] = {}
        self.bulks: dict[UUID, Bulk] = {}
        self.receipts: dict[tuple[str, UUID], e.Receipt] = {}
        self._of_command: list[Recorded] = []

    def see(self, recorded: Recorded) -> None:
        """The next event of the ledger."""
        self._place(recorded)
        match recorded.event:
            case e.Receipt() as receipt:
                self._receipt(recorded, receipt)
                return
            case _ if recorded.stream[0] == "a":
                self._account(recorded)
            case _ if recorded.stream[0] == "c":
                self._talk(recorded)
            case _ if recorded.stream[0] == "b":
                self._bulk(recorded)
            case e.FollowerNotified(member=member, sid=sid):
                told = self.customers[recorded.context.account].notified
                assert (member, sid) not in told, "3.13: told once"
                told.add((member, sid))
            case _:
                pass
        self._of_command.append(recorded)

    # --- P2, P8 ----------------------------------------------------------------------------------

    def _place(self, recorded: Recorded) -> None:
        self.versions[recorded.stream] += 1
        assert recorded.version == self.versions[recorded.stream], "streams grow by one"
        owner = self.owners.setdefault(recorded.stream, recorded.context.account)
        assert owner == recorded.context.account, "P8: a stream belongs to one account"

    def _receipt(self, recorded: Recorded, receipt: e.Receipt) -> None:
        name = (recorded.context.account, recorded.context.command_id)
        assert name not in self.receipts, "P2: one receipt a command"
        self.receipts[name] = receipt
        if isinstance(receipt, e.CommandRefused):
            assert not self._of_command, "a refused command changes nothing"
        for other in self._of_command:
            assert other.context == recorded.context, "all events of a command share its context"
        for talk in self.talks.values():
            assert talk.stands == bool(talk.brought_by), "3.14: consent leaves with whoever brought it"
            for text in talk.texts.values():
                assert text.state != "cancelled" or text.paid == 0, "P4: what never left is refunded"
        if self._of_command:
            self._bulks_add_up()
        self._of_command = []

    # --- P4 --------------------------------------------------------------------------------------

    def _account(self, recorded: Recorded) -> None:
        customer = self.customers[recorded.context.account]
        match recorded.event:
            case e.TextingActivated() as event:
                customer.activations += 1
                assert event.free_segments == (50 if customer.activations == 1 else 0), "3.1"
                self._credit(customer, event.free_segments, event.balance)
            case e.PackageBought() as event:
                self._credit(customer, event.segments, event.balance)
            case e.SegmentsDebited() as event:
                self._credit(customer, -event.segments, event.balance)
                text = self._text(recorded, event.text_id)
                if text.attempt:  # what the network charged for is paid again, if it is tried again
                    assert isinstance(self._of_command[-1].event, e.TextRescheduled)
                text.paid = event.segments
            case e.SegmentsRefunded() as event:
                text = self._text(recorded, event.text_id)
                self._credit(customer, event.segments, event.balance)
                text.paid, text.refunds = text.paid - event.segments, text.refunds + 1
                assert (text.paid, text.refunds) == (0, 1), "what was paid comes back once"
            case e.SegmentsAdjusted() as event:
                self._credit(customer, event.segments, event.balance)
                if event.text_id is not None:
                    self._text(recorded, event.text_id).paid -= event.segments
            case e.SettingsChanged() as event:
                customer.settings = event.settings
            case e.SenderAssigned() as event:
                customer.senders.add(event.sender)
            case e.SenderWithdrawn() as event:
                customer.senders.remove(event.sender)
            case e.SendingStopped() | e.SendingResumed() as event:
                customer.stopped = isinstance(event, e.SendingStopped)
            case _:
                pass

    def _credit(self, customer: Customer, segments: int, balance: int) -> None:
        customer.balance += segments
        assert customer.balance == balance >= 0, "P4"

    def _text(self, recorded: Recorded, text_id: UUID) -> Text:
        """Of this account: credit and texts never cross."""
        (found,) = (
            talk.texts[text_id]
            for talk in self.talks.values()
            if talk.account == recorded.context.account and text_id in talk.texts
        )
        return found

    # --- bulks -----------------------------------------------------------------------------------

    def _bulk(self, recorded: Recorded) -> None:
        match recorded.event:
            case e.BulkStarted() as event:
                assert recorded.version == 1
                self.bulks[event.bulk] = Bulk(recorded.context.account, len(event.conversations))
            case e.BulkCounted() as event:
                self.bulks[event.bulk].told = event.handed_over, event.failed
            case e.BulkPaused() as event:
                assert self.bulks[event.bulk].state == "running"
                self.bulks[event.bulk].state = "paused"
            case e.BulkResumed() as event:
                assert self.bulks[event.bulk].state == "paused"
                self.bulks[event.bulk].state = "running"
            case e.BulkCancelled() as event:
                self.bulks[event.bulk].state = "cancelled"
            case _:
                raise AssertionError("no other event is a bulk's")

    def _of_bulk(self, bulk: Bulk, event: e.Event) -> None:
        if isinstance(event, e.DispatchStarted):
            assert bulk.state == "running", "what is held or ended stays here"
            bulk.handed_over += event.attempt == 1
        bulk.failed += isinstance(event, e.TextFailed)

    def _bulks_add_up(self) -> None:
        for name, bulk in self.bulks.items():
            assert bulk.told == (bulk.handed_over, bulk.failed)
            talks = [talk for talk in self.talks.values() if talk.account == bulk.account]
            theirs = [[text for text in talk.texts.values() if text.bulk == name] for talk in talks]
            assert sum(map(len, theirs)) == bulk.texts
            for texts in theirs:
                assert len(texts) <= 1, "nobody gets it twice"
                for text in texts:
                    assert bulk.state != "cancelled" or text.state != "waiting" or text.attempt > 0

    # --- P1, P6 ----------------------------------------------------------------------------------

    def _talk(self, recorded: Recorded) -> None:
        talk = self.talks.setdefault(recorded.stream, Talk(recorded.context.account))
        match recorded.event:
            case e.ConversationOpened(number=number):
                assert recorded.version == 1
                talk.number = number
            case e.CandidateJoined(candidate=candidate, time_zone=zone):
                talk.zones[candidate] = zone
            case e.CandidateLeft(candidate=candidate):
                del talk.zones[candidate]
                talk.brought_by.discard(candidate)
                if not talk.zones:
                    talk.brought_by.clear()
            case e.ConsentGranted() as event:
                self._granted(talk, event)
            case e.ConsentWithdrawn():
                talk.brought_by.clear()
                talk.stands = False
            case e.ConsentRevoked() | e.KeywordReceived(action="stop"):
                talk.brought_by.clear()
                talk.stands, talk.revoked, talk.flagged = False, True, False
            case e.StopRequestFlagged():
                talk.flagged = True
            case e.StopRequestReviewed():
                talk.flagged = False
            case e.TextQueued() | e.TextScheduled() as event:
                purpose = event.purpose if isinstance(event, e.TextQueued) else "message"
                assert event.text_id not in talk.texts
                due = event.send_at if isinstance(event, e.TextScheduled) else None
                talk.texts[event.text_id] = Text(
                    event.candidate,
                    purpose,
                    event.segments,
                    event.overrides_quiet_hours,
                    due,
                    bulk=event.bulk,
                )
            case event:
                self._moved(talk, recorded, event)

    def _granted(self, talk: Talk, event: e.ConsentGranted) -> None:
        assert event.evidence is not None
        if event.evidence.how == "keyword":
            word = self._of_command[-1].event
            assert isinstance(word, e.KeywordReceived)
            assert word.action == "start"
            assert event.candidate is None
            talk.flagged = False
        else:
            assert not talk.revoked, "P6: nobody but the candidate, by keyword"
            assert event.candidate in talk.zones
        talk.stands, talk.revoked = True, False
        talk.brought_by.add(event.candidate)

    # --- P3 --------------------------------------------------------------------------------------

    def _moved(self, talk: Talk, recorded: Recorded, event: e.Event) -> None:
        text_id = getattr(event, "text_id", None)
        if text_id is None:
            return  # a reply, or that one was read
        text = talk.texts[text_id]
        assert text.state not in SETTLED, "P3: a settled text stays as it ended"
        if text.bulk is not None:
            self._of_bulk(self.bulks[text.bulk], event)
        match event:
            case e.DispatchStarted(attempt=attempt, sender=sender):
                assert text.state == "waiting", "P3: one hand-over at a time"
                assert attempt == text.attempt + 1
                self._may_leave(talk, text, sender, recorded.context.at)
                text.state, text.attempt = "dispatching", attempt
            case e.DispatchDoubted():
                assert text.state == "dispatching"
                text.state = "in doubt"
            case e.TextSent():
                text.taken += 1
                assert text.taken == 1, "P3: taken once"
                text.state = "sent"
            case e.TextRescheduled(send_at=due, code=code):
                if text.state == "sent":
                    assert code == RETRIED, "P3: what was taken waits again only if the carrier failed"
                    text.taken = 0
                text.state, text.due = "waiting", due
            case e.TextDelivered():
                text.state = "delivered"
            case e.TextFailed():
                text.state = "failed"
            case e.TextCancelled():
                assert text.state == "waiting", "only what waits can be called back"
                text.state = "cancelled"
            case e.TextUnknown():
                text.state = "unknown"
            case _:
                pass

    def _may_leave(self, talk: Talk, text: Text, sender: str, now: datetime) -> None:
        """P1, and 3.18."""
        customer = self.customers[talk.account]
        number = phonenumbers.parse(talk.number)
        region = phonenumbers.region_code_for_number(number) or ""
        assert phonenumbers.is_valid_number(number)
        assert number.country_code != 33
        assert region not in customer.settings.blocked_regions
        assert not COUNTRIES[region]["refusal"]
        assert sender in customer.senders
        assert not customer.stopped
        if text.purpose != "message":
            return  # the answer to a keyword, asked for by the phone itself
        assert talk.stands, "P1"
        assert not talk.revoked
        assert not talk.flagged
        assert text.candidate in talk.zones
        if not text.overrides:
            given = talk.zones[text.candidate]
            for zone in [given] if given else time_zones_for_number(number):
                assert not self._is_quiet(customer, region, now.astimezone(ZoneInfo(zone))), "3.18"

    def _is_quiet(self, customer: Customer, region: str, local: datetime) -> bool:
        country, own = COUNTRIES[region], customer.settings.quiet_hours
        spans = [(country["quiet_from"], country["quiet_until"])] if country["quiet_from"] else []
        sundays = country["quiet_sunday"] == "yes"
        if own is not None:
            spans.append((own.quiet_from, own.quiet_until))
            sundays = sundays or own.quiet_sunday
        return (sundays and local.isoweekday() == 7) or any(_within(local.time(), *span) for span in spans)


def _within(now: time, start: str, end: str) -> bool:
    since, until = time.fromisoformat(start), time.fromisoformat(end)
    if since <= until:
        return since <= now < until
    return now >= since or now < until
