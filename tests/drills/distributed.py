"""The distributed form under a drill: workers, projectors and HTTP processes over Kafka and PostgreSQL."""

from collections.abc import Callable
from pathlib import Path

from deploy import topics
from deploy.local.process import free_port
from deploy.simulator.settings import SimulatorSettings
from tests.drills import reading
from tests.drills.evidence import Evidence
from tests.drills.load import USUAL, ByKafkaPython, ByLibrdkafka, Mix, OverHttp, Producer
from tests.drills.nursery import Nursery
from tests.drills.servers import Servers
from tests.drills.stand import Part, Process, Stand
from tests.drills.wishes import Wishes
from tests.support.sayso import reachable_settings

ACCOUNTS = 8
PARTITIONS = 4
EACH = 2
COMMANDS_PER_SECOND = 80.0
WORKERS = tuple(f"worker-{n}" for n in range(1, EACH + 1))
PROJECTORS = tuple(f"projector-{n}" for n in range(1, EACH + 1))
APIS = tuple(f"api-{n}" for n in range(1, EACH + 1))
PROCESSES = (*WORKERS, *PROJECTORS, *APIS)


class Distributed(Stand):
    """Every process twice, and a load over HTTP and by two different clients of Kafka."""

    def __init__(
        self,
        nursery: Nursery,
        folder: Path,
        seed: int,
        servers: Servers,
        *,
        mix: Mix = USUAL,
        rate: float = COMMANDS_PER_SECOND,
        linked: bool = False,
        few_texts: bool = False,
        wishes: Callable[..., Wishes] = Wishes,
        carrier: Callable[[SimulatorSettings], SimulatorSettings] = lambda usual: usual,
    ) -> None:
        """`linked`: each process reaches the servers through proxies of its own; and the carrier through one.

        `few_texts`: as `Wishes` has it.
        """
        self._linked = linked
        prefix, database = f"drill-{seed}-{free_port()}.", servers.fresh_database()
        settings = reachable_settings(folder / "data", hand_overs_max=8, topic_prefix=prefix)
        wished = wishes(seed, ACCOUNTS, partitions=PARTITIONS, few_texts=few_texts)
        super().__init__(nursery, folder, settings, wished, carrier, linked=linked)
        self.servers = servers
        self._database = reading.Postgres(servers.dsn(database))
        self._cluster = reading.Cluster(servers.bootstrap(), prefix, PARTITIONS)
        client = {"bootstrap_servers": servers.bootstrap().split(",")}
        topics.create(client, prefix, PARTITIONS, replication=servers.replication)
        ports = {name: free_port() for name in PROCESSES} | {APIS[0]: settings.port}
        parts = {name: self._part(name, ports[name], database) for name in PROCESSES}
        commands = f"{prefix}commands"
        over_http = [OverHttp(f"http://127.0.0.1:{ports[name]}", self.tokens()) for name in APIS]
        producers: list[Producer] = [
            ByKafkaPython(servers.bootstrap(), commands),
            ByLibrdkafka(servers.bootstrap(), commands),
            *over_http,
        ]
        self.prepare(parts, producers, rate, mix)

    @property
    def database(self) -> reading.Postgres:
        """Where ledgers and views are."""
        return self._database

    @property
    def workers(self) -> list[Process]:
        return [self.processes[name] for name in WORKERS]

    @property
    def projectors(self) -> list[Process]:
        return [self.processes[name] for name in PROJECTORS]

    def settled(self) -> bool:
        """Every record decided, every text ended, every event shown; what is shown was published."""
        ends = self._cluster.ends(reading.COMMANDS)
        positions = {n: reading.ledger_position(self._database, n) for n in range(PARTITIONS)}
        if any(positions[n] != end for n, end in ends.items()):
            return False
        return reading.settled(self._database, *[number for number in self.last() if number])

    def undecided(self) -> int:
        """How many records of the commands topic wait to be decided."""
        ends = self._cluster.ends(reading.COMMANDS)
        return sum(end - reading.ledger_position(self._database, n) for n, end in ends.items())

    def unseen(self) -> int:
        """How many events the views do not show yet."""
        return sum(self.last()) - reading.shown(self._database)

    def last(self) -> list[int]:
        return [reading.ledger_last(self._database, n) for n in range(PARTITIONS)]

    def look(self) -> Evidence:
        ledgers = {n: reading.postgres_ledger(self._database, n) for n in range(PARTITIONS)}
        return Evidence(
            ledgers,
            reading.views(self._database),
            letters=self._cluster.letters(),
            topics=self._cluster.events(),
            asked=self._cluster.asked(),
            partitions=PARTITIONS,
        )

    def _stop(self) -> None:
        super()._stop()
        self._cluster.close()
        self._database.close()

    def _part(self, name: str, port: int, database: str) -> Part:
        role = name.partition("-")[0]
        own = {"PORT": port} if role == "api" else {"OPS_PORT": port}
        link = name if self._linked else None
        variables = self.variables(
            KAFKA_BOOTSTRAP=self.servers.bootstrap(link),
            DATABASE_URL=self.servers.dsn(database, link),
            PARTITIONS=PARTITIONS,
            REPLICATION=self.servers.replication,
            TOPIC_PREFIX=self.settings.topic_prefix,
            **own,
        )
        return Part([role], variables, f"http://127.0.0.1:{port}/readyz")
