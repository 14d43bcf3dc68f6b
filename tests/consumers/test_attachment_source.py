"""Fetching over a real connection: certificates, hops, slow and broken answers."""

import base64
import contextlib
import select
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
from consumers.attachments.attempt import ATTEMPT
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


class Drip:
    """Of a host that drips: when somebody has asked it, and when they have gone."""

    def __init__(self) -> None:
        self.asked, self.left = threading.Event(), threading.Event()


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


def test_no_redirect_leads_to_another_accounts_file() -> None:
    other = "AC" + "2" * 32
    asked: list[str] = []

    def answer(handler: Handler) -> None:
        asked.append(handler.path)
        says(307, Location=PATH.replace(ACCOUNT, other))(handler)

    with carrier(answer) as url:
        accounts = [
            TwilioAccount(ACCOUNT, "secret", base_url=url),
            TwilioAccount(other, "theirs", base_url=url),
        ]
        source = AttachmentSource(ExpectedAddresses(accounts, ()), LIMIT, 2)
        assert source.fetch(url + PATH) == Refused("unexpected_host")
        source.close()
    assert asked == [PATH]


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


DRIPS = {
    "header": (b"HTTP/1.1 200 OK\r\nX-Drip: ", b"."),
    "hints": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "body": (b"HTTP/1.1 200 OK\r\n\r\n", b"."),
    "size of a piece": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"."),
    "trailer": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"."),
    "silence": (b"", b""),
}


@contextmanager
def dripping(begin: bytes, drop: bytes, tls: ssl.SSLContext | None = None) -> Iterator[tuple[str, Drip]]:
    """A host that begins so, and then sends drops until the other side has gone."""
    drip = Drip()

    def answer(handler: Handler) -> None:
        handler.wfile.write(begin)
        drip.asked.set()
        with contextlib.suppress(OSError):
            while not select.select([handler.connection], [], [], 0.02)[0]:
                handler.wfile.write(drop)
        drip.left.set()

    with carrier(answer, tls) as url:
        yield url, drip


@pytest.mark.parametrize("drip", DRIPS)
def test_nothing_outlasts_the_limit_on_the_whole(drip: str) -> None:
    with dripping(*DRIPS[drip]) as (url, there), asking(url, whole_s_max=0.3) as source:
        began_s = time.monotonic()
        assert source.fetch(url + PATH) == Again("timeout")
        assert time.monotonic() - began_s < 2
        assert there.left.wait(5)  # its thread and its connection do not stay behind


@pytest.mark.parametrize("drip", DRIPS)
def test_whoever_leaves_waits_for_nobody(drip: str) -> None:
    with dripping(*DRIPS[drip]) as (url, there), asking(url) as source, ThreadPoolExecutor(1) as pool:
        fetching = pool.submit(source.fetch, url + PATH)
        assert there.asked.wait(10)
        source.leave()
        assert fetching.result(2) == Again("leaving", ends_as=None)
        assert there.left.wait(5)
        assert source.fetch(url + PATH) == Again("leaving", ends_as=None)


def test_a_connection_over_tls_is_cut_too(tmp_path: Path) -> None:
    authority, server = make_certificates(tmp_path)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(server)
    trusting = ssl.create_default_context(cafile=str(authority))
    with (
        dripping(*DRIPS["header"], serving) as (url, there),
        asking(url, trusted=trusting, whole_s_max=0.3) as source,
    ):
        assert source.fetch(url + PATH) == Again("timeout")
        assert there.left.wait(5)


def test_a_name_that_is_looked_up_for_ever_holds_nobody_up() -> None:
    found = threading.Event()
    asked: list[str] = []

    def looking_up(host: str, port: int) -> list[str]:
        found.wait(10)
        return ["127.0.0.1"]

    def answer(handler: Handler) -> None:
        asked.append(handler.path)
        says(200, b"picture")(handler)

    with carrier(answer) as url, asking(url, resolved=looking_up, whole_s_max=0.1) as source:
        assert source.fetch(url + PATH) == Again("timeout")
        found.set()
        for thread in threading.enumerate():
            if thread.name == ATTEMPT:
                thread.join(5)
        assert asked == []


def test_whoever_left_follows_no_redirect() -> None:
    asked: list[str] = []
    leaving = threading.Event()

    def answer(handler: Handler) -> None:
        asked.append(handler.path)
        leaving.wait(10)
        with contextlib.suppress(OSError):
            says(302, Location="/elsewhere")(handler)

    with carrier(answer) as url, asking(url) as source, ThreadPoolExecutor(1) as pool:
        fetching = pool.submit(source.fetch, url + PATH)
        while not asked:
            time.sleep(0.01)
        source.leave()
        leaving.set()
        assert fetching.result(2) == Again("leaving", ends_as=None)
    assert asked == [PATH]
