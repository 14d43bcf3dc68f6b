"""Texts for later: due at their time, looked at again then, moved, called back, and stopped by a STOP."""

from datetime import datetime, timedelta

import pytest

from tests.support.office import POLITE, RECRUITER, Json, Office, Person
from tests.support.sayso import System, eventually


def at(office: Office, **later: float) -> str:
    """So much later than now."""
    return (office.system.clock() + timedelta(**later)).isoformat()


def scheduled(person: Person, body: str = POLITE, **later: float) -> Json:
    """A text for so much later; it need not mind quiet hours."""
    return person.gets(body, send_at=at(person.office, **later), override_quiet_hours=True)


# --- when it is due -------------------------------------------------------------------------------


def test_a_scheduled_text_waits_for_its_time_and_then_goes(own_office: Office) -> None:
    person, system = own_office.candidate(), own_office.system
    when = at(own_office, days=400)
    text = person.gets(send_at=when)
    assert datetime.fromisoformat(text["send_at"]) == datetime.fromisoformat(when)
    message = person.message(text["text_id"])
    assert (message["status"], message["delay"]) == ("scheduled", "requested")
    assert own_office.balance == 49

    system.wait(days=400, minutes=-1)
    own_office.candidate()
    assert person.message(text["text_id"])["status"] == "scheduled"
    assert person.phone.inbox() == []

    system.wait(minutes=2)
    person.phone.shows(POLITE)
    person.becomes(text["text_id"], "delivered")
    assert own_office.balance == 49


def test_a_text_can_be_scheduled_for_the_next_century(office: Office) -> None:
    person = office.candidate()
    assert person.gets(send_at="2199-12-31T20:00:00Z")["send_at"] == "2199-12-31T20:00:00+00:00"


def test_the_past_is_refused(office: Office) -> None:
    person = office.candidate()
    for send_at in (at(office, minutes=-1), "2001-01-01T00:00:00Z"):
        send = {**person.at, "body": POLITE, "send_at": send_at}
        assert office.boss.refused("send-text", **send) == "send_at_past"
    assert office.balance == 50


def falls_due(system: System, person: Person, text: Json) -> Json:
    """An hour passes, and the text does not go."""
    system.wait(hours=1, seconds=1)
    message = person.becomes(text["text_id"], "cancelled")
    assert person.phone.inbox() == []
    assert person.office.balance == 50
    return message


def test_the_country_is_checked_again_when_it_falls_due(own_office: Office) -> None:
    person = own_office.candidate()
    text = scheduled(person, hours=1)
    own_office.chooses(blocked_regions=["US"])
    assert falls_due(own_office.system, person, text)["reason"] == "country_blocked"


def test_a_wish_to_stop_that_nobody_has_read_holds_back_what_falls_due(own_office: Office) -> None:
    person = own_office.candidate()
    text = scheduled(person, hours=1)
    person.writes("please stop texting me")
    assert falls_due(own_office.system, person, text)["reason"] == "under_review"


def test_quiet_hours_are_checked_again_when_it_falls_due(own_office: Office) -> None:
    person = own_office.candidate(time_zone="America/Los_Angeles")
    text = person.gets(send_at=at(own_office, hours=1))
    own_office.chooses(quiet_hours={"quiet_from": "09:00", "quiet_until": "16:00"})
    own_office.system.wait(hours=1, seconds=1)
    message = eventually(lambda: _deferred(person, text))
    assert message["status"] == "scheduled"
    own_office.system.wait_until(datetime.fromisoformat(message["send_at"]))
    person.phone.shows(POLITE)


def _deferred(person: Person, text: Json) -> Json:
    message = person.message(text["text_id"])
    return message if message["delay"] == "quiet_hours" else {}


def test_a_text_that_missed_its_time_by_hours_is_not_sent_any_more(own_office: Office) -> None:
    person = own_office.candidate()
    text = scheduled(person, hours=1)
    own_office.system.wait(hours=3)
    assert person.becomes(text["text_id"], "cancelled")["reason"] == "missed"
    assert own_office.balance == 50
    assert person.phone.inbox() == []


# --- moved and called back ------------------------------------------------------------------------


def test_a_scheduled_text_can_be_moved(own_office: Office) -> None:
    person, system = own_office.candidate(), own_office.system
    text = scheduled(person, hours=1)
    later = at(own_office, hours=2)
    move = {**person.at, "text_id": text["text_id"], "send_at": later}
    moved = own_office.boss.accepted("reschedule-text", **move)
    assert datetime.fromisoformat(moved["send_at"]) == datetime.fromisoformat(later)
    system.wait(hours=1, minutes=1)
    own_office.candidate()
    assert person.message(text["text_id"])["status"] == "scheduled"
    system.wait(hours=1)
    person.phone.shows(POLITE)
    assert own_office.balance == 49


def test_a_text_cannot_be_moved_into_the_past_or_out_of_its_thread(office: Office) -> None:
    person, other = office.candidate(), office.candidate()
    text = scheduled(person, hours=1)
    past = {"text_id": text["text_id"], "send_at": at(office, hours=-1)}
    assert office.boss.refused("reschedule-text", **person.at, **past) == "send_at_past"
    ahead = {"text_id": text["text_id"], "send_at": at(office, hours=2)}
    assert office.boss.refused("reschedule-text", **other.at, **ahead) == "text_unknown"


def test_a_cancelled_text_gives_its_credit_back(office: Office) -> None:
    person = office.candidate()
    text = scheduled(person, "x" * 200, hours=1)
    assert office.balance == 48
    rita = office.member(*RECRUITER, member="rita", name="Rita Recruiter")
    cancelled = rita.accepted("cancel-text", **person.at, text_id=text["text_id"])
    assert cancelled["balance"] == 50
    message = person.message(text["text_id"])
    assert (message["status"], message["reason"]) == ("cancelled", "cancelled_by_member")
    assert message["status_by"]["name"] == "Rita Recruiter"
    assert office.boss.refused("cancel-text", **person.at, text_id=text["text_id"]) == "text_unknown"
    assert office.balance == 50


def test_what_is_on_its_way_cannot_be_called_back(office: Office) -> None:
    person = office.candidate()
    person.phone.behaves(ends="sent")
    text = person.gets()
    person.becomes(text["text_id"], "sent")
    change = {**person.at, "text_id": text["text_id"]}
    assert office.boss.refused("cancel-text", **change) == "already_dispatched"
    assert (
        office.boss.refused("reschedule-text", **change, send_at=at(office, hours=1)) == "already_dispatched"
    )


# --- stop -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("keyword", ["STOP", "quit"])
def test_a_stop_cancels_and_refunds_what_is_scheduled_in_the_same_moment(
    office: Office, keyword: str
) -> None:
    person, other = office.candidate(), office.candidate()
    texts = [scheduled(person, "x" * 161, hours=1 + hour) for hour in range(3)]
    kept = scheduled(other, hours=1)
    assert office.balance == 50 - 3 * 2 - 1

    heard = person.writes(keyword)
    # One command, one transaction: once the keyword is seen, all of it is.
    assert office.balance == 49
    assert {person.message(text["text_id"])["status"] for text in texts} == {"cancelled"}
    assert {person.message(text["text_id"])["reason"] for text in texts} == {"revoked_by_keyword"}
    refunds = [line for line in office.statement() if line["kind"] == "refunded"]
    assert {line["text_id"] for line in refunds} == {text["text_id"] for text in texts}
    moments = {line["at"] for line in refunds} | {heard["at"], person.consent()["recorded_at"]}
    moments |= {person.message(text["text_id"])["status_at"] for text in texts}
    assert len(moments) == 1
    assert other.message(kept["text_id"])["status"] == "scheduled"


def test_start_after_a_stop_does_not_bring_cancelled_texts_back(own_office: Office) -> None:
    person = own_office.candidate()
    text = scheduled(person, hours=1)
    person.writes("STOP")
    person.writes("START")
    own_office.system.wait(hours=1, minutes=1)
    own_office.candidate()
    assert person.message(text["text_id"])["status"] == "cancelled"
    assert person.phone.inbox() == []
