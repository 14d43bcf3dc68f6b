"""Every way in which a hand-over can end, with Twilio's real client over real sockets."""

import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from threading import Thread
from time import monotonic
from uuid import uuid4

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from consumers.carriers.carrier import Accepted, Carrier, OutgoingText, Rejected, Unknown, Unreachable
from consumers.carriers.twilio_carrier import TwilioAccount, TwilioCarrier
from deploy.simulator.server import SimulatorServer
from deploy.simulator.settings import SimulatorSettings
from domain.carrier_errors import TABLE, Consequence, look_up, was_charged

TOKEN = "a-token"
ACCOUNT = "AC" + "0" * 32
SERVICE = "MG" + "1" * 32
OUR_NUMBER = "+12025550100"
PHONE = "+12025550143"
SETTINGS = SimulatorSettings(
    ACCOUNT, TOKEN, numbers=(OUR_NUMBER,), services={SERVICE: ("+13125550101",)}, status_delay_s=0.0
)


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    with SimulatorServer(SETTINGS) as server:
        yield server.url


Connect = Callable[..., TwilioCarrier]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """A carrier at an address, closed when the test ends."""
    made: list[TwilioCarrier] = []

    def at(url: str, token: str = TOKEN, read_timeout_s: float = 5.0) -> TwilioCarrier:
        made.append(TwilioCarrier(TwilioAccount(ACCOUNT, token, url, 2.0, read_timeout_s)))
        return made[-1]

    yield at
    for carrier in made:
        carrier.close()


@pytest.fixture
def carrier(connect: Connect, simulator: str) -> TwilioCarrier:
    return connect(simulator)


def text(to: str = PHONE, body: str = "Hello", sender: str = OUR_NUMBER) -> OutgoingText:
    return OutgoingText(uuid4(), to, body, sender, "http://127.0.0.1:9/status")


def behave(simulator: str, number: str, **how: object) -> None:
    assert httpx.put(f"{simulator}/phones/{number}/behaviour", json=how, trust_env=False).status_code == 200


def test_a_text_is_accepted_with_its_segments(carrier: Carrier) -> None:
    match carrier.send(text(body="é" * 160 + "€")):
        case Accepted(sid, status, segments, sender):
            assert sid.startswith("SM")
            assert (status, segments, sender) == ("queued", 2, OUR_NUMBER)
        case other:
            pytest.fail(f"not accepted: {other}")


def test_a_messaging_service_chooses_its_number_later(carrier: Carrier) -> None:
    match carrier.send(text(sender=SERVICE)):
        case Accepted(_, status, segments, sender):
            assert (status, segments, sender) == ("accepted", None, None)
        case other:
            pytest.fail(f"not accepted: {other}")


@pytest.mark.parametrize(
    ("to", "sender", "body", "code"),
    [
        ("+1202", OUR_NUMBER, "x", 21211),
        ("12025550143", OUR_NUMBER, "x", 21211),
        (PHONE, "+12025550199", "x", 21606),
        (PHONE, "MG" + "2" * 32, "x", 21705),
        (PHONE, OUR_NUMBER, "", 21602),
        (PHONE, OUR_NUMBER, "x" * 1_601, 21617),
        ("+15005550001", OUR_NUMBER, "x", 21211),
        ("+15005550003", OUR_NUMBER, "x", 21408),
        ("+15005550004", OUR_NUMBER, "x", 21610),
        (PHONE, "+15005550008", "x", 21611),
    ],
)
def test_a_refusal_carries_its_code(carrier: Carrier, to: str, sender: str, body: str, code: int) -> None:
    outcome = carrier.send(text(to, body, sender))
    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.http_status, outcome.retry_after_s) == (code, 400, None)


def test_what_would_come_too_late_is_not_sent(carrier: Carrier) -> None:
    number = "+12025550141"
    late = carrier.send(replace(text(number), until_s=monotonic() - 0.001))
    assert isinstance(late, Unreachable)
    assert carrier.find(number, datetime.now(UTC) - timedelta(minutes=1)) == ()
    assert isinstance(carrier.send(replace(text(number), until_s=monotonic() + 60)), Accepted)


def test_too_many_requests_say_how_long_to_wait(carrier: Carrier, simulator: str) -> None:
    number = "+12025550120"
    behave(simulator, number, error_code=20429, retry_after_s=7)
    outcome = carrier.send(text(number))
    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.http_status, outcome.retry_after_s) == (20429, 429, 7.0)
    behave(simulator, number, error_code=20429)
    outcome = carrier.send(text(number))
    assert isinstance(outcome, Rejected)
    assert outcome.retry_after_s is None


def test_wrong_credentials_are_a_matter_of_configuration(connect: Connect, simulator: str) -> None:
    outcome = connect(simulator, token="wrong").send(text())
    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.http_status) == (20003, 401)
    assert look_up(outcome.code, outcome.http_status).consequence is Consequence.CONFIGURATION


def test_a_time_out_leaves_the_text_in_doubt_and_looking_settles_it(connect: Connect, simulator: str) -> None:
    number, since = "+12025550121", datetime.now(UTC)
    behave(simulator, number, answer_after_s=30)
    impatient = connect(simulator, read_timeout_s=0.2)
    assert impatient.send(text(number, "the one in doubt")) == Unknown("ReadTimeout")
    found = impatient.find(number, since)
    assert not isinstance(found, Unknown)
    assert [(one.body, one.sender) for one in found] == [("the one in doubt", OUR_NUMBER)]


@pytest.mark.parametrize(
    ("fault", "number", "texts", "reason"),
    [
        ("reset_before", "+12025550131", 0, "ConnectionError"),
        ("reset_after", "+12025550132", 1, "ConnectionError"),
        ("server_error", "+12025550133", 0, "HTTP 500"),
        ("error_after", "+12025550134", 1, "HTTP 500"),
    ],
)
def test_a_reset_or_a_server_error_leaves_it_in_doubt(
    carrier: Carrier, simulator: str, fault: str, number: str, texts: int, reason: str
) -> None:
    since = datetime.now(UTC)
    behave(simulator, number, fault=fault)
    assert carrier.send(text(number)) == Unknown(reason)
    found = carrier.find(number, since)
    assert not isinstance(found, Unknown)
    assert len(found) == texts


def test_whoever_gives_up_takes_back_what_is_still_on_its_way(connect: Connect) -> None:
    """Or the system would go on sending it, and it would arrive after it was asked after, and sent again."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        impatient = connect(f"http://127.0.0.1:{silent.getsockname()[1]}", read_timeout_s=0.2)
        assert impatient.send(text()) == Unknown("ReadTimeout")
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(65_536).startswith(b"POST ")
            with pytest.raises(ConnectionResetError):
                connection.recv(65_536)


def test_nobody_listening_means_nothing_was_sent(connect: Connect) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = connect(f"http://127.0.0.1:{free.getsockname()[1]}")
        assert isinstance(nobody.send(text()), Unreachable)
        assert isinstance(nobody.find(PHONE, datetime.now(UTC)), Unknown)


def test_a_name_that_does_not_resolve_means_nothing_was_sent(connect: Connect) -> None:
    assert isinstance(connect("http://carrier.invalid").send(text()), Unreachable)


def test_a_certificate_that_is_not_trusted_means_nothing_was_sent(connect: Connect, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def shake_hands() -> None:
            connection, _ = listener.accept()
            with connection, pytest.raises(ssl.SSLError):
                context.wrap_socket(connection, server_side=True)

        thread = Thread(target=shake_hands)
        thread.start()
        port = listener.getsockname()[1]
        assert isinstance(connect(f"https://127.0.0.1:{port}").send(text()), Unreachable)
        thread.join()


def http(status: str, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    """An answer as it stands on the wire."""
    said = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {said}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


PROBLEM = b'{"type": "about:x", "title": "No", "status": 400, "code": 21211, "detail": "Why"}'


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (http("200 OK", b"<p>Hi</p>"), Unknown("the answer is not JSON")),
        (http("201 Created", b"{}"), Unknown("the answer names no message")),
        (http("201 Created", b"{", length=99), Unknown("ChunkedEncodingError")),
        (http("503 Away"), Unknown("HTTP 503")),
        (b"", Unknown("ConnectionError")),
        (b"nonsense\r\n\r\n", Unknown("ConnectionError")),
        (http("302 Found", b"", "Location: /login"), Rejected(None, 302, "Unable to create record", None)),
        (http("400 Bad", PROBLEM), Rejected(21211, 400, "Why", None)),
        (
            http("429 Slow", b"", "Retry-After: Sat, 01 Jan 2000 00:00:00 GMT"),
            Rejected(None, 429, "Unable to create record", 0.0),
        ),
        (
            http("429 Slow", b"", "Retry-After: soon"),
            Rejected(None, 429, "Unable to create record", None),
        ),
    ],
    ids=["html", "empty", "cut off", "503", "closed", "nonsense", "redirect", "problem", "date", "soon"],
)
def test_an_odd_answer_is_taken_for_no_more_than_it_says(
    connect: Connect, answer: bytes, expected: object
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_once() -> None:
            connection, _ = listener.accept()
            with connection:
                while b"Body=Hello" not in connection.recv(65_536):
                    pass
                connection.sendall(answer)

        thread = Thread(target=answer_once)
        thread.start()
        assert connect(f"http://127.0.0.1:{listener.getsockname()[1]}").send(text()) == expected
        thread.join()


def test_looking_finds_only_this_number_and_only_since(carrier: Carrier) -> None:
    number = "+12025550122"
    assert isinstance(carrier.send(text(number, "first")), Accepted)
    assert isinstance(carrier.send(text("+12025550123", "to somebody else")), Accepted)
    now = datetime.now(UTC)
    found = carrier.find(number, now - timedelta(minutes=1))
    assert not isinstance(found, Unknown)
    assert [one.body for one in found] == ["first"]
    assert abs(found[0].created_at - now) < timedelta(seconds=5)
    assert carrier.find(number, now + timedelta(seconds=2)) == ()


def test_one_carrier_serves_many_threads(carrier: Carrier) -> None:
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(lambda n: carrier.send(text(body=f"text {n}")), range(64)))
    sids = {outcome.sid for outcome in outcomes if isinstance(outcome, Accepted)}
    assert len(sids) == 64


def test_the_environment_does_not_change_whom_we_call(
    connect: Connect, simulator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"TWILIO_EDGE": "dublin", "HTTP_PROXY": "http://127.0.0.1:1"}.items():
        monkeypatch.setenv(name, value)
    assert isinstance(connect(simulator).send(text()), Accepted)


def test_nothing_about_a_text_is_logged(carrier: Carrier, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    carrier.send(text(body="a secret"))
    carrier.find(PHONE, datetime.now(UTC))
    assert "secret" not in caplog.text
    assert PHONE[1:] not in caplog.text


PERMANENT = {21211, 21612, 21614, 21635, 21617, 21658, 30004, 30005, 30006, 30007}
RETRY = {20429, 21611, 30001, 30003, 30008, 30017, 30022, 30023, 30036, 30410, 30450}
CONFIGURATION = {21408, 30002, 30018, 30024, 30032, 30034}


def test_each_code_has_its_consequence() -> None:
    assert {code: look_up(code).consequence for code in PERMANENT} == dict.fromkeys(
        PERMANENT, Consequence.PERMANENT
    )
    assert {code: look_up(code).consequence for code in RETRY} == dict.fromkeys(RETRY, Consequence.RETRY)
    assert {code: look_up(code).consequence for code in CONFIGURATION} == dict.fromkeys(
        CONFIGURATION, Consequence.CONFIGURATION
    )
    assert look_up(21610).consequence is Consequence.REVOKES_CONSENT


def test_each_row_is_complete() -> None:
    for code, row in TABLE.items():
        assert row.code == code
        assert row.source.endswith(f"/{code}")
        assert row.sentence.endswith(".")
        assert (row.retry is not None) == (row.consequence is Consequence.RETRY)
        assert row.retry is None or (row.retry.delay_s > 0 and row.retry.attempts_max > 1)
        assert not (row.charged and code is not None and code < 30_000)


@pytest.mark.parametrize(
    ("code", "http_status", "consequence"),
    [
        (None, 429, Consequence.RETRY),
        (None, 401, Consequence.CONFIGURATION),
        (None, 404, Consequence.CONFIGURATION),
        (None, 302, Consequence.CONFIGURATION),
        (99_999, 400, Consequence.PERMANENT),
        (None, None, Consequence.PERMANENT),
        (21610, 400, Consequence.REVOKES_CONSENT),
    ],
)
def test_an_unlisted_code_goes_by_the_http_status(
    code: int | None, http_status: int | None, consequence: Consequence
) -> None:
    assert look_up(code, http_status).consequence is consequence


def test_what_never_reached_the_network_is_not_charged() -> None:
    assert not was_charged("failed", 30003)
    assert was_charged("undelivered", 30034)
    assert was_charged("undelivered", None)


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "nobody's carrier")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "server.pem"
    path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    return path
