"""What the processes of the distributed form have open in PostgreSQL."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from deploy.distributed.stores import SharedStores
from deploy.parts import feeds_of
from projections.listening import ChangeListener
from schemas.postgres import KEPT_ALIVE
from tests.support.sayso import reachable_settings

SOON_S = 60.0
BY_NAME = {
    "keepalives_idle": socket.TCP_KEEPIDLE,
    "keepalives_interval": socket.TCP_KEEPINTVL,
    "keepalives_count": socket.TCP_KEEPCNT,
    "tcp_user_timeout": socket.TCP_USER_TIMEOUT,
}


def test_whoever_is_connected_notices_that_the_server_fell_silent(database: str, tmp_path: Path) -> None:
    settings = reachable_settings(
        tmp_path, kafka_bootstrap="127.0.0.1:1", database_url=database, ledgers="postgresql", partitions=1
    )
    port = int(conninfo_to_dict(database)["port"] or 0)
    before = {number for number, _ in connected(port)}
    with ExitStack() as opened:
        stores = opened.enter_context(closing(SharedStores(settings)))
        opened.enter_context(closing(stores.waiting_calls()))
        opened.enter_context(closing(stores.ledger(0, stores.keys)))
        listener = ChangeListener(stores.views, feeds_of(settings))
        listener.start()
        opened.callback(listener.stop)
        assert listener.wait_until_listening(SOON_S)
        ours = [options for number, options in connected(port) if number not in before]
    assert len(ours) == len(["views", "keys", "letters", "calls", "ledger", "listener"])
    assert all(options == {name: KEPT_ALIVE[name] for name in BY_NAME} for options in ours)


def connected(port: int) -> Iterator[tuple[int, dict[str, int]]]:
    """This process's connections to `port`: the descriptor, and how the kernel keeps it alive."""
    for number in [int(file.name) for file in Path("/proc/self/fd").iterdir()]:
        try:
            one = socket.socket(fileno=os.dup(number))
        except OSError:
            continue  # a file, or closed meanwhile
        with one:
            if _peer(one) == port:
                yield number, {name: one.getsockopt(socket.IPPROTO_TCP, key) for name, key in BY_NAME.items()}


def _peer(one: socket.socket) -> int | None:
    try:
        return int(one.getpeername()[1])
    except (OSError, IndexError):
        return None
