"""The embedded form under a drill: one process on SQLite files."""

from collections.abc import Callable
from pathlib import Path

from deploy.simulator.settings import SimulatorSettings
from deploy.stores import LEDGER_FILE
from tests.drills import reading
from tests.drills.evidence import Evidence
from tests.drills.load import USUAL, Mix, OverHttp
from tests.drills.nursery import Nursery
from tests.drills.stand import SAYSO, Part, Process, Stand
from tests.drills.wishes import Wishes
from tests.support.sayso import reachable_settings

ACCOUNTS = 2
PRODUCERS = 3
COMMANDS_PER_SECOND = 150.0


class Embedded(Stand):
    """Sayso in a process of its own, and a load on it over HTTP."""

    def __init__(
        self,
        nursery: Nursery,
        folder: Path,
        seed: int,
        mix: Mix = USUAL,
        *,
        rate: float = COMMANDS_PER_SECOND,
        wishes: Callable[..., Wishes] = Wishes,
        carrier: Callable[[SimulatorSettings], SimulatorSettings] = lambda usual: usual,
        linked: bool = False,
    ) -> None:
        """`linked`: Sayso and its carrier reach each other through proxies."""
        settings = reachable_settings(folder / "data", hand_overs_max=8)
        super().__init__(
            nursery, folder, settings, wishes(seed, ACCOUNTS, forms=True), carrier, linked=linked
        )
        url = f"http://127.0.0.1:{settings.port}"
        part = Part(["serve"], self.variables(PORT=settings.port), f"{url}/readyz")
        producers = [OverHttp(url, self.tokens(), self.post_form) for _ in range(PRODUCERS)]
        self.prepare({SAYSO: part}, producers, rate, mix)

    @property
    def process(self) -> Process:
        """The one there is."""
        return self.processes[SAYSO]

    def settled(self) -> bool:
        return reading.settled(reading.Sqlite(self.settings.data_dir / "views.db"), *self.last())

    def last(self) -> list[int]:
        ledger = reading.Sqlite(self.settings.data_dir / LEDGER_FILE)
        ((last,),) = ledger.query("SELECT max(rowid) FROM stored_events")
        return [last]

    def look(self) -> Evidence:
        folder = self.settings.data_dir
        ledger = reading.sqlite_ledger(folder / LEDGER_FILE)
        letters = reading.sealed_letters(reading.Sqlite(folder / "dead-letters.db"), self.master_key)
        return Evidence({0: ledger}, reading.views(reading.Sqlite(folder / "views.db")), letters=letters)
