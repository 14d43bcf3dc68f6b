"""What the load asks for: a random but repeatable stream of commands, and of bytes that are none."""

import json
import random
import time
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from tests.drills.evidence import tagged
from tests.drills.rules import partition_of

PEOPLE_PER_ACCOUNT = 5
TEXTS_REMEMBERED = 30
TOO_LARGE_BYTES = 70_000
PERMISSIONS = ("view", "send", "manage", "audit", "override-quiet-hours", "record-applications", "operate")
ACTOR = {
    "kind": "member",
    "id": "grace",
    "name": "Grace Hopper",
    "permissions": [f"texts:{name}" for name in PERMISSIONS],
}


class Wish(NamedTuple):
    """One command, as it stands on the commands topic."""

    account: str
    command: str
    kind: str
    body: bytes


class Person(NamedTuple):
    candidate: str
    number: str


class Reply(NamedTuple):
    """What somebody shall write from their phone."""

    number: str
    to: str
    body: str


def _names(seed: int, accounts: int, partitions: int) -> list[str]:
    """Names of accounts that spread evenly over the partitions."""
    candidates = (f"drill-{seed}-{n}" for n in count())
    found: list[str] = []
    while len(found) < accounts:
        wanted = len(found) % partitions
        found.append(next(name for name in candidates if partition_of(name, partitions) == wanted))
    return found


class Wishes:
    """One stream of wishes; the same seed gives the same wishes in the same order."""

    def __init__(
        self,
        seed: int,
        accounts: int,
        *,
        partitions: int = 1,
        forms: bool = False,
        few_texts: bool = False,
        people: int = PEOPLE_PER_ACCOUNT,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """As many of the accounts belong in each of the partitions; each has so many `people`.

        `forms`: poison comes as a form at the carrier's door, instead of as a record.
        `few_texts`: mostly what ends with its decision, where a text takes the carrier's time, too.
        `now_s`: the time, which stands in the ids of commands.
        """
        self.random = random.Random(seed)
        self._forms = forms
        self._now_s = now_s
        self._weights = {**_WEIGHTS, Wishes._send: 1} if few_texts else _WEIGHTS
        numbers = count(2_000_000)
        self._senders = {name: f"+1628{next(numbers)}" for name in _names(seed, accounts, partitions)}
        self._people = {
            account: [Person(f"c-{n}", f"+1415{next(numbers)}") for n in range(people)]
            for account in self._senders
        }
        self._texts: deque[tuple[str, Person, str]] = deque(maxlen=TEXTS_REMEMBERED)

    @property
    def accounts(self) -> tuple[str, ...]:
        return tuple(self._senders)

    def setup(self) -> list[Wish]:
        """What makes the accounts ready to text, in order."""
        wishes = []
        for account, sender in self._senders.items():
            agreement = {"accepted": True, "version": "2026-01"}
            activation = {"country": "US", "currency": "USD", "company": "Acme Robotics"}
            wishes.append(self._wish(account, "activate-texting", None, **activation, agreement=agreement))
            wishes.append(self._wish(account, "assign-sender", sender=sender))
            wishes.append(self._wish(account, "buy-package"))
            for person in self._people[account]:
                wishes.append(self._wish(account, "add-number", **person._asdict(), name="Ada Byron"))
                wishes.append(self._consent(account, person))
        return wishes

    def two_texts(self) -> tuple[Person, str, list[Wish]]:
        """Two people of an account, who consent, are to be texted: the first one, the account's sender, and
        what is wanted: both consents, and then both texts."""
        account = self.random.choice(self.accounts)
        both = self.random.sample(self._people[account], 2)
        asked = [make(self, account, one) for make in (Wishes._consent, Wishes._send) for one in both]
        return both[0], self._senders[account], asked

    def next(self) -> Wish:
        """Anything that a recruiter may want, mostly to send a text."""
        account = self.random.choice(self.accounts)
        person = self.random.choice(self._people[account])
        make = self.random.choices(*zip(*self._weights.items(), strict=True))[0]
        wish: Wish = make(self, account, person)
        return wish

    def reply(self) -> Reply:
        """A keyword or an answer from somebody's phone."""
        account = self.random.choice(self.accounts)
        person = self.random.choice(self._people[account])
        body = self.random.choice(("STOP", "START", "START", "Yes, at noon", "please stop texting me"))
        return Reply(person.number, self._senders[account], body)

    def poison(self) -> tuple[bytes | None, bytes]:
        """Key and bytes that are no command: cut short, of an unknown type, or without any sense."""
        account = self.random.choice(self.accounts)
        good = self._wish(account, "buy-package").body
        mark = self.random.randbytes(8).hex().encode()
        if self._forms:
            to = self.random.choice((self._senders[account], "+16285550000"))
            return None, urlencode({"MessageSid": mark, "From": "who?", "To": to, "Body": mark}).encode()
        told = good.replace(b"texts:operate", b"texts:carrier")  # nobody but our own doors may say so
        if self.random.random() < 0.2:
            return b"somebody-else", good
        body = self.random.choice(
            (
                told,
                good[:-1] + b'%b"mark":"%b"}' % (b" " * TOO_LARGE_BYTES, mark),
                b"\xff\xfe" + mark,
                good[: self.random.randrange(1, len(good) - 1)] + mark,
                good.replace(b"buy-package", b"buy-moon-" + mark),
                b'{"type":"buy-package","mark":"' + mark + b'"}',
                b"[" * 50 + mark,
                b"null " + mark,
            )
        )
        return self.random.choice((account.encode(), account.encode(), None)), body

    # --- the kinds -------------------------------------------------------------------------------

    def _send(self, account: str, person: Person) -> Wish:
        command = self._id()
        self._texts.append((account, person, command))
        body = tagged(command)
        return self._wish(
            account, "send-text", command, **person._asdict(), body=body, override_quiet_hours=True
        )

    def _cancel(self, account: str, person: Person) -> Wish:
        if not self._texts:
            return self._send(account, person)
        account, person, text = self.random.choice(self._texts)
        return self._wish(account, "cancel-text", **person._asdict(), text_id=text)

    def _consent(self, account: str, person: Person) -> Wish:
        evidence = {"how": "by_hand", "method": "call"}
        obtained_at = "2026-01-02T10:00:00+00:00"
        return self._wish(
            account, "add-consent", **person._asdict(), obtained_at=obtained_at, evidence=evidence
        )

    def _withdraw(self, account: str, person: Person) -> Wish:
        return self._wish(account, "withdraw-consent", **person._asdict(), reason="Asked on the phone.")

    def _follow(self, account: str, person: Person) -> Wish:
        kind = self.random.choice(("follow-candidate", "unfollow-candidate"))
        return self._wish(account, kind, candidate=person.candidate)

    def _buy(self, account: str, _: Person) -> Wish:
        return self._wish(account, "buy-package")

    def _adjust(self, account: str, _: Person) -> Wish:
        segments = self.random.randint(-40, 20)
        return self._wish(account, "adjust-segments", segments=segments, reason="as the drill wants it")

    def _read(self, account: str, person: Person) -> Wish:
        return self._wish(account, "mark-read", **person._asdict())

    def _wish(self, account: str, kind: str, command: str | None = None, **fields: Any) -> Wish:
        command = command or self._id()
        whole = {"type": kind, "command_id": command, "account": account, "actor": ACTOR, **fields}
        return Wish(account, command, kind, json.dumps(whole).encode())

    def _id(self) -> str:
        """A UUID of version 7 (RFC 9562, 5.7)."""
        bits = int(self._now_s() * 1_000) << 80 | self.random.getrandbits(80)
        return str(UUID(int=bits & ~(0xF << 76 | 0x3 << 62) | 0x7 << 76 | 0x2 << 62))


_WEIGHTS = {
    Wishes._send: 60,
    Wishes._consent: 10,
    Wishes._withdraw: 4,
    Wishes._cancel: 6,
    Wishes._follow: 6,
    Wishes._adjust: 4,
    Wishes._read: 6,
    Wishes._buy: 1,
}
