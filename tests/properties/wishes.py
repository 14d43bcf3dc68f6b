"""Random commands: of every type, sensible and senseless, by whoever may and by whoever may not."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, get_args
from uuid import UUID

from hypothesis import strategies as st

from schemas import commands as c
from schemas.account_settings import QuietHours, SettingsChange
from schemas.actors import Actor, Permission
from schemas.evidence import ApplicationEvidence, ByHandEvidence

ACCOUNTS = ("acme", "umbrella")
CANDIDATES = ("ada", "bob", "eve")
MEMBERS = ("grace", "linus")
NUMBERS = ("+14155552671", "+14155552672", "+4915123456789", "+31612345678", "+393312345678", "+33612345678")
SPELLINGS = {
    "+14155552671": ("+1 (415) 555-2671", "+1.415.555.2671"),
    "+4915123456789": ("+49 1512 3456789",),
    "+31612345678": ("+31 6 12345678",),
}
SENDERS = ("+12025550142", "+4930901820", "MG0123456789abcdef0123456789abcdef")
ZONES = (None, None, "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Mars/Olympus")
SAID = (
    "STOP", "Stop.", " stop!! ", "ｓｔｏｐ", "s\u200btop", "Unsubscribe", "opt out", "OPTOUT", "REVOKE",
    "Arrêt", "START", "start", "Yes", "YES!", "unstop", "Démarrer", "HELP", "info", "please stop texting me",
    "Remove me",
    "I will stop by at nine", "Yes, at noon", "👍", "", "No",
)  # fmt: skip
BODIES = (
    "Hello", "Are you free?", "x" * 161, "ж" * 71, "x" * 1_400, "x" * 1_401, " ",
    "Hi, Grace of Acme. Reply STOP to end.",
)  # fmt: skip

everybody = frozenset(Permission)
actors = st.builds(
    lambda who, less: Actor(kind="member", id=who, name=who.title(), permissions=everybody - less),
    st.sampled_from(MEMBERS),
    st.one_of(
        st.just(frozenset[Permission]()),
        st.just(frozenset[Permission]()),
        st.frozensets(st.sampled_from(sorted(Permission)), max_size=3),
    ),
)
"""Mostly with every permission, at times with some missing."""

numbers = st.sampled_from(NUMBERS).flatmap(
    lambda number: st.sampled_from((number, number, *SPELLINGS.get(number, ()), "+14155"))
)
local_times = st.sampled_from(("00:00", "08:00", "12:00", "18:00", "21:00", "23:59"))
quiet_hours = st.builds(
    QuietHours, quiet_from=local_times, quiet_until=local_times, quiet_sunday=st.booleans()
)
changes: st.SearchStrategy[SettingsChange] = st.fixed_dictionaries(
    {},
    optional={
        "company": st.sampled_from(("Acme", None)),
        "language": st.sampled_from(("en", "fr", "de")),
        "keyword_packs": st.frozensets(st.sampled_from(("fr", "de", "xx")), max_size=2),
        "first_text": st.sampled_from(("advise", "append", "require")),
        "quiet_hours": st.none() | quiet_hours,
        "blocked_regions": st.frozensets(st.sampled_from(("US", "DE", "NL")), max_size=1),
        "carrier_answers_help": st.booleans(),
        "carrier_confirms_stop": st.booleans(),
    },
).map(SettingsChange.model_validate)
application = ApplicationEvidence(
    source="indeed", scope="this_job", wording="Yes.", wording_version="1", application_id="a-1"
)
by_hand = ByHandEvidence(method="note")


def delays(*, past: bool) -> st.SearchStrategy[timedelta]:
    """Around now; two thirds of them ahead."""
    ahead = st.sampled_from([timedelta(0), timedelta(minutes=5), timedelta(hours=9), timedelta(days=40)])
    return st.one_of(ahead, ahead, ahead.map(lambda delay: -delay if past else delay))


def of_account(base: dict[str, Any]) -> st.SearchStrategy[c.Command]:
    """What managers and the operator want."""
    agreement = c.Agreement(accepted=True, version="1")
    return st.one_of(
        st.builds(
            lambda place: c.ActivateTexting(**base, country=place[0], currency=place[1], agreement=agreement),
            st.sampled_from([("US", "USD"), ("DE", "EUR"), ("JP", "JPY"), ("ZZ", "USD")]),
        ),
        st.builds(lambda name: c.BuyPackage(**base, package=name), st.sampled_from(("standard", "huge"))),
        st.builds(lambda change: c.ChangeSettings(**base, change=change), changes),
        st.builds(lambda sender: c.AssignSender(**base, sender=sender), st.sampled_from(SENDERS)),
        st.builds(lambda sender: c.WithdrawSender(**base, sender=sender), st.sampled_from(SENDERS)),
        st.builds(
            lambda n: c.AdjustSegments(**base, segments=n, reason="x"), st.sampled_from((-60, -20, -1, 1, 9))
        ),
        st.just(c.ResumeSending(**base)),
        st.builds(lambda on: c.SetNotifications(**base, profile_actions=on), st.booleans()),
    )


def whose(known: Sequence[tuple[str, str]]) -> st.SearchStrategy[dict[str, str]]:
    """A candidate and a number: most likely one that they have."""
    anybody = st.tuples(st.sampled_from(CANDIDATES), numbers)
    pairs = st.one_of(*[st.sampled_from(known)] * 4, anybody) if known else anybody
    return pairs.map(lambda pair: {"candidate": pair[0], "number": pair[1]})


def of_candidate(
    base: dict[str, Any], now: datetime, known: Sequence[tuple[str, str]]
) -> st.SearchStrategy[c.Command]:
    """What recruiters and the ATS want of a candidate, their numbers and their consent."""
    one = whose(known)
    when = delays(past=True).map(lambda delay: now - delay)

    return st.one_of(
        st.builds(
            lambda w, zone: c.AddNumber(**base, **w, time_zone=zone), whose(()), st.sampled_from(ZONES)
        ),
        st.builds(lambda w: c.RemoveNumber(**base, **w), one),
        st.builds(lambda w, to: c.ChangeNumber(**base, **w, to=to), one, numbers),
        st.builds(
            lambda w, at: c.RecordApplicationConsent(**base, **w, obtained_at=at, evidence=application),
            one,
            when,
        ),
        st.builds(lambda w, at: c.AddConsent(**base, **w, obtained_at=at, evidence=by_hand), one, when),
        st.builds(lambda w: c.WithdrawConsent(**base, **w), one),
        st.builds(lambda w, stop: c.ReviewStopRequest(**base, **w, wants_to_stop=stop), one, st.booleans()),
        st.builds(lambda w: c.MarkRead(**base, **w), one),
        st.builds(lambda w: c.FollowCandidate(**base, candidate=w["candidate"]), one),
        st.builds(lambda w: c.UnfollowCandidate(**base, candidate=w["candidate"]), one),
    )


def text(
    base: dict[str, Any], now: datetime, known: Sequence[tuple[str, str]]
) -> st.SearchStrategy[c.Command]:
    """A text for somebody, now or later."""
    return st.builds(
        lambda w, body, delay, override: c.SendText(
            **base,
            **w,
            body=body,
            send_at=None if delay is None else now + delay,
            override_quiet_hours=override,
        ),
        whose(known),
        st.sampled_from(BODIES),
        st.none() | delays(past=True),
        st.booleans(),
    )


def bulk(
    base: dict[str, Any], now: datetime, known: Sequence[tuple[str, str]]
) -> st.SearchStrategy[c.Command]:
    """A text for some, now or later."""
    return st.builds(
        lambda whom, body, delay: c.SendBulk(
            **base,
            recipients=tuple(c.Recipient(**one) for one in whom),
            body=body,
            send_at=None if delay is None else now + delay,
        ),
        st.lists(whose(known), min_size=1, max_size=6),
        st.sampled_from(BODIES),
        st.none() | delays(past=True),
    )


def of_bulk(base: dict[str, Any], name: UUID) -> st.SearchStrategy[c.Command]:
    """What a recruiter wants of one bulk."""
    kinds = st.sampled_from((c.PauseBulk, c.ResumeBulk, c.CancelBulk))
    return kinds.map(lambda kind: kind(**base, bulk=name))


def of_text(
    base: dict[str, Any], who: str | None, number: str, text_id: UUID, now: datetime
) -> st.SearchStrategy[c.Command]:
    """What a recruiter wants of one text."""
    named: dict[str, Any] = {"candidate": who or CANDIDATES[0], "number": number, "text_id": text_id}
    return st.one_of(
        st.just(c.CancelText(**base, **named)),
        st.builds(lambda delay: c.RescheduleText(**base, **named, send_at=now + delay), delays(past=True)),
    )


def heard(base: dict[str, Any], sid: str) -> st.SearchStrategy[c.Command]:
    """What a phone says, at times one whose number nobody could have."""
    return st.builds(
        lambda number, body: c.ReceiveText(**base, number=number, sid=sid, body=body),
        st.sampled_from((*NUMBERS, "+447700900123")),
        st.sampled_from(SAID),
    )


statuses = st.sampled_from(get_args(c.CarrierStatus))
segments = st.sampled_from((None, None, 0, 1, 2, 3, 30))
taken = st.builds(c.HandedOver, sid=st.sampled_from(("SM1", "SM2")), status=statuses, segments=segments)
results = st.one_of(
    taken,
    taken,
    st.builds(
        c.TurnedDown,
        code=st.sampled_from((20429, 21610, 30034, None)),
        http_status=st.sampled_from((400, 401, 429)),
        retry_after_s=st.sampled_from((None, 0.0, 600.0)),
    ),
    st.builds(c.NotTaken, cause=st.sampled_from(("unreachable", "absent"))),
    st.just(c.InDoubt(reason="Silence.")),
    st.just(c.GivenUp()),
)
