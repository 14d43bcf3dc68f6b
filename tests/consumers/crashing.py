"""A process that decides the commands on its standard input, and dies without a word at a chosen moment.

    python -m tests.consumers.crashing FOLDER MOMENT <commands, one a line

MOMENT is `before` the second batch is stored, `after` that but before anybody is answered, or `while` several
batches are under way.
"""

import os
import signal
import sys
from pathlib import Path
from threading import Timer

from consumers.inbox import Inbox
from consumers.shard import Decided, Shard
from consumers.worker import Worker
from domain.ledger import Ledger
from domain.policy import Policy
from schemas import commands
from schemas.keystore import KeyStore
from tests.consumers.shards import MASTER_KEY, NAMES, Clock


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Dying(Shard):
    """A shard whose process dies around the storing of its second batch."""

    moment = ""
    batches = 0

    def store(self, decided: Decided) -> None:
        self.batches += 1
        if self.batches == 2 and self.moment == "before":
            die()
        super().store(decided)
        if self.batches == 2 and self.moment == "after":
            die()


def main(folder: Path, moment: str) -> None:
    ledger = Ledger.open(folder / "ledger.db", 0, KeyStore.open(folder / "keys.db", MASTER_KEY))
    shard = Dying(0, ledger, NAMES, Policy(), Clock())
    shard.moment = moment
    inbox = Inbox(ledger.take())
    Worker(shard, inbox).start()
    first, *rest = [commands.read(line) for line in sys.stdin.buffer]
    inbox.put(first).result()
    if moment == "while":
        Timer(0.05, die).start()
    for reply in [inbox.put(command) for command in rest]:
        sys.stdout.write(f"{reply.result().context.command_id}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
