"""What every process of the distributed form leans on, watched for its readiness: brokers, and the views."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine

from producers.http.deps import Check
from projections.topics.watch import BrokerWatch
from projections.watching import DatabaseWatch


class Watches:
    """Both, started and stopped together.

    Attributes:
        brokers: whether a topic of the process can be asked about.
        checks: of readiness, by name.
    """

    def __init__(self, client: Mapping[str, Any], topic: str, views: Engine) -> None:
        """`topic`: one that this process may read or write."""
        self.brokers = BrokerWatch(client, topic)
        self._database = DatabaseWatch(views)
        self.checks: Mapping[str, Check] = {"brokers": self.brokers.wrong, "database": self._database.wrong}

    def start(self) -> None:
        """Begin to ask."""
        self.brokers.start()
        self._database.start()

    def stop(self) -> None:
        """Ask no more."""
        self.brokers.stop()
        self._database.stop()
