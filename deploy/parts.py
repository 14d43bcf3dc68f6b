"""From settings to what the parts of Sayso take: the same in one process and in many."""

import base64
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Protocol
from uuid import UUID

import httpx
from pydantic import SecretStr
from sqlalchemy import Engine

from consumers.attachments.addresses import ExpectedAddresses
from consumers.attachments.fetcher import HANDS, AttachmentFetcher
from consumers.attachments.keeper import AttachmentKeeper
from consumers.attachments.source import AttachmentSource
from consumers.carriers.router import CarrierRouter
from consumers.carriers.twilio_carrier import TwilioAccount, TwilioCarrier
from consumers.metrics import ConsumerMetrics
from consumers.observing import ObservedKeeper
from consumers.rates import SENDER_RATES, CarrierRates, Limits
from consumers.settling import Patience
from deploy.settings import CarrierSettings, Settings
from domain.ledger import StreamNames
from domain.policy import Package, Policy
from producers.http.auth import AuthSettings
from producers.http.deps import CarrierDoor
from producers.http.public_address import networks
from producers.http.twilio_signature import CarrierSecrets
from producers.http.webhooks import status_callback_url
from projections.attachment_list import AttachmentList
from projections.feeds import ChangeFeeds
from schemas.attachment_files import AttachmentFiles
from schemas.base import FIRST_CARRIER
from schemas.command_seal import CommandSeal
from schemas.door import CommandDoor
from schemas.partitions import shard_of
from schemas.sealing import Keys
from schemas.topics import EVENT_TOPICS, Topic

BYTES_PER_MB = 1024 * 1024
RECONNECT_MS_MAX = 1_000
"""How long a client of Kafka waits before it tries a broker again. With its own half minute, shards were not
served for 55 s after a broker was back."""


def raw(key: SecretStr) -> bytes:
    """The bytes of a key written in base64."""
    return base64.b64decode(key.get_secret_value())


def names_of(settings: Settings) -> StreamNames:
    """The names of streams under the operator's secret."""
    return StreamNames(raw(settings.names_secret))


def seal_of(settings: Settings) -> CommandSeal:
    """What marks the commands of our own doors on the commands topic."""
    return CommandSeal(raw(settings.names_secret))


def policy_of(settings: Settings) -> Policy:
    """What the operator lays down."""
    packages = {
        name: Package(package.segments, dict(package.prices)) for name, package in settings.packages.items()
    }
    return Policy(
        free_segments=settings.free_segments,
        packages=packages,
        carriers=frozenset({FIRST_CARRIER, *settings.carriers}),
        late_max=timedelta(minutes=settings.late_minutes_max),
        unhurried_late_max=timedelta(hours=settings.unhurried_late_hours_max),
    )


def auth_of(settings: Settings) -> AuthSettings:
    """Whose tokens hold."""
    secret = settings.token_secret
    return AuthSettings(
        issuer=settings.token_issuer,
        audience=settings.token_audience,
        secret=None if secret is None else secret.get_secret_value(),
        jwks_url=settings.token_jwks_url,
        jwks_file=settings.token_jwks_file,
    )


def carriers_of(settings: Settings, shards: int = 1) -> Mapping[str, TwilioAccount]:
    """By the carrier's name: where and as whom texts are handed over, by so many shards."""
    first = CarrierSettings(
        account_sid=settings.twilio_account_sid,
        auth_token=settings.twilio_auth_token,
        url=settings.twilio_url,
    )
    return {
        name: TwilioAccount(
            account_sid=carrier.account_sid,
            auth_token=carrier.token,
            base_url=carrier.url,
            connections_max=settings.hand_overs_max * shards,
        )
        for name, carrier in {FIRST_CARRIER: first, **settings.carriers}.items()
    }


@contextmanager
def open_carriers(
    settings: Settings, clock: Callable[[], datetime], shards: int = 1
) -> Iterator[CarrierRouter]:
    """All carriers, for a process; their connections are closed at the end."""
    with ExitStack() as opened:
        carriers: dict[str, TwilioCarrier] = {}
        for name, account in carriers_of(settings, shards).items():
            carriers[name] = TwilioCarrier(account)
            opened.callback(carriers[name].close)
        yield CarrierRouter(carriers, clock)


def attachment_files(settings: Settings, keys: Keys) -> AttachmentFiles | None:
    """Where what comes with replies is stored; none, if it is not."""
    return None if settings.media_dir is None else AttachmentFiles(settings.media_dir, keys)


@contextmanager
def open_fetcher(
    settings: Settings,
    stores: "AttachmentStores",
    door: CommandDoor,
    clock: Callable[[], datetime],
    metrics: ConsumerMetrics,
    shard: int,
) -> Iterator[AttachmentFetcher | None]:
    """What fetches a shard's attachments, to be started and stopped; none, if nothing is stored."""
    files = attachment_files(settings, stores.keys)
    if files is None:
        yield None
        return
    files.clear_away()
    expected = ExpectedAddresses(carriers_of(settings).values(), hosts_of(settings))
    source = AttachmentSource(expected, settings.media_mb_max * BYTES_PER_MB, HANDS, trusted=authorities())
    with closing(AttachmentKeeper(source, files)) as keeper:
        observed = ObservedKeeper(keeper, metrics, shard=shard)
        fetcher = AttachmentFetcher(AttachmentList(stores.views, shard), observed, door, clock)
        metrics.standing.attachments(shard, fetcher)
        yield fetcher


class AttachmentStores(Protocol):
    """What the fetcher reads."""

    @property
    def views(self) -> Engine: ...
    @property
    def keys(self) -> Keys: ...


@cache
def authorities() -> ssl.SSLContext:
    """Those that the HTTP client believes: made once, which takes a while, for all shards of a process."""
    return httpx.create_ssl_context()


def hosts_of(settings: Settings) -> frozenset[str]:
    """Where attachments may be fetched from, beside the carriers themselves."""
    return frozenset(host.strip() for host in settings.media_hosts.split(","))


def carrier_door_of(settings: Settings) -> CarrierDoor:
    """How the carriers reach us."""
    shared = {name: carrier.shared_keys for name, carrier in settings.carriers.items()}
    shared[FIRST_CARRIER] = settings.twilio_shared_keys
    secrets = {
        account.account_sid: CarrierSecrets(account.auth_token, _keys(shared[name]))
        for name, account in carriers_of(settings).items()
    }
    return CarrierDoor(secrets, settings.public_url, networks(settings.trusted_proxies))


def _keys(named: SecretStr | None) -> tuple[str, ...]:
    return () if named is None else tuple(key.strip() for key in named.get_secret_value().split(","))


def callback_of(settings: Settings) -> Callable[[str, UUID], str]:
    """Where the carrier tells how far a text has come."""
    return lambda account, text_id: status_callback_url(settings.public_url, account, text_id)


def patience_of(settings: Settings) -> Patience:
    """How long to wait for what."""
    return Patience(unknown_after=timedelta(hours=settings.unknown_after_hours))


def limits_of(settings: Settings) -> Limits:
    """How fast texts may leave."""
    return Limits({**SENDER_RATES, **settings.sender_rates})


def carrier_rates_of(settings: Settings, share: Callable[[], float] = lambda: 1.0) -> CarrierRates:
    """The carrier accounts' limits, of which this process has `share`: its part of all shards."""

    def full(carrier: str) -> float:
        own = settings.carriers[carrier].rate if carrier in settings.carriers else None
        return (own or settings.carrier_rate) * share()

    return CarrierRates(full, time.monotonic())


def client_of(settings: Settings) -> Mapping[str, Any]:
    """What kafka-python's clients take to reach the brokers."""
    assert settings.kafka_bootstrap is not None
    client: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap.split(","),
        "security_protocol": settings.kafka_security_protocol,
        "reconnect_backoff_max_ms": RECONNECT_MS_MAX,
    }
    if settings.kafka_sasl_username is not None and settings.kafka_sasl_password is not None:
        client["sasl_mechanism"] = settings.kafka_sasl_mechanism
        client["sasl_plain_username"] = settings.kafka_sasl_username
        client["sasl_plain_password"] = settings.kafka_sasl_password.get_secret_value()
    for name in ("ssl_cafile", "ssl_certfile", "ssl_keyfile"):
        path = getattr(settings, f"kafka_{name}")
        if path is not None:
            client[name] = str(path)
    return client


def topics_of(settings: Settings) -> Mapping[Topic, str]:
    """The name of every topic on the cluster."""
    return {topic: topic.on(settings.topic_prefix) for topic in Topic}


def event_topics_of(settings: Settings) -> Mapping[Topic, str]:
    """The names of those that together hold the ledger."""
    return {topic: topic.on(settings.topic_prefix) for topic in EVENT_TOPICS}


def feeds_of(settings: Settings) -> ChangeFeeds:
    """A feed for each shard, and each account's in that of its shard."""
    return ChangeFeeds(settings.partitions, lambda account: shard_of(account, settings.partitions))
