"""Row 5: PostgreSQL stops at once, or its backends are killed one by one."""

from collections.abc import Iterator

import psycopg

from tests.drills.distributed import Distributed
from tests.drills.rows.distributed import Injury, pause, trials
from tests.drills.trial import Place, Trial

DOWN_S_MAX = 2.0
KILLS_MAX = 8


def distributed(place: Place) -> Iterator[Trial]:
    return trials(place, FAULTS)


def _crash(stand: Distributed, place: Place) -> None:
    postgres = stand.servers.postgres
    postgres.crash()
    pause(place, 0, DOWN_S_MAX)
    postgres.start()


def _kill_backends(stand: Distributed, place: Place) -> None:
    """Some of those that serve Sayso, whatever they are doing."""
    with psycopg.connect(stand.servers.postgres.dsn(), autocommit=True) as database:
        for _ in range(place.chance.randint(1, KILLS_MAX)):
            database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'sayso' ORDER BY random() LIMIT 3"
            )
            pause(place, 0, 0.1)


FAULTS: dict[str, Injury] = {"PostgreSQL stopped at once": _crash, "backends killed": _kill_backends}
