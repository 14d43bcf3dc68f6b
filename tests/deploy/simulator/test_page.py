"""The phones' page, in a browser."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect, sync_playwright

from deploy.simulator.settings import OptOut
from tests.deploy.simulator.conftest import OUR_NUMBER, Simulator
from tests.deploy.webhook_receiver import WebhookReceiver


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.mark.browser
def test_a_person_reads_and_answers_on_the_page(
    simulator: Simulator, sayso: WebhookReceiver, browser: Browser
) -> None:
    page = browser.new_page()
    page.goto(simulator.url)
    expect(page.get_by_test_id("live")).to_have_text("Live")
    simulator.send(body="Are you free on <b>Tuesday</b>?")
    phone = page.get_by_test_id("phone-12025550143")
    expect(phone.get_by_test_id("bubble-body")).to_have_text(["Are you free on <b>Tuesday</b>?"])
    phone.get_by_test_id("phone-input").fill("Yes, I am")
    phone.get_by_test_id("phone-input").press("Enter")
    expect(phone.get_by_test_id("bubble-body")).to_have_count(2)
    expect(phone.get_by_test_id("phone-input")).to_have_value("")
    phone.get_by_test_id("quick-STOP").click()
    expect(phone.get_by_test_id("opted-out")).to_contain_text("Opted out of +1 202-555-0100")
    expect(phone.get_by_test_id("bubble-body").last).to_have_text(OptOut().stopped)
    inbound = [call.form["Body"] for call in sayso.take(4) if "Body" in call.form]
    assert inbound == ["Yes, I am", "STOP"]
    page.close()


@pytest.mark.browser
def test_a_person_opens_a_phone_on_the_page(start: Any, browser: Browser) -> None:
    simulator = start(numbers=(), services={})
    page = browser.new_page()
    page.goto(simulator.url)
    page.get_by_test_id("open-number").fill("0151 23456789")
    page.get_by_test_id("open-phone").click()
    expect(page.get_by_role("alert").first).to_contain_text("country code")
    page.get_by_test_id("open-number").fill("+49 1512 3456789")
    page.get_by_test_id("open-phone").click()
    phone = page.get_by_test_id("phone-4915123456789")
    phone.get_by_test_id("phone-to").fill(OUR_NUMBER)
    phone.get_by_test_id("phone-input").fill("Hello, is the job still open?")
    phone.get_by_test_id("phone-send").click()
    expect(phone.get_by_test_id("bubble-body")).to_have_text(["Hello, is the job still open?"])
    page.close()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible(start: Any, browser: Browser, scheme: Any) -> None:
    simulator = start(inbound_url=None, opt_out=OptOut(stopped="Stopped."))
    simulator.behave("+12025550144", ends="failed", ends_with_code=30001)
    simulator.send(to="+12025550144", body=str(uuid4()))
    simulator.answer("STOP")
    page = browser.new_page(color_scheme=scheme)
    page.goto(simulator.url)
    expect(page.get_by_test_id("bubble")).to_have_count(3)
    report = Axe().run(page)
    assert report.violations_count == 0, report.generate_report()
    page.close()
