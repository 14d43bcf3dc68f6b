"""Requests to a Kafka cluster, and their answers.

kafka-python's producer and consumer cost 12 to 16 µs a record in Python, wait in threads of their own, and
repeat on their own what must not be repeated: the end of a transaction, for one, which then may end the next
one. Relay and topic log need few of their features. So they speak the protocol themselves, with its messages
and its connections (TLS, SASL, proxies, versions).

    ClusterError    the cluster did not do what it was asked; what became of it is unknown
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from time import monotonic
from typing import Any, NoReturn

from kafka.errors import KafkaError, KafkaTimeoutError, UnknownTopicOrPartitionError, for_code
from kafka.future import Future
from kafka.net import KafkaConnectionManager, NetworkSelector
from kafka.protocol.metadata import CoordinatorType, FindCoordinatorRequest
from kafka.structs import TopicPartition

CONNECT_TIMEOUT_S = 5.0
REQUEST_TIMEOUT_S = 10.0
ANSWER_BYTES_MAX = 100_000_000
IN_FLIGHT_MAX = 64
PAUSE_S = 0.005

Node = Any
"""A broker, as kafka-python names it: a number, or a text where it is spoken to as a coordinator."""


class ClusterError(Exception):
    """The cluster did not do what it was asked, or cannot be reached. The message says what and why."""


class Wire:
    """Connections to the cluster's brokers, for one thread at a time; `wake` alone may come from any.

    It repeats nothing: a request is answered in time, or `ClusterError` is raised. After that, close it and
    open another one.
    """

    def __init__(self, client: Mapping[str, Any], topics: Collection[str], name: str) -> None:
        """Connect, and find the brokers that lead the partitions of `topics`.

        `client` is what kafka-python's clients take; `name` is how the brokers' logs call us.

        Raises:
            ClusterError: the cluster cannot be reached, or a topic is not there.
        """
        options = {
            "client_id": name,
            "request_timeout_ms": int(REQUEST_TIMEOUT_S * 1_000),
            **client,
            "max_in_flight_requests_per_connection": IN_FLIGHT_MAX,
            "receive_message_max_bytes": ANSWER_BYTES_MAX,
        }
        self._net = NetworkSelector(**options)
        self._manager = KafkaConnectionManager(self._net, **options)
        self._manager.cluster.config["allow_auto_create_topics"] = False
        try:
            self._manager.bootstrap(int(CONNECT_TIMEOUT_S * 1_000))
            self._find(topics)
        except (KafkaError, OSError, RuntimeError) as error:
            self.close()
            raise ClusterError(f"The cluster cannot be reached: {_said(error)}") from error
        except ClusterError:
            self.close()
            raise
        missing = sorted(set(topics) - self._manager.cluster.topics(exclude_internal_topics=False))
        if missing:
            self.close()
            raise ClusterError(f"The cluster has no topic {', '.join(missing)}")

    def leader(self, topic: str, partition: int) -> Node:
        """The broker that leads this partition.

        Raises:
            ClusterError: there is no such partition, or it has no leader just now.
        """
        node = self._manager.cluster.leader_for_partition(TopicPartition(topic, partition))
        if node is None or node == -1:
            raise ClusterError(f"Partition {partition} of {topic} has no leader")
        return node

    def coordinator(self, transactional_id: str) -> Node:
        """The broker that coordinates this producer's transactions."""
        kind = CoordinatorType.TRANSACTION
        request = FindCoordinatorRequest(
            key=transactional_id, key_type=kind.value, coordinator_keys=[transactional_id]
        )
        answer = self.ask(self._manager.least_loaded_node(), request)
        found = answer.coordinators[0] if answer.coordinators else answer
        check(found.error_code, "finding the coordinator")
        return self._manager.cluster.add_coordinator(found, kind, transactional_id)

    def ask(self, node: Node, request: Any) -> Any:
        """The answer to one request."""
        (answer,) = self.ask_all([(node, request)])
        return answer

    def ask_all(self, requests: Iterable[tuple[Node, Any]]) -> list[Any]:
        """The answers to requests that are all sent at once, in their order.

        Raises:
            ClusterError: one of them was not answered in time. Any of them may have been carried out.
        """
        deadline = monotonic() + REQUEST_TIMEOUT_S
        return self.collect([self.send(node, request) for node, request in requests], deadline)

    def send(self, node: Node, request: Any) -> Future:
        """Send a request whose answer is collected later.

        Raises:
            ClusterError: the broker cannot be reached.
        """
        deadline = monotonic() + REQUEST_TIMEOUT_S
        try:
            while (connection := self._manager.get_connection(node)).paused and not connection.closed:
                if monotonic() > deadline:
                    raise ClusterError(f"Broker {node} takes no more requests")
                self._net.poll(timeout_ms=PAUSE_S * 1_000)
            return connection.send_request(request)
        except (KafkaError, OSError, RuntimeError) as error:
            raise ClusterError(_said(error)) from error

    def collect(self, sent: Sequence[Future], deadline: float) -> list[Any]:
        """The answers to what was sent, waiting until `deadline` (of the monotonic clock).

        Raises:
            ClusterError: one of them was not answered in time.
        """
        for future in sent:
            self._settle(future, deadline)
        return [future.value for future in sent]

    def poll(self, timeout_s: float) -> None:
        """Let the connections work: until something happens, somebody wakes us, or time is over."""
        try:
            self._net.poll(timeout_ms=max(0.0, timeout_s) * 1_000)
        except (KafkaError, OSError) as error:
            raise ClusterError(_said(error)) from error

    def wake(self) -> None:
        """End a `poll` that waits. From any thread."""
        self._net.wakeup()

    def close(self) -> None:
        """Let every connection go, at once."""
        self._manager.close()
        self._net.close()

    def _find(self, topics: Collection[str]) -> None:
        found = self._manager.cluster.set_topics(topics)
        try:
            self._settle(found, monotonic() + CONNECT_TIMEOUT_S)
        except ClusterError:
            if not isinstance(found.exception, UnknownTopicOrPartitionError):  # it names one, of perhaps more
                raise

    def _settle(self, future: Future, deadline: float) -> None:
        while not future.is_done:
            left_s = deadline - monotonic()
            if left_s <= 0:
                raise ClusterError("The cluster did not answer in time")
            self.poll(left_s)
        if future.exception is not None:
            _fail(future.exception)


def check(code: int, what: str) -> None:
    """Return if `code`, which the cluster answered to `what`, says that all is well.

    Raises:
        ClusterError: it does not.
    """
    if code:
        raise ClusterError(f"{what}: {for_code(code).__name__}")


def _fail(error: BaseException) -> NoReturn:
    if isinstance(error, KafkaTimeoutError):
        raise ClusterError("The cluster did not answer in time") from error
    raise ClusterError(_said(error)) from error


def _said(error: BaseException) -> str:
    return f"{type(error).__name__} {error}".strip()
