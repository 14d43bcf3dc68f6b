"""Fetching one file over HTTP: from expected hosts alone, hop by hop, and never more than a limit.

Twilio's address of a file wants our credentials, and answers with a redirect to a signed address of its CDN
that is good for four hours and wants none (https://www.twilio.com/docs/messaging/api/media-resource). Other
programs sent them along, or followed wherever the redirect led; here each hop is judged anew.

A host can drip what it likes: headers, sizes of pieces, answers before the answer. No limit on a silence ends
that, so there is one on the whole, and it is kept from outside (`Attempt`).
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import urljoin
from urllib.request import getproxies, proxy_bypass

import httpx

from consumers.attachments.addresses import Address, ExpectedAddresses, is_public
from consumers.attachments.attempt import Attempt
from consumers.attachments.outcomes import Again, Fetched, Refused
from consumers.carriers.twilio_http import is_loopback, seconds_asked

HOPS_MAX = 4
CONNECT_S_MAX = 3.0
SILENCE_S_MAX = 15.0
"""Between two pieces of an answer."""
WHOLE_S_MAX = 60.0
"""For all hops together, names looked up and all, however slowly the pieces come."""
ADDRESSES_TRIED_MAX = 3
_GONE = frozenset({404, 410})
_PASSES = frozenset({401, 403, 408, 425, 429})
"""Credentials can be put right, signed addresses expire, and the rest says so itself; 5xx passes, too."""

Ended = Fetched | Refused | Again
_LEAVING = Again("leaving", ends_as=None)

Resolve = Callable[[str, int], Sequence[str]]
"""Host and port to its IP addresses; raises OSError."""


def resolve(host: str, port: int) -> Sequence[str]:
    """Those that the system knows; of the older protocol first, since the newer one may lead nowhere."""
    found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    found.sort(key=lambda one: one[0] != socket.AF_INET)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


class AttachmentSource:
    """Fetches. From any thread."""

    def __init__(
        self,
        expected: ExpectedAddresses,
        bytes_max: int,
        connections_max: int,
        *,
        trusted: ssl.SSLContext | None = None,
        resolved: Resolve = resolve,
        whole_s_max: float = WHOLE_S_MAX,
    ) -> None:
        """`trusted`: the authorities to believe; if none are given, those that the HTTP client brings."""
        self._expected = expected
        self._bytes_max = bytes_max
        self._resolved = resolved
        self._whole_s_max = whole_s_max
        self._lock = threading.Lock()
        self._leaving = False
        self._under_way: set[Attempt[Ended]] = set()

        def client(*, trust_env: bool) -> httpx.Client:
            return httpx.Client(
                verify=True if trusted is None else trusted,
                timeout=httpx.Timeout(SILENCE_S_MAX, connect=CONNECT_S_MAX),
                limits=httpx.Limits(max_connections=connections_max, max_keepalive_connections=0),
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                headers={"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "sayso"},
                trust_env=trust_env,
            )

        self._direct, self._proxied = client(trust_env=False), client(trust_env=True)

    def fetch(self, url: str) -> Fetched | Refused | Again:
        """What `url` leads to. Raises nothing that a network can cause."""
        attempt: Attempt[Ended] = Attempt(lambda attempt: self._fetched(url, attempt))
        with self._lock:
            if self._leaving:
                return _LEAVING
            self._under_way.add(attempt)
        try:
            return attempt.within(self._whole_s_max, Again("timeout"))
        finally:
            with self._lock:
                self._under_way.discard(attempt)

    def leave(self) -> None:
        """Give up what is under way, at once, and whatever is asked for from now on."""
        with self._lock:
            self._leaving = True
            under_way = [*self._under_way]
        for attempt in under_way:
            attempt.end(_LEAVING)

    def close(self) -> None:
        """Close the connections."""
        self._direct.close()
        self._proxied.close()

    def _fetched(self, url: str, attempt: Attempt[Ended]) -> Ended:
        address = self._expected.find(url)
        if address is not None and address.own and address.login is None:
            return Refused("unexpected_host")  # whoever sends us there wants something else than a file
        login = None if address is None else address.login
        for _ in range(HOPS_MAX):
            if address is None or address.login not in (login, None):
                return Refused("unexpected_host")  # nor does one account's file lead to another's
            hop = self._hop(address, attempt)
            if not isinstance(hop, str):
                return hop
            address = self._expected.find(hop)
        return Refused("unusable_answer")

    def _hop(self, address: Address, attempt: Attempt[Ended]) -> Ended | str:
        """One request: what it led to, or the address that it was redirected to."""
        if _has_proxy(address):
            return self._ask(self._proxied, address, address.url, attempt)  # which looks the host up itself
        try:
            found = self._resolved(address.origin.host, address.origin.port)
        except OSError:
            return Again("host_not_found")
        if not address.own and not all(map(is_public, found)):
            return Refused("unexpected_host")
        hop: Ended | str = Again("unreachable")
        for ip in found[:ADDRESSES_TRIED_MAX]:  # the very one that was looked at: names may change meanwhile
            host = f"[{ip}]" if ":" in ip else ip
            url = f"{address.origin.scheme}://{host}:{address.origin.port}{address.target}"
            hop = self._ask(self._direct, address, url, attempt)
            if hop != Again("unreachable"):
                break
        return hop

    def _ask(self, client: httpx.Client, address: Address, url: str, attempt: Attempt[Ended]) -> Ended | str:
        try:
            with _asked(client, address, url, attempt) as answer:
                return self._read(address, answer)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            return Again("unreachable")
        except httpx.TimeoutException:
            return Again("timeout")
        except (httpx.RequestError, httpx.InvalidURL) as error:
            return Again(type(error).__name__)

    def _read(self, address: Address, answer: httpx.Response) -> Ended | str:
        status = answer.status_code
        if answer.has_redirect_location:
            return _joined(address.url, answer.headers["Location"])
        if status in _GONE:
            return Again(f"http_{status}", ends_as="gone")  # a fresh one may take a while to be there
        if status in _PASSES or status >= 500:
            asked_s = seconds_asked(answer.headers.get("Retry-After"), datetime.now(UTC))
            return Again(f"http_{status}", retry_after_s=asked_s)
        if status >= 400:
            return Refused("turned_down")
        if status != httpx.codes.OK or answer.headers.get("Content-Encoding", "identity") != "identity":
            return Refused("unusable_answer")
        if int(answer.headers.get("Content-Length", 0)) > self._bytes_max:
            return Refused("too_large")
        content = bytearray()
        for piece in answer.iter_raw():  # as they come: gathered, drops would outlast every limit
            content += piece
            if len(content) > self._bytes_max:
                return Refused("too_large")
        return Fetched(bytes(content))


@contextmanager
def _asked(
    client: httpx.Client, address: Address, url: str, attempt: Attempt[Ended]
) -> Iterator[httpx.Response]:
    """The answer to the request, its body still to be read; the certificate must be the host's own."""
    request = client.build_request(
        "GET",
        url,
        headers={"Host": address.authority},
        extensions={"sni_hostname": address.origin.host.strip("[]"), "trace": attempt.watch},
    )
    login = address.login
    auth = None if login is None else httpx.BasicAuth(*login)
    answer = client.send(request, auth=auth, follow_redirects=False, stream=True)
    try:
        yield answer
    finally:
        answer.close()


def _joined(url: str, location: str) -> str:
    """Where `location` leads from `url`; if that is nowhere, an address that nobody expects."""
    try:
        return urljoin(url, location)
    except ValueError:
        return location


def _has_proxy(address: Address) -> bool:
    """Whether the environment sends us through a proxy; no proxy can reach our own loopback."""
    if is_loopback(address.url):
        return False
    proxies = getproxies()
    named = address.origin.scheme in proxies or "all" in proxies
    return named and not proxy_bypass(address.origin.host)
