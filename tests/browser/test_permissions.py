"""Who may see and do what, and who is nobody."""

from pathlib import Path

import httpx
from playwright.sync_api import Browser, expect

from deploy.serving import HttpServer
from deploy.settings import LOOPBACK
from deploy.wiring import Sayso
from producers.http.access import SESSION_COOKIE
from producers.http.pages.site import add_pages
from tests.browser.conftest import OpenDesk
from tests.browser.seeds import ADA, candidate, text
from tests.support.sayso import Client, System, settings_for


def test_in_the_demo_one_chooses_who_to_be(open_desk: OpenDesk) -> None:
    desk = open_desk("nobody").go("/")
    assert desk.page.url.endswith("/demo/sign-in")
    desk.at("persona-recruiter").click()
    expect(desk.at("me")).to_have_text("Rita Recruiter")
    cookie = next(one for one in desk.page.context.cookies() if one["name"] == SESSION_COOKIE)
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    desk.at("sign-out").click()
    assert desk.page.url.endswith("/demo/sign-in")
    assert desk.go("/").page.url.endswith("/demo/sign-in")


def test_a_recruiter_writes_and_manages_nothing(open_desk: OpenDesk, ada: str) -> None:
    desk = open_desk("recruiter").open(ada)
    desk.send("Hello Ada")
    desk.go("/")
    expect(desk.at("buy")).to_have_count(0)
    expect(desk.page.get_by_role("link", name="Settings")).to_have_count(0)
    desk.go("/settings")
    expect(desk.at("forbidden")).to_be_visible()


def test_a_recruiter_cannot_activate(open_desk: OpenDesk) -> None:
    desk = open_desk("recruiter").go("/")
    expect(desk.at("activation")).to_contain_text("An administrator")
    expect(desk.at("activate-form")).to_have_count(0)


def test_a_viewer_sees_the_thread_and_no_composer(open_desk: OpenDesk, ats: Client, ada: str) -> None:
    text(ats, ada, ADA, "Hello Ada")
    desk = open_desk("viewer").open(ada)
    expect(desk.message("Hello Ada")).to_be_visible()
    desk.shows_consent("Consent granted")
    expect(desk.at("read-only")).to_be_visible()
    for name in ("composer", "open-add-consent", "open-withdraw", "open-cancel", "open-add-number"):
        expect(desk.at(name)).to_have_count(0)
    desk.go("/")
    expect(desk.at("candidate")).to_have_count(1)
    expect(desk.at("add-candidate")).to_have_count(0)


def test_who_has_no_permission_sees_nothing_of_texts(open_desk: OpenDesk, ats: Client, ada: str) -> None:
    text(ats, ada, ADA, "For eyes that may see")
    desk = open_desk("colleague").go("/")
    expect(desk.at("no-texts")).to_be_visible()
    expect(desk.page.locator("body")).not_to_contain_text("Ada Byron")
    for path in (f"/candidates/{ada}", "/bulks", "/balance", "/notifications", "/settings"):
        desk.go(path)
        expect(desk.at("forbidden")).to_be_visible()
        expect(desk.page.locator("body")).not_to_contain_text("For eyes that may see")


def test_another_account_sees_nothing_of_this_one(open_desk: OpenDesk, ada: str) -> None:
    desk = open_desk("outsider").go("/")
    expect(desk.at("activation")).to_be_visible()
    expect(desk.at("candidate")).to_have_count(0)
    desk.go(f"/candidates/{ada}")
    expect(desk.at("not-found")).to_be_visible()


def test_what_is_not_there_is_said_to_be_missing(open_desk: OpenDesk, ats: Client, ada: str) -> None:
    candidate(ats, "c-bob", "Bob", "+4520123457")
    desk = open_desk("manager")
    for path in ("/candidates/c-nobody", "/candidates/c-ada?number=%2B4520123457", "/?cursor=made-up"):
        desk.go(path)
        expect(desk.at("not-found")).to_be_visible()


def test_an_expired_session_says_so_and_keeps_what_was_written(open_desk: OpenDesk, ada: str) -> None:
    desk = open_desk("manager").open(ada)
    desk.page.context.clear_cookies()
    desk.at("text").fill("A long and careful text")
    desk.at("send").click()
    problem = desk.at("composer").get_by_test_id("problem")
    expect(problem).to_have_text("Your session has ended. Sign in again, then try once more.")
    expect(desk.at("text")).to_have_value("A long and careful text")


def test_outside_the_demo_nobody_chooses_who_to_be(tmp_path: Path, chromium: Browser) -> None:
    sayso = Sayso(settings_for(tmp_path, twilio_url="http://127.0.0.1:9"))
    add_pages(sayso.app)
    with sayso, HttpServer(sayso.app, LOOPBACK, 0) as server, chromium.new_context() as context:
        page = context.new_page()
        answer = page.goto(server.url)
        assert answer is not None
        assert answer.status == 401
        expect(page.get_by_test_id("signed-out")).to_be_visible()
        expect(page.get_by_text("opens from your applicant tracking system")).to_be_visible()
        missing = page.goto(f"{server.url}/demo/sign-in")
        assert missing is not None
        assert missing.status == 404


def test_another_site_cannot_sign_anybody_in(system: System) -> None:
    elsewhere = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    answer = httpx.post(
        f"{system.url}/demo/sign-in", data={"persona": "manager"}, headers=elsewhere, trust_env=False
    )
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
