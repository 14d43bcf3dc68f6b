"""What may go wrong in a simulated world, in shares of one."""

from dataclasses import dataclass
from datetime import timedelta


class Crash(BaseException):
    """The process is gone at this very point. No handler of errors in it gets to see that."""


@dataclass(frozen=True)
class Odds:
    """How often what happens. The clock of Sayso's machine is right but for `jumps`."""

    crash: float = 0.01
    disk_full: float = 0.03
    meanwhile: float = 0.25
    """Something else happens while somebody waits for the shard or for the carrier."""
    unreachable: float = 0.04
    too_many: float = 0.04
    refused: float = 0.03
    lost_before: float = 0.05
    lost_after: float = 0.08
    early: float = 0.1
    report_lost: float = 0.1
    report_doubled: float = 0.15
    find_fails: float = 0.1
    failed: float = 0.08
    undelivered: float = 0.08
    silent: float = 0.03
    reply: float = 0.1
    jump: float = 0.0
    jumps: tuple[timedelta, ...] = ()


FAIR = Odds(**{name: 0.0 for name, value in vars(Odds()).items() if isinstance(value, float)})
ROUGH = Odds()
