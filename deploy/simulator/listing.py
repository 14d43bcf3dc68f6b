"""The list of messages, filtered and cut into pages as Twilio does it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from deploy.simulator.errors import ApiError
from deploy.simulator.message import API, Message, as_resource
from deploy.simulator.store import Store

PAGE_SIZE = 50  # Twilio: the default, and the most
PAGE_SIZE_MAX = 1_000
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
FILTERS = ("To", "From", "DateSent", "DateSent<", "DateSent>")


def page_of(store: Store, account_sid: str, query: Mapping[str, str]) -> dict[str, Any]:
    """One page of messages. Raises ApiError for a parameter that cannot be read."""
    number, size = _whole(query, "Page", 0), min(_whole(query, "PageSize", PAGE_SIZE), PAGE_SIZE_MAX)
    if size == 0:
        raise ApiError(20001)
    spans = [_span(name[len("DateSent") :], query[name]) for name in FILTERS[2:] if name in query]
    kept = [message for message in store.newest_first(query.get("To")) if _wanted(message, query, spans)]
    start = number * size
    shown = kept[start : start + size]

    def uri(page: int) -> str:
        parameters = {name: query[name] for name in FILTERS if name in query}
        parameters |= {"PageSize": str(size), "Page": str(page)}
        return f"/{API}/Accounts/{account_sid}/Messages.json?{urlencode(parameters)}"

    return {
        "messages": [as_resource(message, account_sid) for message in shown],
        "page": number,
        "page_size": size,
        "start": start,
        "end": max(start + len(shown) - 1, 0),
        "uri": uri(number),
        "first_page_uri": uri(0),
        "next_page_uri": uri(number + 1) if start + size < len(kept) else None,
        "previous_page_uri": uri(number - 1) if number else None,
    }


Span = tuple[datetime, datetime]


def _wanted(message: Message, query: Mapping[str, str], spans: Sequence[Span]) -> bool:
    """Whether `message` passes every filter. One without `date_sent` passes no filter on it."""
    if "To" in query and message.to != query["To"]:
        return False
    if "From" in query and message.sender != query["From"]:
        return False
    return all(message.sent_at and first <= message.sent_at < end for first, end in spans)


def _span(relation: str, text: str) -> Span:
    """From and until: its whole day for "", everything up to it for `<`, everything from it on for `>`."""
    moment = _moment(text)
    if relation == ">":
        return moment, _LATEST
    day = moment.replace(hour=0, minute=0, second=0)
    return (_EARLIEST if relation == "<" else day), day + timedelta(days=1)


def _moment(text: str) -> datetime:
    """A date, or an instant: Twilio's clients send midnight for a date."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ApiError(20001) from error
    if not _EARLIEST.year <= moment.year < _LATEST.year:
        raise ApiError(20001)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _whole(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise ApiError(20001)
    return int(text)
