"""Very many texts, and people of whom many answer: the load of the drill of dispatch."""

from tests.drills.wishes import Person, Reply, Wish, Wishes

SAID = ("START", "START", "START", "START", "STOP", "Yes, at noon", "please stop texting me")


class Crowd(Wishes):
    """As the usual wishes, with more texts among them."""

    def next(self) -> Wish:
        account = self.random.choice(self.accounts)
        person = self.random.choice(self._people[account])
        make = self.random.choices(*zip(*_WEIGHTS.items(), strict=True))[0]
        wish: Wish = make(self, account, person)
        return wish

    def reply(self) -> Reply:
        """Mostly the word that brings back who said STOP, or else the whole crowd would soon be silent."""
        account = self.random.choice(self.accounts)
        person = self.random.choice(self._people[account])
        return Reply(person.number, self._senders[account], self.random.choice(SAID))

    def _review(self, account: str, person: Person) -> Wish:
        return self._wish(account, "review-stop-request", **person._asdict(), wants_to_stop=False)


_WEIGHTS = {
    Crowd._send: 85,
    Crowd._consent: 8,
    Crowd._withdraw: 1,
    Crowd._cancel: 3,
    Crowd._review: 3,
    Crowd._buy: 1,
}
