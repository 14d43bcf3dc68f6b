"""Between what was decided and what is stored."""

from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent

from schemas import codec
from schemas.events import Recorded
from schemas.keystore import KeyStore

Row = tuple[str, int, str, bytes]
"""Stream, version, stored name, the event as the codec writes it."""


class EventMapper(Mapper[str]):
    """Stores events under their own stored names, as the codec writes them; upcasting is the codec's too."""

    def __init__(self, keys: KeyStore) -> None:
        super().__init__(JSONTranscoder())
        self._keys = keys
        self._keys_made_if_missing = _MadeIfMissing(keys)

    def row(self, recorded: Recorded, sequence: int) -> Row:
        """What is stored of `recorded` as number `sequence`, under a key that may still have to be flushed.

        A plain tuple: making a `StoredEvent` costs a third as much as the encoding.
        """
        data = codec.encode(recorded, self._keys_made_if_missing, sequence)
        return (recorded.stream, recorded.version, recorded.event.NAME, data)

    def to_stored_event(  # type: ignore[override]  # our events know no base, and the ledger numbers them
        self, domain_event: Recorded, sequence: int
    ) -> StoredEvent:
        """What is stored of `domain_event` as number `sequence`."""
        return StoredEvent(*self.row(domain_event, sequence))

    def to_domain_event(self, stored_event: StoredEvent) -> Recorded:  # type: ignore[override]  # no base
        """The event that `stored_event` holds. Raises `schemas.codec.Unreadable`."""
        return codec.decode(stored_event.state, self._keys)


class _MadeIfMissing:
    """The keystore's keys, each made when it is first needed."""

    def __init__(self, keys: KeyStore) -> None:
        self.cipher = keys.prepare
