"""Activation, packages, warnings, statement and settings."""

from datetime import timedelta

from playwright.sync_api import expect

from tests.browser.conftest import OpenDesk
from tests.browser.desk import Desk
from tests.browser.phones import Phones
from tests.browser.seeds import ADA, activate, text
from tests.browser.test_accessibility import grave
from tests.support.sayso import Client, System


def test_activation_asks_for_the_agreement_and_credits_50_texts_once(manager: Desk, ats: Client) -> None:
    manager.go("/")
    expect(manager.at("activation")).to_contain_text("handed to our carrier, who processes them")
    manager.at("activate-company").fill("Acme Robotics")
    manager.at("activate-country").select_option("US")
    expect(manager.at("activate-currency")).to_have_value("USD")
    manager.at("activate-submit").click()
    expect(manager.at("activate-agree")).to_have_js_property("validity.valueMissing", True)
    manager.at("activate-agree").check()
    manager.at("activate-submit").dblclick()
    expect(manager.at("activation")).to_have_count(0)
    manager.shows_balance(50)
    activate(ats)
    manager.go("/balance")
    manager.shows_balance(50)
    expect(manager.at("movement")).to_have_count(1)
    expect(manager.at("movement")).to_contain_text("Free texts")
    account = ats.get("")
    assert (account["country"], account["agreement_version"]) == ("DK", "2026-11")


def test_a_package_is_bought_once_however_often_one_clicks(manager: Desk, ada: str) -> None:
    manager.go("/")
    manager.at("buy").click()
    expect(manager.at("buy-form")).to_contain_text("1,000 texts for €75.00")
    manager.at("buy-confirm").dblclick()
    manager.shows_balance(1_050)
    manager.go("/balance")
    expect(manager.at("movement")).to_have_count(2)
    expect(manager.at("movement").first).to_contain_text("Package “standard” bought for €75.00")
    expect(manager.at("movement").first).to_contain_text("+1,000")


def test_the_balance_warns_at_a_fifth_and_at_nothing(open_desk: OpenDesk, ats: Client, ada: str) -> None:
    desk = open_desk("recruiter").go("/").is_live()
    expect(desk.at("balance-warning")).to_have_count(0)
    ats.accepted("adjust-segments", segments=-39, reason="Test")
    desk.shows_balance(11)
    expect(desk.at("balance-warning")).to_have_count(0)
    text(ats, ada, ADA, "One more")
    expect(desk.at("balance-warning")).to_have_text("Only 10 of the last 50 texts are left.")
    ats.accepted("adjust-segments", segments=-10, reason="Test")
    expect(desk.at("balance-warning")).to_contain_text("No texts are left.")
    expect(desk.at("buy")).to_have_count(0)


def test_the_statement_shows_every_debit_and_refund(manager: Desk, ats: Client, ada: str) -> None:
    later = text(ats, ada, ADA, "Later", send_at="2100-01-04T10:00:00Z")
    ats.accepted("cancel-text", candidate=ada, number=ADA, text_id=later)
    manager.go("/balance")
    rows = manager.at("movement")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("Refund: a text was cancelled")
    expect(rows.nth(0)).to_contain_text("Rita Recruiter")
    expect(rows.nth(0)).to_contain_text("+1")
    expect(rows.nth(1)).to_contain_text("Text accepted")
    expect(rows.nth(1)).to_contain_text("-1")
    expect(rows.nth(2)).to_contain_text("Free texts")


def test_settings_are_saved_whole(manager: Desk, ats: Client, ada: str) -> None:
    manager.go("/settings")
    manager.at("set-company").fill("Acme & Söhne")
    manager.at("set-language").select_option("de")
    manager.at("first-text-require").check()
    manager.at("pack-fr").check()
    manager.at("quiet-on").check()
    manager.at("quiet-from").fill("19:30")
    manager.at("block-country").select_option("SE")
    manager.at("block-country").select_option("NO")
    manager.page.get_by_role("button", name="Text Sweden again").click()
    manager.at("settings-save").click()
    expect(manager.at("toast")).to_have_text("Settings saved.")

    settings = ats.get("")["settings"]
    assert settings["company"] == "Acme & Söhne"
    assert (settings["language"], settings["first_text"]) == ("de", "require")
    assert settings["keyword_packs"] == ["fr"]
    assert settings["blocked_regions"] == ["NO"]
    assert settings["quiet_hours"] == {"quiet_from": "19:30", "quiet_until": "08:00", "quiet_sunday": False}

    manager.go("/settings")
    expect(manager.at("set-company")).to_have_value("Acme & Söhne")
    expect(manager.at("blocked-countries")).to_contain_text("Norway")
    manager.at("quiet-on").uncheck()
    manager.at("set-company").fill("")
    manager.at("settings-save").click()
    expect(manager.at("toast")).to_have_text("Settings saved.")
    settings = ats.get("")["settings"]
    assert (settings["quiet_hours"], settings["company"]) == (None, None)
    assert settings["blocked_regions"] == ["NO"]


def test_an_account_that_the_carrier_refuses_says_so_until_it_is_resumed(
    open_desk: OpenDesk, phones: Phones, ats: Client, ada: str, system: System
) -> None:
    later = (system.clock() + timedelta(days=2)).isoformat()
    whom = [{"candidate": ada, "number": ADA}]
    bulk = ats.accepted("send-bulk", recipients=whom, body="On Monday, then", send_at=later)["bulk"]
    desk = open_desk("recruiter").go("/").is_live()
    expect(desk.at("stopped")).to_have_count(0)
    phones.behave(ADA, error_code=30032)
    text(ats, ada, ADA, "Hello")
    said = (
        "The carrier refuses this account's texts. Our toll-free number is not verified. "
        "Sending is stopped for this account until whoever runs Sayso has repaired it."
    )
    expect(desk.at("stopped")).to_have_text(said)  # without a reload
    for page in ("/", "/bulks", f"/bulks/{bulk}"):
        desk.go(page)
        expect(desk.at("stopped")).to_have_text(said)
        assert grave(desk) == []
    desk.is_live()
    ats.accepted("resume-sending")
    expect(desk.at("stopped")).to_have_count(0)
    phones.behave(ADA)
