"""Where the carrier called us: the settings say so, or a proxy that they name."""

import pytest
from starlette.requests import Request

from producers.http.public_address import addresses, networks, public_url

SETTINGS = "https://texts.example.com"
PROXIES = networks("10.0.0.0/8, 192.0.2.7, fd00::/8")
TOLD = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "other.example:8443",
    "X-Forwarded-Prefix": "/sayso/",
}
OURS = f"{SETTINGS}/v1/x?n=%2B1"


def called(peer: str | None, *headers: tuple[str, str]) -> list[str]:
    scope = {
        "type": "http",
        "raw_path": b"/v1/x",
        "query_string": b"n=%2B1",
        "client": None if peer is None else (peer, 1234),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
    }
    return addresses(Request(scope), SETTINGS, PROXIES)


@pytest.mark.parametrize("peer", ["10.1.2.3", "192.0.2.7", "fd00::1"])
def test_a_trusted_proxy_is_believed_and_the_settings_too(peer: str) -> None:
    assert called(peer, *TOLD.items()) == ["https://other.example:8443/sayso/v1/x?n=%2B1", OURS]


@pytest.mark.parametrize("peer", ["11.1.2.3", "192.0.2.8", "::1", "testclient", None])
def test_nobody_else_is(peer: str | None) -> None:
    assert called(peer, *TOLD.items()) == [OURS]


def test_what_the_proxy_leaves_out_is_as_the_settings_say() -> None:
    assert called("10.0.0.1") == [OURS]
    assert called("10.0.0.1", ("X-Forwarded-Proto", "http"))[0] == "http://texts.example.com/v1/x?n=%2B1"
    assert called("10.0.0.1", ("X-Forwarded-Prefix", "/a"))[0] == f"{SETTINGS}/a/v1/x?n=%2B1"


@pytest.mark.parametrize(
    "header",
    [
        ("X-Forwarded-Host", "evil.example, other.example"),
        ("X-Forwarded-Host", "evil.example/path"),
        ("X-Forwarded-Host", "user@evil.example"),
        ("X-Forwarded-Host", ""),
        ("X-Forwarded-Proto", "https, http"),
        ("X-Forwarded-Proto", "javascript"),
        ("X-Forwarded-Prefix", "no-slash"),
        ("X-Forwarded-Prefix", "/a?b"),
        ("X-Forwarded-Prefix", "//evil.example"),
    ],
)
def test_what_is_no_plain_value_is_left_out(header: tuple[str, str]) -> None:
    assert called("10.0.0.1", header) == [OURS]


def test_of_a_header_that_stands_twice_neither_is_believed() -> None:
    assert called("10.0.0.1", ("X-Forwarded-Host", "a.example"), ("X-Forwarded-Host", "b.example")) == [OURS]


def test_an_address_keeps_its_query_as_received() -> None:
    assert public_url("https://a.example/", "/v1/x", "") == "https://a.example/v1/x"
    assert public_url("https://a.example", "/v1/x", "n=%2B1") == "https://a.example/v1/x?n=%2B1"
