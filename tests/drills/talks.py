"""Wishes one by one, for drills that say themselves who is texted when."""

import json
import time
from collections.abc import Callable
from datetime import datetime

from tests.drills.wishes import Person, Reply, Wish, Wishes


class Talks(Wishes):
    """One account's people, by their place."""

    def __init__(self, seed: int, people: int, now_s: Callable[[], float] = time.time) -> None:
        super().__init__(seed, 1, people=people, now_s=now_s)
        (self.account,) = self.accounts
        self.sender = self._senders[self.account]
        self.people = self._people[self.account]

    def text(self, person: Person, send_at: datetime | None = None) -> Wish:
        """A text to that person, at once or later."""
        wish = self._send(self.account, person)
        if send_at is None:
            return wish
        return self._wish(
            self.account,
            "send-text",
            wish.command,
            **person._asdict(),
            body=words(wish),
            send_at=send_at.isoformat(),
            override_quiet_hours=True,
        )

    def cancelled(self, person: Person, text: str) -> Wish:
        return self._wish(self.account, "cancel-text", **person._asdict(), text_id=text)

    def package(self) -> Wish:
        return self._wish(self.account, "buy-package")

    def said(self, person: Person, body: str) -> Reply:
        return Reply(person.number, self.sender, body)


def words(wish: Wish) -> str:
    """What a text says."""
    return str(json.loads(wish.body)["body"])
