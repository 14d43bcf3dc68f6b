"""Whether the brokers answer, for a process's readiness."""

from collections.abc import Mapping
from typing import Any

from projections.topics.partitions import Partitions
from projections.topics.wire import ClusterError, Wire
from projections.watching import ASKED_WITHIN_S, SILENT_S_MAX, Watch


class BrokerWatch(Watch):
    """Asks where the first partition of a topic ends."""

    def __init__(self, client: Mapping[str, Any], topic: str, silent_s_max: float = SILENT_S_MAX) -> None:
        """`topic`: one that this process may read or write."""
        super().__init__("The brokers have", ClusterError, silent_s_max)
        self._client = client
        self._topic = topic
        self._wire: Wire | None = None

    def _look(self) -> None:
        if self._wire is None:
            self._wire = Wire(self._client, [self._topic], "sayso-watch")
        Partitions(self._wire, 0).high(self._topic, ASKED_WITHIN_S)

    def _let_go(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None
