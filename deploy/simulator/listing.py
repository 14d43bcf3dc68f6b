"""The list of messages, filtered and cut into pages as Twilio does it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from deploy.simulator.errors import ApiError
from deploy.simulator.message import API, Message, as_resource
from deploy.simulator.store import Store

PAGE_SIZE = 50  # Twilio: the default, and the most
PAGE_SIZE_MAX = 1_000
FILTERS = ("To", "From", "DateSent", "DateSent<", "DateSent>")


def page_of(store: Store, account_sid: str, query: Mapping[str, str]) -> dict[str, Any]:
    """One page of messages. Raises ApiError for a parameter that cannot be read."""
    number, size = _whole(query, "Page", 0), min(_whole(query, "PageSize", PAGE_SIZE), PAGE_SIZE_MAX)
    kept = [message for message in store.newest_first(query.get("To")) if _wanted(message, query)]
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


def _wanted(message: Message, query: Mapping[str, str]) -> bool:
    """Whether `message` passes every filter. One without `date_sent` passes no filter on it."""
    if "To" in query and message.to != query["To"]:
        return False
    if "From" in query and message.sender != query["From"]:
        return False
    bounds = [_bounds(name[len("DateSent") :], query[name]) for name in FILTERS[2:] if name in query]
    return all(message.sent_at and first <= message.sent_at < end for first, end in bounds)


def _bounds(relation: str, text: str) -> tuple[datetime, datetime]:
    """From a date, its day; from an instant, its second: extended to either side by `<` or `>`."""
    first, width = _moment(text)
    earliest, latest = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    return (earliest if relation == "<" else first, latest if relation == ">" else first + width)


def _moment(text: str) -> tuple[datetime, timedelta]:
    try:
        if len(text) == len("2026-11-23"):
            return datetime.combine(date.fromisoformat(text), time.min, UTC), timedelta(days=1)
        return datetime.fromisoformat(text).astimezone(UTC), timedelta(seconds=1)
    except (ValueError, OverflowError) as error:
        raise ApiError(20001) from error


def _whole(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise ApiError(20001)
    return int(text)
