"""What people write stays text, and the pages load nothing but themselves."""

import httpx
from playwright.sync_api import expect

from tests.browser.desk import Desk
from tests.browser.phones import Phones
from tests.browser.seeds import ADA, candidate, change_settings, text
from tests.support.sayso import Client, System

ATTACK = (
    '<script>window.broken = 1</script> <img src=x onerror="window.broken = 1"> '
    "\"><svg onload='window.broken = 1'> {{ 7 * 7 }} ${7 * 7} javascript:window.broken=1 "
    "</textarea></template><iframe srcdoc='<script>parent.broken = 1</script>'></iframe>"
)
INLINE = """() => {
    const script = document.createElement('script');
    script.textContent = 'window.broken = 1';
    document.body.append(script);
}"""


def test_what_a_candidate_writes_or_is_called_is_shown_and_not_run(
    manager: Desk, phones: Phones, ats: Client, ada: str
) -> None:
    name = ATTACK[:200]
    candidate(ats, "c-evil", name, "+4520123459")
    change_settings(ats, company=name)
    manager.open(ada).is_live()
    phones.write(ADA, ATTACK)  # put in place by the script
    expect(manager.message(ATTACK)).to_be_visible()
    manager.page.reload()  # rendered by the server
    expect(manager.message(ATTACK)).to_be_visible()
    manager.send(f"Sent: {ATTACK}")

    manager.open("c-evil")
    expect(manager.at("candidate-name")).to_have_text(name)
    manager.at("open-add-consent").click()
    expect(manager.at("consent-warning")).to_contain_text(name)
    for path in ("/", "/settings", "/notifications", "/balance"):
        manager.go(path)
    assert manager.page.evaluate("window.broken") is None
    assert manager.page.locator("main iframe, main svg, main script").count() == 0


def test_the_policy_lets_no_inline_script_run(manager: Desk, ada: str) -> None:
    manager.open(ada)
    manager.page.evaluate(INLINE)
    assert manager.page.evaluate("window.broken") is None
    assert any("Content Security Policy" in complaint for complaint in manager.complaints)
    manager.complaints.clear()


def test_pages_say_what_browsers_may_do_with_them(system: System) -> None:
    answer = httpx.get(f"{system.url}/demo/sign-in", trust_env=False)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_scripts_and_styles_are_kept_and_asked_for_again(system: System) -> None:
    address = f"{system.url}/static/app.js"
    first = httpx.get(address, trust_env=False)
    assert first.headers["cache-control"] == "no-cache"
    again = httpx.get(address, headers={"If-None-Match": first.headers["etag"]}, trust_env=False)
    assert again.status_code == 304
    outside = httpx.get(f"{system.url}/static/%2e%2e/candidate.py", trust_env=False)
    assert outside.status_code == 404


def test_a_name_in_another_script_keeps_its_direction(manager: Desk, ats: Client, ada: str) -> None:
    candidate(ats, "c-omar", "عمر الشريف", "+4520123458")
    text(ats, ada, ADA, "مرحبا")
    manager.open("c-omar")
    assert manager.at("candidate-name").evaluate("name => getComputedStyle(name).direction") == "rtl"
    manager.open(ada)
    assert manager.at("message-body").evaluate("body => getComputedStyle(body).direction") == "rtl"
