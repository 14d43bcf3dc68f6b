"""Whose tokens hold: signed as the settings say, for us, in time, by the issuer; and nothing else."""

import asyncio
import base64
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

from producers.http.auth import AuthSettings, Caller, Tokens, issue
from producers.http.problems import Problem
from schemas.actors import Permission

SECRET = "a development secret of some length"
SETTINGS = AuthSettings("https://issuer.example", "sayso", secret=SECRET)
RSA = rsa.generate_private_key(65537, 2048)


def claims(**changes: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    good: dict[str, Any] = {
        "iss": SETTINGS.issuer,
        "aud": SETTINGS.audience,
        "sub": "m-7",
        "acct": "acme",
        "scope": "texts:view texts:send openid",
        "name": "Grace Hopper",
        "exp": now + timedelta(minutes=5),
        "nbf": now,
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def signed(typ: str | None = "at+jwt", key: str = SECRET, **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, "HS256", {"typ": typ})


def caller(token: str, settings: AuthSettings = SETTINGS) -> Caller:
    return asyncio.run(Tokens(settings).caller(token))


def code(token: str, settings: AuthSettings = SETTINGS) -> str:
    with pytest.raises(Problem) as caught:
        caller(token, settings)
    return caught.value.code


def test_a_good_token_says_who_calls_and_what_they_may() -> None:
    found = caller(signed())
    assert (found.account, found.actor.kind, found.actor.id, found.actor.name) == (
        "acme",
        "member",
        "m-7",
        "Grace Hopper",
    )
    assert found.actor.permissions == {Permission.VIEW, Permission.SEND}


def test_an_issued_token_holds() -> None:
    token = issue(
        SETTINGS, "acme", "ats", [Permission.ACT_AS], datetime.now(UTC), timedelta(hours=1), kind="service"
    )
    assert caller(token).actor.model_dump(exclude={"permissions"}) == {
        "kind": "service",
        "id": "ats",
        "name": None,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"iss": None},
        {"aud": "other"},
        {"aud": None},
        {"exp": datetime.now(UTC) - timedelta(minutes=5)},
        {"exp": None},
        {"exp": 10**12},
        {"nbf": datetime.now(UTC) + timedelta(days=1)},  # from when tests are gathered, so well ahead
        {"sub": None},
        {"sub": ""},
        {"sub": "m" * 129},
        {"acct": None},
        {"acct": "Not An Account"},
        {"kind": "system"},
        {"kind": "carrier"},
        {"scope": 7},
        {"name": ["a"]},
    ],
)
def test_a_wrong_claim_is_refused(changes: dict[str, Any]) -> None:
    assert code(signed(**changes)) == "token_invalid"


@pytest.mark.parametrize("typ", [None, "", "id_token+jwt", "logout+jwt"])
def test_a_token_of_another_type_is_refused(typ: str | None) -> None:
    assert code(signed(typ=typ)) == "token_invalid"


@pytest.mark.parametrize("token", ["", "a.b.c", "é", "x" * 20_000, "....", "e30.e30."])
def test_what_is_no_token_is_refused(token: str) -> None:
    assert code(token) == "token_invalid"


def test_another_secret_is_refused() -> None:
    assert code(signed(key="another secret that is long enough")) == "token_invalid"


def test_an_unsigned_token_is_refused() -> None:
    assert code(jwt.encode(claims(), "", "none", {"typ": "at+jwt"})) == "token_invalid"


def test_no_token_carries_the_carriers_own_permission() -> None:
    assert caller(signed(scope="texts:carrier texts:view")).actor.permissions == {Permission.VIEW}


def test_a_long_or_empty_name_does_not_matter() -> None:
    assert caller(signed(name="  ")).actor.name is None
    name = caller(signed(name="n" * 500)).actor.name
    assert name is not None
    assert len(name) == 200


@pytest.mark.parametrize(
    "sources",
    [
        {},
        {"secret": "short"},
        {"secret": SECRET, "jwks_url": "https://issuer.example/keys"},
    ],
)
def test_the_settings_say_in_exactly_one_way_whose_tokens_hold(sources: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="secret"):
        AuthSettings("https://issuer.example", "sayso", **sources)


def test_only_a_secret_can_issue() -> None:
    settings = AuthSettings("https://issuer.example", "sayso", jwks_url="https://issuer.example/keys")
    with pytest.raises(ValueError, match="secret"):
        issue(settings, "acme", "m-7", [], datetime.now(UTC), timedelta(hours=1))


# --- the issuer's public keys ---------------------------------------------------------------------


def key_set(kid: str) -> dict[str, Any]:
    key = json.loads(RSAAlgorithm.to_jwk(RSA.public_key()))
    return {"keys": [{**key, "kid": kid, "use": "sig", "alg": "RS256"}]}


def with_public_key(kid: str = "k1", **changes: Any) -> str:
    return jwt.encode(claims(**changes), RSA, "RS256", {"typ": "at+jwt", "kid": kid})


@pytest.fixture
def on_file(tmp_path: Path) -> AuthSettings:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(key_set("k1")))
    return AuthSettings(SETTINGS.issuer, SETTINGS.audience, jwks_file=file)


def test_the_issuers_key_from_a_file_holds(on_file: AuthSettings) -> None:
    assert caller(with_public_key(), on_file).actor.id == "m-7"


def test_an_unknown_key_is_refused(on_file: AuthSettings) -> None:
    assert code(with_public_key(kid="k2"), on_file) == "token_invalid"


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(on_file: AuthSettings) -> None:
    """The old trick: HS256 with the public key's bytes. The algorithm comes from the settings."""
    public = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, payload, _ = with_public_key().split(".")
    head = encoded(json.dumps({"alg": "HS256", "typ": "at+jwt", "kid": "k1"}).encode())
    forged = hmac.digest(public, f"{head}.{payload}".encode(), "sha256")
    assert code(f"{head}.{payload}.{encoded(forged)}", on_file) == "token_invalid"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@pytest.fixture
def issuer() -> Iterator[HTTPServer]:
    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(key_set("k1")).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Keys)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def over_http(port: int) -> AuthSettings:
    return AuthSettings(SETTINGS.issuer, SETTINGS.audience, jwks_url=f"http://127.0.0.1:{port}/keys")


def test_the_issuers_key_from_its_address_holds(issuer: HTTPServer) -> None:
    settings = over_http(issuer.server_port)
    assert caller(with_public_key(), settings).actor.id == "m-7"
    assert code(with_public_key(kid="k2"), settings) == "token_invalid"


def test_an_issuer_out_of_reach_is_nobodys_fault() -> None:
    assert code(with_public_key(), over_http(1)) == "keys_unavailable"
