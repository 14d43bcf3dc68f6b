"""What holds for every test: how hard hypothesis tries, no call leaves this machine, nothing is skipped."""

import os
import sys
from collections.abc import Generator, Iterator
from ipaddress import ip_address
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings

from deploy.logs import configure_logs

pytest_plugins = ["tests.support.servers"]

# Two shared cores: neither an example's time nor that of making it says anything about the code.
untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("default", untimed, max_examples=50)
settings.register_profile("thorough", untimed, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


class OutsideWorld(OSError):
    """A test tried to reach a machine other than this one."""


def _stay_at_home(event: str, args: tuple[Any, ...]) -> None:
    """Refuses connections and look-ups that leave this machine, whichever library asks for them."""
    if event in ("socket.connect", "socket.sendto"):
        address = args[1]
        host = address[0] if isinstance(address, tuple) else None  # a path: a socket of this machine
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = args[0]
    else:
        return
    if host is not None and not _is_here(host.decode() if isinstance(host, bytes) else host):
        raise OutsideWorld(f"a test asked for {host}; tests reach this machine only")


def _is_here(host: str) -> bool:
    if host in ("", "localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


# An audit hook sees every socket of this process, and no test can take it away again.
sys.addaudithook(_stay_at_home)


configure_logs("warning")
LOGS = structlog.get_config()


LONG = ("tests/drills/", "tests/deploy/distributed/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files whose tests take long go first: begun last, one of them would run on alone."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.fixture(autouse=True, scope="module")
def logs_as_they_were() -> Iterator[None]:
    """What a module sets about logs ends with it: other tests look at theirs."""
    yield
    structlog.configure(**LOGS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skipped test fails: what it needs is installed by the set-up, or the run has to say so."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"Skipped, and nothing may be: {report.longrepr}"
    return report
