"""Quiet hours, by the recipient's own clock: texts wait and say so; a permission overrides, nobody widens."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from schemas.actors import Permission
from tests.support.office import POLITE, RECRUITER, Json, Office, Person, fresh_number, open_office
from tests.support.sayso import System, problem_of

SYDNEY = ZoneInfo("Australia/Sydney")
BERLIN = ZoneInfo("Europe/Berlin")
MOBILES = "+6141"  # of Australia


def local(moment: str, zone: ZoneInfo) -> str:
    """Day of the week and time there."""
    return datetime.fromisoformat(moment).astimezone(zone).strftime("%a %H:%M")


@pytest.fixture
def night_owl(office: Office) -> Person:
    """Somebody in Sydney, where it is Wednesday before dawn: quiet until eleven."""
    return office.candidate(fresh_number(MOBILES), time_zone="Australia/Sydney")


def test_a_text_in_quiet_hours_is_deferred_and_says_so_before_and_after(night_owl: Person) -> None:
    seen = night_owl.preview()
    assert (seen["deferred"], local(seen["send_at"], SYDNEY), seen["refusal"]) == (True, "Wed 11:00", None)
    text = night_owl.gets()
    assert (text["deferred"], local(text["send_at"], SYDNEY)) == (True, "Wed 11:00")
    message = night_owl.message(text["text_id"])
    assert (message["status"], message["delay"]) == ("scheduled", "quiet_hours")
    assert local(message["send_at"], SYDNEY) == "Wed 11:00"
    assert night_owl.office.balance == 49
    assert night_owl.phone.inbox() == []


def test_a_deferred_text_goes_at_the_next_opening(own_office: Office) -> None:
    person = own_office.candidate(fresh_number(MOBILES), time_zone="Australia/Sydney")
    text = person.gets()
    own_office.system.wait_until(datetime.fromisoformat(text["send_at"]) - timedelta(minutes=1))
    own_office.candidate()
    assert person.phone.inbox() == []
    own_office.system.wait_until(datetime.fromisoformat(text["send_at"]))
    person.phone.shows(POLITE)


def test_a_deferred_text_whose_opening_was_missed_is_still_sent(own_office: Office) -> None:
    """Nobody chose its hour, so coming some hours late does it no harm."""
    person = own_office.candidate(fresh_number(MOBILES), time_zone="Australia/Sydney")
    text = person.gets()
    own_office.system.wait_until(datetime.fromisoformat(text["send_at"]) + timedelta(hours=3))
    person.phone.shows(POLITE)


def test_outside_quiet_hours_a_text_goes_at_once(office: Office) -> None:
    person = office.candidate(time_zone="America/Los_Angeles")
    assert (person.preview()["deferred"], person.preview()["send_at"]) == (False, None)
    assert (person.gets()["deferred"], person.gets("Again")["send_at"]) == (False, None)
    person.phone.shows(POLITE)


def test_a_time_that_was_chosen_in_quiet_hours_is_moved_to_the_opening(office: Office) -> None:
    person = office.candidate("+4915112345678", time_zone="Europe/Berlin")
    midnight = datetime.now(BERLIN).replace(year=2150, month=3, day=3, hour=0, minute=0, second=0)
    fields = {"send_at": midnight.isoformat()}
    assert local(person.preview(**fields)["send_at"], BERLIN).endswith("09:00")
    text = person.gets(**fields)
    assert (text["deferred"], local(text["send_at"], BERLIN)) == (True, "Tue 09:00")
    moved = {**person.at, "text_id": text["text_id"], "send_at": (midnight + timedelta(days=1)).isoformat()}
    again = office.boss.accepted("reschedule-text", **moved)
    assert (again["deferred"], local(again["send_at"], BERLIN)) == (True, "Wed 09:00")


# --- whose clock ----------------------------------------------------------------------------------


def test_the_zone_that_the_ats_gives_decides(office: Office) -> None:
    abroad = office.candidate(time_zone="Asia/Tokyo")  # an American number, now in Tokyo
    assert local(abroad.gets()["send_at"], ZoneInfo("Asia/Tokyo")) == "Wed 08:00"


def test_without_a_zone_every_zone_of_the_number_must_be_open(office: Office) -> None:
    somewhere = office.candidate(fresh_number(MOBILES))
    opening = datetime.fromisoformat(somewhere.gets()["send_at"])
    zones = ("Australia/Perth", "Australia/Sydney", "Australia/Darwin", "Australia/Adelaide")
    assert all(11 <= opening.astimezone(ZoneInfo(zone)).hour < 20 for zone in zones)


def test_a_zone_that_does_not_exist_is_refused(office: Office) -> None:
    number = {"candidate": "c-1", "number": "+14157770005", "time_zone": "Mars/Olympus"}
    assert office.boss.refused("add-number", **number) == "time_zone_unknown"


def test_where_no_moment_is_open_it_is_refused_rather_than_kept_for_ever(office: Office) -> None:
    person = office.candidate()
    office.chooses(quiet_hours={"quiet_from": "08:00", "quiet_until": "21:00"})  # and the law: 21:00 to 08:00
    problem = office.boss.problem("send-text", **person.at, body=POLITE)
    assert problem["code"] == "never_open"
    assert person.preview()["refusal"]["code"] == "never_open"
    assert office.balance == 50


# --- overriding -----------------------------------------------------------------------------------


def test_an_override_goes_at_once_and_is_recorded(night_owl: Person) -> None:
    seen = night_owl.preview(override_quiet_hours=True)
    assert (seen["deferred"], seen["send_at"], seen["refusal"]) == (False, None, None)
    text = night_owl.gets(override_quiet_hours=True)
    night_owl.phone.shows(POLITE)
    message = night_owl.message(text["text_id"])
    assert message["overrides_quiet_hours"]
    assert message["by"]["name"] == "Grace Hopper"


def test_an_override_needs_its_own_permission(night_owl: Person) -> None:
    office = night_owl.office
    everything_else = tuple(one for one in Permission if one is not Permission.OVERRIDE_QUIET_HOURS)
    send = {**night_owl.at, "body": POLITE, "override_quiet_hours": True}
    for member in (office.member(*RECRUITER), office.member(*everything_else)):
        problem = problem_of(member.command("send-text", **send))
        assert (problem["status"], problem["code"]) == (403, "not_permitted")
        assert "texts:override-quiet-hours" in problem["detail"]
        seen = member.http.post("/texts/preview", json=send).json()
        assert seen["refusal"]["code"] == "not_permitted"
    assert office.member(*RECRUITER, Permission.OVERRIDE_QUIET_HOURS).accepted("send-text", **send)
    assert office.balance == 49


def test_an_override_holds_for_its_text_alone(night_owl: Person) -> None:
    night_owl.gets(override_quiet_hours=True)
    assert night_owl.gets("Another")["deferred"]


def test_an_override_is_still_one_when_the_text_falls_due(own_office: Office) -> None:
    person = own_office.candidate(fresh_number(MOBILES), time_zone="Australia/Sydney")
    send_at = own_office.system.clock() + timedelta(hours=1)
    text = person.gets(send_at=send_at.isoformat(), override_quiet_hours=True)
    assert not text["deferred"]
    own_office.system.wait_until(send_at)
    person.phone.shows(POLITE)


# --- narrowing ------------------------------------------------------------------------------------


def test_an_account_can_add_quiet_hours_of_its_own(office: Office) -> None:
    person = office.candidate(time_zone="America/New_York")  # where it is noon
    assert not person.preview()["deferred"]
    office.chooses(quiet_hours={"quiet_from": "11:00", "quiet_until": "14:30"})
    assert local(person.gets()["send_at"], ZoneInfo("America/New_York")).endswith("14:30")
    office.chooses(quiet_hours=None)
    assert not person.preview()["deferred"]


def test_an_account_can_leave_sundays_alone(office: Office) -> None:
    person = office.candidate(time_zone="America/New_York")
    sunday = "2150-03-01T12:00:00-05:00"
    assert datetime.fromisoformat(sunday).strftime("%a") == "Sun"
    assert not person.preview(send_at=sunday)["deferred"]
    office.chooses(quiet_hours={"quiet_from": "20:00", "quiet_until": "09:00", "quiet_sunday": True})
    assert local(person.preview(send_at=sunday)["send_at"], ZoneInfo("America/New_York")) == "Mon 09:00"


@pytest.mark.parametrize(
    "own",
    [
        {"quiet_from": "03:00", "quiet_until": "04:00"},
        {"quiet_from": "00:00", "quiet_until": "00:00"},
        {"quiet_from": "20:00", "quiet_until": "20:00"},
        None,
    ],
)
def test_an_account_cannot_take_any_of_the_countrys_away(night_owl: Person, own: Json | None) -> None:
    night_owl.office.chooses(quiet_hours=own)
    assert local(night_owl.gets()["send_at"], SYDNEY) == "Wed 11:00"


@pytest.mark.parametrize(
    "own",
    [{"quiet_from": "9:00", "quiet_until": "17:00"}, {"quiet_from": "24:00", "quiet_until": "08:00"}, {}],
)
def test_hours_that_are_none_are_refused(office: Office, own: Json) -> None:
    assert office.boss.refused("change-settings", change={"quiet_hours": own}) == "invalid_command"


def test_the_answer_to_a_keyword_minds_no_quiet_hours(own_system: System) -> None:
    """It was asked for by the candidate, this moment."""
    office = open_office(own_system)
    office.chooses(carrier_answers_help=False)
    person = office.candidate(fresh_number(MOBILES), time_zone="Australia/Sydney")
    person.writes("HELP")
    person.phone.shows("Acme Robotics: We text you about your application. Reply STOP to get no more texts.")
