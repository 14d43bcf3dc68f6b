"""A cluster of several brokers on this machine, each of them a controller, too."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.broker import Broker, cluster_id
from deploy.local.process import free_port

NODES = 3
HEAP_MB = 384


class Nodes:
    """Three nodes, of which one may be gone without anybody missing it."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        cluster, places = cluster_id(), [(free_port(), free_port()) for _ in range(NODES)]
        voters = ",".join(f"{n}@127.0.0.1:{controller}" for n, (_, controller) in enumerate(places, 1))
        self.brokers = [
            Broker(
                folder / f"node-{n}",
                port,
                HEAP_MB,
                settings={**settings, **_REPLICATED, **_settings(n, port, controller, voters)},
                cluster=cluster,
            )
            for n, (port, controller) in enumerate(places, 1)
        ]
        # What a thread starts ends with it, and none of them is up before most of them are.
        self._hands = ThreadPoolExecutor(NODES)

    @property
    def bootstrap(self) -> str:
        """Where clients find the cluster."""
        return ",".join(broker.bootstrap for broker in self.brokers)

    def __enter__(self) -> Self:
        for started in [self._hands.submit(broker.start) for broker in self.brokers]:
            started.result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for broker in self.brokers:
            broker.kill()
        self._hands.shutdown()


_REPLICATED = {
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
}


def _settings(node: int, port: int, controller: int, voters: str) -> dict[str, str]:
    return {
        "node.id": str(node),
        "controller.quorum.voters": voters,
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
    }
