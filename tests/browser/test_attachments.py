"""What came with a reply, on the recruiter's page."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from deploy.parts import auth_of
from producers.http.access import SESSION_COOKIE
from producers.http.pages.demo import PERSONAS, session
from producers.http.pages.demo_settings import DemoSettings
from tests.browser.desk import Desk
from tests.browser.phones import PhonesPage
from tests.browser.seeds import ADA, activate, candidate
from tests.support.office import Phone, fresh_number, quick
from tests.support.pictures import media, png
from tests.support.sayso import Client, System, running

_accounts = count(1)
LOADED = "image => image.complete && image.naturalWidth"


@pytest.fixture(scope="module")
def storing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system that stores what comes with replies."""
    folder = tmp_path_factory.mktemp("storing")
    with running(folder, carrier=quick, media_dir=folder / "media", media_mb_max=1) as system:
        yield system


@pytest.fixture
def ats(storing: System) -> Client:
    client = storing.client(account=f"pictures-{next(_accounts)}")
    client.accepted("assign-sender", sender=fresh_number())
    activate(client)
    candidate(client, "c-ada", "Ada Byron", ADA, agreed_at=storing.clock() - timedelta(days=2))
    return client


@pytest.fixture
def desk(chromium: Browser, storing: System, ats: Client) -> Iterator[Desk]:
    context = chromium.new_context(base_url=storing.url, viewport={"width": 1280, "height": 900})
    token = session(DemoSettings(auth_of(storing.sayso.settings), ats.account), PERSONAS["recruiter"])
    context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": storing.url}])
    desk = Desk(context.new_page(), storing.url)
    yield desk
    assert desk.complaints == []
    context.close()


def test_a_picture_is_shown_a_file_can_be_saved_and_the_rest_says_why(
    desk: Desk, ats: Client, storing: System, tmp_path: Path
) -> None:
    phone, sender = Phone(storing, ADA), str(ats.get("")["sender"])
    desk.open("c-ada").is_live()
    phone.sends(media(png(320, 200)), body="My work permit", to=sender)
    picture = desk.at("picture")  # without a reload: the page hears of it
    expect(picture).to_have_attribute("alt", "Picture from Ada Byron")
    picture.scroll_into_view_if_needed()
    desk.page.wait_for_function(f"({LOADED})(document.querySelector('[data-testid=picture]'))")
    assert picture.evaluate("image => image.naturalWidth") == 320

    phone.sends(media(b"%PDF-1.7 my papers", "application/pdf"), to=sender)
    file = desk.at("file")
    expect(file).to_have_text("Attachment (application/pdf): 18 bytes")
    with desk.page.expect_download() as saving:
        file.click()
    assert saving.value.suggested_filename == "attachment-1.pdf"
    assert Path(saving.value.path()).read_bytes() == b"%PDF-1.7 my papers"

    phone.sends(media(bytes(1024 * 1024 + 1), "video/mp4"), to=sender)
    phone.sends(media(png(), status=503), to=sender)
    told = desk.at("attachment")
    expect(told).to_have_text(
        [
            "Attachment (video/mp4) could not be fetched: it is too large.",
            "Attachment (image/png) is being fetched.",
        ]
    )


def test_a_phone_sends_a_picture_with_what_is_typed_and_says_so_where_it_cannot(
    desk: Desk, ats: Client, storing: System
) -> None:
    number, sender = fresh_number(), str(ats.get("")["sender"])
    candidate(ats, "c-bob", "Bob Noyce", number, agreed_at=storing.clock() - timedelta(days=2))
    phones = PhonesPage(desk.page.context.new_page(), storing)
    phones.open(number)
    desk.open("c-bob").is_live()
    phones.pick(number, "permit.png", png(64, 64), body="My permit", to=sender)
    expect(desk.message("My permit").get_by_test_id("picture")).to_be_visible()
    phones.has_typed(number, "")

    phones.page.context.set_offline(True)
    phones.answer(number, "Are you there?")
    phones.tells(number, "The phones do not answer. Nothing was sent; try again in a moment.")
    phones.has_typed(number, "Are you there?")
    phones.page.context.set_offline(False)


def test_a_picture_opened_by_itself_can_do_nothing(desk: Desk, ats: Client, storing: System) -> None:
    Phone(storing, ADA).sends(media(png(64, 64)), to=str(ats.get("")["sender"]))
    desk.open("c-ada").is_live()
    picture = desk.at("picture").last
    expect(picture).to_be_visible()
    address = picture.get_attribute("src")
    assert address is not None
    answer = desk.page.goto(storing.url + address)
    assert answer is not None
    assert answer.headers["content-type"] == "image/png"
    assert desk.page.evaluate("self.origin") == "null"
