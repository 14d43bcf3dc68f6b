"""The demo: two addresses, secrets of its own, development tokens there and nowhere else."""

import base64
import hmac
import json
import os
import signal
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from deploy import demo
from deploy.serving import HttpServer
from deploy.settings import LOOPBACK, SettingsError
from deploy.stores import sole_owner
from deploy.wiring import Sayso
from producers.http.access import SESSION_COOKIE
from producers.http.pages.demo import PERSONAS
from producers.http.pages.site import add_pages
from tests.deploy.conftest import NOTHING_SET, CommandLine
from tests.support.office import open_office
from tests.support.processes import LOOPBACK_ONLY, listening, process, status
from tests.support.sayso import SENDER, System, eventually, free_port, running, settings_for

SIGN_IN = "/demo/sign-in"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("demo")) as system:
        yield system


# --- as somebody starts it ------------------------------------------------------------------------


def test_it_prints_two_addresses_that_open_and_stops_at_ctrl_c_with_a_page_open(tmp_path: Path) -> None:
    port, phones_port = free_port(), free_port()
    arguments = ("demo", "--port", str(port), "--phones-port", str(phones_port))
    with process(*arguments, folder=tmp_path, variables={}) as running_demo:
        assert running_demo.stdout is not None
        page, phones = _addresses(running_demo.stdout)
        assert (page, phones) == (f"http://127.0.0.1:{port}/", f"http://127.0.0.1:{phones_port}/")
        eventually(lambda: status(page + "readyz") == 200)
        assert listening(running_demo.pid) == LOOPBACK_ONLY
        with httpx.Client(base_url=page, trust_env=False, follow_redirects=True) as visitor:
            origin = {"Origin": page.rstrip("/")}
            home = visitor.post(SIGN_IN, data={"persona": "manager"}, headers=origin)
            assert "Max Manager" in home.text
            assert status(phones) == 200
            with visitor.stream("GET", "/v1/accounts/acme/stream", headers=_of(visitor)) as stream:
                assert stream.status_code == 200
                running_demo.send_signal(signal.SIGINT)
                assert running_demo.wait(60) == 0
        assert running_demo.stderr is not None
        assert "Traceback" not in running_demo.stderr.read()
    secrets = tmp_path / "demo-data" / demo.SECRETS_FILE
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
    assert stat.S_IMODE(secrets.parent.stat().st_mode) == 0o700


def _addresses(lines: Any) -> list[str]:
    found: list[str] = []
    while len(found) < 2:
        line = lines.readline()
        assert line, "it ended without saying where it is"
        found += [word for word in line.split() if word.startswith("http://")]
    return found


def _of(visitor: httpx.Client) -> dict[str, str]:
    return {"Cookie": f"{SESSION_COOKIE}={visitor.cookies[SESSION_COOKIE]}"}


@pytest.mark.parametrize("option", ["--port", "--phones-port"])
def test_a_port_that_there_is_not_is_named_and_no_demo_begins(
    sayso: CommandLine, tmp_path: Path, option: str
) -> None:
    said = sayso("demo", "--data-dir", str(tmp_path / "demo"), option, "99999", **NOTHING_SET)
    assert said.code == 2
    assert f"Invalid value for '{option}': Input should be less than or equal to 65535" in said.err
    assert not (tmp_path / "demo").exists()


def test_a_second_demo_in_a_folder_says_how_to_choose_another(sayso: CommandLine, demo_folder: Path) -> None:
    at = ["--port", str(free_port()), "--phones-port", str(free_port())]
    with sole_owner(demo_folder):
        said = sayso("demo", "--data-dir", str(demo_folder), *at, **NOTHING_SET)
    expected = f"Another Sayso works in {demo_folder}. Stop it, or choose another folder by --data-dir.\n"
    assert (said.code, said.err) == (1, expected)


# --- its settings ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("environment")
def test_its_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    first = demo.settings_for(tmp_path, 8000, 8001)
    for name in [name for name in os.environ if name.startswith("SAYSO_")]:
        del os.environ[name]
    again = demo.settings_for(tmp_path, 8000, 8001)
    assert first == again
    assert len(base64.b64decode(first.master_key.get_secret_value())) == 32
    assert first.master_key != first.names_secret
    assert first.data_dir == tmp_path


@pytest.mark.usefixtures("environment")
def test_two_demos_have_different_secrets(tmp_path: Path) -> None:
    for name in ("one", "two"):
        demo.settings_for(tmp_path / name, 8000, 8001)
    one, two = (json.loads((tmp_path / name / demo.SECRETS_FILE).read_text()) for name in ("one", "two"))
    assert all(one[secret] != two[secret] for secret in one)


@pytest.mark.usefixtures("environment")
def test_variables_go_before_what_the_demo_chooses(tmp_path: Path) -> None:
    os.environ["SAYSO_FREE_SEGMENTS"] = "7"
    os.environ["SAYSO_LOG_LEVEL"] = "debug"
    settings = demo.settings_for(tmp_path, 8123, 8124)
    assert (settings.free_segments, settings.log_level, settings.port) == (7, "debug", 8123)
    assert (settings.public_url, settings.twilio_url) == ("http://127.0.0.1:8123", "http://127.0.0.1:8124")
    assert settings.host == LOOPBACK


@pytest.mark.usefixtures("environment")
def test_without_a_demo_there_are_no_settings_of_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="There is no demo in"):
        demo.settings_of(tmp_path)


def test_its_accounts_have_senders_and_starting_again_changes_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        with running(tmp_path) as system:
            account = system.client().get("")
            assert (account["sender"], account["activated_at"]) == (SENDER, None)
            assert system.sayso.stores.ledger.last_notification() == 2 * 2  # each: the sender, the receipt


# --- development tokens ---------------------------------------------------------------------------


@pytest.mark.parametrize("persona", PERSONAS)
def test_anybody_may_sign_in_as_anybody(system: System, persona: str) -> None:
    origin = {"Origin": system.url}
    answer = system.http(**origin).post(SIGN_IN, data={"persona": persona})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=lax", f"{SESSION_COOKIE}="))
    page = system.http(Cookie=cookie.split(";")[0]).get("/")
    assert PERSONAS[persona].name in page.text


def test_signing_in_takes_a_persona_and_its_own_page(system: System) -> None:
    http = system.http(Origin=system.url)
    assert http.post(SIGN_IN, data={"persona": "operator"}).status_code == 404
    assert system.http().post(SIGN_IN, data={"persona": "manager"}).status_code == 403
    elsewhere = system.http(Origin="http://elsewhere.example")
    assert elsewhere.post(SIGN_IN, data={"persona": "manager"}).status_code == 403


@pytest.fixture(scope="module")
def issuer() -> RSAPrivateKey:
    return generate_private_key(65_537, 2_048)


@pytest.fixture(scope="module")
def production(
    tmp_path_factory: pytest.TempPathFactory, issuer: RSAPrivateKey
) -> Iterator[tuple[HttpServer, httpx.Client]]:
    """Sayso as it is served, with the keys of an issuer of its own."""
    folder = tmp_path_factory.mktemp("production")
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(issuer.public_key()))
    (folder / "keys.json").write_text(json.dumps({"keys": [{**jwk, "kid": "k1", "use": "sig"}]}))
    settings = settings_for(folder, token_secret=None, token_jwks_file=folder / "keys.json")
    with Sayso(settings) as sayso:
        add_pages(sayso.app)
        with (
            HttpServer(sayso.app, LOOPBACK, 0) as server,
            httpx.Client(base_url=server.url, trust_env=False) as client,
        ):
            yield server, client


def claims() -> dict[str, Any]:
    expires = datetime.now(UTC) + timedelta(hours=1)
    return {
        "iss": "sayso", "aud": "sayso", "sub": "m-1", "acct": "acme", "scope": "texts:view", "exp": expires,
    }  # fmt: skip


def forged(header: dict[str, str], secret: bytes) -> str:
    """A token signed with HS256 whatever the secret, which the library would refuse to do."""
    body = {**claims(), "exp": claims()["exp"].timestamp()}
    signed = b".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, body)
    )
    mark = hmac.digest(secret, signed, "sha256") if secret else b""
    return (signed + b"." + base64.urlsafe_b64encode(mark).rstrip(b"=")).decode()


def asked(client: httpx.Client, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return client.get("/v1/accounts/acme/candidates", headers=headers).status_code


def test_elsewhere_only_the_issuers_tokens_hold(
    production: tuple[HttpServer, httpx.Client], issuer: RSAPrivateKey
) -> None:
    _, client = production
    header = {"typ": "at+jwt", "kid": "k1"}
    assert asked(client, jwt.encode(claims(), issuer, "RS256", header)) == 200
    public = issuer.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for secret in (b"t" * 32, public):
        assert asked(client, forged({**header, "alg": "HS256"}, secret)) == 401
    assert asked(client, forged({**header, "alg": "none"}, b"")) == 401
    stranger = generate_private_key(65_537, 2_048)
    assert asked(client, jwt.encode(claims(), stranger, "RS256", header)) == 401


def test_elsewhere_nobody_signs_in(production: tuple[HttpServer, httpx.Client]) -> None:
    server, client = production
    assert client.get(SIGN_IN).status_code == 404
    answer = client.post(SIGN_IN, data={"persona": "manager"}, headers={"Origin": server.url})
    assert answer.status_code == 404
    assert client.post("/demo/sign-out", headers={"Origin": server.url}).status_code == 404
    for path in ("/", "/candidates/c-1", "/balance", "/settings", "/notifications"):
        assert client.get(path).status_code == 401


def test_a_token_of_one_installation_does_not_hold_in_another(system: System, tmp_path: Path) -> None:
    with running(tmp_path, token_secret="another secret of sufficient length") as other:
        office = open_office(system)
        token = office.system.token(account=office.account)
        headers = {"Authorization": f"Bearer {token}"}
        assert other.http(**headers).get(f"/v1/accounts/{office.account}").status_code == 401
