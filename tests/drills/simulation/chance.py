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


FAIR = Odds(
    crash=0,
    disk_full=0,
    meanwhile=0,
    unreachable=0,
    too_many=0,
    refused=0,
    lost_before=0,
    lost_after=0,
    early=0,
    report_lost=0,
    report_doubled=0,
    find_fails=0,
    failed=0,
    undelivered=0,
    silent=0,
    reply=0,
)
ROUGH = Odds()
