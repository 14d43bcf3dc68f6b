"""What every command of the distributed form asks first: whether there are brokers with the right topics."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from kafka.errors import KafkaError

from deploy import topics
from deploy.parts import client_of
from deploy.saying import settings_here
from deploy.settings import Settings, SettingsError

T = TypeVar("T")


def on_brokers(*, checked: bool = True) -> Settings:
    """The settings, with brokers; and, if `checked`, with topics there as they must be.

    Raises:
        SettingsError: there are no brokers, or they cannot be used.
        TopicsMismatch: the topics are not as they must be.
    """
    settings = settings_here()
    if settings.kafka_bootstrap is None:
        raise SettingsError("SAYSO_KAFKA_BOOTSTRAP is missing: without brokers there is only `sayso serve`.")
    if checked:
        check_topics(settings)
    return settings


def check_topics(settings: Settings) -> None:
    """Return if the topics are as they must be. Raises as `on_brokers` does."""
    asked(settings, topics.check)


def asked(settings: Settings, question: Callable[..., T]) -> T:
    """What the cluster answers to `question` about its topics."""
    with said_of(settings):
        return question(client_of(settings), settings.topic_prefix, settings.partitions, settings.replication)


@contextmanager
def said_of(settings: Settings) -> Iterator[None]:
    """A cluster that cannot be used, said in a sentence."""
    try:
        yield
    except KafkaError as error:
        raise SettingsError(
            f"The brokers at {settings.kafka_bootstrap} cannot be used: {type(error).__name__}."
        ) from error
