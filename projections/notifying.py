"""What changed, told from the processes that write the views in PostgreSQL to those that read them.

It is told by the transaction that makes it visible (NOTIFY), so whoever hears of a change can read it, and
what was rolled back is never told. Who was not listening hears nothing: a gap shows by the positions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic_core import from_json, to_json
from sqlalchemy import Connection, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from projections.announcing import changes_of
from projections.changes import Change
from projections.source import Batch
from projections.tracking import shard_of

CHANNEL = "sayso_changes"
PAYLOAD_BYTES_MAX = 7_900  # PostgreSQL takes less than 8,000
PAYLOADS_MAX = 64
"""Of one batch. More than that, and readers have to read everything again."""
_ROOM_BYTES = 200  # for all that is no change

_PAYLOADS = func.unnest(bindparam("payloads", type_=ARRAY(TEXT))).column_valued("payload")
_NOTIFY = select(func.pg_notify(CHANNEL, _PAYLOADS))


@dataclass(frozen=True, slots=True)
class News:
    """What the views show of `shard` between two positions.

    `changes`: by ascending id; None: more than can be told.
    """

    shard: int
    after: int
    position: int
    changes: Sequence[Change] | None


def notify(connection: Connection, source: str, batch: Batch) -> None:
    """Tell every listener, once the transaction is committed, that the views show `batch` of `source`."""
    payloads = [write(news) for news in _parts(shard_of(source), batch)]
    connection.execute(_NOTIFY, {"payloads": payloads})


def write(news: News) -> str:
    """`news` as a payload."""
    changes = news.changes
    told = None if changes is None else [(c.id, c.account, c.kind, c.subject) for c in changes]
    whole = {"shard": news.shard, "after": news.after, "position": news.position, "changes": told}
    return to_json(whole).decode()


def read(payload: str) -> News:
    """What `write` wrote.

    Raises:
        ValueError: it did not write that.
    """
    try:
        whole = from_json(payload)
        told = whole["changes"]
        changes = None if told is None else [Change(*change) for change in told]
        return News(whole["shard"], whole["after"], whole["position"], changes)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a notification of ours: {type(error).__name__}") from error


def _parts(shard: int, batch: Batch) -> list[News]:
    """What `batch` changed, in pieces that fit a payload each; each leads to where the next begins."""
    pieces = list(_pieces(changes_of(batch)))
    if len(pieces) > PAYLOADS_MAX:
        return [News(shard, batch.after, batch.last, None)]
    ends = [*(piece[-1].id for piece in pieces[:-1]), batch.last]
    starts = [batch.after, *ends]
    return [News(shard, *place) for place in zip(starts, ends, pieces or [()], strict=False)]


def _pieces(changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
    """`changes` in order; those of one event stay together, since its id can be heard of only once."""
    piece: list[Change] = []
    room = PAYLOAD_BYTES_MAX - _ROOM_BYTES
    for change in changes:
        size = len(to_json((change.id, change.account, change.kind, change.subject))) + 1
        if piece and size > room and piece[-1].id != change.id:
            yield piece
            piece, room = [], PAYLOAD_BYTES_MAX - _ROOM_BYTES
        piece.append(change)
        room -= size
    if piece:
        yield piece
