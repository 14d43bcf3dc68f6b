"""Ids and moments written cheaply read as Python's own."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

from hypothesis import given
from hypothesis.strategies import datetimes, just, timedeltas, uuids

from schemas.writing import id_text, moment_text


@given(uuids())
def test_an_id_is_written_as_python_writes_it(id: UUID) -> None:
    assert id_text(id) == str(id)


@given(datetimes(timezones=just(UTC)))
def test_a_moment_in_utc_is_written_as_python_writes_it(moment: datetime) -> None:
    assert moment_text(moment) == moment.isoformat()


@given(datetimes(), timedeltas(timedelta(minutes=1), timedelta(hours=14)))
def test_so_is_one_that_is_not_in_utc(moment: datetime, offset: timedelta) -> None:
    elsewhere = moment.replace(tzinfo=timezone(timedelta(minutes=offset // timedelta(minutes=1))))
    assert moment_text(elsewhere) == elsewhere.isoformat()
    assert moment_text(datetime(2026, 1, 1)) == "2026-01-01T00:00:00"  # noqa: DTZ001  # none of ours
