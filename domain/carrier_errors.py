"""One table: each Twilio error code, what follows from it, and what the recruiter is told.

The meaning of each code is Twilio's (its dictionary page is the row's `source`). The consequences are ours:
what never gets better is not tried again, what only the operator can repair stops the sending, the rest is
tried again with a delay and a limit. Whether the carrier said it at once or reported it later is the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from hashlib import blake2b
from uuid import UUID

TOO_MANY_REQUESTS = 20429
OPTED_OUT = 21610
SENDER_QUEUE_FULL = 21611
QUEUE_OVERFLOW = 30001
US_RATE_EXCEEDED = 30022

MINUTE_S = 60.0
DAY_S = 86_400.0
DELAY_DOUBLED_S_MAX = 15 * MINUTE_S
"""Doubling ends here: what has been repaired by then should not wait for much longer."""
JITTER = 0.5
"""A delay grows by up to this share of itself, so that what failed together does not come back together."""


class Consequence(StrEnum):
    """What to do about an error."""

    PERMANENT = "permanent"  # this text will never arrive
    RETRY = "retry"  # try again after the row's delay
    CONFIGURATION = "configuration"  # stop the account's sending until an operator repaired it
    REVOKES_CONSENT = "revokes_consent"  # the carrier says the candidate texted STOP


@dataclass(frozen=True, slots=True)
class Retry:
    """When to try again: `delay_s` before the second attempt, then doubled; `attempts_max` in all."""

    delay_s: float
    attempts_max: int

    def after(self, attempt: int, text_id: UUID) -> timedelta:
        """How long to wait once `attempt` has failed. The jitter follows from the text itself."""
        doubled = self.delay_s * 2.0 ** (attempt - 1)
        delay_s = min(doubled, max(self.delay_s, DELAY_DOUBLED_S_MAX))
        drawn = blake2b(text_id.bytes + attempt.to_bytes(2), digest_size=4).digest()
        return timedelta(seconds=delay_s * (1 + JITTER * int.from_bytes(drawn) / 2**32))


@dataclass(frozen=True, slots=True)
class CarrierError:
    """One row. `charged` is whether the carrier bills such a text; a known final status decides before it."""

    code: int | None
    meaning: str
    consequence: Consequence
    charged: bool
    sentence: str
    source: str
    retry: Retry | None = None

    def reason(self, attempt: int) -> str:
        """What the recruiter is told once the last `attempt` has failed."""
        return self.sentence if attempt == 1 else f"{self.sentence} It was tried {attempt} times."


def look_up(code: int | None, http_status: int | None = None) -> CarrierError:
    """What `code` means; for an unlisted or missing code what `http_status` says, and else PERMANENT."""
    if code in TABLE:
        return TABLE[code]
    if http_status == 429:
        return TABLE[TOO_MANY_REQUESTS]
    if http_status is not None and (http_status < 400 or http_status in _NOT_OURS):
        return _WRONG_SETTINGS
    return _UNLISTED


def was_charged(status: str, code: int | None) -> bool:
    """Whether a text that ended as `status` was billed. What never reached the network was not."""
    if status in {"failed", "canceled"}:
        return False
    return status == "undelivered" or look_up(code).charged


_NOT_OURS = frozenset({401, 403, 404})
_DICTIONARY = "https://www.twilio.com/docs/api/errors"

_OPERATOR = "Sending is stopped for this account until whoever runs Sayso has repaired it."


def _permanent(code: int, meaning: str, sentence: str, *, charged: bool) -> CarrierError:
    return CarrierError(code, meaning, Consequence.PERMANENT, charged, sentence, f"{_DICTIONARY}/{code}")


def _retry(
    code: int, meaning: str, sentence: str, delay_s: float, attempts_max: int, *, charged: bool
) -> CarrierError:
    retry = Retry(delay_s, attempts_max)
    return CarrierError(code, meaning, Consequence.RETRY, charged, sentence, f"{_DICTIONARY}/{code}", retry)


def _configuration(code: int, meaning: str, sentence: str, *, charged: bool = False) -> CarrierError:
    text = f"{sentence} {_OPERATOR}"
    return CarrierError(code, meaning, Consequence.CONFIGURATION, charged, text, f"{_DICTIONARY}/{code}")


def _requests() -> Iterable[CarrierError]:
    """What the interface answers at once. Nothing of it reached the network, so nothing is charged."""
    yield _configuration(20003, "Authentication failed", "The carrier does not accept our credentials.")
    yield _configuration(20404, "Not found", "The carrier does not know our account.")
    yield _retry(
        TOO_MANY_REQUESTS,
        "Too many requests",
        "The carrier asks us to slow down.",
        1.0,
        100,
        charged=False,
    )
    yield _permanent(
        21211, "Invalid 'To' number", "The carrier says this is not a phone number. Check it.", charged=False
    )
    yield _configuration(21212, "Invalid 'From' number", "The number we text from is not valid.")
    yield _configuration(
        21408, "Region not enabled", "The carrier account may not text the country of this number."
    )
    yield _permanent(
        21602, "Body is required", "The text was empty. Write something and send it again.", charged=False
    )
    yield _configuration(21603, "A sender is required", "No number to text from is set for this account.")
    yield _permanent(21604, "'To' is required", "The text had no number to go to. Choose one.", charged=False)
    yield _configuration(
        21606, "'From' is not a number of this account", "The number we text from is not ours to use."
    )
    yield _configuration(
        21608, "Number not verified (trial account)", "The carrier account is on trial and texts few numbers."
    )
    yield _configuration(21609, "Invalid 'StatusCallback'", "The address for delivery reports is not valid.")
    yield CarrierError(
        OPTED_OUT,
        "Recipient has opted out",
        Consequence.REVOKES_CONSENT,
        False,
        "The candidate has texted STOP to the carrier. Only the candidate can undo this, by texting START.",
        f"{_DICTIONARY}/{OPTED_OUT}",
    )
    yield _retry(
        SENDER_QUEUE_FULL,
        "Queue of the sender is full",
        "Too many texts wait at the carrier.",
        60.0,
        8,
        charged=False,
    )
    yield _permanent(
        21612,
        "'To' cannot be reached from 'From'",
        "The carrier cannot text this number from ours. Use another way to reach the candidate.",
        charged=False,
    )
    yield _permanent(
        21614,
        "Not a mobile number",
        "This number cannot receive texts. Ask the candidate for a mobile number.",
        charged=False,
    )
    yield _permanent(
        21617,
        "Body over 1,600 characters",
        "The text is too long. Shorten it and send it again.",
        charged=False,
    )
    yield _permanent(
        21635,
        "'To' is a landline",
        "This number is a landline. Ask the candidate for a mobile number.",
        charged=False,
    )
    yield _permanent(
        21658,
        "Parameter exceeded character limit",
        "The text is too long for the carrier. Shorten it and send it again.",
        charged=False,
    )
    yield _configuration(
        21659, "'From' is not a Twilio number", "The number we text from is not ours to use."
    )
    yield _configuration(21660, "'From' is of another account", "The number we text from is not ours to use.")
    yield _configuration(21661, "'From' cannot text", "The number we text from cannot send texts.")
    yield _configuration(21701, "Messaging service does not exist", "The messaging service is gone.")
    yield _configuration(
        21703, "Messaging service has no free number", "The messaging service has no number."
    )
    yield _configuration(21704, "Messaging service has no number", "The messaging service has no number.")
    yield _configuration(21705, "Messaging service is invalid", "The messaging service is not ours to use.")


def _deliveries() -> Iterable[CarrierError]:
    """What comes later, by status callback."""
    yield _retry(
        QUEUE_OVERFLOW,
        "Queue overflow",
        "Too many texts waited at the carrier.",
        5 * MINUTE_S,
        5,
        charged=False,
    )
    yield _configuration(30002, "Account suspended", "The carrier has suspended our account.")
    yield _retry(
        30003,
        "Handset unreachable",
        "The phone was off or out of reach.",
        30 * MINUTE_S,
        3,
        charged=True,
    )
    yield _permanent(
        30004,
        "Message blocked",
        "The phone or its network blocks our texts. Reach the candidate another way.",
        charged=True,
    )
    yield _permanent(
        30005,
        "Unknown handset",
        "This number is not in service. Ask the candidate for the current one.",
        charged=True,
    )
    yield _permanent(
        30006,
        "Landline or unreachable carrier",
        "This number cannot receive texts. Ask the candidate for a mobile number.",
        charged=True,
    )
    yield _permanent(
        30007,
        "Message filtered",
        "The network filtered this text as unwanted. Reword it: plain words, no shortened links.",
        charged=True,
    )
    yield _retry(
        30008, "Unknown error", "The network did not say why it failed.", 10 * MINUTE_S, 2, charged=True
    )
    yield _retry(
        30017, "Network congestion", "The candidate's network is congested.", 10 * MINUTE_S, 4, charged=True
    )
    yield _configuration(
        30018,
        "Sender needs registration",
        "The candidate's network demands that our number be registered.",
        charged=True,
    )
    yield _retry(
        US_RATE_EXCEEDED,
        "US rate limit exceeded",
        "We sent too fast for the US networks.",
        MINUTE_S,
        6,
        charged=False,
    )
    yield _retry(
        30023, "US daily cap reached", "Today's limit for US numbers is reached.", DAY_S, 3, charged=False
    )
    yield _configuration(30024, "Sender not provisioned", "The candidate's network does not know our number.")
    yield _retry(
        30027,
        "T-Mobile daily limit reached",
        "Today's limit for this network is reached.",
        DAY_S,
        3,
        charged=False,
    )
    yield _configuration(30032, "Toll-free number not verified", "Our toll-free number is not verified.")
    yield _configuration(30033, "US campaign suspended", "Our registration for US texts is suspended.")
    yield _configuration(30034, "Unregistered US number", "Our number is not registered for US texts.")
    yield _configuration(
        30035, "US number being configured", "Our number is still being set up for US texts."
    )
    yield _retry(
        30036,
        "Validity period expired",
        "The text waited too long at the carrier.",
        5 * MINUTE_S,
        3,
        charged=False,
    )
    yield _configuration(30037, "Outbound messaging disabled", "The carrier has disabled our sending.")
    yield _retry(
        30410, "Provider time-out", "The candidate's network did not answer.", 10 * MINUTE_S, 3, charged=True
    )
    yield _retry(
        30450,
        "Delivery blocked for a while",
        "The carrier paused texts like this.",
        30 * MINUTE_S,
        2,
        charged=False,
    )


TABLE: dict[int | None, CarrierError] = {row.code: row for row in (*_requests(), *_deliveries())}

_UNLISTED = CarrierError(
    None,
    "Not in this table",
    Consequence.PERMANENT,
    False,
    "The carrier refused this text. Whoever runs Sayso can look up why; reach the candidate another way.",
    _DICTIONARY,
)
UNREACHABLE = CarrierError(
    None,
    "No connection came about, or not in time",
    Consequence.RETRY,
    False,
    "The carrier could not be reached.",
    "ours",
    Retry(10.0, 12),
)
NEVER_ARRIVED = CarrierError(
    None,
    "The carrier does not have the text",
    Consequence.RETRY,
    False,
    "The carrier never got the text.",
    "ours",
    Retry(1.0, 12),
)
_WRONG_SETTINGS = CarrierError(
    None,
    "The request did not reach our account at the carrier",
    Consequence.CONFIGURATION,
    False,
    f"The carrier does not let us in. {_OPERATOR}",
    _DICTIONARY,
)
