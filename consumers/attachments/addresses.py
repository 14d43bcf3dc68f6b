"""Which addresses anything is fetched from, and who is told our credentials.

An address comes from outside: the carrier's call is signed, but what it names may be anything, and where that
leads to, even more so. So an address is taken apart by one strict pattern, compared part by part, and asked
for as it was taken apart: no second parser may read it otherwise.
"""

import re
from collections.abc import Collection, Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple

from consumers.carriers.twilio_carrier import TwilioAccount

_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<target>/[!-\"$-\[\]-~]*)?",  # neither a fragment nor a backslash
    re.ASCII | re.IGNORECASE,  # without ASCII, other alphabets' letters would count as some of these
)
_PORTS = {"http": 80, "https": 443}
_MEDIA = "/2010-04-01/Accounts/{account_sid}/Messages/[A-Za-z0-9-]{{1,64}}/Media/[A-Za-z0-9-]{{1,64}}"
"""https://www.twilio.com/docs/messaging/api/media-resource: the address of the file itself."""
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in its last 32 bits


class Origin(NamedTuple):
    """Who is asked: scheme, host and port, as RFC 6454 compares them."""

    scheme: str
    host: str
    port: int


class Address(NamedTuple):
    """An address that may be asked."""

    origin: Origin
    target: str
    """Path and query."""
    login: tuple[str, str] | None
    """Our credentials, where they may be told."""
    own: bool
    """Whether it is a configured carrier's own host, wherever that lies."""

    @property
    def url(self) -> str:
        """The address, written out."""
        return f"{self.origin.scheme}://{self.authority}{self.target}"

    @property
    def authority(self) -> str:
        """Host and port, as HTTP's `Host` has them."""
        standard = self.origin.port == _PORTS[self.origin.scheme]
        return self.origin.host if standard else f"{self.origin.host}:{self.origin.port}"


class ExpectedAddresses:
    """The carriers' own hosts, as they are configured, and `hosts`, which are asked over https alone.

    A carrier's account and token go to its own host only, and there only with the address of a file that came
    with a message to that very account.
    """

    def __init__(self, accounts: Iterable[TwilioAccount], hosts: Collection[str]) -> None:
        self._accounts = [_CarrierAccount.of(account) for account in accounts]
        self._hosts = frozenset(host.lower() for host in hosts)

    def find(self, url: str) -> Address | None:
        """`url`, if it may be asked."""
        parts = _taken_apart(url)
        if parts is None:
            return None
        origin, target = parts
        own = [account for account in self._accounts if account.origin == origin]
        if own:
            login = next((account.login for account in own if account.media.fullmatch(target)), None)
            return Address(origin, target, login, own=True)
        if origin.scheme == "https" and origin.port == _PORTS["https"] and origin.host in self._hosts:
            return Address(origin, target, None, own=False)
        return None


def is_public(address: str) -> bool:
    """Whether the IP address `address` is one of the open internet, and hides no other inside."""
    ip = ip_address(address)
    hidden = _hidden(ip) if isinstance(ip, IPv6Address) else None
    return ip.is_global and not ip.is_multicast and (hidden is None or hidden.is_global)


def _hidden(ip: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a packet for `ip` may end at."""
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour


class _CarrierAccount(NamedTuple):
    origin: Origin
    media: re.Pattern[str]
    login: tuple[str, str]

    @classmethod
    def of(cls, account: TwilioAccount) -> "_CarrierAccount":
        parts = _taken_apart(account.base_url)
        if parts is None:
            raise ValueError(f"{account.base_url} is no carrier's address")
        origin, base = parts
        media = re.escape(base.rstrip("/")) + _MEDIA.format(account_sid=re.escape(account.account_sid))
        return cls(origin, re.compile(media, re.ASCII), (account.account_sid, account.auth_token))


def _taken_apart(url: str) -> tuple[Origin, str] | None:
    match = _ADDRESS.fullmatch(url)
    if match is None:
        return None
    scheme, host = match["scheme"].lower(), match["host"].lower()
    port = _PORTS[scheme] if match["port"] is None else int(match["port"])
    return Origin(scheme, host, port), match["target"] or "/"
