"""The candidates' phones: as their page shows them, and as the simulator knows them."""

from typing import Any

from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.support.sayso import System


class Phones:
    """Every candidate's phone, as far as `sender` is concerned."""

    def __init__(self, system: System, sender: str) -> None:
        self._sender = sender
        self._url = system.phones_url
        self._http = system.http()

    def write(self, number: str, body: str) -> None:
        """The candidate writes."""
        message = {"body": body, "to": self._sender}
        self._http.post(f"{self._phone(number)}/messages", json=message).raise_for_status()

    def behave(self, number: str, **how: Any) -> None:
        """Treat texts to this phone otherwise from now on."""
        self._http.put(f"{self._phone(number)}/behaviour", json=how).raise_for_status()

    def inbox(self, number: str) -> list[str]:
        """The bodies of what arrived from the sender."""
        answer = self._http.get(self._phone(number))
        if answer.status_code == 404:
            return []
        bubbles = answer.json()["bubbles"]
        return [one["body"] for one in bubbles if one["side"] == "in" and one["other"] == self._sender]

    def _phone(self, number: str) -> str:
        return f"{self._url}/phones/{number[1:]}"


class PhonesPage:
    """The page of the phones, as somebody at it uses it."""

    def __init__(self, page: Page, system: System) -> None:
        self.page = page
        page.goto(system.phones_url)

    def open(self, number: str) -> None:
        """A phone that may have heard of nobody yet."""
        self.page.get_by_test_id("open-number").fill(number)
        self.page.get_by_test_id("open-phone").click()
        expect(self._phone(number)).to_be_visible()

    def shows(self, number: str, body: str) -> None:
        """A phone shows a text that came in."""
        bubbles = self._phone(number).get_by_test_id("bubble")
        expect(bubbles.filter(has=self.page.get_by_text(body, exact=True))).to_be_visible()

    def answer(self, number: str, body: str) -> None:
        """The candidate types an answer and sends it."""
        self._phone(number).get_by_test_id("phone-input").fill(body)
        self._phone(number).get_by_test_id("phone-send").click()

    def pick(self, number: str, name: str, content: bytes, body: str, to: str) -> None:
        """The candidate types `body` to a number and then picks a picture."""
        phone = self._phone(number)
        phone.get_by_test_id("phone-to").fill(to)
        phone.get_by_test_id("phone-input").fill(body)
        file = FilePayload(name=name, mimeType="image/png", buffer=content)
        phone.get_by_test_id("phone-media").set_input_files(file)

    def has_typed(self, number: str, body: str) -> None:
        """What stands in the phone's field, not sent."""
        expect(self._phone(number).get_by_test_id("phone-input")).to_have_value(body)

    def tells(self, number: str, problem: str) -> None:
        """The phone says what went wrong."""
        expect(self._phone(number).get_by_role("alert")).to_have_text(problem)

    def press(self, number: str, keyword: str) -> None:
        """The candidate sends a keyword."""
        self._phone(number).get_by_test_id(f"quick-{keyword}").click()

    def _phone(self, number: str) -> Locator:
        return self.page.get_by_test_id(f"phone-{number[1:]}")
