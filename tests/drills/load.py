"""A steady load of commands from several producers, with duplicates and poison among them.

It keeps a record of what was sent and what was acknowledged, which is half of the evidence.
"""

import json
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import httpx
from confluent_kafka import Producer as LibrdkafkaProducer
from kafka import KafkaProducer
from kafka.errors import KafkaError

from tests.drills.evidence import Answer, Asked, Poison, Sent
from tests.drills.wishes import Reply, Wish, Wishes

Done = Callable[[bool, Answer | None], None]
"""Told once how a sending ended: whether it was acknowledged, and the receipt if there was one."""

SEEN_MAX = 200
HTTP_TIMEOUT_S = 10.0
DELIVERY_TIMEOUT_S = 20
FLUSHED_S_MAX = 30.0
INSIST_S_MAX = 240.0


class Producer(Protocol):
    """Somebody who sends commands, each in their own way."""

    def send(self, wish: Wish, done: Done) -> None: ...

    def poison(self, key: bytes | None, body: bytes, done: Done) -> bool:
        """Send what nobody can use. False where this door lets no such thing through."""
        ...

    def flush(self) -> None:
        """Return when all that was sent has ended, one way or the other."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Mix:
    """What the load is made of, in shares of one."""

    duplicates: float = 0.2
    poison: float = 0.02
    replies: float = 0.02


USUAL = Mix()


class Load:
    """Runs the producers, each in a thread of its own, until stopped."""

    def __init__(
        self,
        wishes: Wishes,
        producers: Sequence[Producer],
        per_second: float,
        mix: Mix = USUAL,
        reply: Callable[[Reply], None] = lambda _: None,
    ) -> None:
        """`per_second`: all producers together."""
        self.sent = Sent()
        self._wishes = wishes
        self._producers = producers
        self._chances = [random.Random(wishes.random.getrandbits(32)) for _ in producers]
        self._pause_s = len(producers) / per_second
        self._mix = mix
        self._reply = reply
        self._lock = threading.Lock()
        self._acknowledged = 0
        self._refused = 0
        self._seen: deque[Wish] = deque(maxlen=SEEN_MAX)
        self._wish_of: dict[tuple[str, str], Wish] = {}
        self._going = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def acknowledged(self) -> int:
        """How many commands were acknowledged so far."""
        return self._acknowledged

    @property
    def refused(self) -> int:
        """How many sendings of commands ended without an acknowledgement."""
        return self._refused

    def prepare(self) -> None:
        """Make the accounts ready: each command is acknowledged before the next is sent."""
        for wish in self._wishes.setup():
            self.ask(wish)

    def ask(self, wish: Wish) -> None:
        """Have one thing done; returns once that is acknowledged."""
        self._put(self._producers[0], wish)
        self.insist()

    def start(self) -> None:
        self._going.set()
        self._threads = [
            threading.Thread(target=self._run, args=(producer, chance), name=f"producer-{n}")
            for n, (producer, chance) in enumerate(zip(self._producers, self._chances, strict=True))
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Send no more; returns when every producer has heard the end of what it sent."""
        self._going.clear()
        for thread in self._threads:
            thread.join()
        for producer in self._producers:
            producer.flush()

    def insist(self) -> None:
        """Send what was never acknowledged until it is, as whoever wants something would.

        Raises:
            TimeoutError: something is not taken in at all.
        """
        until = time.monotonic() + INSIST_S_MAX
        producer = self._producers[0]
        producer.flush()
        while missing := self._unacknowledged():
            if time.monotonic() > until:
                raise TimeoutError(f"{len(missing)} commands are not taken in, {missing[0].kind} first")
            for wish in missing:
                self._put(producer, wish)
            producer.flush()
            time.sleep(0.05 if self._unacknowledged() else 0)

    def close(self) -> None:
        for producer in self._producers:
            producer.close()

    def _run(self, producer: Producer, chance: random.Random) -> None:
        due = time.monotonic()
        while self._going.is_set():
            self._one(producer, chance.random())
            due = max(due + self._pause_s, time.monotonic() - 1.0)  # after a stall, no rush to catch up
            time.sleep(max(0.0, due - time.monotonic()))

    def _one(self, producer: Producer, lot: float) -> None:
        mix = self._mix
        if lot < mix.poison:
            self._poison(producer)
        elif lot < mix.poison + mix.replies:
            with self._lock:
                reply = self._wishes.reply()
            self._reply(reply)
        elif lot < mix.poison + mix.replies + mix.duplicates and self._seen:
            with self._lock:
                wish = self._wishes.random.choice(self._seen)
            self._put(producer, wish)
        else:
            with self._lock:
                wish = self._wishes.next()
                self._seen.append(wish)
            self._put(producer, wish)

    def _put(self, producer: Producer, wish: Wish) -> None:
        name = wish.account, wish.command
        with self._lock:
            self._wish_of[name] = wish
            asked = self.sent.commands.setdefault(
                name, Asked(wish.account, wish.command, wish.kind, wish.body)
            )
            asked.attempts += 1

        def done(acknowledged: bool, answer: Answer | None) -> None:
            with self._lock:
                self._acknowledged += acknowledged and not asked.acknowledged
                asked.acknowledged += acknowledged
                self._refused += not acknowledged
                if answer is not None:
                    asked.answers.add(answer)

        producer.send(wish, done)

    def _poison(self, producer: Producer) -> None:
        with self._lock:
            key, body = self._wishes.poison()
            poison = self.sent.poison.setdefault(body, Poison(body))
            poison.attempts += 1

        def done(acknowledged: bool, _: Answer | None) -> None:
            with self._lock:
                poison.acknowledged += acknowledged

        if not producer.poison(key, body, done):
            with self._lock:
                del self.sent.poison[body]

    def _unacknowledged(self) -> list[Wish]:
        with self._lock:
            return [
                self._wish_of[name] for name, asked in self.sent.commands.items() if not asked.acknowledged
            ]


# --- the producers ----------------------------------------------------------------------------------


class OverHttp:
    """Posts commands; every other one waits for its receipt.

    `poisoned` posts what nobody can use where such a door is (the carrier's), and says how that ended.
    """

    def __init__(
        self,
        url: str,
        tokens: Mapping[str, str],
        poisoned: Callable[[bytes], bool] | None = None,
    ) -> None:
        """`tokens`: by account."""
        self._tokens = tokens
        self._poisoned = poisoned
        self._client = httpx.Client(base_url=url, timeout=HTTP_TIMEOUT_S, trust_env=False)

    def send(self, wish: Wish, done: Done) -> None:
        fields = json.loads(wish.body)
        del fields["account"], fields["actor"]
        headers = {"Authorization": f"Bearer {self._tokens[wish.account]}"}
        if wish.command[-1] in "02468ace":
            headers["Prefer"] = "wait=10"
        try:
            answer = self._client.post(f"/v1/accounts/{wish.account}/commands", json=fields, headers=headers)
        except httpx.TransportError:
            done(False, None)
            return
        done(*_heard(answer))

    def poison(self, key: bytes | None, body: bytes, done: Done) -> bool:
        if self._poisoned is None:
            return False
        done(self._poisoned(body), None)
        return True

    def flush(self) -> None:
        """Each call has ended when it returns."""

    def close(self) -> None:
        self._client.close()


def _heard(answer: httpx.Response) -> tuple[bool, Answer | None]:
    """Whether it was acknowledged, and the receipt; what the door itself turns down is a mistake of ours."""
    if answer.status_code >= 500 or answer.status_code == 429:
        return False, None
    told: dict[str, Any] = answer.json()
    match answer.status_code:
        case 202:
            return True, None
        case 200:
            return True, Answer(accepted=True, code=None, at=datetime.fromisoformat(told["at"]))
        case _ if "receipt" in told:
            at = datetime.fromisoformat(told["receipt"]["at"])
            return True, Answer(accepted=False, code=told["code"], at=at)
        case _:
            raise AssertionError(f"the load asks for nonsense: {answer.text}")


class ByKafkaPython:
    """Publishes commands as a Python service does, with the partitioner that Java has, too."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._producer = self._made()

    def send(self, wish: Wish, done: Done) -> None:
        self._publish(wish.account.encode(), wish.body, done)

    def poison(self, key: bytes | None, body: bytes, done: Done) -> bool:
        self._publish(key, body, done)
        return True

    def flush(self) -> None:
        """Where the client keeps no time limits, what is under way counts as not acknowledged."""
        try:
            self._producer.flush(FLUSHED_S_MAX)
        except KafkaError:
            self.close()
            self._producer = self._made()

    def close(self) -> None:
        try:
            self._producer.close(timeout=1)
        except KafkaError:  # its thread would go on for ever, and closing it once more fails again
            self._producer._sender.force_close()
            self._producer._closed = True

    def _made(self) -> Any:
        return KafkaProducer(
            bootstrap_servers=self._bootstrap.split(","),
            acks="all",
            delivery_timeout_ms=DELIVERY_TIMEOUT_S * 1_000,
            request_timeout_ms=DELIVERY_TIMEOUT_S * 500,
            max_block_ms=DELIVERY_TIMEOUT_S * 500,
            linger_ms=2,
            reconnect_backoff_max_ms=500,
        )

    def _publish(self, key: bytes | None, value: bytes, done: Done) -> None:
        try:
            future = self._producer.send(self._topic, key=key, value=value)
        except KafkaError:
            done(False, None)
            return
        future.add_callback(lambda _: done(True, None))
        future.add_errback(lambda _: done(False, None))


class ByLibrdkafka:
    """Publishes commands as a service in C, Go or C# does: its default partitioner is another (CRC32)."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._topic = topic
        self._producer = LibrdkafkaProducer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "delivery.timeout.ms": DELIVERY_TIMEOUT_S * 1_000,
                "linger.ms": 2,
                "reconnect.backoff.max.ms": 500,
                "log_level": 0,
            }
        )

    def send(self, wish: Wish, done: Done) -> None:
        self._publish(wish.account.encode(), wish.body, done)

    def poison(self, key: bytes | None, body: bytes, done: Done) -> bool:
        self._publish(key, body, done)
        return True

    def _publish(self, key: bytes | None, value: bytes, done: Done) -> None:
        def delivered(error: object, _: object) -> None:
            done(error is None, None)

        try:
            self._producer.produce(self._topic, key=key, value=value, on_delivery=delivered)
        except BufferError:
            done(False, None)
        self._producer.poll(0)

    def flush(self) -> None:
        self._producer.flush(FLUSHED_S_MAX)

    def close(self) -> None:
        self._producer.flush(FLUSHED_S_MAX)
