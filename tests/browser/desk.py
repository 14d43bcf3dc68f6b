"""The recruiter's page, as somebody at it uses it."""

from datetime import datetime
from urllib.parse import quote

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, expect

TIMEOUT_MS = 10_000

expect.set_options(timeout=TIMEOUT_MS)


class Desk:
    """One page in one browser. `complaints` are scripts that broke, policies violated, requests elsewhere."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        page.set_default_timeout(TIMEOUT_MS)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._listen)
        page.on("request", self._watch)

    def _listen(self, message: ConsoleMessage) -> None:
        # A refusal is an answer like any other; Chromium calls every 4xx a failure to load.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def _watch(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:")):
            self.complaints.append(f"asked elsewhere: {request.url}")

    def at(self, name: str) -> Locator:
        """What is marked `name`."""
        return self.page.get_by_test_id(name)

    def go(self, path: str) -> "Desk":
        self.page.goto(self.url + path)
        return self

    # --- the account ----------------------------------------------------------------------------------

    def activate(self, country: str = "DK", currency: str = "EUR", company: str = "Acme Robotics") -> None:
        self.at("activate-company").fill(company)
        self.at("activate-country").select_option(country)
        self.at("activate-currency").select_option(currency)
        self.at("activate-agree").check()
        self.at("activate-submit").click()
        expect(self.at("activation")).to_have_count(0)

    def shows_balance(self, texts: int) -> None:
        expect(self.at("balance").locator("b")).to_have_text(f"{texts:,}")

    # --- candidates -----------------------------------------------------------------------------------

    def add_candidate(self, name: str, number: str, region: str = "DK") -> None:
        self.go("/")
        self.at("add-name").fill(name)
        self.at("add-number").fill(number)
        self.at("add-region").select_option(region)
        self.at("add-submit").click()
        expect(self.at("candidate-name")).to_have_text(name)
        self.page.wait_for_load_state()  # its scripts, too

    def open(self, candidate: str, number: str | None = None) -> "Desk":
        query = "" if number is None else f"?number={quote(number)}"
        self.go(f"/candidates/{candidate}{query}")
        expect(self.at("candidate-name")).to_be_visible()
        return self

    def record_consent(self, method: str = "call", note: str = "") -> None:
        self.at("open-add-consent").click()
        self.at(f"method-{method}").check()
        self.at("consent-note").fill(note)
        self.at("add-consent-submit").click()
        self.shows_consent("Consent granted")

    def shows_consent(self, label: str) -> None:
        expect(self.at("consent-status")).to_have_text(label)

    # --- texts ----------------------------------------------------------------------------------------

    def write(self, body: str) -> None:
        """Write, and wait until its cost is shown."""
        with self.page.expect_response("**/texts/preview"):
            self.at("text").fill(body)

    def send(self, body: str) -> None:
        self.at("text").fill(body)
        self.at("send").click()
        expect(self.at("text")).to_have_value("")
        expect(self.message(body)).to_be_visible()

    def schedule(self, body: str, at: datetime) -> None:
        """`at` by the browser's own clock."""
        self.at("text").fill(body)
        self.at("later").check()
        self.at("send-at").fill(typed(at))
        self.at("send").click()
        expect(self.message(body)).to_be_visible()

    def message(self, body: str) -> Locator:
        return self.at("message").filter(has=self.page.get_by_text(body, exact=True))

    def shows_status(self, body: str, status: str) -> None:
        expect(self.message(body).get_by_test_id("message-status")).to_contain_text(status)

    def is_live(self) -> "Desk":
        """Wait until changes are told to this page."""
        expect(self.at("live")).to_have_text("Live")
        return self

    def is_blocked(self, code: str) -> None:
        expect(self.at("blocked")).to_have_attribute("data-code", code)
        expect(self.at("text")).to_be_disabled()
        expect(self.at("send")).to_be_disabled()

    def is_open(self) -> None:
        expect(self.at("blocked")).to_have_count(0)
        expect(self.at("text")).to_be_enabled()


def typed(moment: datetime) -> str:
    """What is typed into a field for date and time."""
    return moment.strftime("%Y-%m-%dT%H:%M")
