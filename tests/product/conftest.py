"""One Sayso for all tests of the product; each test has an account of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.clock import utc_now
from tests.support.office import Office, office_hours, open_office, quick
from tests.support.sayso import System, running


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """It is the middle of the day there, and stays so: who moves the clock takes `own_system`."""
    with running(tmp_path_factory.mktemp("sayso"), carrier=quick) as system:
        system.clock.set(office_hours(utc_now()))
        yield system


@pytest.fixture
def office(system: System) -> Office:
    return open_office(system)


@pytest.fixture(scope="session")
def shared_office(system: System) -> Office:
    """An account for those who look at nothing but their own candidate."""
    return open_office(system)


@pytest.fixture
def own_system(tmp_path: Path) -> Iterator[System]:
    """A system of the test's own, in the middle of the day, whose clock it may set."""
    with running(tmp_path, carrier=quick) as system:
        system.clock.set(office_hours(utc_now()))
        yield system


@pytest.fixture
def own_office(own_system: System) -> Office:
    return open_office(own_system)
