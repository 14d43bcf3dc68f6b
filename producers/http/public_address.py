"""The address at which somebody called us: from settings, or as a proxy that we trust tells it.

Behind a proxy the request's own scheme and host are not what the caller used, and the Host header is whatever
the caller wrote. So are forwarding headers, unless the connection comes from a proxy that the operator named.
"""

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request

Network = IPv4Network | IPv6Network

_PROTO = re.compile(r"https?")
_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~%!$&'()*+=:@-]+)+/?")


def networks(named: str) -> tuple[Network, ...]:
    """Addresses and networks (CIDR), by commas.

    Raises:
        ValueError: one of them is neither.
    """
    return tuple(ip_network(one.strip()) for one in named.split(",") if one.strip())


def public_url(public_base: str, path: str, query: str) -> str:
    """The address below `public_base`; `path` and `query` as received, still percent-encoded."""
    address = public_base.rstrip("/") + path
    return f"{address}?{query}" if query else address


def addresses(request: Request, public_base: str, proxies: Sequence[Network]) -> list[str]:
    """Where the caller may have called us: what a trusted proxy tells, and what the settings say."""
    path, query = request.scope["raw_path"].decode(), request.scope["query_string"].decode()
    bases = [public_base]
    if request.client is not None and _trusted(request.client.host, proxies):
        bases.insert(0, _forwarded(request.headers, public_base))
    return [public_url(base, path, query) for base in dict.fromkeys(bases)]


def _trusted(peer: str, proxies: Iterable[Network]) -> bool:
    try:
        address = ip_address(peer)
    except ValueError:  # a socket of another kind has no address
        return False
    return any(address in network for network in proxies)


def _forwarded(headers: Headers, public_base: str) -> str:
    base = urlsplit(public_base)
    proto = _only(headers, "x-forwarded-proto", _PROTO) or base.scheme
    host = _only(headers, "x-forwarded-host", _HOST) or base.netloc
    prefix = _only(headers, "x-forwarded-prefix", _PREFIX) or ""
    return f"{proto}://{host}{prefix.rstrip('/')}"


def _only(headers: Headers, name: str, form: re.Pattern[str]) -> str | None:
    """The header's value. Of several nobody knows which one our proxy wrote, so none is believed."""
    values = headers.getlist(name)
    return values[0] if len(values) == 1 and form.fullmatch(values[0]) else None
