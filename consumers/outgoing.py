"""What workers send on: commands to the shard where they belong, and dead letters. Never unsure."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from projections.topics.publisher import Parcel, Publisher


class Outgoing:
    """One connection for all shards of a process, made when it is first needed. Any thread may send."""

    def __init__(self, client: Mapping[str, Any]) -> None:
        self._client = client
        self._publisher: Publisher | None = None
        self._making = threading.Lock()

    def send(self, parcels: Sequence[Parcel]) -> None:
        """Send `parcels`, those of one partition in order. When this returns, the broker has them all.

        Raises:
            NotAcknowledged: it may not; send them all again.
        """
        if parcels:
            publisher = self._connected({parcel.topic for parcel in parcels})
            for sent in [publisher.publish(parcel) for parcel in parcels]:
                sent.result()

    def close(self) -> None:
        """Let the connection go."""
        with self._making:
            if self._publisher is not None:
                self._publisher.close()
                self._publisher = None

    def _connected(self, topics: set[str]) -> Publisher:
        with self._making:
            if self._publisher is None:
                publisher = Publisher(self._client)
                publisher.start(*topics)
                self._publisher = publisher
            return self._publisher
