"""Settings: from the environment and from files; what is missing or wrong stops the start and is named."""

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.parts import carriers_of
from deploy.settings import LOOPBACK, PREFIX, Settings, SettingsError, load
from tests.deploy.conftest import CommandLine


def package(**changed: object) -> str:
    return json.dumps({"standard": {"segments": 10, "prices": {"USD": "5.00"}, **changed}})


def carrier(**changed: object) -> str:
    good = {"account_sid": "AC" + "1" * 32, "auth_token": "b" * 32, **changed}
    return json.dumps({"backup": {name: value for name, value in good.items() if value is not None}})


WRONG: Mapping[str, tuple[str, ...]] = {
    "data_dir": ("pyproject.toml",),
    "port": ("0", "65536", "-1", "http", "80.5"),
    "public_url": (
        "texts.example.com",
        "ftp://texts.example.com",
        "https://texts.example.com/sayso",
        "https://",
    ),
    "master_key": ("short", "no base64 at all!", base64.b64encode(b"x" * 31).decode()),
    "names_secret": ("short", "no base64 at all!", base64.b64encode(b"x" * 33).decode()),
    "token_secret": ("short",),
    "token_jwks_url": ("keys.example.com", "file:///keys.json"),
    "token_jwks_file": ("nowhere.json", "pyproject.toml", "tests"),
    "twilio_account_sid": ("AC123", "SK" + "0" * 32, "AC" + "G" * 32),
    "twilio_auth_token": (),
    "trusted_proxies": ("proxy.example.com", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.1 10.0.0.2"),
    "spool_dir": ("pyproject.toml",),
    "media_dir": ("pyproject.toml",),
    "media_hosts": (
        "https://mms.twiliocdn.com",
        "mms.twiliocdn.com:443",
        "*.twiliocdn.com",
        "127.0.0.1",
        "[::1]",
        "localhost",
        "mms.twiliocdn.com.",
        "mms.twiliocdn.com,,",
        "mms.twiliocdn.com other.example",
        "mms.twiliocdn。com",
        "-a.example",
    ),
    "media_mb_max": ("0", "101", "large"),
    "spool_mb_max": ("0", "-1", "plenty"),
    "twilio_url": ("api.twilio.com", "ftp://api.twilio.com"),
    "carriers": (
        "none",
        "[]",
        '{"twilio": {"account_sid": "AC11111111111111111111111111111111", "auth_token": "b"}}',
        '{"The Backup": {"account_sid": "AC11111111111111111111111111111111", "auth_token": "b"}}',
        carrier(account_sid="AC1"),
        carrier(account_sid="AC" + "0" * 32),
        carrier(auth_token=None),
        carrier(auth_token_file="pyproject.toml"),
        carrier(auth_token=None, auth_token_file="nowhere"),
        carrier(auth_token=None, auth_token_file=os.devnull),
        carrier(url="api.twilio.com"),
        carrier(token="b"),
        carrier(shared_keys=""),
    ),
    "hand_overs_max": ("0", "257", "many"),
    "free_segments": ("-1", "fifty", "0.5"),
    "packages": (
        "none",
        "[]",
        package(segments=0),
        package(segments="many"),
        package(prices={}),
        package(prices={"dollars": 5}),
        package(prices={"USD": -5}),
        package(prices={"USD": "NaN"}),
        '{"standard": {"segments": 10}}',
    ),
    "carrier_rate": ("0", "-1", "fast"),
    "sender_rates": (
        "fast",
        "[]",
        '{"short_code": 0}',
        '{"": 1}',
        '{"us_longcode": 1}',
        '{"4155550100 ": 1}',
        '{"+1 415 555 0100": 1}',
        '{"MG123": 1}',
    ),
    "late_minutes_max": ("0", "-1", "an hour"),
    "unhurried_late_hours_max": ("0", "-1", "a day"),
    "unknown_after_hours": ("0", "-1", "three days"),
    "kafka_bootstrap": ("kafka", "kafka:", ":9092", "kafka:9092,", "kafka:9092 kafka:9093"),
    "kafka_security_protocol": ("TLS", "ssl"),
    "kafka_sasl_mechanism": ("GSSAPI", "plain"),
    "kafka_ssl_cafile": ("nowhere.pem", "tests"),
    "kafka_ssl_certfile": ("nowhere.pem", "tests"),
    "kafka_ssl_keyfile": ("nowhere.pem", "tests"),
    "topic_prefix": ("our topics", "é.", "a" * 101),
    "partitions": ("0", "1001", "some"),
    "replication": ("0", "11", "all"),
    "database_url": ("localhost/sayso", "mysql://localhost/sayso", "sqlite:///sayso.db"),
    "ledgers": ("mysql", "files"),
    "ops_port": ("0", "65536", "metrics"),
    "log_level": ("loud", "INFO"),
    "log_format": ("yaml", "JSON"),
    "otlp_url": ("collector:4318", "ftp://collector", "http://collector:4318/v1/traces"),
}
"""Values that no setting can have."""
ANYTHING_GOES = {
    "twilio_shared_keys",
    "host",
    "token_issuer",
    "token_audience",
    "kafka_sasl_username",
    "kafka_sasl_password",
}
"""Texts: whether a host exists shows when it is listened on."""
NEEDED = ("MASTER_KEY", "NAMES_SECRET", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")


def test_the_table_holds_every_setting() -> None:
    assert WRONG.keys() | ANYTHING_GOES == Settings.model_fields.keys()


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in WRONG for value in WRONG[name]])
def test_a_wrong_setting_stops_the_start_and_is_named(
    sayso: CommandLine, good: dict[str, str], name: str, value: str
) -> None:
    if name.startswith("token_"):
        good["TOKEN_SECRET"] = ""
    said = sayso("serve", **{name.upper(): value})
    assert (said.code, said.out) == (1, "")
    lines = said.err.splitlines()
    assert lines
    assert all(line.startswith(f"{PREFIX}{name.upper()} is wrong") and line.endswith(".") for line in lines)
    if name in ("master_key", "names_secret", "token_secret"):
        assert value not in said.err
    assert not Path(good["DATA_DIR"]).exists()


def test_a_kind_of_sender_that_there_is_not_is_answered_with_those_that_there_are(
    sayso: CommandLine, good: dict[str, str]
) -> None:
    assert sayso("serve", SENDER_RATES='{"us_longcode": 1}').err == (
        "SAYSO_SENDER_RATES is wrong: 'us_longcode' is no kind of sender (us_long_code, us_toll_free, "
        "short_code, messaging_service, elsewhere), and no number in E.164, short code or messaging "
        "service.\n"
    )
    rates = {"elsewhere": 2.0, "+14155550100": 3.0, "12345": 4.0, "MG" + "a" * 32: 5.0}
    os.environ[f"{PREFIX}SENDER_RATES"] = json.dumps(rates)
    assert load().sender_rates == rates


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_setting_stops_the_start_and_is_named(
    sayso: CommandLine, name: str, value: str | None
) -> None:
    said = sayso("serve", **{name: value})
    assert said.code == 1
    meaning = Settings.model_fields[name.lower()].description
    assert said.err == f"{PREFIX}{name} is missing: {meaning}\n"


def test_all_that_is_missing_is_named_at_once(sayso: CommandLine) -> None:
    said = sayso("serve", **dict.fromkeys(NEEDED), PORT="0")
    named = [line.split(" is ")[0] for line in said.err.splitlines()]
    assert sorted(named) == sorted(PREFIX + name for name in (*NEEDED, "PORT"))


@pytest.mark.parametrize(
    "sources",
    [
        {"TOKEN_SECRET": None},
        {"TOKEN_JWKS_URL": "https://keys.example.com"},
        {"TOKEN_SECRET": "", "TOKEN_JWKS_URL": ""},
    ],
)
def test_tokens_come_from_one_source(sayso: CommandLine, sources: dict[str, str | None]) -> None:
    said = sayso("serve", **sources)
    assert (said.code, said.err) == (
        1,
        "Set exactly one of SAYSO_TOKEN_SECRET, SAYSO_TOKEN_JWKS_URL and SAYSO_TOKEN_JWKS_FILE.\n",
    )


@pytest.mark.parametrize("known", [{}, {"KAFKA_SASL_USERNAME": "sayso"}, {"KAFKA_SASL_PASSWORD": "secret"}])
def test_sasl_needs_to_know_who_we_are(sayso: CommandLine, known: dict[str, str]) -> None:
    said = sayso("serve", KAFKA_SECURITY_PROTOCOL="SASL_SSL", **known)
    expected = "SASL needs SAYSO_KAFKA_SASL_USERNAME and SAYSO_KAFKA_SASL_PASSWORD.\n"
    assert (said.code, said.err) == (1, expected)


def test_brokers_need_postgresql(sayso: CommandLine) -> None:
    said = sayso("serve", KAFKA_BOOTSTRAP="127.0.0.1:9092")
    assert (said.code, said.err) == (1, "SAYSO_KAFKA_BOOTSTRAP needs SAYSO_DATABASE_URL beside it.\n")


@pytest.mark.parametrize(
    "content", ["", "no json", "[]", "{}", '{"keys": []}', '{"keys": [{"kty": "fish"}]}']
)
def test_a_file_without_keys_is_none(sayso: CommandLine, tmp_path: Path, content: str) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(content)
    said = sayso("serve", TOKEN_SECRET=None, TOKEN_JWKS_FILE=str(keys))
    expected = f"SAYSO_TOKEN_JWKS_FILE is wrong: {keys} holds no JSON Web Key Set with public keys.\n"
    assert (said.code, said.err) == (1, expected)


# --- where they come from -------------------------------------------------------------------------


@pytest.fixture
def given(environment: None, good: dict[str, str]) -> None:
    os.environ.update({PREFIX + name: value for name, value in good.items()})


@pytest.mark.usefixtures("given")
def test_by_default_nothing_listens_beyond_this_machine() -> None:
    assert (load().host, load().port) == (LOOPBACK, 8000)


@pytest.mark.usefixtures("given")
def test_a_variable_that_is_empty_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAYSO_HOST", "")
    monkeypatch.setenv("SAYSO_PORT", "")
    assert (load().host, load().port) == (LOOPBACK, 8000)


@pytest.mark.usefixtures("given")
def test_only_variables_with_the_prefix_count(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "HOST", "DATA_DIR", "LOG_LEVEL"):
        monkeypatch.setenv(name, "wrong")
    assert (load().port, load().log_level) == (8000, "error")


@pytest.mark.usefixtures("given")
def test_secrets_may_be_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = base64.b64encode(b"s" * 32).decode()
    (tmp_path / "sayso_master_key").write_text(secret + "\n")
    (tmp_path / "sayso_twilio_auth_token").write_text("token of a file\n")
    (tmp_path / "another-services-secret").write_text("not ours")
    monkeypatch.delenv("SAYSO_MASTER_KEY")
    monkeypatch.delenv("SAYSO_TWILIO_AUTH_TOKEN")
    settings = load(tmp_path)
    assert settings.master_key.get_secret_value() == secret
    assert settings.twilio_auth_token.get_secret_value() == "token of a file"


@pytest.mark.usefixtures("given")
def test_a_second_carrier_may_have_its_token_or_all_of_it_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("token of a file\n")
    whole = carrier(auth_token=None, auth_token_file=str(tmp_path / "token"))
    monkeypatch.setenv("SAYSO_CARRIERS", whole)
    assert carriers_of(load())["backup"].auth_token == "token of a file"
    monkeypatch.delenv("SAYSO_CARRIERS")
    (tmp_path / "sayso_carriers").write_text(whole)
    both = carriers_of(load(tmp_path))
    assert [*both] == ["twilio", "backup"]
    assert both["backup"].base_url == both["twilio"].base_url
    assert "token of a file" not in f"{both!r}"


@pytest.mark.usefixtures("given")
def test_a_variable_goes_before_a_file(tmp_path: Path) -> None:
    (tmp_path / "sayso_twilio_auth_token").write_text("token of a file")
    assert load(tmp_path).twilio_auth_token.get_secret_value() == "f" * 32


def test_a_secret_that_is_wrong_in_its_file_is_named(sayso: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "sayso_master_key").write_text("short")
    said = sayso("serve", MASTER_KEY=None, SECRETS_DIR=str(tmp_path))
    assert said.err.startswith("SAYSO_MASTER_KEY is wrong: must be 32 random bytes in base64")


def test_a_folder_of_secrets_that_does_not_exist_is_named(sayso: CommandLine) -> None:
    said = sayso("serve", SECRETS_DIR="nowhere")
    assert (said.code, said.err) == (1, "SAYSO_SECRETS_DIR is wrong: nowhere is no folder.\n")


@pytest.mark.usefixtures("given")
def test_secrets_are_not_shown_where_settings_are() -> None:
    settings = load()
    shown = f"{settings!r} {settings} {settings.model_dump()}"
    for secret in (settings.master_key, settings.names_secret, settings.twilio_auth_token):
        assert secret.get_secret_value() not in shown


@pytest.mark.usefixtures("given")
def test_prices_are_kept_to_the_cent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAYSO_PACKAGES", package(prices={"USD": "75.10", "JPY": 11000}))
    prices = load().packages["standard"].prices
    assert {currency: str(price) for currency, price in prices.items()} == {"USD": "75.10", "JPY": "11000"}


@pytest.mark.usefixtures("environment")
def test_without_any_variables_every_need_is_named() -> None:
    with pytest.raises(SettingsError) as missing:
        load()
    assert all(f"{PREFIX}{name} is missing" in str(missing.value) for name in NEEDED)
