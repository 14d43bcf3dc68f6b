"""Random logs of every kind of event, of several accounts that use the same names.

They need not make sense: views must agree with themselves whatever the log says. Only what the ledger itself
guarantees holds here too: ids of texts and commands are new, and a conversation begins by being opened.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st

from schemas import events as e
from schemas.account_settings import AccountSettings
from schemas.actors import CARRIER
from schemas.commands import Media
from schemas.evidence import ApplicationEvidence, ByHandEvidence, KeywordEvidence
from tests.projections.history import ADA, NOON, PHONE, History

ACCOUNTS = ("acme", "beta", "corp")
NUMBERS = ("+14155550121", "+14155550122", "+14155550123")
CANDIDATES = ("grace", "henry")
MEMBERS = ("ada", "bob")
SENDERS = ("+14155550100", "+14155550101", "MG" + "a" * 32)
PICTURE = Media(url="https://carrier.example/1", content_type="image/png")
EVIDENCE = (
    ByHandEvidence(method="call"),
    ApplicationEvidence(
        source="indeed", scope="this_job", wording="Text you?", wording_version="1", application_id="a1"
    ),
    KeywordEvidence(keyword="START"),
    None,
)


@dataclass
class Dice:
    """What one step of a log is made from: numbers between 0 and 11."""

    account: str
    values: tuple[int, ...]
    texts: list[UUID]
    fresh: int
    used: int = field(default=0)

    def pick(self, *choices: object) -> object:
        self.used += 1
        return choices[self.values[self.used % len(self.values)] % len(choices)]

    def number(self) -> int:
        return int(str(self.pick(*range(12))))

    def word(self, *choices: str) -> str:
        return str(self.pick(*choices))

    def candidate(self) -> str:
        return self.word(*CANDIDATES)

    def anybody(self) -> str | None:
        return [*CANDIDATES, None][self.number() % 3]

    def new_text(self) -> UUID:
        self.texts.append(UUID(int=self.fresh))
        return self.texts[-1]

    def old_text(self) -> UUID:
        return self.texts[self.number() % len(self.texts)] if self.texts else UUID(int=0)

    def sid(self) -> str:
        return f"SM{self.number() % 5}"

    def moment(self) -> object:
        return NOON + timedelta(hours=self.number())


Maker = Callable[[Dice], Mapping[str, object]]

_ACCOUNT: Mapping[type[e.Event], Maker] = {
    e.TextingActivated: lambda d: {"country": "US", "currency": "USD", "agreement_version": "1",
                                   "free_segments": d.number(), "balance": d.number()},
    e.PackageBought: lambda d: {"package": "p", "segments": d.number(), "price": "75", "currency": "USD",
                                "balance": d.number()},
    e.SettingsChanged: lambda d: {"settings": AccountSettings(company=d.word("A", "B"))},
    e.SenderAssigned: lambda d: {"sender": d.word(*SENDERS), "region": d.pick("US", None),
                                 "carrier": d.word("twilio", "backup"), "replaces": d.number() < 2},
    e.SenderWithdrawn: lambda d: {"sender": d.word(*SENDERS)},
    e.NotificationsSet: lambda d: {"member": d.word(*MEMBERS), "profile_actions": d.number() < 6},
    e.SegmentsDebited: lambda d: {"text_id": d.old_text(), "segments": d.number(), "balance": d.number()},
    e.SegmentsRefunded: lambda d: {"text_id": d.old_text(), "segments": d.number(), "reason": "failed",
                                   "balance": d.number()},
    e.SegmentsAdjusted: lambda d: {"segments": d.number() - 6, "reason": "r", "balance": d.number(),
                                   "text_id": d.pick(None, d.old_text())},
    e.SendingStopped: lambda d: {"code": d.pick(None, 30002), "reason": "suspended"},
    e.SendingResumed: lambda _: {},
}  # fmt: skip
_CANDIDATE: Mapping[type[e.Event], Maker] = {
    e.NumberAdded: lambda d: {"name": d.pick("Grace", None), "region": "US",
                              "time_zone": d.pick(None, "UTC")},
    e.NumberRemoved: lambda _: {},
    e.CandidateFollowed: lambda d: {"member": d.word(*MEMBERS)},
    e.CandidateUnfollowed: lambda d: {"member": d.word(*MEMBERS)},
    e.FollowerNotified: lambda d: {"member": d.word(*MEMBERS), "about": d.word("reply", "keyword"),
                                   "sid": d.sid()},
}  # fmt: skip
_CONVERSATION: Mapping[type[e.Event], Maker] = {
    e.CandidateJoined: lambda d: {"candidate": d.candidate(), "time_zone": None},
    e.CandidateLeft: lambda d: {"candidate": d.candidate()},
    e.ConsentGranted: lambda d: {"candidate": d.anybody(), "obtained_at": d.moment(),
                                 "evidence": d.pick(*EVIDENCE)},
    e.ConsentWithdrawn: lambda d: {"cause": d.word("member", "number_removed", "stop_request"),
                                   "reason": d.pick("asked", None)},
    e.ConsentRevoked: lambda d: {"keyword": d.word("STOP", "21610")},
    e.KeywordReceived: lambda d: {"sid": d.sid(), "action": d.word("stop", "start", "help"),
                                  "keyword": "STOP", "body": "stop!",
                                  "media": d.pick((), (PICTURE,)), "sender": d.pick(None, SENDERS[0])},
    e.StopRequestFlagged: lambda d: {"sid": d.sid()},
    e.StopRequestReviewed: lambda d: {"wants_to_stop": d.number() < 6},
    e.TextQueued: lambda d: {"text_id": d.new_text(), "candidate": d.anybody(), "body": "Hi",
                             "encoding": "GSM-7", "segments": 1, "purpose": d.word("message", "help_answer"),
                             "bulk": d.pick(None, d.old_text())},
    e.TextScheduled: lambda d: {"text_id": d.new_text(), "candidate": d.anybody(), "body": "Hé",
                                "encoding": "UCS-2", "segments": 2, "send_at": d.moment(),
                                "delay": d.word("requested", "quiet_hours"),
                                "bulk": d.pick(None, d.old_text())},
    e.TextRescheduled: lambda d: {"text_id": d.old_text(), "send_at": d.moment(),
                                  "delay": d.word("requested", "quiet_hours", "carrier")},
    e.TextCancelled: lambda d: {"text_id": d.old_text(), "reason": "cancelled_by_member"},
    e.DispatchStarted: lambda d: {"text_id": d.old_text(), "attempt": 1 + d.number(),
                                  "sender": d.word(*SENDERS), "carrier": d.word("twilio", "backup")},
    e.DispatchDoubted: lambda d: {"text_id": d.old_text(), "attempt": 1, "reason": "reset"},
    e.TextSent: lambda d: {"text_id": d.old_text(), "sid": d.sid(), "status": "queued"},
    e.TextRecounted: lambda d: {"text_id": d.old_text(), "billed": d.number(), "paid": d.number()},
    e.TextCounted: lambda d: {"text_id": d.old_text(), "billed": d.number(), "paid": d.number()},
    e.TextDelivered: lambda d: {"text_id": d.old_text()},
    e.TextFailed: lambda d: {"text_id": d.old_text(), "status": d.word("failed", "undelivered"),
                             "code": d.pick(None, 30003), "reason": "no"},
    e.TextUnknown: lambda d: {"text_id": d.old_text()},
    e.TextReceived: lambda d: {"sid": d.sid(), "body": "Hello",
                               "media": d.pick((), (PICTURE,), (PICTURE, PICTURE)),
                               "sender": d.pick(None, SENDERS[1])},
    e.AttachmentStored: lambda d: {"sid": d.sid(), "index": d.number() % 2, "size_bytes": d.number(),
                                   "sha256": "0" * 64, "picture": d.pick(None, "image/png")},
    e.AttachmentRefused: lambda d: {"sid": d.sid(), "index": d.number() % 2,
                                    "reason": d.word("gone", "too_large")},
    e.ThreadRead: lambda _: {},
}  # fmt: skip
_BULK: Mapping[type[e.Event], Maker] = {
    e.BulkStarted: lambda d: {"bulk": d.new_text(), "body": "Hi", "send_at": d.pick(None, d.moment()),
                              "conversations": d.pick((), ("a", "b")), "refused": d.number()},
    e.BulkCounted: lambda d: {"bulk": d.old_text(), "what": d.word("handed_over", "failed", "opted_out"),
                              "handed_over": d.number(), "failed": d.number(), "opted_out": d.number()},
    e.BulkPaused: lambda d: {"bulk": d.old_text(), "cause": d.word("member", "failures", "opt_outs")},
    e.BulkResumed: lambda d: {"bulk": d.old_text()},
    e.BulkCancelled: lambda d: {"bulk": d.old_text(), "cancelled": d.number()},
}  # fmt: skip
_RECEIPT: Mapping[type[e.Event], Maker] = {
    e.CommandAccepted: lambda d: {"command_type": "t", "fingerprint": "f", "result": {"n": d.number()}},
    e.CommandRefused: lambda _: {"command_type": "t", "fingerprint": "f", "code": "c", "sentence": "No."},
}
MAKERS = {**_ACCOUNT, **_CANDIDATE, **_CONVERSATION, **_BULK, **_RECEIPT}

_steps = st.tuples(
    st.sampled_from(list(MAKERS)),
    st.sampled_from(ACCOUNTS),
    st.lists(st.integers(0, 11), min_size=4, max_size=6),
)


@st.composite
def logs(draw: st.DrawFn, max_size: int = 60) -> History:
    """A history, every conversation and candidate of which is there from the beginning."""
    history = History()
    for account in ACCOUNTS:
        for number in NUMBERS:
            opened = e.ConversationOpened(number=number, region="US")
            history.happened(conversation(account, number), opened, account=account)
    texts: dict[str, list[UUID]] = {account: [] for account in ACCOUNTS}
    for kind, account, values in draw(st.lists(_steps, max_size=max_size)):
        dice = Dice(account, tuple(values), texts[account], len(history.entries))
        stream, more = _place(kind, dice)
        event = kind.model_validate({**more, **MAKERS[kind](dice)}, from_attributes=True)
        by = (ADA, PHONE, CARRIER)[dice.number() % 3]
        history.happened(stream, event, by=by, account=account)
    return history


def conversation(account: str, number: str) -> str:
    return f"{account}-conversation-{number[1:]}"


def _place(kind: type[e.Event], dice: Dice) -> tuple[str, dict[str, object]]:
    number = dice.word(*NUMBERS)
    if kind in _ACCOUNT:
        return f"{dice.account}-account", {}
    if kind in _CONVERSATION:
        return conversation(dice.account, number), {}
    if kind in _BULK:
        return f"{dice.account}-bulks", {}
    if kind in _RECEIPT:
        return f"{dice.account}-receipt-{dice.fresh}", {}
    candidate = dice.candidate()
    more: dict[str, object] = {"candidate": candidate}
    if kind not in (e.CandidateFollowed, e.CandidateUnfollowed):
        more["conversation"] = conversation(dice.account, number)
    if kind is e.NumberAdded:
        more["number"] = number
    return f"{dice.account}-candidate-{candidate}", more
