"""What Twilio's API asks of a new message, checked in its order."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers

from deploy.simulator.behaviour import MAGIC_RECIPIENTS, MAGIC_SENDERS
from deploy.simulator.errors import ApiError
from deploy.simulator.settings import SimulatorSettings

NUMBERS_KNOWN = 100_000  # checking one takes 30 µs
BODY_MAX = 1_600  # characters: Twilio, error 21617
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_URL = re.compile(r"https?://[^\s/]+(/\S*)?")


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A valid request. Exactly one of `sender` and `service` is given."""

    to: str
    body: str
    sender: str | None
    service: str | None
    callback: str | None

    @property
    def opt_out_key(self) -> str:
        """What a recipient blocks: the whole messaging service, or the one number."""
        return self.service or self.sender or ""


def read(form: Mapping[str, str], settings: SimulatorSettings) -> NewMessage:
    """The request in `form`. Raises ApiError with the first thing wrong."""
    new = NewMessage(
        to=form.get("To", ""),
        body=form.get("Body", ""),
        sender=form.get("From") or None,
        service=form.get("MessagingServiceSid") or None,
        callback=form.get("StatusCallback") or None,
    )
    for code in (_recipient(new), _sender(new, settings), _rest(new)):
        if code:
            raise ApiError(code)
    return new


@lru_cache(NUMBERS_KNOWN)
def is_number(text: str) -> bool:
    """Whether `text` is E.164 and long enough for its country; it need not be in use."""
    if not _E164.fullmatch(text):
        return False
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(text))
    except phonenumbers.NumberParseException:
        return False


def _recipient(new: NewMessage) -> int | None:
    if not new.to:
        return 21604
    if new.to in MAGIC_RECIPIENTS:
        return MAGIC_RECIPIENTS[new.to]
    return None if is_number(new.to) else 21211


def _sender(new: NewMessage, settings: SimulatorSettings) -> int | None:
    if new.service:
        pool = settings.services.get(new.service)
        return None if pool else 21705 if pool is None else 21704
    if not new.sender:
        return 21603
    if new.sender in MAGIC_SENDERS:
        return MAGIC_SENDERS[new.sender]
    if not is_number(new.sender):
        return 21212
    return 21606 if settings.numbers and new.sender not in settings.senders() else None


def _rest(new: NewMessage) -> int | None:
    if not new.body:
        return 21602
    if len(new.body) > BODY_MAX:
        return 21617
    return 21609 if new.callback and not _URL.fullmatch(new.callback) else None
