"""View, send, manage, audit: held separately on every route, every command and every page."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import httpx
import pytest

from producers.http.access import SESSION_COOKIE
from producers.http.pages.site import PAGES
from schemas.actors import Permission
from tests.support.office import Json, Office, Person, open_office
from tests.support.sayso import System, problem_of

VIEW, SEND, MANAGE, AUDIT = Permission.VIEW, Permission.SEND, Permission.MANAGE, Permission.AUDIT
OPERATE, ACT_AS = Permission.OPERATE, Permission.ACT_AS
APPLICATIONS = Permission.RECORD_APPLICATIONS
EVERYTHING = frozenset(Permission)

Needs = tuple[frozenset[Permission], ...]
"""The sets of permissions of which one is needed."""


def any_of(*permissions: Permission) -> Needs:
    return tuple(frozenset({one}) for one in permissions)


ALL_OF_VIEW_AND_SEND: Needs = (frozenset({VIEW, SEND}),)

ROUTES: Mapping[tuple[str, str], Needs] = MappingProxyType(
    {
        ("get", ""): any_of(VIEW, MANAGE, AUDIT, OPERATE),
        ("post", "/texts/preview"): any_of(VIEW),
        ("get", "/candidates"): any_of(VIEW),
        ("get", "/candidates/{candidate}"): any_of(VIEW),
        ("get", "/candidates/{candidate}/threads"): any_of(VIEW),
        ("get", "/candidates/{candidate}/threads/{number}"): any_of(VIEW),
        ("get", "/candidates/{candidate}/threads/{number}/consent"): any_of(VIEW, AUDIT),
        ("get", "/candidates/{candidate}/threads/{number}/attachments/{sid}/{index}"): any_of(VIEW),
        ("get", "/bulks"): any_of(VIEW),
        ("get", "/bulks/{bulk}"): any_of(VIEW),
        ("get", "/bulks/{bulk}/texts"): any_of(VIEW),
        ("get", "/credits"): any_of(VIEW, MANAGE),
        ("get", "/credits/statement"): any_of(VIEW, MANAGE),
        ("get", "/notifications"): any_of(VIEW),
        ("get", "/stream"): any_of(VIEW),
        ("get", "/dead-letters"): any_of(AUDIT, MANAGE),
        ("get", "/dead-letters/{letter}"): any_of(AUDIT, MANAGE),
    }
)
BY_THE_COMMAND = {("post", "/commands"), ("get", "/receipts/{command_id}")}
"""Here the command decides: its type who may post it, and its sender who may read its receipt."""

COMMANDS: Mapping[str, Needs] = MappingProxyType(
    {
        "activate-texting": any_of(MANAGE),
        "buy-package": any_of(MANAGE),
        "change-settings": any_of(MANAGE),
        "assign-sender": any_of(OPERATE),
        "withdraw-sender": any_of(OPERATE),
        "adjust-segments": any_of(OPERATE),
        "resume-sending": any_of(OPERATE),
        "refund-text": any_of(OPERATE),
        "set-notifications": any_of(VIEW),
        "add-number": (*ALL_OF_VIEW_AND_SEND, frozenset({APPLICATIONS})),
        "remove-number": (*ALL_OF_VIEW_AND_SEND, frozenset({APPLICATIONS})),
        "change-number": (*ALL_OF_VIEW_AND_SEND, frozenset({APPLICATIONS})),
        "follow-candidate": any_of(VIEW),
        "unfollow-candidate": any_of(VIEW),
        "record-application-consent": any_of(APPLICATIONS),
        "add-consent": ALL_OF_VIEW_AND_SEND,
        "withdraw-consent": ALL_OF_VIEW_AND_SEND,
        "review-stop-request": ALL_OF_VIEW_AND_SEND,
        "send-text": ALL_OF_VIEW_AND_SEND,
        "send-bulk": ALL_OF_VIEW_AND_SEND,
        "pause-bulk": ALL_OF_VIEW_AND_SEND,
        "resume-bulk": ALL_OF_VIEW_AND_SEND,
        "cancel-bulk": ALL_OF_VIEW_AND_SEND,
        "reschedule-text": ALL_OF_VIEW_AND_SEND,
        "cancel-text": ALL_OF_VIEW_AND_SEND,
        "mark-read": any_of(VIEW),
    }
)
INTERNAL = ("receive-text", "start-dispatch", "record-handover", "report-status", "record-attachment")

SHOWN: Mapping[str, Needs] = MappingProxyType(
    {
        "/candidates/{candidate}": any_of(VIEW),
        "/bulks": any_of(VIEW),
        "/bulks/{bulk}": any_of(VIEW),
        "/bulks/{bulk}/texts": any_of(VIEW),
        "/balance": any_of(VIEW, MANAGE),
        "/settings": any_of(MANAGE),
        "/notifications": any_of(VIEW),
    }
)
"""Pages. The first one, `/`, is for everybody: without a permission it shows nothing."""


@pytest.fixture(scope="module")
def ada(system: System) -> Person:
    """Somebody with a thread that nobody else should read."""
    person = open_office(system).candidate(name="Ada Byron-Secret")
    text = person.gets("Hi Ada, the secret word is marmalade. Reply STOP to end.")
    person.becomes(text["text_id"], "delivered")
    person.writes("Marmalade it is")
    person.office.boss.accepted("send-bulk", command_id=BULK, recipients=[person.at], body="More marmalade")
    return person


BULK = uuid4()
SECRETS = ("Byron-Secret", "marmalade", "Marmalade", "+1415")


def called(person: Person, who: httpx.Client, method: str, path: str, account: str) -> httpx.Response:
    """The answer of a route of the interface; of a live stream, its head."""
    number = person.number.replace("+", "%2B")
    of = {
        "candidate": person.candidate,
        "number": number,
        "sid": "MM1",
        "index": 0,
        "letter": 1,
        "bulk": BULK,
    }
    filled = path.format(**of, command_id=uuid4())
    body = {"number": person.number, "body": "Hi"} if method == "post" else None
    with who.stream(method, f"/v1/accounts/{account}{filled}", json=body) as answer:
        if answer.headers["content-type"].startswith("text/event-stream") and answer.is_success:
            return answer
        answer.read()
        return answer


def bearer(person: Person, *permissions: Permission, account: str | None = None) -> httpx.Client:
    """Somebody with exactly these permissions."""
    system = person.office.system
    token = system.token(*(permissions or ()), account=account or person.office.account)
    return system.http(Authorization=f"Bearer {token}")


def nobody_special(person: Person) -> httpx.Client:
    """A member of the account whose token allows what Sayso knows nothing of."""
    return bearer(person, "another-service:everything")  # type: ignore[arg-type]


# --- routes ---------------------------------------------------------------------------------------


def test_the_tables_hold_every_route_and_every_command(system: System) -> None:
    document = system.http().get("/openapi.json").json()
    prefix = "/v1/accounts/{account}"
    documented = {
        (method, path.removeprefix(prefix))
        for path, methods in document["paths"].items()
        if path.startswith(prefix)
        for method in methods
    }
    assert documented == ROUTES.keys() | BY_THE_COMMAND
    assert _examples(system).keys() == COMMANDS.keys()
    assert document["components"]["schemas"]["Command"]["discriminator"]["mapping"].keys() == COMMANDS.keys()


@pytest.mark.parametrize(("method", "path"), [*ROUTES, *BY_THE_COMMAND])
def test_no_route_answers_without_a_token(ada: Person, method: str, path: str) -> None:
    answer = called(ada, ada.office.system.http(), method, path, ada.office.account)
    problem = problem_of(answer)
    assert (problem["status"], problem["code"]) == (401, "token_missing")


@pytest.mark.parametrize(("method", "path"), [*ROUTES, *BY_THE_COMMAND])
def test_no_route_answers_another_accounts_token(ada: Person, method: str, path: str) -> None:
    stranger = bearer(ada, *EVERYTHING, account="globex")
    answer = called(ada, stranger, method, path, ada.office.account)
    problem = problem_of(answer)
    assert (problem["status"], problem["code"]) == (403, "wrong_account")
    assert not any(secret in answer.text for secret in SECRETS)


@pytest.mark.parametrize(("method", "path"), [*ROUTES, *BY_THE_COMMAND])
def test_under_ones_own_account_nothing_of_another_is_found(ada: Person, method: str, path: str) -> None:
    stranger = bearer(ada, *EVERYTHING, account="globex")
    answer = called(ada, stranger, method, path, "globex")
    if not answer.headers["content-type"].startswith("text/event-stream"):
        assert not any(secret in answer.text for secret in SECRETS)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_needs_its_permission_and_no_other(ada: Person, method: str, path: str) -> None:
    needs, account = ROUTES[method, path], ada.office.account
    helpful = frozenset[Permission]().union(*needs)
    for client in (nobody_special(ada), bearer(ada, *(EVERYTHING - helpful))):
        answer = called(ada, client, method, path, account)
        problem = problem_of(answer)
        assert (problem["status"], problem["code"]) == (403, "scope_missing")
        assert not any(secret in answer.text for secret in SECRETS)
    for enough in needs:
        assert called(ada, bearer(ada, *enough), method, path, account).status_code not in (401, 403)


def test_a_receipt_is_for_its_sender_and_those_who_see_all(ada: Person) -> None:
    office = ada.office
    answer = office.member(VIEW, member="m-1").command("follow-candidate", candidate=ada.candidate)
    path = f"/receipts/{answer.json()['command_id']}"
    office.boss.seen(answer.json()["command_id"])
    for permission in (VIEW, MANAGE, AUDIT, ACT_AS):
        assert office.member(permission, member="m-2").http.get(path).status_code == 200
    unseen = office.member(SEND, OPERATE, APPLICATIONS, member="m-2").http.get(path)
    assert problem_of(unseen)["code"] == "receipt_unknown"
    assert office.member(SEND, member="m-1").http.get(path).status_code == 200


# --- commands -------------------------------------------------------------------------------------


def _examples(system: System) -> dict[str, Json]:
    """A command of every type, as the interface's own document shows it."""
    document = system.http().get("/openapi.json").json()
    body = document["paths"]["/v1/accounts/{account}/commands"]["post"]["requestBody"]
    examples = body["content"]["application/json"]["examples"]
    return {kind: dict(example["value"]) for kind, example in examples.items()}


def code_for(person: Person, kind: str, permissions: frozenset[Permission]) -> str | None:
    """The code with which a command is refused to somebody with these permissions; None: it is not."""
    fields = _examples(person.office.system)[kind]
    fields.pop("type")
    answer = person.office.member(*permissions, member="m-3").command(kind, **fields)
    return None if answer.is_success else str(problem_of(answer)["code"])


@pytest.mark.parametrize("kind", COMMANDS)
def test_every_command_needs_its_permissions_and_no_others(ada: Person, kind: str) -> None:
    needs = COMMANDS[kind]
    for enough in needs:
        assert code_for(ada, kind, enough) != "not_permitted"
    helpful = frozenset[Permission]().union(*needs)
    assert code_for(ada, kind, EVERYTHING - helpful) == "not_permitted"
    for enough in needs:
        for missing in enough:
            others = frozenset[Permission]().union(*(other for other in needs if other != enough))
            assert code_for(ada, kind, EVERYTHING - others - {missing}) == "not_permitted"


def test_the_refusal_says_what_to_ask_for(ada: Person) -> None:
    problem = ada.office.member(VIEW).problem("send-text", **ada.at, body="Hi")
    assert problem["status"] == 403
    assert problem["detail"].endswith("Ask an administrator for: texts:send.")


@pytest.mark.parametrize("kind", INTERNAL)
def test_the_carriers_commands_are_nobodys(ada: Person, kind: str) -> None:
    problem = ada.office.member(*EVERYTHING).problem(kind, number=ada.number)
    assert (problem["status"], problem["code"]) == (403, "internal_command")


def test_nothing_of_one_account_is_changed_from_another(ada: Person, system: System) -> None:
    later = ada.gets("Later", send_at="2150-01-01T12:00:00Z", override_quiet_hours=True)
    other = open_office(system)
    twin = other.candidate(number=ada.number, candidate=ada.candidate)
    assert other.boss.refused("cancel-text", **twin.at, text_id=later["text_id"]) == "text_unknown"
    reschedule = {"text_id": later["text_id"], "send_at": "2150-01-02T12:00:00Z"}
    assert other.boss.refused("reschedule-text", **twin.at, **reschedule) == "text_unknown"
    other.boss.accepted("withdraw-consent", **twin.at)
    other.boss.accepted("remove-number", **twin.at)
    assert ada.consent()["status"] == "granted"
    assert ada.message(later["text_id"])["status"] == "scheduled"
    ada.office.boss.accepted("cancel-text", **ada.at, text_id=later["text_id"])


def test_a_command_for_another_account_than_the_addressed_one_is_refused(ada: Person) -> None:
    fields = {"account": "globex", "candidate": "c-1"}
    assert ada.office.boss.refused("follow-candidate", **fields) == "wrong_account"


# --- pages ----------------------------------------------------------------------------------------


def page(person: Person, path: str, *permissions: Permission) -> httpx.Response:
    """A page, as somebody with exactly these permissions sees it; without any, as nobody who signed in."""
    system = person.office.system
    headers = {}
    if permissions:
        token = system.token(*permissions, account=person.office.account)
        headers = {"Cookie": f"{SESSION_COOKIE}={token}"}
    return system.http(**headers).get(path.format(candidate=person.candidate, bulk=BULK))


OTHER: Any = "another-service:everything"


def test_the_table_holds_every_page() -> None:
    addresses = {getattr(route, "path", None) for module in PAGES for route in module.router.routes}
    assert addresses == SHOWN.keys() | {"/"}


@pytest.mark.parametrize("path", SHOWN)
def test_every_page_needs_its_permission(ada: Person, path: str) -> None:
    helpful = frozenset[Permission]().union(*SHOWN[path])
    for refused in (page(ada, path, OTHER), page(ada, path, *(EVERYTHING - helpful))):
        assert refused.status_code == 403
        assert not any(secret in refused.text for secret in SECRETS)
    for enough in SHOWN[path]:
        assert page(ada, path, *enough).status_code == 200


def test_whoever_may_not_view_sees_no_candidate(ada: Person) -> None:
    assert "Byron-Secret" in page(ada, "/", VIEW).text
    for permissions in ((OTHER,), tuple(EVERYTHING - {VIEW})):
        answer = page(ada, "/", *permissions)
        assert answer.status_code == 200
        assert not any(secret in answer.text for secret in SECRETS)


def test_whoever_may_not_send_sees_the_thread_and_no_composer(ada: Person) -> None:
    seen = page(ada, "/candidates/{candidate}", VIEW).text
    assert "marmalade" in seen
    assert 'data-testid="composer"' not in seen
    assert 'data-testid="read-only"' in seen
    assert 'data-testid="composer"' in page(ada, "/candidates/{candidate}", VIEW, SEND).text


def test_whoever_has_not_signed_in_sees_no_page(ada: Person) -> None:
    for path in ("/", *SHOWN):
        answer = page(ada, path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/demo/sign-in")


def test_offices_are_apart_even_with_the_same_candidate_and_number(office: Office, system: System) -> None:
    mine = office.candidate(name="Mine")
    other = open_office(system).candidate(number=mine.number, candidate=mine.candidate, name="Theirs")
    other.gets("From the others. Reply STOP to end.")
    assert mine.messages() == []
    assert other.messages()[0]["body"] == "From the others. Reply STOP to end."
    mine.writes("STOP")
    assert (mine.consent()["status"], other.consent()["status"]) == ("revoked", "granted")
