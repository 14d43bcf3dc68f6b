"""Whether a webhook comes from Twilio.

https://www.twilio.com/docs/usage/webhooks/webhooks-security: base64 of an HMAC over the public URL and the
sorted form parameters. Twilio's own validator does the sum; the traps around it are handled here.
"""

from starlette.datastructures import FormData
from twilio.request_validator import RequestValidator, get_signature_algorithm

SIGNATURE_HEADER = "X-Twilio-Signature"
ALGORITHM_HEADER = "X-Twilio-Webhooks-Signature-Settings"


def is_signed(
    url: str,
    params: FormData | None,
    raw_body: str | None,
    signature: str | None,
    auth_token: str,
    signature_settings: str | None = None,
) -> bool:
    """Whether `signature` was made over this request by somebody who knows `auth_token`.

    Args:
        url: the address as Twilio called it, query included: see `public_url`.
        params: the form, with repeated names kept; None for a JSON body.
        raw_body: the body as it came, for JSON only; its hash must stand in the query as `bodySHA256`.
        signature: the header X-Twilio-Signature; None where it is missing.
        auth_token: the account's token; with the newer form, the shared key.
        signature_settings: the header X-Twilio-Webhooks-Signature-Settings, which names the algorithm.
    """
    if not signature or not auth_token or not _is_text(params):
        return False
    if raw_body is not None and "bodySHA256=" not in url:
        return False  # then nothing would vouch for the body
    signed = params if raw_body is None else raw_body
    algorithm = get_signature_algorithm(signature_settings)
    return bool(RequestValidator(auth_token).validate(url, signed, signature, algorithm))


def public_url(public_base: str, path: str, query: str) -> str:
    """The address Twilio called, built from settings.

    Behind a proxy the request's own scheme and host are not what Twilio signed, and the Host header is
    whatever the caller wrote. `path` and `query` are taken as received, still percent-encoded.
    """
    address = public_base.rstrip("/") + path
    return f"{address}?{query}" if query else address


def _is_text(params: FormData | None) -> bool:
    """A file part of a multipart form is no text: Twilio never sends one, and it cannot be signed."""
    return params is None or all(isinstance(value, str) for _, value in params.multi_items())
