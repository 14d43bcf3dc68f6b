"""Bugs in what was published, planted in recorded evidence: the checker finds each."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.drills.checker import check
from tests.drills.evidence import Evidence, Record, event
from tests.drills.rows.row_06 import unclosed
from tests.drills.rules import TOPIC_OF
from tests.drills.trial import Place

Published = dict[str, list[Record]]
"""Topic to the records of its one partition."""


@pytest.fixture
def evidence(place: Place) -> Evidence:
    """A ledger of a hundred commands and more, and nothing else."""
    kept = unclosed(place)
    return Evidence({0: kept.events}, sent=kept.sent)


def published(evidence: Evidence) -> Published:
    """The ledger as it should be on the topics."""
    topics: Published = {name: [] for name in dict.fromkeys(TOPIC_OF.values())}
    for _, raw in evidence.ledgers[0]:
        one = event(raw)
        records = topics[TOPIC_OF[one.name]]
        records.append(Record(len(records), one.account.encode(), raw))
    return topics


def rules(evidence: Evidence, topics: Published) -> set[str]:
    """What the checker finds."""
    evidence.topics = {name: {0: records} for name, records in topics.items()}
    return {finding.rule for finding in check(evidence)}


def test_what_is_published_well_is_found_well(evidence: Evidence) -> None:
    assert rules(evidence, published(evidence)) == set()


def doubled(topics: Published) -> None:
    """A transaction that was thought to have failed is sent again."""
    topics["messages"].insert(12, topics["messages"][11])


def dropped(topics: Published) -> None:
    del topics["credits"][7]


def swapped(topics: Published) -> None:
    records = topics["messages"]
    records[9], records[10] = records[10], records[9]


def without_fence(topics: Published) -> None:
    """An older relay goes on from where it stood, beside the new one."""
    topics["receipts"] += topics["receipts"][-5:]


def rewritten(topics: Published) -> None:
    """The same event, serialised anew."""
    records = topics["consent"]
    records[3] = records[3]._replace(value=records[3].value.replace(b'","', b'", "', 1))


def misplaced(topics: Published) -> None:
    topics["accounts"].append(topics["credits"].pop())


def keyless(topics: Published) -> None:
    topics["credits"][0] = topics["credits"][0]._replace(key=None)


@pytest.mark.parametrize(
    ("bug", "rule"),
    [
        (doubled, "published twice"),
        (dropped, "missing from the topics"),
        (swapped, "out of order"),
        (without_fence, "published twice"),
        (rewritten, "other bytes than the ledger's"),
        (misplaced, "wrong topic"),
        (keyless, "wrong key"),
    ],
)
def test_what_is_published_wrongly_is_found(
    evidence: Evidence, bug: Callable[[Published], None], rule: str
) -> None:
    topics = published(evidence)
    bug(topics)
    assert rule in rules(evidence, topics)


def test_a_hole_in_the_ledger_is_found(evidence: Evidence, tmp_path: Path) -> None:
    assert check(evidence) == []
    stored = list(evidence.ledgers[0])
    evidence.ledgers = {0: stored[:40] + stored[41:]}
    assert "numbers of the ledger have a gap" in {finding.rule for finding in check(evidence)}
