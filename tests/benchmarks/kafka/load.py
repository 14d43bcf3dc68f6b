"""What every system under test is given: commands of an ATS, as JSON, with the account as the key.

First what makes sending possible: accounts, credit, numbers, consent. Then texts to those candidates in no
particular order, all for tomorrow, so that no dispatcher makes more of them: a send is three events. Where
hand-overs are measured, there are texts for now.
"""

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

from schemas import commands
from schemas.actors import Actor, Permission
from schemas.commands import (
    ActivateTexting,
    AddConsent,
    AddNumber,
    AdjustSegments,
    Agreement,
    AssignSender,
    Command,
    SendText,
)
from schemas.evidence import ByHandEvidence
from schemas.partitions import shard_of

ACCOUNTS = 64
CANDIDATES_PER_ACCOUNT = 32
CREDIT_SEGMENTS = 1_000_000
BODY = "Hello, this is Rita from Acme. Could we talk on Tuesday at 10? Reply STOP to opt out."
RITA = Actor(
    kind="member",
    id="rita",
    name="Rita",
    permissions=frozenset({Permission.VIEW, Permission.SEND, Permission.OVERRIDE_QUIET_HOURS}),
)
OLGA = Actor(kind="member", id="olga", name="Olga", permissions=frozenset(Permission) - {Permission.CARRIER})
OBTAINED = datetime(2026, 1, 1, tzinfo=UTC)

Person = tuple[str, str, str]
"""An account, a candidate of its, and their number."""


class Wanted(NamedTuple):
    """One command as it goes on the topic."""

    partition: int
    key: bytes
    value: bytes
    id: UUID


class Load:
    """The same commands at every run, but for their ids and times."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._chance = random.Random(7)
        self._accounts = _spread(ACCOUNTS, partitions)
        self._people = [
            (account, f"c{n}", f"+4526{n:06d}")
            for place, account in enumerate(self._accounts)
            for n in range(place * CANDIDATES_PER_ACCOUNT, (place + 1) * CANDIDATES_PER_ACCOUNT)
        ]

    def preparing(self) -> list[Wanted]:
        """Accounts with credit, and candidates who agreed to be texted."""
        made = [
            command for place, name in enumerate(self._accounts) for command in self._account(place, name)
        ]
        made += [command for person in self._people for command in self._allow(*person)]
        return [self._wanted(command) for command in made]

    def sends(self, number: int) -> list[Wanted]:
        """Texts to candidates drawn by chance."""
        tomorrow = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
        chosen = self._chance.choices(self._people, k=number)
        return [self._wanted(self._send(place, tomorrow, person)) for place, person in enumerate(chosen)]

    def sends_now(self, number: int) -> "dict[str, Wanted]":
        """Texts to as many candidates, no two of an account in a row, by their phone numbers."""
        people = [self._people[n::CANDIDATES_PER_ACCOUNT] for n in range(CANDIDATES_PER_ACCOUNT)]
        chosen = list(chain.from_iterable(people))[:number]
        return {
            person[2]: self._wanted(self._send(place, None, person)) for place, person in enumerate(chosen)
        }

    def _send(self, place: int, at: datetime | None, person: Person) -> Command:
        account, candidate, number = person
        return SendText(
            command_id=self._uuid7(),
            account=account,
            actor=RITA,
            candidate=candidate,
            number=number,
            body=f"{BODY} {place}",  # one is not told the same again and again
            send_at=at,
            override_quiet_hours=at is None,
        )

    def _account(self, place: int, name: str) -> Iterator[Command]:
        ours: dict[str, Any] = {"account": name, "actor": OLGA}
        agreement = Agreement(accepted=True, version="1")
        yield ActivateTexting(
            command_id=self._uuid7(), country="DK", currency="EUR", agreement=agreement, **ours
        )
        yield AssignSender(command_id=self._uuid7(), sender=f"+453123{place:04d}", **ours)
        yield AdjustSegments(command_id=self._uuid7(), segments=CREDIT_SEGMENTS, reason="benchmark", **ours)

    def _allow(self, account: str, candidate: str, number: str) -> Iterator[Command]:
        whom: dict[str, Any] = {
            "account": account,
            "actor": OLGA,
            "candidate": candidate,
            "number": number,
        }
        yield AddNumber(command_id=self._uuid7(), **whom)
        evidence = ByHandEvidence(method="call")
        yield AddConsent(command_id=self._uuid7(), obtained_at=OBTAINED, evidence=evidence, **whom)

    def _wanted(self, command: Command) -> Wanted:
        partition = shard_of(command.account, self._partitions)
        return Wanted(partition, command.account.encode(), commands.write(command), command.command_id)

    def _uuid7(self) -> UUID:
        time_ms = time.time_ns() // 1_000_000
        bits = self._chance.getrandbits
        return UUID(int=time_ms << 80 | 7 << 76 | bits(12) << 64 | 2 << 62 | bits(62))


def _spread(number: int, partitions: int) -> list[str]:
    """Names of accounts, as many for each partition as for any other (but for a remainder)."""
    room = dict.fromkeys(range(partitions), -(-number // partitions))
    names = (f"account-{n}" for n in range(1_000_000))
    found: list[str] = []
    while len(found) < number:
        name = next(names)
        place = shard_of(name, partitions)
        if room[place]:
            room[place] -= 1
            found.append(name)
    return found
