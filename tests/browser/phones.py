"""The page of the candidates' phones, and what its simulator knows."""

from typing import Any

import httpx
from playwright.sync_api import Page, expect

from tests.support.sayso import SENDER, System


class Phones:
    """Every candidate's phone. Opened only when somebody looks."""

    def __init__(self, page: Page, system: System) -> None:
        self.page = page
        self._system = system
        self._http = httpx.Client(base_url=system.phones_url, timeout=20, trust_env=False)

    def close(self) -> None:
        self._http.close()

    def look(self) -> "Phones":
        self.page.goto(self._system.phones_url)
        return self

    def shows(self, number: str, body: str) -> None:
        """A phone shows a text that came in."""
        bubble = (
            self._phone(number).get_by_test_id("bubble").filter(has=self.page.get_by_text(body, exact=True))
        )
        expect(bubble).to_be_visible()

    def answer(self, number: str, body: str) -> None:
        """The candidate types an answer and sends it."""
        self._phone(number).get_by_test_id("phone-input").fill(body)
        self._phone(number).get_by_test_id("phone-send").click()

    def press(self, number: str, keyword: str) -> None:
        """The candidate sends a keyword."""
        self._phone(number).get_by_test_id(f"quick-{keyword}").click()

    def write(self, number: str, body: str) -> None:
        """The candidate writes, without anybody looking at the page."""
        message = {"body": body, "to": SENDER}
        self._http.post(f"/phones/{number[1:]}/messages", json=message).raise_for_status()

    def behave(self, number: str, **how: Any) -> None:
        """Treat texts to this phone otherwise from now on."""
        self._http.put(f"/phones/{number[1:]}/behaviour", json=how).raise_for_status()

    def inbox(self, number: str) -> list[str]:
        """The bodies of what arrived."""
        answer = self._http.get(f"/phones/{number[1:]}")
        if answer.status_code == 404:
            return []
        return [bubble["body"] for bubble in answer.json()["bubbles"] if bubble["side"] == "in"]

    def _phone(self, number: str) -> Any:
        return self.page.get_by_test_id(f"phone-{number[1:]}")
