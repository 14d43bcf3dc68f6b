"""What comes with a reply is stored sealed, or it is said why not; nothing is fetched from anywhere else."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from time import sleep
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from consumers.attachments.fetcher import LOOK_EVERY_S
from deploy.clock import utc_now
from schemas.actors import Permission
from tests.support.listener import Listener
from tests.support.office import Json, Office, Person, carrier_posts, office_hours, open_office, quick
from tests.support.pictures import media, png
from tests.support.sayso import System, eventually, problem_of, running

PICTURE = png()
MB = 1024 * 1024


@pytest.fixture(scope="module")
def storing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system that stores what comes with replies, up to 1 MB."""
    folder = tmp_path_factory.mktemp("storing")
    changed: dict[str, Any] = {"media_dir": folder / "media", "media_mb_max": 1}
    with running(
        folder, carrier=quick, media_hosts="localhost.example,mms.twiliocdn.com", **changed
    ) as system:
        system.clock.set(office_hours(utc_now()))
        yield system


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Somebody on this machine whom nobody has any business to ask."""
    with Listener() as listener:
        yield listener


@pytest.fixture
def ada(storing: System) -> Person:
    return open_office(storing).candidate()


def attached(person: Person, sid: str, index: int = 0) -> Json:
    """That attachment, as the thread has it; empty while it is not there."""
    found: list[Json] = person.message(sid).get("media", [])
    return found[index] if found else {}


def settled(person: Person, sid: str, index: int = 0) -> Json:
    """That attachment, once it is stored or refused."""

    def there() -> Json | None:
        found = attached(person, sid, index)
        return found if found.get("state", "waiting") != "waiting" else None

    found = eventually(there)
    assert found is not None
    return found


def file_of(person: Person, sid: str, index: int = 0, **who: Any) -> httpx.Response:
    path = f"{person.path}/attachments/{sid}/{index}"
    client = person.office.member(**who) if who else person.office.boss
    return client.http.get(client.url + path)


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


# --- stored -----------------------------------------------------------------------------------------


def test_a_picture_is_stored_and_shown_to_whoever_may_see_the_thread(ada: Person) -> None:
    sid = ada.sends(media(PICTURE), body="My work permit")
    stored = settled(ada, sid)
    assert (stored["state"], stored["size_bytes"], stored["picture"]) == ("stored", len(PICTURE), "image/png")
    answer = ada.office.member(Permission.VIEW).http.get(
        f"{ada.office.boss.url}{ada.path}/attachments/{sid}/0"
    )
    assert (answer.status_code, answer.content) == (200, PICTURE)
    headers = answer.headers
    assert headers["content-type"] == "image/png"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-disposition"] == 'inline; filename="attachment-1.png"'
    assert "sandbox" in headers["content-security-policy"]
    assert headers["cache-control"].startswith("private")


def test_a_picture_that_comes_with_a_stop_is_stored_and_the_stop_acts(ada: Person) -> None:
    sid = ada.sends(media(PICTURE), body="STOP")
    assert settled(ada, sid)["state"] == "stored"
    assert file_of(ada, sid).content == PICTURE
    message = ada.message(sid)
    assert (message["kind"], message["action"], message["body"]) == ("keyword", "stop", "STOP")
    assert ada.consent()["status"] == "revoked"


def test_several_come_with_one_reply_each_in_its_place(ada: Person) -> None:
    other = png(colour=(200, 30, 30))
    sid = ada.sends(media(PICTURE), media(b"%PDF-1.7 ...", "application/pdf"), media(other))
    assert [settled(ada, sid, index)["index"] for index in range(3)] == [0, 1, 2]
    assert [file_of(ada, sid, index).content for index in range(3)] == [PICTURE, b"%PDF-1.7 ...", other]


@pytest.mark.parametrize(
    ("content", "called", "saved_as"),
    [
        (b"<html><script>alert(1)</script>", "text/html", "attachment-1"),
        (
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
            "image/svg+xml",
            "attachment-1",
        ),
        (b"MZ\x90", "application/x-msdownload", "attachment-1"),
        (b"<html><script>alert(1)</script>", "image/png", "attachment-1.png"),
        (PICTURE, "text/html", "attachment-1"),
        (PICTURE, "image/jpeg", "attachment-1.jpg"),
        (b"%PDF-1.7 ...", "application/pdf", "attachment-1.pdf"),
        (b"BEGIN:VCARD", "Text/X-VCard; charset=utf-8", "attachment-1.vcf"),
    ],
)
def test_what_is_no_picture_or_is_called_otherwise_is_a_file_to_be_saved(
    ada: Person, content: bytes, called: str, saved_as: str
) -> None:
    sid = ada.sends(media(content, called))
    stored = settled(ada, sid)
    assert (stored["state"], stored["content_type"], stored["picture"]) == ("stored", called, None)
    answer = file_of(ada, sid)
    assert answer.content == content
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == f'attachment; filename="{saved_as}"'
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_what_is_stored_is_sealed_and_goes_with_the_persons_key(ada: Person, storing: System) -> None:
    folder = storing.sayso.settings.media_dir
    assert folder is not None
    before = set(files_in(folder))
    sid = ada.sends(media(PICTURE))
    settled(ada, sid)
    (file,) = set(files_in(folder)) - before
    assert PICTURE not in file.read_bytes()
    assert sid not in str(file)
    assert ada.number[1:] not in str(file)
    storing.sayso.stores.keys.erase(ada.thread()["conversation"])
    problem = problem_of(file_of(ada, sid))
    assert (problem["status"], problem["code"]) == (404, "not_found")


def test_a_file_that_was_put_in_the_place_of_another_does_not_open(ada: Person, storing: System) -> None:
    folder = storing.sayso.settings.media_dir
    assert folder is not None
    before = set(files_in(folder))
    first = ada.sends(media(PICTURE))
    settled(ada, first)
    (one,) = set(files_in(folder)) - before
    second = ada.sends(media(png(colour=(0, 0, 0))))
    settled(ada, second)
    (other,) = set(files_in(folder)) - before - {one}
    shutil.copy(one, other)
    assert file_of(ada, second).status_code == 500


def test_a_file_that_cannot_be_read_just_now_is_asked_for_again(ada: Person, storing: System) -> None:
    folder = storing.sayso.settings.media_dir
    assert folder is not None
    before = set(files_in(folder))
    sid = ada.sends(media(PICTURE))
    settled(ada, sid)
    (file,) = set(files_in(folder)) - before
    aside = file.rename(file.with_suffix(".aside"))
    file.mkdir()
    answer = file_of(ada, sid)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["code"] == "attachment_unavailable"
    file.rmdir()
    aside.rename(file)
    assert file_of(ada, sid).content == PICTURE


@pytest.mark.parametrize("sid", ["%00", "MM1%00", "x" * 201])
def test_what_can_be_no_reply_is_refused_before_anything_is_asked(ada: Person, sid: str) -> None:
    problem = problem_of(file_of(ada, sid))
    assert (problem["status"], problem["code"]) == (422, "invalid_request")


# --- who may read it -----------------------------------------------------------------------------


def test_it_takes_the_permission_to_see_texts(ada: Person) -> None:
    sid = ada.sends(media(PICTURE))
    settled(ada, sid)
    path = f"{ada.office.boss.url}{ada.path}/attachments/{sid}/0"
    others = ada.office.member(*(set(Permission) - {Permission.VIEW}))
    assert problem_of(others.http.get(path))["code"] == "scope_missing"
    assert problem_of(ada.office.system.http().get(path))["code"] == "token_missing"


def test_another_account_finds_nothing_even_with_the_same_candidate_and_number(
    ada: Person, storing: System
) -> None:
    sid = ada.sends(media(PICTURE))
    settled(ada, sid)
    other = open_office(storing)
    twin = other.candidate(ada.number, candidate=ada.candidate)
    assert problem_of(file_of(twin, sid))["code"] == "not_found"
    theirs = other.boss.http.get(f"{ada.office.boss.url}{ada.path}/attachments/{sid}/0")
    assert problem_of(theirs)["code"] == "wrong_account"


def test_nobody_reads_it_by_way_of_a_candidate_whose_thread_does_not_show_it(ada: Person) -> None:
    office = ada.office
    office.boss.accepted("remove-number", **ada.at)
    sid = ada.sends(media(PICTURE))
    bob = office.candidate(ada.number)
    assert settled(bob, sid)["state"] == "stored"
    assert file_of(bob, sid).status_code == 200
    assert problem_of(file_of(ada, sid))["code"] == "not_found"
    assert problem_of(file_of(bob, sid, 1))["code"] == "not_found"


# --- refused ---------------------------------------------------------------------------------------


def refused(person: Person, sid: str) -> str:
    """Why it was refused; it cannot be read, and says so."""
    found = settled(person, sid)
    assert (found["state"], found["size_bytes"], found["picture"]) == ("refused", None, None)
    assert problem_of(file_of(person, sid))["code"] == "not_found"
    return str(found["reason"])


def comes_with(person: Person, url: str) -> str:
    """A signed call of the carrier that names a file at `url`; the reply's id."""
    sid = f"MM{sha256(url.encode()).hexdigest()[:32]}"
    form = {
        "MessageSid": sid, "From": person.number, "To": person.office.sender, "Body": "Look",
        "NumMedia": "1", "MediaUrl0": url, "MediaContentType0": "image/png",
        "AccountSid": person.office.system.sayso.settings.twilio_account_sid,
    }  # fmt: skip
    assert carrier_posts(person.office.system, "inbound", form).status_code == 200
    eventually(lambda: person.message(sid))
    return sid


def test_nothing_is_fetched_from_an_unexpected_host(ada: Person, listener: Listener) -> None:
    for url in (f"{listener.url}/picture.png", "https://example.com/a.png", "file:///etc/passwd"):
        assert refused(ada, comes_with(ada, url)) == "unexpected_host"
    assert listener.heard == []


def test_a_redirect_to_an_unexpected_host_is_not_followed(ada: Person, listener: Listener) -> None:
    for target in (f"{listener.url}/x", "https://169.254.169.254/latest/", "//elsewhere.example/x"):
        assert refused(ada, ada.sends(media(PICTURE, redirect_to=target))) == "unexpected_host"
    assert listener.heard == []


def test_the_carriers_own_host_is_asked_for_files_of_our_account_alone(ada: Person) -> None:
    phones = ada.office.system.phones_url
    account = ada.office.system.sayso.settings.twilio_account_sid
    for path in (f"/2010-04-01/Accounts/{account}/Messages.json", "/phones"):
        assert refused(ada, comes_with(ada, phones + path)) == "unexpected_host"


def test_what_is_too_large_is_not_stored(ada: Person) -> None:
    large = ada.sends(media(bytes(MB + 1), "video/mp4"))
    whole = ada.sends(media(bytes(MB), "video/mp4"))
    assert refused(ada, large) == "too_large"
    assert settled(ada, whole)["state"] == "stored"


def test_what_the_carrier_turns_down_is_not_asked_for_again(ada: Person) -> None:
    assert refused(ada, ada.sends(media(PICTURE, status=451))) == "turned_down"


def test_what_the_carrier_does_not_have_is_gone_after_a_while(
    tmp_path: Path,
) -> None:
    with running(tmp_path, carrier=quick, media_dir=tmp_path / "media") as system:
        system.clock.set(office_hours(utc_now()))
        ada = open_office(system).candidate()
        late = ada.sends(media(PICTURE, status=404, times=2))
        never = ada.sends(media(PICTURE, status=404))
        passes(system, lambda: attached(ada, late).get("state") == "stored", seconds=5)
        assert attached(ada, never)["state"] == "waiting"
        passes(system, lambda: attached(ada, never).get("state") == "refused", minutes=4)
        assert refused(ada, never) == "gone"


def test_a_carrier_that_fails_is_asked_again_and_given_up_in_the_end(tmp_path: Path) -> None:
    with running(tmp_path, carrier=quick, media_dir=tmp_path / "media") as system:
        system.clock.set(office_hours(utc_now()))
        ada = open_office(system).candidate()
        slow = ada.sends(media(PICTURE, status=503, times=3))
        never = ada.sends(media(PICTURE, status=500))
        passes(system, lambda: attached(ada, slow).get("state") == "stored", seconds=20)
        assert file_of(ada, slow).content == PICTURE
        assert attached(ada, never)["state"] == "waiting"
        passes(system, lambda: attached(ada, never).get("state") == "refused", hours=8)
        assert refused(ada, never) == "given_up"
        metrics = system.http().get("/metrics").text
        assert 'sayso_attachments_total{outcome="stored",shard="0"} 1.0' in metrics
        assert 'sayso_attachments_total{outcome="refused",shard="0"} 1.0' in metrics
        assert 'sayso_attachments_postponed{shard="0"} 0.0' in metrics


def passes(system: System, there: Any, **time: float) -> None:
    """Time passes in such steps, with a look of the fetcher's at each or so, until it is so."""

    def later() -> bool:
        system.clock.move(timedelta(**time))
        sleep(LOOK_EVERY_S / 2)
        return bool(there())

    eventually(later)


# --- where nothing is stored, or cannot be ---------------------------------------------------------


def test_where_settings_name_no_folder_nothing_is_fetched(office: Office, listener: Listener) -> None:
    ada = office.candidate()
    sid = comes_with(ada, f"{listener.url}/picture.png")
    assert attached(ada, sid)["state"] == "waiting"
    assert problem_of(file_of(ada, sid))["code"] == "not_found"
    assert listener.heard == []


def test_a_folder_that_cannot_be_written_loses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "media"
    with running(tmp_path, carrier=quick, media_dir=folder) as system:
        system.clock.set(office_hours(utc_now()))
        folder.write_text("not a folder")
        ada = open_office(system).candidate()
        sid = ada.sends(media(PICTURE))
        eventually(lambda: 'sayso_attachments_postponed{shard="0"} 1.0' in system.http().get("/metrics").text)
        system.clock.move(timedelta(days=30))  # however long: it is no fault of the attachment
        assert attached(ada, sid)["state"] == "waiting"
        folder.unlink()
        passes(system, lambda: attached(ada, sid).get("state") == "stored", minutes=1)
        assert file_of(ada, sid).content == PICTURE


def test_the_same_call_twice_is_one_attachment(ada: Person) -> None:
    sid = ada.sends(media(PICTURE))
    stored = settled(ada, sid)
    form = {
        "MessageSid": sid, "From": ada.number, "To": ada.office.sender, "Body": "",
        "NumMedia": "1", "MediaUrl0": stored["url"], "MediaContentType0": "image/png",
        "AccountSid": ada.office.system.sayso.settings.twilio_account_sid,
    }  # fmt: skip
    assert carrier_posts(ada.office.system, "inbound", form).status_code == 200
    ada.office.system.shown()
    assert ada.message(sid)["media"] == [stored]
    assert urlsplit(stored["url"]).netloc == urlsplit(ada.office.system.phones_url).netloc
