"""Fetching over a real connection: certificates, hops, slow and broken answers."""

import base64
import contextlib
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from consumers.attachments.addresses import ExpectedAddresses
from consumers.attachments.outcomes import Again, Fetched, Refused
from consumers.attachments.source import AttachmentSource, Resolve
from consumers.carriers.twilio_carrier import TwilioAccount
from tests.support.certificates import make_certificates
from tests.support.sayso import free_port

ACCOUNT = "AC" + "1" * 32
PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/MM1/Media/ME1"
LIMIT = 100_000

Handler = BaseHTTPRequestHandler
Answer = Callable[[Handler], None]


@contextmanager
def carrier(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A carrier's host that answers so."""

    class Answering(Handler):
        def do_GET(self) -> None:  # noqa: N802  # the library's name for it
            answer(self)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def asking(url: str, hosts: tuple[str, ...] = (), **how: Any) -> Iterator[AttachmentSource]:
    """Somebody who fetches from the carrier at `url`."""
    expected = ExpectedAddresses([TwilioAccount(ACCOUNT, "secret", base_url=url)], hosts)
    source = AttachmentSource(expected, LIMIT, 2, **how)
    yield source
    source.close()


def says(status: int, body: bytes = b"", **headers: str) -> Answer:
    def answer(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def test_over_tls_the_certificate_must_be_the_hosts_own(tmp_path: Path) -> None:
    authority, server = make_certificates(tmp_path)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(server)
    trusting = ssl.create_default_context(cafile=str(authority))
    with carrier(says(200, b"picture"), serving) as url:
        with asking(url, trusted=trusting) as source:
            assert source.fetch(url + PATH) == Fetched(b"picture")
        with asking(url) as distrusting:
            assert distrusting.fetch(url + PATH) == Again("unreachable")
        named = url.replace("127.0.0.1", "localhost")  # the certificate is for the number alone
        with asking(named, trusted=trusting) as source:
            assert source.fetch(named + PATH) == Again("unreachable")


def test_credentials_go_to_the_file_and_not_along_with_the_redirect() -> None:
    heard: list[tuple[str, str | None]] = []

    def answer(handler: Handler) -> None:
        heard.append((handler.path, handler.headers["Authorization"]))
        if handler.path == PATH:
            says(307, Location="/cdn/file?Signature=a~b-_%2B", Set_Cookie="spy=1; Path=/")(handler)
        else:
            assert handler.headers["Cookie"] is None
            says(200, b"picture")(handler)

    with carrier(answer) as url, asking(url) as source:
        assert source.fetch(url + PATH) == Fetched(b"picture")
    basic = base64.b64encode(f"{ACCOUNT}:secret".encode()).decode()
    assert heard == [(PATH, f"Basic {basic}"), ("/cdn/file?Signature=a~b-_%2B", None)]


def test_an_expected_host_that_lies_in_a_private_network_is_not_asked() -> None:
    with carrier(says(302, Location="https://media.example/x")) as url:
        for addresses in (["127.0.0.1"], ["3.5.6.7", "10.0.0.1"], ["::ffff:127.0.0.1"]):
            with asking(url, ("media.example",), resolved=_knowing(addresses)) as source:
                assert source.fetch(url + PATH) == Refused("unexpected_host")


def _knowing(addresses: list[str]) -> Resolve:
    """`media.example` has these addresses; the carrier is on this machine."""
    return lambda host, _: addresses if host == "media.example" else ["127.0.0.1"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (says(200, b"x", Content_Encoding="gzip"), Refused("unusable_answer")),
        (says(206, b"x"), Refused("unusable_answer")),
        (says(302), Refused("unusable_answer")),
        (says(302, Location=PATH), Refused("unusable_answer")),  # for ever
        (says(302, Location="http://[/"), Refused("unexpected_host")),
        (says(200, b"", Content_Length=str(LIMIT + 1)), Refused("too_large")),
        (says(200, b"", Content_Length="9" * 30), Again("RemoteProtocolError")),
        (says(200, bytes(LIMIT + 1)), Refused("too_large")),  # without a word about it
        (says(200, bytes(LIMIT)), Fetched(bytes(LIMIT))),
        (says(200), Fetched(b"")),
        (says(200, b"half", Content_Length="8"), Again("RemoteProtocolError")),
        (says(404), Again("http_404", ends_as="gone")),
        (says(410), Again("http_410", ends_as="gone")),
        (says(400), Refused("turned_down")),
        (says(401), Again("http_401")),
        (says(403), Again("http_403")),
        (says(429, Retry_After="120"), Again("http_429", retry_after_s=120.0)),
        (says(500), Again("http_500")),
    ],
)
def test_every_answer_is_a_file_a_no_or_another_try(answer: Answer, expected: object) -> None:
    with carrier(answer) as url, asking(url) as source:
        assert source.fetch(url + PATH) == expected


def test_where_nobody_listens_it_is_tried_again() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with asking(url) as source:
        assert source.fetch(url + PATH) == Again("unreachable")


def test_a_host_that_has_no_address_is_tried_again() -> None:
    url = "http://carrier.invalid"
    with asking(url) as source:
        assert source.fetch(url + PATH) == Again("host_not_found")


def test_what_comes_in_drops_does_not_hold_up_the_end() -> None:
    dripping = threading.Event()

    def drip(handler: Handler) -> None:
        says(200)(handler)
        with contextlib.suppress(OSError):
            while True:
                handler.wfile.write(b".")
                dripping.set()
                time.sleep(0.02)

    with carrier(drip) as url, asking(url) as source, ThreadPoolExecutor(1) as pool:
        fetching = pool.submit(source.fetch, url + PATH)
        assert dripping.wait(10)
        source.leave()
        assert fetching.result(10) == Again("leaving", ends_as=None)
