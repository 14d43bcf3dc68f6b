"""Row 16, on brokers: a STOP that waits in a spool races texts whose last look would come before it.

An API process loses its way to the brokers, is told STOP, and answers: the call is in its spool. The workers
have lost nothing, and hear of a text to the same person by another way.
"""

import time
from collections.abc import Iterator
from urllib.parse import urlencode
from uuid import uuid4

from tests.drills.checker import Finding
from tests.drills.distributed import APIS, Distributed
from tests.drills.evidence import text_of
from tests.drills.proxy import HALF_OPEN, WELL, Manner
from tests.drills.trial import Place, Trial
from tests.support.sayso import eventually

FAULT = "STOP in a spool races texts"
MANNERS = (HALF_OPEN, Manner(refuses=True))
TRIALS_PER_STAND = 40
AFTER_S_MAX = 2.0
"""How long it is waited for the text that must not come, after one that may."""
SOON_S = 120.0


def distributed(place: Place) -> Iterator[Trial]:
    """Nobody else wants anything meanwhile: what is sent, is sent because of the race."""
    place.chosen([FAULT])
    while True:
        seed = place.chance.getrandbits(32)
        with Distributed(place.nursery, place.fresh("spooled"), seed, place.servers(), linked=True) as stand:
            stand.start()
            stand.load.prepare()
            for _ in range(TRIALS_PER_STAND):
                finding = _race(stand, place)
                yield stand.trial(FAULT, *finding)


def _race(stand: Distributed, place: Place) -> list[Finding]:
    person, sender, asked = stand.wishes.two_texts()
    held, free = (wish.command for wish in asked[2:])
    assert _says(stand, person.number, sender, "START")
    eventually(stand.settled, SOON_S)
    for wish in asked[:2]:
        stand.load.ask(wish)
    link = stand.servers.kafka_links[APIS[0]]
    link.behave(place.chance.choice(MANNERS))
    link.reset()
    try:
        assert _says(stand, person.number, sender, "STOP")
        for wish in asked[2:]:
            stand.load.ask(wish)
        eventually(lambda: free in _at_carrier(stand), SOON_S)
        time.sleep(place.chance.uniform(0, AFTER_S_MAX))
    finally:
        link.behave(WELL)
    stand.settle()
    if held in _at_carrier(stand):
        return [Finding("P1", "handed over after its STOP was answered", f"{person.number}: {held}")]
    return []


def _says(stand: Distributed, number: str, sender: str, body: str) -> bool:
    """The carrier passes on what somebody wrote; whether Sayso answered that it has it."""
    form = {"MessageSid": f"SM{uuid4().hex}", "From": number, "To": sender, "Body": body}
    return stand.post_form(urlencode(form).encode())


def _at_carrier(stand: Distributed) -> set[str | None]:
    return {text_of(one.body) for one in stand.carried()}
