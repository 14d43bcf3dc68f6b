"""Texts by Twilio, through its own client."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance

from consumers.carriers.carrier import (
    Accepted,
    Found,
    Outcome,
    OutgoingText,
    Rejected,
    Unknown,
    Unreachable,
)
from consumers.carriers.twilio_http import BoundedHttp, TooLate, never_left, sent_before
from schemas.base import is_service

FOUND_MAX = 5_000  # texts to one number; beyond it nothing is proven absent
PAGE_SIZE = 1_000  # the most Twilio gives at once
CODE_MIN = 10_000  # where the client has no code it repeats the HTTP status
# The client reads TWILIO_EDGE and TWILIO_REGION and then calls another host; an empty mapping counts as none.
_NO_ENV = {"TWILIO_EDGE": "", "TWILIO_REGION": ""}


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    """Where and as whom to call. `base_url` is Twilio's, or the simulator's."""

    account_sid: str
    auth_token: str = field(repr=False)
    base_url: str = "https://api.twilio.com"
    connect_timeout_s: float = 3.0
    read_timeout_s: float = 15.0
    connections_max: int = 32


class TwilioCarrier:
    """A `Carrier`. One for the whole process: it is safe for `connections_max` threads at once."""

    def __init__(self, account: TwilioAccount) -> None:
        timeout_s = (account.connect_timeout_s, account.read_timeout_s)
        self._http = BoundedHttp(account.base_url, timeout_s, account.connections_max)
        client = Client(account.account_sid, account.auth_token, http_client=self._http, environment=_NO_ENV)
        client.api.base_url = account.base_url
        self._messages = client.messages  # made here once: the client's lazy attributes would race

    def send(self, text: OutgoingText) -> Outcome:
        """Hand `text` over with exactly one request."""
        sender = "messaging_service_sid" if is_service(text.sender) else "from_"
        try:
            with sent_before(text.until_s):
                message = self._messages.create(
                    to=text.to, body=text.body, status_callback=text.status_callback, **{sender: text.sender}
                )
        except TooLate:
            return Unreachable("it was too late to send it")
        except requests.RequestException as error:
            return Unreachable(_name(error)) if never_left(error) else Unknown(_name(error))
        except json.JSONDecodeError:
            return Unknown("the answer is not JSON")
        except (TwilioRestException, TwilioServiceException) as error:
            return self._refused(error)
        if not message.sid:
            return Unknown("the answer names no message")
        return Accepted(message.sid, message.status, _segments(message), message.from_)

    def find(self, to: str, since: datetime) -> tuple[Found, ...] | Unknown:
        """Every text to `to` created since, from all that Twilio lists for this number.

        Twilio's own date filter is on `date_sent`, which a queued text does not have yet: it could hide the
        very text that is looked for.
        """
        earliest = since.astimezone(UTC).replace(microsecond=0)  # Twilio's times are whole seconds
        try:
            listed = list(self._messages.stream(to=to, page_size=PAGE_SIZE, limit=FOUND_MAX))
        except (requests.RequestException, TwilioException, json.JSONDecodeError) as error:
            return Unknown(_name(error))
        if len(listed) == FOUND_MAX:
            return Unknown(f"there are more than {FOUND_MAX} texts to this number")
        return tuple(_found(message) for message in listed if message.date_created >= earliest)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _refused(self, error: TwilioRestException | TwilioServiceException) -> Outcome:
        if error.status >= 500:
            return Unknown(f"HTTP {error.status}")
        code = error.code if error.code is not None and error.code >= CODE_MIN else None
        message = error.msg if isinstance(error, TwilioRestException) else error.detail or error.title
        return Rejected(code, error.status, message, self._http.retry_after_s(datetime.now(UTC)))


def _found(message: MessageInstance) -> Found:
    return Found(
        sid=message.sid,
        status=message.status,
        body=message.body,
        sender=message.from_,
        segments=_segments(message),
        created_at=message.date_created,
        sent_at=message.date_sent,
        error_code=message.error_code,
    )


def _segments(message: MessageInstance) -> int | None:
    """None for "0": a messaging service has not chosen a sender yet, so nothing is counted."""
    return int(message.num_segments or 0) or None


def _name(error: Exception) -> str:
    """The kind of failure only: its text can hold the address, and with it the number."""
    return type(error).__name__
