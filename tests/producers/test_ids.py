"""Ids from meaning meet again; fresh ones sort by time."""

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

from producers.http import ids

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_a_fresh_id_is_a_uuid_of_version_7() -> None:
    made = ids.fresh(NOW)
    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 == int(NOW.timestamp() * 1_000)


def test_fresh_ids_sort_by_time_and_differ() -> None:
    earlier = [ids.fresh(NOW) for _ in range(100)]
    later = ids.fresh(NOW + timedelta(milliseconds=1))
    assert len(set(earlier)) == 100
    assert max(earlier) < later


def test_a_key_that_is_a_uuid_is_the_id_itself() -> None:
    assert ids.from_key("acme", "01936f00-1111-7000-8000-000000000001") == UUID(
        "01936f00-1111-7000-8000-000000000001"
    )


def test_any_other_key_stands_for_one_id_of_its_account() -> None:
    assert ids.from_key("acme", "order 7") == ids.from_key("acme", "order 7")
    assert ids.from_key("acme", "order 7") != ids.from_key("other", "order 7")
    assert ids.from_key("acme", "order 7") != ids.from_key("acme", "order 8")


def test_the_carriers_messages_have_ids_of_their_own() -> None:
    assert ids.of_inbound("SM1") == ids.of_inbound("SM1")
    assert len({ids.of_inbound("SM1"), ids.of_status("SM1", "sent"), ids.of_status("SM1", "delivered")}) == 3
