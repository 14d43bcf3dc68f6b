"""Whether a webhook comes from Twilio.

https://www.twilio.com/docs/usage/webhooks/webhooks-security: base64 of an HMAC over the public URL and the
sorted form parameters. Twilio's own validator does the sum; the traps around it are handled here.

Older form: HMAC-SHA1 under the account's auth token. Newer form, where a Webhooks Rule asks for it: the
header X-Twilio-Webhooks-Signature-Settings names the algorithm, and the secret is a shared key of the
operator's (https://www.twilio.com/docs/usage/webhooks/webhook-shared-keys).

Neither form signs a time or a number used once, and the header I-Twilio-Idempotency-Token is not signed at
all: whoever has seen a call can repeat it, and no signature tells how old it is. What can be told is that the
call came before, by the carrier's own id of the message; and a call signed with a secret that was rotated
since is refused.
"""

from typing import NamedTuple

from starlette.datastructures import FormData
from twilio.request_validator import RequestValidator, get_signature_algorithm

SIGNATURE_HEADER = "X-Twilio-Signature"
ALGORITHM_HEADER = "X-Twilio-Webhooks-Signature-Settings"


class CarrierSecrets(NamedTuple):
    """What the carrier signs with: the auth token, and in the newer form one of the shared keys."""

    auth_token: str
    shared_keys: tuple[str, ...] = ()

    def of(self, signature_settings: str | None) -> tuple[str, ...]:
        """Those that the form of the signature allows. An empty one would let everybody in."""
        allowed = self.shared_keys if signature_settings else (self.auth_token,)
        return tuple(secret for secret in allowed if secret)


def is_signed(
    url: str,
    params: FormData | None,
    raw_body: str | None,
    signature: str | None,
    secrets: CarrierSecrets,
    signature_settings: str | None = None,
) -> bool:
    """Whether `signature` was made over this request by somebody who knows one of the `secrets`.

    Args:
        url: the address as Twilio called it, query included.
        params: the form, with repeated names kept; None for a JSON body.
        raw_body: the body as it came, for JSON only; its hash must stand in the query as `bodySHA256`.
        signature: the header X-Twilio-Signature; None where it is missing.
        secrets: what the carrier signs with.
        signature_settings: the header X-Twilio-Webhooks-Signature-Settings, which names the algorithm.
    """
    if not signature or not _is_text(params):
        return False
    if raw_body is not None and "bodySHA256=" not in url:
        return False  # then nothing would vouch for the body
    signed = params if raw_body is None else raw_body
    algorithm = get_signature_algorithm(signature_settings)
    return any(
        RequestValidator(secret).validate(url, signed, signature, algorithm)
        for secret in secrets.of(signature_settings)
    )


def _is_text(params: FormData | None) -> bool:
    """A file part of a multipart form is no text: Twilio never sends one, and it cannot be signed."""
    return params is None or all(isinstance(value, str) for _, value in params.multi_items())
