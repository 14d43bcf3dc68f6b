"""Signed requests from the carrier to Sayso."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import httpx
import phonenumbers
from twilio.request_validator import RequestValidator

from deploy.simulator.keywords import OptOutType
from deploy.simulator.message import API, Message, Status
from deploy.simulator.settings import SimulatorSettings

# https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides, defaults: connect 5 s, read 15 s,
# one more attempt, and only where no connection came about.
TIMEOUT = httpx.Timeout(15.0, connect=5.0)
ATTEMPTS_MAX = 2
CALLS_AT_ONCE_MAX = 100
"""As many as the client has connections: its pool looks through all that wait, for each that comes."""


class Webhooks:
    """Calls a URL as Twilio does: a signed form."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self._algorithm = settings.signing
        self._validator = RequestValidator(settings.auth_token)
        # A proxy of this machine is for the outside world, not for our own loopback.
        self._client = httpx.AsyncClient(timeout=TIMEOUT, trust_env=False)
        self._free = asyncio.Semaphore(CALLS_AT_ONCE_MAX)

    async def post(self, url: str, params: dict[str, str]) -> str | None:
        """Call `url`; None if it was accepted, else a sentence about what went wrong."""
        headers = self.signed(url, params)
        problem = ""
        for _ in range(ATTEMPTS_MAX):
            try:
                async with self._free:
                    answer = await self._client.post(url, data=params, headers=headers)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                problem = f"Sayso could not be reached ({type(error).__name__})"
                continue
            except httpx.HTTPError as error:
                return f"Sayso did not answer ({type(error).__name__})"
            return None if answer.is_success else f"Sayso answered {answer.status_code}"
        return problem

    def signed(self, url: str, params: dict[str, str]) -> dict[str, str]:
        """The headers that vouch for this request."""
        made = self._validator.compute_signature(url, params, self._algorithm)
        headers = {"X-Twilio-Signature": made, "I-Twilio-Idempotency-Token": str(uuid4())}
        if self._algorithm != "HMAC_SHA1":
            headers["X-Twilio-Webhooks-Signature-Settings"] = f"key=simulator,algorithm={self._algorithm}"
        return headers

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def status_params(message: Message, status: Status, account_sid: str) -> dict[str, str]:
    """What a status callback says.

    https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks
    """
    params = {
        "AccountSid": account_sid,
        "ApiVersion": API,
        "From": message.sender or "",
        "MessageSid": message.sid,
        "MessageStatus": status,
        "SmsSid": message.sid,
        "SmsStatus": status,
        "To": message.to,
    }
    if message.service:
        params["MessagingServiceSid"] = message.service
    if message.error_code and status == message.status:
        params["ErrorCode"] = str(message.error_code)
    return params


def inbound_params(
    message: Message,
    account_sid: str,
    opt_out_type: OptOutType | None,
    media: Sequence[tuple[str, str]] = (),
) -> dict[str, str]:
    """What the webhook about an answer says; an unknown place is sent empty.

    `media`: the address and the content type of each file that came with it.

    https://www.twilio.com/docs/messaging/guides/webhook-request
    """
    params = {
        "AccountSid": account_sid,
        "ApiVersion": API,
        "Body": message.body,
        "From": message.phone,
        "MessageSid": message.sid,
        "NumMedia": str(len(media)),
        "NumSegments": str(message.segments),
        "SmsMessageSid": message.sid,
        "SmsSid": message.sid,
        "SmsStatus": "received",
        "To": message.to,
    }
    for end, number in (("From", message.phone), ("To", message.to)):
        params |= {f"{end}Country": _country(number), f"{end}City": "", f"{end}State": "", f"{end}Zip": ""}
    for index, (address, content_type) in enumerate(media):
        params |= {f"MediaUrl{index}": address, f"MediaContentType{index}": content_type}
    if message.service:
        params["MessagingServiceSid"] = message.service
    if opt_out_type:
        params["OptOutType"] = opt_out_type
    return params


def _country(number: str) -> str:
    return phonenumbers.region_code_for_number(phonenumbers.parse(number)) or ""
