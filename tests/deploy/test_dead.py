"""`sayso dead` on the files of one process: what came in and could not be used, while Sayso runs or not."""

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from deploy.dead_letters import UNKNOWN_REASON
from producers.dead_letters import DeadLetters
from tests.deploy.conftest import CommandLine, Said
from tests.support.office import Office, Person, carrier_posts, fresh_number, open_office, quick
from tests.support.sayso import System, eventually, running

SAYSO = (sys.executable, "-m", "deploy")
LOST = "MM" + "1" * 32
STRANGE = "SM" + "2" * 32


@pytest.fixture
def system(environment: None, tmp_path: Path) -> Iterator[System]:
    """A Sayso in the folder that `good` names, with its secrets."""
    with running(tmp_path / "data", carrier=quick) as system:
        yield system


@pytest.fixture
def office(system: System) -> Office:
    return open_office(system)


def texted(person: Person, to: str, body: str) -> None:
    """The candidate texts a number, and the carrier passes it on."""
    form = {"MessageSid": LOST, "From": person.number, "To": to, "Body": body}
    assert carrier_posts(person.office.system, "inbound", form).status_code == 200


def last_line(said: Said) -> str:
    """What the command said on standard error, after whatever Sayso logged there meanwhile."""
    return said.err.splitlines()[-1]


def test_a_call_without_an_account_is_listed_shown_and_sent_again_while_sayso_runs(
    sayso: CommandLine, office: Office
) -> None:
    assert sayso("dead", "list").out == "There are no dead letters.\n"
    ada, number = office.candidate(), fresh_number("+1628")
    texted(ada, number, "Stop & go?")
    listed = sayso("dead", "list")
    heads, line = listed.out.splitlines()
    assert heads.split() == ["Origin", "Reason", "Account", "At", "Bytes"]
    assert line.split()[:2] == ["twilio-inbound/1", "sender_unknown"]

    shown = sayso("dead", "show", "twilio-inbound/1")
    assert last_line(shown) == "sender_unknown: No account texts from the number that was texted."
    assert parse_qs(shown.out)["Body"] == ["Stop & go?"]

    again = sayso("dead", "replay", "twilio-inbound/1")
    assert "is in the spool in" in again.out
    eventually(lambda: "twilio-inbound/2" in sayso("dead", "list").out)  # nothing was put right
    office.boss.accepted("assign-sender", sender=number)
    assert sayso("dead", "replay", "twilio-inbound/1").code == 0
    assert eventually(lambda: ada.message(LOST))["body"] == "Stop & go?"
    assert sayso("dead", "replay", "twilio-inbound/2").code == 0
    eventually(lambda: not office.system.sayso.spool.standing().waiting)
    assert len([one for one in ada.messages() if one["kind"] == "reply"]) == 1
    assert len(sayso("dead", "list").out.splitlines()) == 3


@pytest.mark.parametrize("body", ["Start", "yes!", "Démarrer"])
def test_a_start_is_not_sent_again_for_a_stop_may_have_come_since(
    sayso: CommandLine, office: Office, body: str
) -> None:
    """P1, P6: letters come back in any order, years later perhaps."""
    ada, number = office.candidate(), fresh_number("+1628")
    texted(ada, number, body)
    office.boss.accepted("assign-sender", sender=number)
    ada.writes("STOP")
    eventually(lambda: ada.consent()["status"] == "revoked")
    refused = sayso("dead", "replay", "twilio-inbound/1")
    assert refused.code == 1
    assert last_line(refused).endswith("Only the candidate can say it anew: ask them to text START.")
    assert not office.system.sayso.spool.standing().waiting


def test_a_status_is_shown_with_the_query_that_says_whose_it_is_and_comes_back_whole(
    sayso: CommandLine, office: Office
) -> None:
    form = {"MessageSid": STRANGE, "MessageStatus": "evaporated", "To": fresh_number()}
    query = f"account={office.boss.account}&text=00000000-0000-0000-0000-000000000001"
    assert carrier_posts(office.system, "status", form, f"?{query}").status_code == 204
    (line,) = [one for one in sayso("dead", "list").out.splitlines() if "twilio-status/1" in one]
    assert line.split()[1:3] == ["status_unknown", office.boss.account]
    shown = sayso("dead", "show", "twilio-status/1").out
    assert shown.startswith(f"{query}\n")
    assert sayso("dead", "replay", "twilio-status/1").code == 0
    eventually(lambda: "twilio-status/2" in sayso("dead", "list").out)
    assert sayso("dead", "show", "twilio-status/2").out == shown


def test_what_was_sent_again_while_nothing_ran_is_taken_in_by_the_next_start(
    sayso: CommandLine, environment: None, tmp_path: Path
) -> None:
    number = fresh_number("+1628")
    with running(tmp_path / "data", carrier=quick) as system:
        ada = open_office(system).candidate()
        texted(ada, number, "Hello?")
        ada.office.boss.accepted("assign-sender", sender=number)
    assert "twilio-inbound/1" in sayso("dead", "list").out
    assert sayso("dead", "replay", "twilio-inbound/1").code == 0
    with running(tmp_path / "data", carrier=quick) as system:
        boss = system.client(account=ada.office.boss.account)
        eventually(lambda: [one["id"] for one in boss.get(ada.path)["items"]] == [LOST])


HOSTILE = "[/red]\x1b]0;PWNED\x07\u202e"
HARMLESS = r"[/red]\x1b]0;PWNED\x07\u202e"


@pytest.mark.usefixtures("system")
def test_no_letter_writes_to_the_operators_terminal_and_its_bytes_stay_what_they_are(
    sayso: CommandLine, tmp_path: Path
) -> None:
    content = f"Body={HOSTILE}\nnext\xe9".encode() + b"\xff"
    with closing(DeadLetters.on_sqlite(str(tmp_path / "data" / "dead-letters.db"), b"m" * 32)) as letters:
        letters.keep("twilio-inbound", f"of_tomorrow{HOSTILE}", content, HOSTILE, datetime.now(UTC))
    listed = sayso("dead", "list").out
    assert listed.splitlines()[1].split()[:3] == ["twilio-inbound/1", f"of_tomorrow{HARMLESS}", HARMLESS]
    said, out = at_a_terminal("dead", "show", "twilio-inbound/1")
    assert said == f"of_tomorrow{HARMLESS}: {UNKNOWN_REASON}\n"
    assert out == rf"Body={HARMLESS}" + "\r\n" + r"nexté\xff" + "\r\n"
    run = subprocess.run([*SAYSO, "dead", "show", "twilio-inbound/1"], capture_output=True, check=True)
    assert run.stdout == content


def at_a_terminal(*arguments: str) -> tuple[str, str]:
    """What a command says on standard error, and what a terminal gets that is its standard output."""
    terminal, its_end = os.openpty()
    try:
        run = subprocess.run([*SAYSO, *arguments], stdout=its_end, stderr=subprocess.PIPE, check=True)
        return run.stderr.decode(), os.read(terminal, 10_000).decode()
    finally:
        os.close(its_end)
        os.close(terminal)


@pytest.mark.usefixtures("system")
def test_what_is_not_there_and_what_cannot_be_opened_is_said(
    sayso: CommandLine, office: Office, tmp_path: Path
) -> None:
    texted(office.candidate(), fresh_number(), "Hello?")
    missing = sayso("dead", "show", "twilio-inbound/9")
    assert missing.code == 1
    sentence = "There is no dead letter from twilio-inbound/9; `sayso dead list` names all."
    assert last_line(missing) == sentence
    other = base64.b64encode(b"o" * 32).decode()
    closed = sayso("dead", "show", "twilio-inbound/1", MASTER_KEY=other)
    assert last_line(closed) == "SAYSO_MASTER_KEY is wrong: the letters were sealed with another."
    nowhere = sayso("dead", "list", DATA_DIR=str(tmp_path / "nowhere"))
    assert last_line(nowhere).startswith(f"There is no ledger in {tmp_path / 'nowhere'}.")
    assert not (tmp_path / "nowhere").exists()
