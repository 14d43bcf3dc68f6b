"""What whoever runs Sayso can set: environment variables `SAYSO_*`, secrets also as files.

`python -m deploy settings` prints them as the table in the README.
"""

import base64
import binascii
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import jwt
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as Unreadable

from consumers.rates import CARRIER_RATE, SENDER_RATES
from domain.policy import FREE_SEGMENTS, STANDARD
from producers.http.public_address import networks
from schemas.base import FIRST_CARRIER, NUMBERED_SENDER, CarrierName, Currency

PREFIX = "SAYSO_"
KEY_BYTES = 32
LOOPBACK = "127.0.0.1"
ACCOUNT_SID = r"^AC[0-9a-f]{32}$"
URL = r"^https?://"
HOST = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
"""A name with a dot in it, as RFC 1123 has them; no address, whose last part is a number."""
TWILIO_URL = "https://api.twilio.com"


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it and says what to do."""


def _key(secret: SecretStr) -> SecretStr:
    try:
        size = len(base64.b64decode(secret.get_secret_value(), validate=True))
    except (binascii.Error, ValueError):
        size = -1
    if size != KEY_BYTES:
        raise ValueError(f"must be {KEY_BYTES} random bytes in base64 (openssl rand -base64 {KEY_BYTES})")
    return secret


def _folder(path: Path) -> Path:
    if path.exists() and not path.is_dir():
        raise ValueError(f"{path} is no folder")
    return path


def _networks(named: str) -> str:
    try:
        networks(named)
    except ValueError as error:
        raise ValueError(f"must be addresses or networks, by commas ({error})") from error
    return named


def _hosts(named: str) -> str:
    for host in named.split(","):
        if not re.fullmatch(HOST, host.strip()):
            raise ValueError(f"must be names of hosts, by commas, in ASCII; {host.strip()!r} is none")
    return named


def _rates(by_sender: dict[str, float]) -> dict[str, float]:
    for sender in by_sender:
        if sender not in SENDER_RATES and not re.fullmatch(NUMBERED_SENDER, sender):
            raise ValueError(
                f"{sender!r} is no kind of sender ({', '.join(SENDER_RATES)}), and no number in E.164, "
                "short code or messaging service"
            )
    return by_sender


def _file(path: Path) -> Path:
    if not path.is_file():
        raise ValueError(f"{path} is no file")
    return path


def _keys_file(path: Path) -> Path:
    try:
        jwt.PyJWKSet.from_json(path.read_text())
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror})") from error
    except (jwt.PyJWTError, ValueError, AttributeError) as error:
        raise ValueError(f"{path} holds no JSON Web Key Set with public keys") from error
    return path


Key = Annotated[SecretStr, AfterValidator(_key)]


class PackageSettings(BaseModel):
    """A package of texts: how many segments, and its price by currency."""

    segments: Annotated[int, Field(gt=0, le=10_000_000)]
    prices: Annotated[dict[Currency, Annotated[Decimal, Field(gt=0)]], Field(min_length=1)]


class CarrierSettings(BaseModel):
    """An account with a carrier that speaks as Twilio does; its token may stand in a file of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account_sid: Annotated[str, Field(pattern=ACCOUNT_SID)]
    auth_token: Annotated[SecretStr, Field(min_length=1)] | None = None
    auth_token_file: Annotated[Path, AfterValidator(_file)] | None = None
    shared_keys: Annotated[SecretStr, Field(min_length=1)] | None = None
    """By commas; as `twilio_shared_keys`, which are the first carrier's alone."""
    url: Annotated[str, Field(pattern=URL)] = TWILIO_URL
    rate: Annotated[float, Field(gt=0)] | None = None
    """Segments a second; as `carrier_rate` where it is not set."""

    @model_validator(mode="after")
    def _one_token(self) -> Self:
        if (self.auth_token is None) == (self.auth_token_file is None):
            raise ValueError("set exactly one of auth_token and auth_token_file")
        if not self.token:
            raise ValueError("auth_token_file is empty")
        return self

    @property
    def token(self) -> str:
        """The token, wherever it stands."""
        if self.auth_token_file is not None:
            return self.auth_token_file.read_text().strip()
        assert self.auth_token is not None
        return self.auth_token.get_secret_value()


_STANDARD = PackageSettings(segments=STANDARD.segments, prices=dict(STANDARD.prices))


class Settings(BaseSettings):
    """Everything there is to set. A description here is a line of the README's table.

    A variable that is empty counts as one that is not set.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    data_dir: Annotated[Path, AfterValidator(_folder)] = Field(
        Path("data"), description="Where the SQLite files live."
    )
    host: str = Field(LOOPBACK, description="The address to listen on. Only loopback unless told otherwise.")
    port: int = Field(8000, ge=1, le=65_535, description="The port to listen on.")
    public_url: str = Field(
        "http://127.0.0.1:8000",
        pattern=r"^https?://[^/?#\s]+$",
        description="How the carrier reaches this server; part of what it signs. Without a path.",
    )

    master_key: Key = Field(description="Wraps the keys of people's data. 32 bytes in base64.")
    names_secret: Key = Field(
        description="Names the streams of the ledger. 32 bytes in base64. Can never be changed."
    )

    token_issuer: str = Field("sayso", description="The `iss` that access tokens must have.")
    token_audience: str = Field("sayso", description="The `aud` that access tokens must have.")
    token_secret: SecretStr | None = Field(
        None, min_length=32, description="Signs tokens with HS256: for development."
    )
    token_jwks_url: str | None = Field(
        None, pattern=r"^https?://", description="Where the issuer's public keys (RS256) are: for production."
    )
    token_jwks_file: Annotated[Path, AfterValidator(_keys_file)] | None = Field(
        None, description="The issuer's public keys (RS256) as a file."
    )

    twilio_account_sid: str = Field(pattern=ACCOUNT_SID, description="The Twilio account.")
    twilio_auth_token: SecretStr = Field(
        min_length=1, description="Its token; also checks the signatures of Twilio's calls."
    )
    twilio_shared_keys: SecretStr | None = Field(
        None,
        description="Secrets of this account's shared keys, by commas: they sign its calls in the newer form "
        "(HMAC-SHA256). Two while one is rotated.",
    )
    trusted_proxies: Annotated[str, AfterValidator(_networks)] = Field(
        "",
        description="Proxies, as addresses or networks by commas, whose X-Forwarded-Proto, -Host and -Prefix "
        "are believed about what the carrier called.",
    )
    spool_dir: Annotated[Path, AfterValidator(_folder)] | None = Field(
        None,
        description="Where the carrier's calls wait while the ledger or the brokers are away; `spool` in the "
        "data folder, if not set. On a local disk.",
    )
    spool_mb_max: int = Field(
        256,
        ge=1,
        le=1_000_000,
        description="How large the spool may grow, in MB; then calls are answered 503.",
    )
    twilio_url: str = Field(TWILIO_URL, pattern=URL, description="Another address only for the simulator.")
    carriers: dict[CarrierName, CarrierSettings] = Field(
        {},
        description="Further carriers that speak as Twilio does, as JSON: name, `account_sid`, `url`, and "
        "`auth_token` or `auth_token_file`, perhaps `shared_keys` and `rate`. The one above is called "
        "`twilio`.",
    )
    hand_overs_max: int = Field(16, ge=1, le=256, description="How many texts are handed over at once.")

    media_dir: Annotated[Path, AfterValidator(_folder)] | None = Field(
        None,
        description="Where pictures and files that come with replies are stored, sealed; with brokers, a "
        "folder that workers and HTTP processes share. Not set: they are noted, and nothing is fetched.",
    )
    media_hosts: Annotated[str, AfterValidator(_hosts)] = Field(
        "mms.twiliocdn.com",
        description="Hosts, by commas, that the carriers' own may redirect to for a file. Asked over https, "
        "without credentials; nothing is fetched from any other.",
    )
    media_mb_max: int = Field(
        5, ge=1, le=100, description="How large such a file may be, in MB; Twilio's have 5 at most."
    )
    carrier_rate: float = Field(
        CARRIER_RATE,
        gt=0,
        description="Segments a second that the carrier account takes, and any further one without a `rate`.",
    )
    sender_rates: Annotated[dict[str, Annotated[float, Field(gt=0)]], AfterValidator(_rates)] = Field(
        dict(SENDER_RATES),
        description="Segments a second that a sender takes, as JSON: by kind, or by a number of its own.",
    )

    free_segments: int = Field(FREE_SEGMENTS, ge=0, description="Free texts at an account's activation.")
    packages: dict[str, PackageSettings] = Field(
        {"standard": _STANDARD},
        description="The packages on sale, as JSON: name, segments and prices by currency.",
    )
    late_minutes_max: int = Field(
        60, ge=1, description="A text that missed its time, be it at once, by more is not sent but refunded."
    )
    unhurried_late_hours_max: int = Field(
        12, ge=1, description="The same for bulks, and what quiet hours or the carrier put off."
    )
    unknown_after_hours: int = Field(
        72, ge=1, description="A text whose end is not known by then counts as unknown."
    )
    kafka_bootstrap: str | None = Field(
        None,
        pattern=r"^[^\s,:]+:[0-9]+(,[^\s,:]+:[0-9]+)*$",
        description="The brokers, as host:port,host:port. Without it, everything runs in one process.",
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to speak to the brokers: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="With SASL: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512."
    )
    kafka_sasl_username: str | None = Field(None, description="With SASL: who we are.")
    kafka_sasl_password: SecretStr | None = Field(None, description="With SASL: and how we prove it.")
    kafka_ssl_cafile: Annotated[Path, AfterValidator(_file)] | None = Field(
        None, description="With SSL: the authorities to believe. The system's, if not set."
    )
    kafka_ssl_certfile: Annotated[Path, AfterValidator(_file)] | None = Field(
        None, description="With SSL: our own certificate."
    )
    kafka_ssl_keyfile: Annotated[Path, AfterValidator(_file)] | None = Field(
        None, description="With SSL: its key."
    )
    topic_prefix: str = Field(
        "sayso.", pattern=r"^[a-zA-Z0-9._-]{0,100}$", description="How the names of all topics begin."
    )
    partitions: int = Field(
        8, ge=1, le=1_000, description="Into how many shards the accounts are spread. Can never be changed."
    )
    replication: int = Field(3, ge=1, le=10, description="On how many brokers each record stands.")
    database_url: str | None = Field(
        None,
        pattern=r"^postgresql://",
        description="PostgreSQL, for keys, views and ledgers; needed with brokers.",
    )
    ledgers: Literal["postgresql", "sqlite"] = Field(
        "postgresql",
        description="With brokers, where ledgers are: postgresql, or sqlite if workers share one machine.",
    )
    ops_port: int = Field(
        9100,
        ge=1,
        le=65_535,
        description="Where workers and projectors tell of their health and measurements.",
    )
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="How much to log.")
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="`json`, `console`, or `auto`: for people on a terminal, else JSON."
    )
    otlp_url: str | None = Field(
        None,
        pattern=r"^https?://[^/?#\s]+/?$",
        description="The OpenTelemetry collector that spans go to, over HTTP. Without a path.",
    )

    @model_validator(mode="after")
    def _sasl_needs_a_name(self) -> Self:
        named = self.kafka_sasl_username is not None and self.kafka_sasl_password is not None
        if self.kafka_security_protocol.startswith("SASL") and not named:
            raise ValueError("SASL needs SAYSO_KAFKA_SASL_USERNAME and SAYSO_KAFKA_SASL_PASSWORD")
        return self

    @model_validator(mode="after")
    def _carriers_differ(self) -> Self:
        if FIRST_CARRIER in self.carriers:
            raise ValueError(f"SAYSO_CARRIERS is wrong: {FIRST_CARRIER} is SAYSO_TWILIO_ACCOUNT_SID")
        sids = [self.twilio_account_sid, *(carrier.account_sid for carrier in self.carriers.values())]
        if len(set(sids)) < len(sids):  # what a carrier calls us with is told apart by them
            raise ValueError("SAYSO_CARRIERS is wrong: two carriers, the first included, share an account")
        return self

    @model_validator(mode="after")
    def _brokers_need_postgresql(self) -> Self:
        if self.kafka_bootstrap is not None and self.database_url is None:
            raise ValueError("SAYSO_KAFKA_BOOTSTRAP needs SAYSO_DATABASE_URL beside it")
        return self

    @model_validator(mode="after")
    def _one_source_of_tokens(self) -> Self:
        sources = (self.token_secret, self.token_jwks_url, self.token_jwks_file)
        if sum(source is not None for source in sources) != 1:
            raise ValueError(
                "set exactly one of SAYSO_TOKEN_SECRET, SAYSO_TOKEN_JWKS_URL and SAYSO_TOKEN_JWKS_FILE"
            )
        return self


def load(secrets_dir: Path | None = None) -> Settings:
    """The settings of this process's environment; `secrets_dir` holds one file per secret.

    Raises:
        SettingsError: something is missing or wrong.
    """
    if secrets_dir is not None and not secrets_dir.is_dir():
        raise SettingsError(f"{PREFIX}SECRETS_DIR is wrong: {secrets_dir} is no folder.")
    try:
        return Settings(_secrets_dir=secrets_dir)
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(problem) for problem in error.errors())) from None
    except Unreadable as error:  # only what is written as JSON can be unreadable
        raise SettingsError(f"{_unreadable(error)} is wrong: it is not JSON.") from error


def _unreadable(error: Unreadable) -> str:
    """The variable that is no JSON: the one of them that the library names."""
    return next(PREFIX + name.upper() for name in Settings.model_fields if f'"{name}"' in str(error))


def table_of_settings() -> list[tuple[str, str, str]]:
    """Variable, default and meaning of everything that can be set."""
    return [
        (PREFIX + name.upper(), _default_of(field), field.description or "")
        for name, field in Settings.model_fields.items()
    ]


def settings_in_markdown() -> list[str]:
    """The same as the lines of the README's table."""
    rows = [f"| `{name}` | {default} | {meaning} |" for name, default, meaning in table_of_settings()]
    return ["| variable | default | meaning |", "|---|---|---|", *rows]


def _default_of(field: FieldInfo) -> str:
    if field.is_required():
        return "(needed)"
    default = field.get_default()
    if isinstance(default, dict):
        return json.dumps(_as_json(default))
    return "" if default is None else str(default)


def _as_json(default: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.model_dump(mode="json") if isinstance(value, BaseModel) else value
        for name, value in default.items()
    }


def _sentence(problem: ErrorDetails) -> str:
    message = problem["msg"].removeprefix("Value error, ")
    if not problem["loc"]:
        return message[0].upper() + message[1:] + "."
    setting, *within = (str(part) for part in problem["loc"])
    name = PREFIX + setting.upper()
    if problem["type"] == "missing" and not within:
        return f"{name} is missing: {Settings.model_fields[setting].description}"
    place = f" at {'.'.join(within)}" if within else ""
    return f"{name} is wrong{place}: {message}."
