"""Whoever strays to where nothing is."""

import httpx
import pytest
from playwright.sync_api import expect

from producers.http.pages.routing import CONTENT_SECURITY_POLICY
from tests.browser.conftest import OpenDesk
from tests.browser.test_accessibility import grave
from tests.support.sayso import Client, System

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize("persona", ["manager", "nobody"])
def test_a_browser_gets_a_page_that_leads_home(open_desk: OpenDesk, ats: Client, persona: str) -> None:
    desk = open_desk(persona)
    for path in ("/nothere", "/bulks/", "/static/nothere.css", "/a/b"):
        desk.go(path)
        expect(desk.at("not-found")).to_have_text("There is nothing here")
        expect(desk.page.get_by_role("link", name="Back to the start")).to_have_attribute("href", "/")
        assert grave(desk) == []


def test_it_is_404_and_loads_nothing_from_elsewhere(system: System) -> None:
    answer = asked(system, "/nothere", BROWSER)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    other = asked(system, "/", BROWSER, "DELETE")
    assert (other.status_code, other.headers["Allow"]) == (405, "GET")
    assert "Back to the start" in other.text


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/nothere", {}),
        ("/nothere", {"Accept": "application/json"}),
        ("/v1", BROWSER),
        ("/v1/nothere", BROWSER),
        ("/v1/accounts/acme/nothere", BROWSER),
    ],
)
def test_a_program_gets_a_problem_and_so_does_whoever_asks_the_interface(
    system: System, path: str, headers: dict[str, str]
) -> None:
    answer = asked(system, path, headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["code"] == "not_found"


def asked(system: System, path: str, headers: dict[str, str], method: str = "GET") -> httpx.Response:
    """The answer of Sayso; httpx of itself accepts anything."""
    return httpx.request(method, system.url + path, headers=headers, trust_env=False)
