"""What changed, told from the processes that write the views in PostgreSQL to those that read them.

It is told by the transaction that makes it visible (NOTIFY), so whoever hears of a change can read it, and
what was rolled back is never told. Who was not listening hears nothing: a gap shows by the positions.
"""

from collections.abc import Iterable, Iterator, Sequence
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
_CHANGES_BYTES_MAX = PAYLOAD_BYTES_MAX - 400  # there is room for all else, and a second change of one event

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
    payloads = _payloads(shard_of(source), batch.after, batch.last, changes_of(batch))
    connection.execute(_NOTIFY, {"payloads": payloads})


def write(news: News) -> str:
    """`news` as a payload, however large."""
    told = None if news.changes is None else map(_told, news.changes)
    return _payload(news.shard, news.after, news.position, told)


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


def _payloads(shard: int, after: int, position: int, changes: Sequence[Change]) -> list[str]:
    """What changed, in pieces that fit a payload each; each leads to where the next begins."""
    pieces = list(_pieces(changes))
    if len(pieces) > PAYLOADS_MAX:
        return [_payload(shard, after, position, None)]
    ends = [*(end for end, _ in pieces[:-1]), position]
    told = [told for _, told in pieces] or [[]]
    return [_payload(shard, *place) for place in zip([after, *ends[:-1]], ends, told, strict=True)]


def _pieces(changes: Sequence[Change]) -> Iterator[tuple[int, list[str]]]:
    """`changes` as told, and the last one's id; those of one event stay together: they share an id."""
    piece: list[str] = []
    last, room = 0, _CHANGES_BYTES_MAX
    for change in changes:
        told = _told(change)
        size = len(told.encode()) + 1
        if piece and size > room and change.id != last:
            yield last, piece
            piece, room = [], _CHANGES_BYTES_MAX
        piece.append(told)
        last, room = change.id, room - size
    if piece:
        yield last, piece


def _told(change: Change) -> str:
    return to_json((change.id, change.account, change.kind, change.subject)).decode()


def _payload(shard: int, after: int, position: int, told: Iterable[str] | None) -> str:
    changes = "null" if told is None else f"[{','.join(told)}]"
    return f'{{"shard":{shard},"after":{after},"position":{position},"changes":{changes}}}'
