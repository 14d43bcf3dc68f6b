"""Without consent nothing can be written: the composer says why, and the interface says the same."""

from collections.abc import Callable

import pytest

from producers.http.access import SESSION_COOKIE
from tests.support.office import RECRUITER, Office, Person
from tests.support.sayso import problem_of


@pytest.fixture
def office(shared_office: Office) -> Office:
    return shared_office


def never_agreed(person: Person) -> None:
    """Nothing happened."""


def withdrew(person: Person) -> None:
    person.agrees()
    person.office.boss.accepted("withdraw-consent", **person.at)


def revoked(person: Person) -> None:
    person.agrees()
    person.writes("STOP")


def asked_to_stop(person: Person) -> None:
    person.agrees()
    person.writes("Please stop texting me.")


BLOCKED = [
    (never_agreed, "consent_not_given", "Record consent first."),
    (withdrew, "consent_withdrawn", "Add it again once the candidate agrees."),
    (revoked, "revoked_by_keyword", "by texting START to"),
    (asked_to_stop, "under_review", "Review it before texting again."),
]


@pytest.mark.parametrize(("happened", "code", "what_to_do"), BLOCKED)
def test_the_send_and_its_preview_and_the_page_say_the_same(
    office: Office, happened: Callable[[Person], None], code: str, what_to_do: str
) -> None:
    person = office.candidate(consent=False)
    happened(person)

    problem = problem_of(office.boss.command("send-text", **person.at, body="Are you free?"))
    assert (problem["status"], problem["code"]) == (409, code)
    assert what_to_do in problem["detail"]

    assert person.preview()["refusal"] == {"code": code, "sentence": problem["detail"]}

    page = _page(person)
    assert f'data-code="{code}"' in page
    assert _fieldset(page).endswith("disabled>")
    assert problem["detail"].split(".")[0].replace("'", "&#39;") in page


def test_with_consent_the_composer_is_open(office: Office) -> None:
    person = office.candidate()
    assert person.preview()["refusal"] is None
    page = _page(person)
    assert 'data-testid="blocked"' not in page
    assert "disabled" not in _fieldset(page)


def test_a_refused_send_costs_nothing_and_leaves_no_text(office: Office) -> None:
    person, before = office.candidate(consent=False), office.balance
    office.boss.refused("send-text", **person.at, body="Are you free?")
    assert office.balance == before
    assert person.messages() == []
    assert person.phone.inbox() == []


def test_once_the_cause_is_gone_texts_go_again(office: Office) -> None:
    person = office.candidate(consent=False)
    withdrew(person)
    person.agrees()
    person.gets("We meet on Tuesday. Reply STOP to end.")
    person.phone.shows("We meet on Tuesday. Reply STOP to end.")


def _page(person: Person) -> str:
    office = person.office
    token = office.system.token(*RECRUITER, account=office.account)
    answer = office.system.http(Cookie=f"{SESSION_COOKIE}={token}").get(f"/candidates/{person.candidate}")
    assert answer.status_code == 200
    return answer.text


def _fieldset(page: str) -> str:
    """The tag around everything that can be written into."""
    start = page.index('<fieldset id="writing"')
    return page[start : page.index(">", start) + 1]
