"""The broker and the database of the distributed form under a drill, and a link to them for each process."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from deploy.local.broker import Broker
from deploy.local.postgres import Postgres
from deploy.local.process import free_port
from tests.drills.disk import small_disk
from tests.drills.nodes import NODES, Nodes
from tests.drills.proxy import Proxy

SETTINGS = {
    "group.min.session.timeout.ms": "500",  # a dead member is found out sooner than in earnest: see `launch`
    # A broker that is thought dead while it lives forgets to end transactions: let that happen now and then.
    "broker.session.timeout.ms": "4000",
}
SMALL_DISK_BYTES = 1024 * 1024 * 1024
BROKER, POSTGRES = "broker", "postgres"
"""The folders of each, and its disk if it has one of its own."""
_databases = count(1)


class Servers:
    """Kafka and PostgreSQL, which several stands may use one after the other.

    With `links`, each process named there reaches them through proxies of its own. `nodes` are there where
    Kafka has several; else there is one `broker`.
    """

    replication = 1

    def __init__(self, folder: Path, links: Sequence[str] = ()) -> None:
        self.folder = folder
        self._stack = ExitStack()
        port, controller = free_port(), free_port()
        listeners = {name: free_port() for name in links}
        self.kafka_links = {name: Proxy(at, kafka=True) for name, at in listeners.items()}
        advertised = {name: link.port for name, link in self.kafka_links.items()}
        settings = {**SETTINGS, **_listeners(port, controller, listeners, advertised)}
        self.broker = Broker(folder / BROKER, port, settings=settings)
        self.nodes: Nodes | None = None
        self.postgres = Postgres(folder / POSTGRES)
        self.postgres_links = {name: Proxy(self.postgres_port) for name in links}

    @classmethod
    def of_three(cls, folder: Path) -> Self:
        """With three nodes, and without links."""
        servers = cls(folder)
        servers.nodes = Nodes(folder, SETTINGS)
        servers.replication = NODES
        return servers

    @property
    def postgres_port(self) -> int:
        return int(self.postgres.dsn().rpartition(":")[2].partition("/")[0])

    def bootstrap(self, process: str | None = None) -> str:
        """Where that process finds Kafka; without a link, as everybody does."""
        link = self.kafka_links.get(process or "")
        if link is not None:
            return f"127.0.0.1:{link.port}"
        return (self.nodes or self.broker).bootstrap

    def dsn(self, database: str, process: str | None = None) -> str:
        """Where that process finds a database."""
        link, direct = self.postgres_links.get(process or ""), self.postgres.dsn(database)
        return direct if link is None else direct.replace(f":{self.postgres_port}/", f":{link.port}/")

    def fresh_database(self) -> str:
        """The name of a new, empty database."""
        name = f"drill_{next(_databases)}_{uuid4().hex[:8]}"
        self.postgres.create_database(name)
        return name

    def __enter__(self) -> Self:
        with self._stack:
            self._stack.enter_context(self.nodes or self.broker)
            self._stack.enter_context(self.postgres)
            for link in [*self.kafka_links.values(), *self.postgres_links.values()]:
                self._stack.enter_context(link)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


@contextmanager
def on_small_disks(folder: Path, links: Sequence[str] = ()) -> Iterator[Servers]:
    """Servers of which each has a disk of its own, so that it can be filled.

    Raises:
        NotMounted: as `small_disk` does.
    """
    with ExitStack() as disks:
        for name in (BROKER, POSTGRES):
            disks.enter_context(small_disk(folder / name, SMALL_DISK_BYTES))
        yield disks.enter_context(Servers(folder, links))


def _listeners(
    port: int, controller: int, links: dict[str, int], advertised: dict[str, int]
) -> dict[str, str]:
    """A listener for everybody, and one for each link, which tells clients to come through their proxy."""
    named = {name.upper().replace("-", "_"): name for name in links}
    ports = {"PLAINTEXT": port, **{listener: links[name] for listener, name in named.items()}}
    shown = {"PLAINTEXT": port, **{listener: advertised[name] for listener, name in named.items()}}
    heard = {**ports, "CONTROLLER": controller}  # the first is the one by which the broker is known again
    return {
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listeners": _joined(heard),
        "advertised.listeners": _joined(shown),
        "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in heard),
    }


def _joined(ports: dict[str, int]) -> str:
    return ",".join(f"{name}://127.0.0.1:{port}" for name, port in ports.items())
