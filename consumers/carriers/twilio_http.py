"""The HTTP layer under the Twilio client: bounded in time, pooled, silent in the log, never repeating."""

import logging
import math
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import MaxRetryError, NewConnectionError

ASKED_S_MAX = 3_600.0
"""So long we wait if we are asked to; asked for more, we try again sooner."""

_until_s: ContextVar[float] = ContextVar("until_s", default=math.inf)


class TooLate(Exception):
    """Its moment had passed before the whole request was sent, so that the other side will do nothing."""


class BoundedHttp:
    """Stands where the Twilio client expects its HttpClient, around Twilio's own.

    `timeout_s` is (connect, between two bytes of the answer). Safe for several threads: a `requests` session
    shares its pool, cookies are refused, and what the last answer said is kept per thread.
    """

    def __init__(self, base_url: str, timeout_s: tuple[float, float], connections_max: int) -> None:
        self._inner = TwilioHttpClient(timeout=timeout_s[1], logger=_silent(), max_retries=0)
        self._inner.timeout = timeout_s
        session = self._inner.session
        # Never retried here: a repeated POST is a second text.
        session.mount("http://", _pool(connections_max))
        session.mount("https://", _pool(connections_max))
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        session.trust_env = not is_loopback(base_url)  # a proxy cannot reach our own loopback
        self._last = threading.local()

    def request(self, *args: Any, **kwargs: Any) -> Response:
        """As TwilioHttpClient.request. Raises requests.RequestException."""
        self._last.retry_after = None
        response = self._inner.request(*args, **kwargs)
        self._last.retry_after = response.headers.get("Retry-After")
        return response

    def retry_after_s(self, now: datetime) -> float | None:
        """How long the last answer on this thread asked us to wait, if it did so in a readable form."""
        return seconds_asked(getattr(self._last, "retry_after", None), now)

    def close(self) -> None:
        """Close every pooled connection."""
        self._inner.session.close()


@contextmanager
def sent_before(until_s: float) -> Iterator[None]:
    """Whatever this thread asks for in here is sent before `until_s` (by `monotonic`), or raises TooLate."""
    before = _until_s.set(until_s)
    try:
        yield
    finally:
        _until_s.reset(before)


def never_left(error: requests.RequestException) -> bool:
    """Whether `error` proves that no byte of the request went out.

    A TLS error only does so when the certificate was refused: others also happen while the answer is read.
    """
    if isinstance(error, requests.exceptions.SSLError):
        return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error))
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    return any(isinstance(cause, NewConnectionError) for cause in _causes(error))


def _causes(error: BaseException) -> list[BaseException]:
    """`error` and what it wraps: requests and urllib3 keep it in `args` and in `reason`."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            waiting += [*one.args, one.reason if isinstance(one, MaxRetryError) else None]
    return found


def _pool(connections_max: int) -> HTTPAdapter:
    return _TimelyAdapter(pool_maxsize=connections_max, max_retries=0)


class _Timely(HTTPConnection):
    """Looks at the clock right before each write: the body comes last, and without it nothing is done."""

    def send(self, data: Any) -> None:
        if monotonic() > _until_s.get():
            raise TooLate
        super().send(data)


class _TimelyTls(_Timely, HTTPSConnection):
    pass


class _TimelyPool(HTTPConnectionPool):
    ConnectionCls = _Timely


class _TimelyTlsPool(HTTPSConnectionPool):
    ConnectionCls = _TimelyTls


_POOLS = {"http": _TimelyPool, "https": _TimelyTlsPool}
# To close a connection is to reset it. Closed in good order, the system would for minutes go on sending what
# did not get through: a text could arrive after it was asked after, not found, and handed over again.
_RESET = (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
_SOCKET_OPTIONS = [*HTTPConnection.default_socket_options, _RESET]


class _TimelyAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, socket_options=_SOCKET_OPTIONS)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs, socket_options=_SOCKET_OPTIONS)
        manager.pool_classes_by_scheme = _POOLS
        return manager


def _silent() -> logging.Logger:
    """Twilio's client logs addresses with the candidate's number in them; nothing of that may be kept."""
    logger = logging.getLogger("sayso.silenced.twilio")
    logger.disabled = True
    return logger


def is_loopback(url: str) -> bool:
    """Whether `url` is on this machine."""
    return urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"}


def seconds_asked(header: str | None, now: datetime) -> float | None:
    """What `Retry-After` says (RFC 9110, 10.2.3): seconds, or a date. Anything else counts as not said.

    Between 0 and ASKED_S_MAX, whatever it says. Never raises.
    """
    if not header:
        return None
    if header.isascii() and header.isdigit():
        return min(float(header), ASKED_S_MAX)
    try:
        moment = parsedate_to_datetime(header)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        asked_s = (aware - now).total_seconds()
    except (ValueError, OverflowError):  # a year, or an offset, that no date can hold
        return None
    return min(max(0.0, asked_s), ASKED_S_MAX)
