"""Sayso's promises under random use: P1 to P4, P6, P8, that any command may be retried, and P5's replay.

Random commands, keywords, reports of the carrier, steps of the dispatcher and jumps of the clock go through a
real shard with a real ledger; `model` folds every event that is stored and asserts what must hold.
`HYPOTHESIS_PROFILE=thorough` goes on for as long as one has.
"""

import shutil
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from consumers.states import States
from schemas import codec
from schemas import commands as c
from schemas.actors import CARRIER, SYSTEM, Actor
from schemas.receipts import Answer
from tests.consumers.shards import NAMES, Clock, Rig
from tests.properties import wishes
from tests.properties.model import RETRIED, Model, Talk, Text

START = datetime(2026, 3, 6, 18, tzinfo=UTC)  # morning in San Francisco, evening in Berlin
CLOCK_CHANGES = [
    datetime(2026, 3, 8, 9, 59, 30, tzinfo=UTC),  # a minute before San Francisco's clocks go forward
    datetime(2026, 11, 1, 8, 59, 30, tzinfo=UTC),  # and back
    datetime(2026, 3, 29, 0, 59, 30, tzinfo=UTC),  # Berlin's
    datetime(2026, 10, 25, 0, 59, 30, tzinfo=UTC),
]
JUMPS = [
    timedelta(seconds=1), timedelta(minutes=7), timedelta(hours=2), timedelta(hours=11), timedelta(days=3),
    timedelta(seconds=-1), timedelta(minutes=-90), timedelta(days=-1),
]  # fmt: skip
accounts = st.sampled_from(wishes.ACCOUNTS)


class Use(RuleBasedStateMachine):
    """Two customers of one shard, and all that can happen to them."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="sayso-promises-"))
        self.clock = Clock(START)
        self.rig = Rig(self.folder, self.clock)
        self.model = Model()
        self.seen = 0
        self.said = 0
        self.answered: list[tuple[c.Command, Answer]] = []

    def teardown(self) -> None:
        try:
            self.replay_comes_to_the_same()
        finally:
            self.rig.close()
            shutil.rmtree(self.folder)

    @initialize()
    def open_for_business(self) -> None:
        for account in wishes.ACCOUNTS:
            agreement = c.Agreement(accepted=True, version="1")
            self.want(
                c.ActivateTexting(**self.base(account), country="US", currency="USD", agreement=agreement),
                c.AssignSender(**self.base(account), sender=wishes.SENDERS[0]),
            )

    # --- what people want ------------------------------------------------------------------------

    @rule(data=st.data(), account=accounts, actor=wishes.actors)
    def want_something(self, data: st.DataObject, account: str, actor: Actor) -> None:
        base, now, known = self.base(account, actor), self.clock.now, self.known(account)
        kind = data.draw(st.integers(0, 2))
        if kind == 0:
            self.want(data.draw(wishes.of_account(base)))
        elif kind == 1:
            self.want(data.draw(wishes.of_candidate(base, now, known)))
        else:
            self.want(data.draw(wishes.text(base, now, known)))

    @rule(data=st.data(), account=accounts, who=st.sampled_from(wishes.CANDIDATES), now=st.booleans())
    def text_somebody_who_agreed(self, data: st.DataObject, account: str, who: str, now: bool) -> None:
        whose: dict[str, Any] = {"candidate": who, "number": data.draw(st.sampled_from(wishes.NUMBERS))}
        at, how = self.clock.now, wishes.application
        self.want(
            c.AddNumber(**self.base(account), **whose),
            c.RecordApplicationConsent(**self.base(account), **whose, obtained_at=at, evidence=how),
            c.SendText(
                **self.base(account), **whose, body="Hello", override_quiet_hours=data.draw(st.booleans())
            ),
        )

    @precondition(lambda self: self.texts("waiting"))
    @rule(data=st.data(), actor=wishes.actors)
    def change_ones_mind(self, data: st.DataObject, actor: Actor) -> None:
        talk, text_id, text = self.one_text(data, "waiting")
        base = self.base(talk.account, actor)
        self.want(data.draw(wishes.of_text(base, text.candidate, talk.number, text_id, self.clock.now)))

    @rule(data=st.data(), account=accounts, actor=wishes.actors)
    def text_many(self, data: st.DataObject, account: str, actor: Actor) -> None:
        base, known = self.base(account, actor), self.known(account)
        self.want(data.draw(wishes.bulk(base, self.clock.now, known)))

    @precondition(lambda self: self.model.bulks)
    @rule(data=st.data(), actor=wishes.actors)
    def hold_release_or_end_a_bulk(self, data: st.DataObject, actor: Actor) -> None:
        name, bulk = data.draw(st.sampled_from(list(self.model.bulks.items())))
        self.want(data.draw(wishes.of_bulk(self.base(bulk.account, actor), name)))

    @rule(data=st.data(), account=accounts)
    def hear_from_a_phone(self, data: st.DataObject, account: str) -> None:
        self.want(data.draw(wishes.heard(self.base(account, CARRIER), f"SM{self.said}")))

    # --- the dispatcher and the carrier ------------------------------------------------------------

    @precondition(lambda self: self.texts("waiting"))
    @rule(data=st.data(), patient=st.booleans())
    def hand_over(self, data: st.DataObject, patient: bool) -> None:
        """Up to three of what waits, due or not, and at times nobody lives to say how it ended."""
        for talk, text_id, text in self.texts("waiting")[-3:]:
            if patient and text.due is not None:
                self.clock.now = max(self.clock.now, text.due)
            step: dict[str, Any] = {"number": talk.number, "text_id": text_id, "attempt": text.attempt + 1}
            self.want(c.StartDispatch(**self.base(talk.account, SYSTEM), **step))
            result = data.draw(st.none() | wishes.results)
            if result is not None:
                self.want(c.RecordHandover(**self.base(talk.account, SYSTEM), **step, result=result))

    @precondition(lambda self: self.texts())
    @rule(data=st.data(), attempt=st.integers(1, 3), result=st.none() | wishes.results)
    def meddle_with_any_attempt(self, data: st.DataObject, attempt: int, result: Any) -> None:
        talk, text_id, _ = self.one_text(data, "dispatching", "in doubt", "sent")
        base = self.base(talk.account, SYSTEM)
        step: dict[str, Any] = {"number": talk.number, "text_id": text_id, "attempt": attempt}
        if result is None:
            self.want(c.StartDispatch(**base, **step))
        else:
            self.want(c.RecordHandover(**base, **step, result=result))

    @precondition(lambda self: self.texts())
    @rule(
        data=st.data(),
        status=wishes.statuses,
        segments=wishes.segments,
        code=st.sampled_from((None, None, 30005, RETRIED, 21610)),
        sid=st.sampled_from(("SM1", "SM1", "SM2")),
    )
    def report(
        self, data: st.DataObject, status: Any, segments: int | None, code: int | None, sid: str
    ) -> None:
        talk, text_id, _ = self.one_text(data, "dispatching", "in doubt", "sent")
        news: dict[str, Any] = {"sid": sid, "status": status, "error_code": code, "segments": segments}
        base = self.base(talk.account, CARRIER)
        self.want(c.ReportStatus(**base, number=talk.number, text_id=text_id, **news))

    # --- time ------------------------------------------------------------------------------------

    @rule(by=st.sampled_from(JUMPS))
    def let_time_pass(self, by: timedelta) -> None:
        self.clock.move(by)

    @rule(moment=st.none() | st.sampled_from(CLOCK_CHANGES))
    def wait_for_a_good_hour_or_a_bad_one(self, moment: datetime | None) -> None:
        """Ten in San Francisco, seven in the evening in Berlin, no Sunday; or a change of clocks."""
        if moment is None:
            moment = self.clock.now.replace(hour=18, minute=0) + timedelta(days=1)
            moment += timedelta(days=moment.isoweekday() == 7)
        self.clock.now = moment

    # --- retries and faults ------------------------------------------------------------------------

    @precondition(lambda self: self.answered)
    @rule(data=st.data())
    def retry_any_command(self, data: st.DataObject) -> None:
        """P2: the same receipt, whenever and however often, and nothing more in the ledger.

        Other content under the same id is a conflict, and does nothing either.
        """
        command, first = data.draw(st.sampled_from(self.answered))
        base = self.base(command.account, command.actor) | {"command_id": command.command_id}
        other = c.SendText(**base, candidate="mallory", number=wishes.NUMBERS[0], body="Hello")
        last = self.rig.ledger.last_notification()
        answers = self.rig.process(command, other, command.model_copy(update={"traceparent": "00-1"}))
        for answer in answers:
            assert answer.repeated
            assert answer.receipt == first.receipt
            assert (answer.context.at, answer.context.position) == (first.context.at, first.context.position)
        assert [answer.conflict for answer in answers] == [False, True, False]
        assert self.rig.ledger.last_notification() == last

    @rule(data=st.data(), account=accounts)
    def decide_some_while_others_are_stored(self, data: st.DataObject, account: str) -> None:
        for decided in [self.rig.decide(*self.some(data, account)) for _ in range(2)]:
            self.rig.shard.store(decided)
            self.rig.shard.settle(decided)
            self.remember((item.command, answer) for item, answer in decided.answers)

    @rule(data=st.data(), account=accounts)
    def fail_to_store(self, data: st.DataObject, account: str) -> None:
        """What was decided and not stored never was: the same commands are new when they come again."""
        commands = self.some(data, account)
        self.rig.decide(*commands[:1])
        self.rig.decide(*commands)
        self.rig.shard.forget()
        self.want(*commands)

    @rule()
    def restart(self) -> None:
        self.rig = self.rig.again()

    # --- what holds ------------------------------------------------------------------------------

    @invariant()
    def every_event_keeps_the_promises(self) -> None:
        for place, data in self.rig.ledger.notifications(self.seen, 10_000):
            self.model.see(codec.decode(data, self.rig.keys))
            self.seen = place

    @rule()
    def replay_comes_to_the_same(self) -> None:
        """P5: what the shard believes is what its ledger says."""
        fresh = States(self.rig.ledger, NAMES)
        for stream in self.model.versions:
            if stream[0] in "abcp":
                known, read = self.rig.shard.states.entry(stream), fresh.entry(stream)
                assert (known.state, known.version) == (read.state, read.version)
        for account, customer in self.model.customers.items():
            assert fresh.account(NAMES.account(account)).balance == customer.balance

    # --- helpers ---------------------------------------------------------------------------------

    def base(self, account: str, actor: Actor | None = None) -> dict[str, Any]:
        """An id that is used nowhere else: by turns of version 4 and 7."""
        self.said += 1
        version = 7 if self.said % 2 else 4
        command_id = UUID(int=self.said << 88 | version << 76 | 2 << 62 | self.said)
        everybody = Actor(kind="service", id="ats", permissions=wishes.everybody)
        return {"command_id": command_id, "account": account, "actor": actor or everybody}

    def some(self, data: st.DataObject, account: str) -> list[c.Command]:
        """One to three commands of an account's people and phones."""
        now, known = self.clock.now, self.known(account)
        return [
            data.draw(
                st.one_of(
                    wishes.of_candidate(self.base(account), now, known),
                    wishes.text(self.base(account), now, known),
                    wishes.heard(self.base(account, CARRIER), f"SM{self.said}"),
                )
            )
            for _ in range(data.draw(st.integers(1, 3)))
        ]

    def known(self, account: str) -> list[tuple[str, str]]:
        """Who has which number."""
        talks = [talk for talk in self.model.talks.values() if talk.account == account]
        return [(candidate, talk.number) for talk in talks for candidate in talk.zones]

    def want(self, *commands: c.Command) -> None:
        self.remember(zip(commands, self.rig.process(*commands), strict=True))

    def remember(self, answered: Iterable[tuple[c.Command, Answer]]) -> None:
        for command, answer in answered:
            assert not answer.repeated
            assert getattr(answer.receipt, "code", None) != "internal_error"
            self.answered.append((command, answer))

    def texts(self, *states: str) -> list[tuple[Talk, UUID, Text]]:
        """Those in one of these states; all, if none is named."""
        every = [(t, text_id, text) for t in self.model.talks.values() for text_id, text in t.texts.items()]
        return [one for one in every if not states or one[2].state in states]

    def one_text(self, data: st.DataObject, *likely: str) -> tuple[Talk, UUID, Text]:
        """Any text, most likely one in one of those states."""
        found: tuple[Talk, UUID, Text] = data.draw(st.sampled_from(self.texts(*likely) * 4 + self.texts()))
        return found


TestPromises = Use.TestCase
# An example is a whole life of two accounts, on real files: fewer of them than of other properties.
TestPromises.settings = settings(stateful_step_count=60, max_examples=settings().max_examples // 2)
