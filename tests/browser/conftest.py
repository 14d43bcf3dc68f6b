"""A real Chromium, a real Sayso and the simulated phones."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from deploy.parts import auth_of
from producers.http.access import SESSION_COOKIE
from producers.http.pages.demo import PERSONAS, session
from producers.http.pages.demo_settings import DemoSettings
from tests.browser.desk import Desk
from tests.browser.phones import Phones
from tests.browser.seeds import ADA, activate, candidate
from tests.support.office import fresh_number, quick
from tests.support.sayso import Client, System, running

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking")
ZONE = "Europe/Copenhagen"

OpenDesk = Callable[..., Desk]

_accounts = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


# Playwright's event loop holds its thread until it is stopped; tests elsewhere have loops of their own.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One Sayso for all; its clock is the machine's, as the browser's is."""
    with running(tmp_path_factory.mktemp("sayso"), carrier=quick) as system:
        yield system


@pytest.fixture
def ats(system: System) -> Client:
    """An ATS that may do everything, as Rita Recruiter, in an account of the test's own with a sender."""
    client = system.client(account=f"browser-{next(_accounts)}")
    client.accepted("assign-sender", sender=fresh_number())
    return client


@pytest.fixture
def open_desk(chromium: Browser, system: System, ats: Client) -> Iterator[OpenDesk]:
    """A desk for a persona of the demo, or for `nobody`, each in a browser of their own."""
    contexts: list[BrowserContext] = []
    desks: list[Desk] = []
    demo = DemoSettings(auth_of(system.sayso.settings), ats.account)

    def open_as(persona: str, **how: object) -> Desk:
        options = {"viewport": {"width": 1280, "height": 860}, "timezone_id": ZONE, "locale": "en-GB", **how}
        context = chromium.new_context(base_url=system.url, **options)  # type: ignore[arg-type]
        contexts.append(context)
        if persona in PERSONAS:
            token = session(demo, PERSONAS[persona])
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
def phones(system: System, ats: Client) -> Phones:
    """The candidates' phones, as far as the account has to do with them."""
    return Phones(system, str(ats.get("")["sender"]))


@pytest.fixture
def ada(ats: Client, system: System) -> str:
    """An active account, and a candidate who has agreed; her id."""
    activate(ats)
    return candidate(ats, "c-ada", "Ada Byron", ADA, agreed_at=system.clock() - timedelta(days=2))
