"""A real Chromium, a real Sayso and the simulated phones."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from deploy.wiring import auth_of
from producers.http.access import SESSION_COOKIE
from producers.http.pages.demo import PERSONAS, session
from producers.http.pages.demo_settings import DemoSettings
from tests.browser.desk import Desk
from tests.browser.phones import Phones
from tests.browser.seeds import ADA, activate, candidate
from tests.support.sayso import Client, System, running

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking")
ZONE = "Europe/Copenhagen"

OpenDesk = Callable[..., Desk]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


# Playwright's event loop holds its thread until it is stopped, so it ends with the tests of this folder.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with running(tmp_path) as system:
        yield system


@pytest.fixture
def open_desk(chromium: Browser, system: System) -> Iterator[OpenDesk]:
    """A desk for a persona of the demo, or for `nobody`, each in a browser of their own."""
    contexts: list[BrowserContext] = []
    desks: list[Desk] = []

    def open_as(persona: str, **how: object) -> Desk:
        options = {"viewport": {"width": 1280, "height": 860}, "timezone_id": ZONE, "locale": "en-GB", **how}
        context = chromium.new_context(base_url=system.url, **options)  # type: ignore[arg-type]
        contexts.append(context)
        if persona in PERSONAS:
            token = session(DemoSettings(auth_of(system.sayso.settings), "acme"), PERSONAS[persona])
            context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": system.url}])
        desk = Desk(context.new_page(), system.url)
        desks.append(desk)
        return desk

    yield open_as
    for context in contexts:
        context.close()
    for desk in desks:
        assert desk.complaints == []


@pytest.fixture
def manager(open_desk: OpenDesk) -> Desk:
    return open_desk("manager")


@pytest.fixture
def phones(chromium: Browser, system: System) -> Iterator[Phones]:
    """The page of the candidates' phones."""
    with chromium.new_context(base_url=system.phones_url) as context:
        phones = Phones(context.new_page(), system)
        yield phones
        phones.close()


@pytest.fixture
def ats(system: System) -> Iterator[Client]:
    """An ATS that may do everything, as Rita Recruiter."""
    client = system.client()
    yield client
    client.http.close()


@pytest.fixture
def ada(ats: Client, system: System) -> str:
    """An active account, and a candidate who has agreed; her id."""
    activate(ats)
    return candidate(ats, "c-ada", "Ada Byron", ADA, agreed_at=system.clock() - timedelta(days=2))
