"""An Apache Kafka broker on this machine: KRaft, broker and controller in one process.

Source of the settings: Apache Kafka 4.3, "Broker configs".
"""

import re
import shutil
import signal
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from deploy.local.process import NotStarted, ServerProcess, free_port, listens

JARS = Path(__file__).parents[2] / ".kafka" / "libs"
START_TIMEOUT_S = 180.0
HEAP_MB = 512

_SETTINGS = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners={protocol}://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners={protocol}://127.0.0.1:{port}
listener.security.protocol.map={protocol}:{protocol},CONTROLLER:PLAINTEXT
inter.broker.listener.name={protocol}
controller.listener.names=CONTROLLER
log.dirs={folder}/log
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=2000
"""


class Broker:
    """A broker that keeps its log in a folder, and can be stopped, killed and started again.

    Raises:
        NotStarted: Java or the jars are missing, or the broker did not come up.
    """

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        heap_mb: int = HEAP_MB,
        *,
        protocol: str = "PLAINTEXT",
        settings: Mapping[str, str] = MappingProxyType({}),
        cluster: str | None = None,
    ) -> None:
        """`port` 0 takes a free one. Nothing runs before `start`.

        Args:
            folder: where everything is kept; made if it is not there.
            port: where clients find it.
            heap_mb: of Java.
            protocol: how clients speak to it: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.
            settings: further settings, of certificates and users, say; they win over ours.
            cluster: the id of the cluster that it is a node of; a cluster of its own, if none is given.
        """
        self._folder = folder.resolve()
        self._settings = self._folder / "server.properties"
        self._port = port or self._port_before() or free_port()
        self._heap_mb = heap_mb
        self._protocol = protocol
        self._more = "".join(f"{name}={value}\n" for name, value in settings.items())
        self._cluster = cluster or cluster_id()
        self._process: ServerProcess | None = None

    @property
    def bootstrap(self) -> str:
        """Where clients find it."""
        return f"127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """Of its process, while it runs."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Run, and return when clients are served. A second start goes on with the same log."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self._settings.exists():
            self._format()
        command = [*self._java(), "kafka.Kafka", str(self._settings)]
        self._process = ServerProcess(command, self._folder / "broker.log")
        self._process.wait_until(self._serves, START_TIMEOUT_S)

    def stop(self) -> None:
        """End it in good order."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()

    def pause(self) -> None:
        """Stop its clock (SIGSTOP), until `resume`."""
        assert self._process is not None
        self._process.send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send(signal.SIGCONT)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def _serves(self) -> bool:
        return listens(self._port)

    def _java(self) -> list[str]:
        java = shutil.which("java")
        if java is None or not JARS.is_dir():
            raise NotStarted("Java or the broker's jars are missing; `make broker` fetches them.")
        heap = f"{self._heap_mb}m"
        return [java, f"-Xmx{heap}", f"-Xms{heap}", "-XX:+UseG1GC", "-cp", f"{JARS}/*"]

    def _port_before(self) -> int | None:
        """The port of a broker that kept its log here: its metadata name it."""
        if not self._settings.exists():
            return None
        named = re.search(r"^listeners=\w+://127\.0\.0\.1:(\d+)", self._settings.read_text(), re.MULTILINE)
        return None if named is None else int(named[1])

    def _format(self) -> None:
        text = _SETTINGS.format(
            protocol=self._protocol, port=self._port, controller_port=free_port(), folder=self._folder
        )
        partly = self._settings.with_suffix(".part")
        partly.write_text(text + self._more)
        done = subprocess.run(
            [*self._java(), "kafka.tools.StorageTool", "format", "-t", self._cluster, "-c", str(partly)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise NotStarted(f"The broker's log could not be made: {done.stdout[-500:]}{done.stderr[-500:]}")
        partly.rename(self._settings)


def cluster_id() -> str:
    """What a new cluster is called."""
    return urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode().replace("-", "A")
