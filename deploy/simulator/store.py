"""What the carrier and the phones remember: in memory, bounded, used from one event loop only."""

import asyncio
from collections import Counter, deque

from deploy.simulator.behaviour import Behaviour
from deploy.simulator.message import Message
from deploy.simulator.taken import TakenTexts

PHONE_MESSAGES_MAX = 500


class Store:
    """Messages by SID, phones by number, who opted out of whom, and a version that grows with each change."""

    def __init__(self, phones_max: int, messages_max: int) -> None:
        self.version = 0
        self.closed = False
        self._phones_max = phones_max
        self._messages_max = messages_max
        self._messages: dict[str, Message] = {}
        self._phones: dict[str, deque[str]] = {}  # the most recently active last
        self._changed: dict[str, int] = {}
        self._opted_out: set[tuple[str, str]] = set()
        self._behaviours: dict[str, Behaviour] = {}
        self._requests: Counter[str] = Counter()
        self.taken = TakenTexts()
        self._waiting = asyncio.Event()

    def put(self, message: Message) -> None:
        """Keep `message`, new or changed."""
        if message.sid not in self._messages:
            self.open_phone(message.phone).append(message.sid)
            self._forget_oldest_message()
        self._messages[message.sid] = message
        self._touch(message.phone)

    def get(self, sid: str) -> Message | None:
        """The message, unless it was never there or has been dropped."""
        return self._messages.get(sid)

    def newest_first(self, phone: str | None = None) -> list[Message]:
        """All messages, or those of one phone."""
        if phone is None:
            return list(reversed(self._messages.values()))
        return self.of_phone(phone)[::-1]

    def of_phone(self, phone: str) -> list[Message]:
        """What was said on one phone, oldest first."""
        return [self._messages[sid] for sid in self._phones.get(phone, ()) if sid in self._messages]

    def phones(self) -> list[str]:
        """Every phone, the most recently active first."""
        return list(reversed(self._phones))

    def has_phone(self, phone: str) -> bool:
        """Whether anything is known of this number."""
        return phone in self._phones

    def open_phone(self, phone: str) -> deque[str]:
        """The phone with this number, made where it is new; it becomes the most recently active."""
        sids = self._phones.pop(phone, None)
        if sids is None:
            sids = deque(maxlen=PHONE_MESSAGES_MAX)
            self._forget_oldest_phone()
        self._phones[phone] = sids
        self._touch(phone)
        return sids

    def opt_out(self, phone: str, sender: str) -> None:
        """Block texts from `sender` (a number or a messaging service) to `phone`."""
        self._opted_out.add((phone, sender))
        self._touch(phone)

    def opt_in(self, phone: str, sender: str) -> None:
        """Lift that block."""
        self._opted_out.discard((phone, sender))
        self._touch(phone)

    def opted_out(self, phone: str, sender: str) -> bool:
        """Whether `phone` has blocked `sender`."""
        return (phone, sender) in self._opted_out

    def opted_out_of(self, phone: str) -> list[str]:
        """The senders that `phone` has blocked."""
        return sorted(sender for number, sender in self._opted_out if number == phone)

    def behaviour(self, phone: str) -> Behaviour | None:
        """How texts to this number are treated, if anything was said about it."""
        return self._behaviours.get(phone)

    def count_request(self, phone: str) -> int:
        """How many requests there were for this number, this one included."""
        self._requests[phone] += 1
        return self._requests[phone]

    def behave(self, phone: str, behaviour: Behaviour) -> None:
        """Treat texts to this number so from now on."""
        self.open_phone(phone)
        self._behaviours[phone] = behaviour

    async def changed_since(self, version: int) -> list[str]:
        """The phones that changed after `version`, waiting for the first change; [] when all is closed."""
        while self.version <= version and not self.closed:
            await self._waiting.wait()
        return [] if self.closed else [phone for phone, at in self._changed.items() if at > version]

    def close(self) -> None:
        """Let everybody who waits go."""
        self.closed = True
        self._wake()

    def _touch(self, phone: str) -> None:
        self.version += 1
        self._changed[phone] = self.version
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, asyncio.Event()
        waiting.set()

    def _forget_oldest_message(self) -> None:
        while len(self._messages) >= self._messages_max:
            del self._messages[next(iter(self._messages))]

    def _forget_oldest_phone(self) -> None:
        """The block stays: a carrier does not forget an opt-out."""
        while len(self._phones) >= self._phones_max:
            oldest = next(iter(self._phones))
            del self._phones[oldest]
            self._changed.pop(oldest, None)
            self._behaviours.pop(oldest, None)
