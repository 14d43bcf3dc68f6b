"""The webhook door opens to Twilio's signature only; signatures here are Twilio's validator's own."""

from hashlib import sha256
from io import BytesIO

import pytest
from starlette.datastructures import FormData, UploadFile
from twilio.request_validator import RequestValidator

from producers.http.twilio_signature import CarrierSecrets, is_signed

TOKEN = "a-token-of-the-account"
KEY, NEXT_KEY = "a-shared-key", "the-key-after-it"
SECRETS = CarrierSecrets(TOKEN, (KEY, NEXT_KEY))
NEWER = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
URL = "https://texts.example.com/v1/carriers/twilio/inbound?text=7"
FORM = FormData([("From", "+14155550100"), ("Body", "Yes, 10 o'clock – ça va ✓"), ("ToCity", "")])


def signature(url: str, params: object, token: str = TOKEN, algorithm: str | None = None) -> str:
    return str(RequestValidator(token).compute_signature(url, params, algorithm))


def test_a_form_signed_by_twilio_is_let_in() -> None:
    assert is_signed(URL, FORM, None, signature(URL, FORM), SECRETS)


def test_the_documented_example_is_let_in() -> None:
    """https://www.twilio.com/docs/usage/webhooks/webhooks-security, the worked example and its result."""
    params = FormData(
        [
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+14158675310"),
            ("Digits", "1234"),
            ("From", "+14158675310"),
            ("To", "+18005551212"),
        ]
    )
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert is_signed(url, params, None, "GvWf1cFY/Q7PnoempGyD5oXAezc=", CarrierSecrets("12345"))


def test_a_name_that_stands_twice_is_signed_with_both_its_values() -> None:
    form = FormData([("MediaUrl", "https://b.example"), ("MediaUrl", "https://a.example"), ("Body", "two")])
    made = signature(URL, form)
    assert is_signed(URL, form, None, made, SECRETS)
    assert not is_signed(URL, FormData([*form.multi_items()][1:]), None, made, SECRETS)


@pytest.mark.parametrize(
    ("url", "form", "token"),
    [
        (URL.replace("text=7", "text=8"), FORM, TOKEN),
        (URL.replace("https", "http"), FORM, TOKEN),
        (URL, FormData([("From", "+14155550199"), *FORM.multi_items()[1:]]), TOKEN),
        (URL, FormData([*FORM.multi_items(), ("Extra", "1")]), TOKEN),
        (URL, FORM, "another-token"),
        (URL, FORM, ""),
    ],
    ids=["other query", "other scheme", "other sender", "added field", "other token", "no token"],
)
def test_anything_changed_is_refused(url: str, form: FormData, token: str) -> None:
    assert not is_signed(url, form, None, signature(URL, FORM), CarrierSecrets(token))


@pytest.mark.parametrize("made", [None, "", "x", "ça n'est rien", "A" * 28])
def test_a_missing_or_made_up_signature_is_refused(made: str | None) -> None:
    assert not is_signed(URL, FORM, None, made, SECRETS)


def test_a_json_body_is_vouched_for_by_its_hash_in_the_query() -> None:
    body = '{"Body": "ça va"}'
    url = f"{URL}&bodySHA256={sha256(body.encode()).hexdigest()}"
    made = signature(url, {})
    assert is_signed(url, None, body, made, SECRETS)
    assert not is_signed(url, None, body + " ", made, SECRETS)


def test_a_json_body_without_its_hash_is_refused() -> None:
    assert not is_signed(URL, None, '{"Body": "anything"}', signature(URL, {}), SECRETS)


@pytest.mark.parametrize("key", [KEY, NEXT_KEY])
def test_the_newer_form_is_signed_with_a_shared_key(key: str) -> None:
    made = signature(URL, FORM, key, "HMAC_SHA256")
    assert is_signed(URL, FORM, None, made, SECRETS, NEWER)
    assert not is_signed(URL, FORM, None, made, SECRETS)
    assert not is_signed(URL, FORM, None, made, SECRETS, "key=k,algorithm=HMAC_MD5")
    assert not is_signed(URL, FORM, None, made, CarrierSecrets(TOKEN), NEWER)
    assert not is_signed(URL, FORM, None, made, CarrierSecrets(TOKEN, ("a-key-of-last-year",)), NEWER)


def test_neither_form_takes_the_others_secret() -> None:
    assert not is_signed(URL, FORM, None, signature(URL, FORM, TOKEN, "HMAC_SHA256"), SECRETS, NEWER)
    assert not is_signed(URL, FORM, None, signature(URL, FORM, KEY), SECRETS)


def test_an_empty_secret_lets_nobody_in() -> None:
    made = signature(URL, FORM, "", "HMAC_SHA256")
    assert not is_signed(URL, FORM, None, made, CarrierSecrets(TOKEN, ("",)), NEWER)


def test_a_file_in_the_form_is_refused() -> None:
    form = FormData([("Body", UploadFile(BytesIO(b"x"), filename="x"))])
    assert not is_signed(URL, form, None, signature(URL, {}), SECRETS)
