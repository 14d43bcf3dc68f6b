"""Between what was decided and what is stored."""

from typing import Any

from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent

from schemas import codec
from schemas.events import Recorded
from schemas.sealing import Keys

Row = tuple[str, int, str, bytes]
"""Stream, version, stored name, the event as the codec writes it."""


class EventMapper(Mapper[str]):
    """Stores events under their own stored names, as the codec writes them; upcasting is the codec's too."""

    def __init__(self, keys: Keys, **_: Any) -> None:
        super().__init__(JSONTranscoder())
        self._keys = keys

    def row(self, recorded: Recorded) -> Row:
        """What is stored of `recorded`. A plain tuple: a `StoredEvent` costs as much as the encoding."""
        return (recorded.stream, recorded.version, recorded.event.NAME, codec.encode(recorded, self._keys))

    def to_stored_event(self, domain_event: Recorded) -> StoredEvent:  # type: ignore[override]  # no base
        """What is stored of `domain_event`."""
        return StoredEvent(*self.row(domain_event))

    def to_domain_event(self, stored_event: StoredEvent) -> Recorded:  # type: ignore[override]  # no base
        """The event that `stored_event` holds. Raises `schemas.codec.Unreadable`."""
        return codec.decode(stored_event.state, self._keys)
