"""Records that are no command for their shard: kept, with the reason; what stands around them is decided."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from deploy.local.broker import Broker
from schemas import commands
from schemas.actors import CARRIER, SYSTEM
from schemas.commands import COMMAND_BYTES_MAX
from schemas.partitions import shard_of
from schemas.topics import Topic
from tests.consumers.crowd import (
    PARTITIONS,
    SOON_S,
    all_decided,
    everything_is_read,
    follows,
    letters,
    records,
    working,
)
from tests.consumers.serving import SEAL, Cluster
from tests.domain import people
from tests.support.sayso import eventually
from tests.support.topics import sent


def test_what_cannot_be_used_is_kept_and_what_stands_around_it_is_decided(
    cluster: Cluster, broker: Broker
) -> None:
    """P9, P2"""
    good = follows(10, accounts=1)
    account = good[0].account
    key, topic, home = account.encode(), cluster.topics[Topic.COMMANDS], shard_of(account, PARTITIONS)
    elsewhere = (home + 1) % PARTITIONS
    (value,) = {value for *_, value, _ in records(cluster, follows(1, accounts=1))}
    within = people.follow("c").model_copy(update={"account": account, "actor": CARRIER})
    pretending = people.follow("c").model_copy(
        update={"account": account, "actor": SYSTEM.model_copy(update={"permissions": frozenset()})}
    )
    reused = people.follow("another").model_copy(
        update={"account": account, "command_id": good[0].command_id}
    )
    bad: list[tuple[str, int, bytes | None, bytes | None, list[tuple[str, bytes]]]] = [
        ("no_key", home, None, value, []),
        ("no_key", home, b"", value, []),
        ("too_large", home, key, b"x" * (COMMAND_BYTES_MAX + 1), []),
        ("too_large", home, key, b"x" * 1_000_000, [("some", b"header")]),
        ("invalid_command", home, key, None, []),
        ("invalid_command", home, key, b"", []),
        ("invalid_command", home, key, b"\xff\x00 no JSON", []),
        ("invalid_command", home, key, b"[" * 60_000, []),
        ("invalid_command", home, key, b'{"type": "fly-away"}', []),
        ("invalid_command", home, key, value.replace(b'"candidate":"', b'"candidate":"!'), []),
        ("invalid_command", home, key, value.replace(b'"actor":{', b'"actor":null,"was":{'), []),
        ("wrong_key", home, b"somebody-else", value, []),
        ("wrong_key", home, b"\xff", value, []),
        ("not_sealed", home, key, commands.write(within), []),
        ("not_sealed", home, key, commands.write(pretending), []),
        ("not_sealed", home, key, commands.write(within), [("sayso-seal", SEAL.of(value))]),
        ("misrouted", elsewhere, key, value, [("sayso-forwarded", b"1")]),
        ("command_id_reused", home, key, commands.write(reused), []),
    ]
    sealed = commands.write(within)
    mixed: list[Any] = [(topic, home, key, commands.write(good[0]), [])]
    for number, (_, *record) in enumerate(bad):
        mixed.append((topic, *record))
        if number < len(good):
            mixed.append((topic, home, key, commands.write(good[number]), []))
    with working(cluster) as (process,):
        sent(broker, mixed)
        sent(broker, [(topic, home, key, sealed, [("sayso-seal", SEAL.of(sealed))])])
        all_decided(cluster, [*good, within])
        eventually(lambda: everything_is_read(cluster, broker), SOON_S)
        assert cluster.position(home) > 2 * len(good)
    told = sum((serving.letters for serving in process.opened.values()), Counter[str]())
    assert told == Counter(reason for reason, *_ in bad)
    kept = letters(cluster, broker)
    wanted = [(reason, key, value, headers) for reason, _, key, value, headers in bad]
    assert sorted(comparable(one.reason, one.key, one.value, one.headers) for one in kept) == sorted(
        comparable(*one) for one in wanted
    )
    assert len({one.origin for one in kept}) == len(bad)
    assert all(one.origin.startswith(f"{topic}/") and one.detail for one in kept)
    assert {one.account for one in kept if one.reason not in ("no_key", "wrong_key")} == {account}


def test_nothing_but_bad_records_still_moves_the_position(cluster: Cluster, broker: Broker) -> None:
    """P9: they are not read again and again."""
    topic = cluster.topics[Topic.COMMANDS]
    with working(cluster):
        sent(broker, [(topic, 0, b"account-1", b"no command", [])] * 700)
        eventually(lambda: cluster.position(0) == 700, SOON_S)
    assert cluster.events(0) == []
    with working(cluster) as (process,):
        eventually(lambda: len(process.member.shards) == PARTITIONS, SOON_S)
        assert process.opened[0].source.position == 700
    assert Counter(one.origin for one in letters(cluster, broker)) == Counter(
        f"{topic}/0/{offset}" for offset in range(700)
    )


def comparable(
    reason: str, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]]
) -> tuple[str, str, str, str]:
    return str(reason), repr(key), repr(value), repr(list(headers))
