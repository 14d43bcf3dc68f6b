"""Between what was decided and what is stored."""

from collections.abc import Mapping, Sequence

from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent

from schemas import codec
from schemas.events import Recorded
from schemas.keystore import KeyStore
from schemas.sealing import SealingKey

Row = tuple[str, int, str, bytes]
"""Stream, version, stored name, the event as the codec writes it."""


class EventMapper(Mapper[str]):
    """Stores events under their own stored names, as the codec writes them; upcasting is the codec's too."""

    def __init__(self, keys: KeyStore) -> None:
        super().__init__(JSONTranscoder())
        self._keys = keys

    def rows(self, batch: Sequence[Recorded], first: int) -> list[Row]:
        """What is stored of `batch` from number `first` on, under keys that may still have to be flushed.

        Plain tuples: making a `StoredEvent` costs a third as much as the encoding.
        """
        at_hand = self._keys.load({recorded.stream for recorded in batch if recorded.event.PERSONAL})
        written = codec.encode_all(batch, _MadeIfMissing(self._keys, at_hand), first)
        return [
            (stream, version, event.NAME, data)
            for (stream, version, event, _), data in zip(batch, written, strict=True)
        ]

    def to_stored_event(  # type: ignore[override]  # our events know no base, and the ledger numbers them
        self, domain_event: Recorded, sequence: int
    ) -> StoredEvent:
        """What is stored of `domain_event` as number `sequence`."""
        return StoredEvent(*self.rows([domain_event], sequence)[0])

    def to_domain_event(self, stored_event: StoredEvent) -> Recorded:  # type: ignore[override]  # no base
        """The event that `stored_event` holds. Raises `schemas.codec.Unreadable`."""
        return codec.decode(stored_event.state, self._keys)


class _MadeIfMissing:
    """The keys at hand, and the keystore's, each made when it is first needed."""

    def __init__(self, keys: KeyStore, at_hand: Mapping[str, SealingKey]) -> None:
        self._keys = keys
        self._at_hand = at_hand

    def cipher(self, stream: str) -> SealingKey:
        return self._at_hand.get(stream) or self._keys.prepare(stream)
