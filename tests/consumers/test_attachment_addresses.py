"""Which addresses are asked, and which of them hear our credentials: everything else is nobody we know."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.attachments.addresses import ExpectedAddresses, is_public
from consumers.carriers.twilio_carrier import TwilioAccount

ACCOUNT = "AC" + "1" * 32
OTHER = "AC" + "2" * 32
FILE = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/MM{'a' * 32}/Media/ME{'b' * 32}"
CDN = "https://mms.twiliocdn.com"

twilio = ExpectedAddresses([TwilioAccount(ACCOUNT, "secret")], ["mms.twiliocdn.com"])


def test_a_file_of_our_account_is_asked_for_with_our_credentials() -> None:
    address = twilio.find(f"https://api.twilio.com{FILE}")
    assert address is not None
    assert (address.url, address.login, address.own) == (
        f"https://api.twilio.com{FILE}",
        (ACCOUNT, "secret"),
        True,
    )


@pytest.mark.parametrize("url", ["https://API.Twilio.com:443{}", "HTTPS://api.twilio.com{}"])
def test_case_and_the_standard_port_make_no_difference(url: str) -> None:
    address = twilio.find(url.format(FILE))
    assert address is not None
    assert (address.url, address.login) == (f"https://api.twilio.com{FILE}", (ACCOUNT, "secret"))


@pytest.mark.parametrize(
    "path",
    [
        "/",
        f"{FILE}.json",
        f"{FILE}/",
        f"{FILE}?x=1",
        f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
        FILE.replace(ACCOUNT, OTHER),
        f"/2010-04-01/Accounts/{ACCOUNT}/Messages/../../{OTHER}/Media/ME1",
        FILE.replace("/Media", "%2fMedia"),
        f"//{FILE}",
    ],
)
def test_no_other_address_of_the_carrier_hears_our_credentials(path: str) -> None:
    address = twilio.find(f"https://api.twilio.com{path}")
    assert address is not None
    assert address.login is None


def test_the_hosts_that_files_are_redirected_to_never_hear_our_credentials() -> None:
    address = twilio.find(f"{CDN}{FILE}?Expires=1&Signature=a~b-_%20")
    assert address is not None
    assert (address.url, address.login, address.own) == (
        f"{CDN}{FILE}?Expires=1&Signature=a~b-_%20",
        None,
        False,
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://api.twilio.com{}",  # not encrypted
        "http://mms.twiliocdn.com{}",
        "https://api.twilio.com:8443{}",  # other ports
        "https://mms.twiliocdn.com:444{}",
        "https://api.twilio.com:99999{}",
        "https://api.twilio.com:{}",
        "https://api.twilio.com.{}",  # trailing dots
        "https://mms.twiliocdn.com.{}",
        "https://api.twilio.com.elsewhere.example{}",  # more, or less, of a name
        "https://elsewhere-api.twilio.com{}",
        "https://eu.api.twilio.com{}",
        "https://twilio.com{}",
        "https://user@api.twilio.com{}",  # userinfo
        "https://user:password@mms.twiliocdn.com{}",
        "https://api.twilio.com@elsewhere.example{}",
        "https://api.twilio.com%40elsewhere.example{}",
        "https://elsewhere.example/https://api.twilio.com{}",
        "https://elsewhere.example\\@api.twilio.com{}",
        "https://api.twilio.com\\@elsewhere.example{}",
        "https://elsewhere.example#@api.twilio.com{}",
        "https://api.twilio.com{}#fragment",
        "https://xn--pi-7ia.twilio.com{}",  # other alphabets, written either way
        "https://аpi.twilio.com{}",
        "https://api.twilio。com{}",
        "https://apı.twilio.com{}",
        "https://api.twilio.com\N{ZERO WIDTH SPACE}{}",
        "httpſ://api.twilio.com{}",
        "https://18.4.0.1{}",  # addresses
        "https://127.0.0.1{}",
        "https://2130706433{}",
        "https://0x7f.1{}",
        "https://[::1]{}",
        "https://[::ffff:127.0.0.1]{}",
        "https://169.254.169.254{}",
        "https://localhost{}",
        "ftp://api.twilio.com{}",  # other schemes
        "file://api.twilio.com{}",
        "gopher://mms.twiliocdn.com{}",
        "javascript:alert(1)//{}",
        "data:image/png;base64,{}",
        "//api.twilio.com{}",
        "https:/api.twilio.com{}",
        "https:api.twilio.com{}",
        "{}",
        "",
        " https://api.twilio.com{}",  # what does not belong into an address
        "https://api.twilio.com{} ",
        "https://api.twilio.com{}\n",
        "https://api.twilio.com\r\nHost: elsewhere.example{}",
        "https://api.twilio.com\t{}",
        "https://api.twilio.com\0{}",
    ],
)
def test_everybody_else_is_not_asked(url: str) -> None:
    assert twilio.find(url.format(FILE)) is None


@given(st.text(max_size=80))
def test_whatever_an_address_says_only_these_hosts_are_asked(text: str) -> None:
    hosts = {"api.twilio.com", "mms.twiliocdn.com"}
    for url in (
        text,
        f"https://{text}{FILE}",
        f"https://api.twilio.com{text}",
        f"https://{text}api.twilio.com",
    ):
        address = twilio.find(url)
        assert address is None or (address.origin.scheme, address.origin.port) == ("https", 443)
        assert address is None or address.origin.host in hosts


def test_a_carrier_on_this_machine_is_asked_as_it_is_configured_and_no_otherwise() -> None:
    simulated = TwilioAccount(ACCOUNT, "secret", base_url="http://127.0.0.1:8001")
    local = ExpectedAddresses([simulated], [])
    address = local.find(f"http://127.0.0.1:8001{FILE}")
    assert address is not None
    assert (address.own, address.login) == (True, (ACCOUNT, "secret"))
    for url in ("http://127.0.0.1:8002{}", "https://127.0.0.1:8001{}", "http://localhost:8001{}"):
        assert local.find(url.format(FILE)) is None


def test_accounts_with_one_carrier_each_have_their_own_credentials() -> None:
    two = ExpectedAddresses([TwilioAccount(ACCOUNT, "first"), TwilioAccount(OTHER, "second")], [])
    for account, token in ((ACCOUNT, "first"), (OTHER, "second")):
        address = two.find(f"https://api.twilio.com{FILE.replace(ACCOUNT, account)}")
        assert address is not None
        assert address.login == (account, token)


def test_a_carrier_whose_address_has_a_path_keeps_it() -> None:
    under = ExpectedAddresses([TwilioAccount(ACCOUNT, "x", base_url="https://carrier.example/laml/")], [])
    inside, outside = (under.find(f"https://carrier.example{path}{FILE}") for path in ("/laml", ""))
    assert inside is not None
    assert outside is not None
    assert (inside.login, outside.login) == ((ACCOUNT, "x"), None)


@pytest.mark.parametrize("address", ["3.5.6.7", "2600:9000:21ff::1"])
def test_addresses_of_the_open_internet(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "0.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "224.0.0.1", "255.255.255.255", "198.18.0.1", "240.0.0.1",
        "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1",  # the older protocol, inside the newer one
        "64:ff9b::a00:1", "64:ff9b::7f00:1", "2002:a00:1::", "2002:7f00:1::1",
    ],
)  # fmt: skip
def test_addresses_that_are_nobody_elses_business(address: str) -> None:
    assert not is_public(address)
