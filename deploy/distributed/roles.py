"""What the processes of one Sayso are called on the cluster."""

from deploy.settings import Settings


def workers_group(settings: Settings) -> str:
    """The group of those who decide."""
    return f"{settings.topic_prefix}workers"


def projectors_group(settings: Settings) -> str:
    """The group of those who keep the views up."""
    return f"{settings.topic_prefix}projectors"


def relay_id(settings: Settings, shard: int) -> str:
    """The transactional id of whoever publishes the events of `shard`: the next one fences the one before."""
    return f"{settings.topic_prefix}relay-{shard}"
