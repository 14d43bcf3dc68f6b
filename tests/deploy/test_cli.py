"""The command line: its sentences help, and a mistake of its user ends without a traceback."""

import base64
import json
import re
import shutil
import signal
import socket
import sqlite3
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest

from deploy import demo
from deploy.settings import LOOPBACK, PREFIX, Settings
from schemas.actors import Permission
from tests.deploy.conftest import NOTHING_SET, CommandLine
from tests.support.office import POLITE, Json, Person, open_office, quick
from tests.support.processes import LOOPBACK_ONLY, listening, process, status
from tests.support.sayso import eventually, free_port, running

COMMANDS = ("serve", "demo", "token", "rebuild", "replay", "export", "settings")


# --- what there is --------------------------------------------------------------------------------


def test_help_names_every_command_and_says_what_it_does(sayso: CommandLine) -> None:
    said = sayso("--help")
    assert said.code == 0
    listed = re.findall(r"^│ (\w+) +(\S.*\S) +│$", said.out, re.MULTILINE)
    assert [name for name, _ in listed if name in COMMANDS] == list(COMMANDS)
    assert all(meaning.endswith(".") for name, meaning in listed if name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_of_its_own(sayso: CommandLine, command: str) -> None:
    said = sayso(command, "--help")
    assert (said.code, said.err) == (0, "")
    assert f"{command} [OPTIONS]" in said.out


def test_without_a_command_it_shows_its_help(sayso: CommandLine) -> None:
    assert "Usage:" in sayso().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("fly",), "No such command 'fly'."),
        (("serve", "--fast"), "No such option: --fast"),
        (("export",), "Missing argument 'file'."),
        (("token", "--account", "acme", "--member", "m-1"), "Missing option '--scope'."),
        (("token", "--account", "a", "--member", "m", "--scope", "fly"), "'fly' is not one of 'texts:view'"),
        (("token", "--account", "a", "--member", "m", "--scope", "texts:view", "--hours", "0"), "--hours"),
    ],
)
def test_a_slip_of_the_keyboard_is_named(
    sayso: CommandLine, arguments: tuple[str, ...], sentence: str
) -> None:
    said = sayso(*arguments)
    assert said.code == 2
    assert sentence in said.err


def test_settings_are_listed_with_their_defaults_and_meanings(sayso: CommandLine) -> None:
    lines = {line.split()[0]: line for line in sayso("settings").out.splitlines()[1:]}  # one each
    assert lines.keys() == {PREFIX + name.upper() for name in Settings.model_fields}
    assert "(needed)" in lines["SAYSO_MASTER_KEY"]
    assert "127.0.0.1" in lines["SAYSO_HOST"]
    assert sayso("settings", "--markdown").out.startswith("| variable | default | meaning |")


# --- tokens ---------------------------------------------------------------------------------------


def test_a_token_says_what_was_asked_for(sayso: CommandLine, demo_folder: Path) -> None:
    asked = ["--account", "acme", "--member", "m-1", "--name", "Rita", "--hours", "2", "--service"]
    scopes = ["--scope", "texts:view", "--scope", "texts:send"]
    said = sayso("token", *asked, *scopes, "--data-dir", str(demo_folder), **NOTHING_SET)
    assert (said.code, said.err) == (0, "")
    secret = json.loads((demo_folder / demo.SECRETS_FILE).read_text())["TOKEN_SECRET"]
    claims = jwt.decode(said.out.strip(), secret, ["HS256"], audience="sayso", issuer="sayso")
    assert (claims["acct"], claims["sub"], claims["name"], claims["kind"]) == (
        "acme",
        "m-1",
        "Rita",
        "service",
    )
    assert claims["scope"] == "texts:send texts:view"
    lasts = datetime.fromtimestamp(claims["exp"], UTC) - datetime.now(UTC)
    assert timedelta(hours=1, minutes=59) < lasts <= timedelta(hours=2)


def test_without_a_demo_there_is_no_token(sayso: CommandLine, tmp_path: Path) -> None:
    asked = ["--account", "acme", "--member", "m-1", "--scope", "texts:view"]
    said = sayso("token", *asked, "--data-dir", str(tmp_path))
    expected = f"There is no demo in {tmp_path}. Start it first, or name its folder by --data-dir.\n"
    assert (said.code, said.err) == (1, expected)


@pytest.mark.parametrize("command", [("replay",), ("rebuild",), ("stopped",), ("export", "events.jsonl")])
def test_what_works_on_a_demo_says_how_to_name_one(
    sayso: CommandLine, tmp_path: Path, command: tuple[str, ...]
) -> None:
    said = sayso(*command, "--demo", str(tmp_path / "nowhere"), **NOTHING_SET)
    expected = f"There is no demo in {tmp_path / 'nowhere'}. Start it first, or name its folder by --demo.\n"
    assert (said.code, said.err) == (1, expected)
    said = sayso(*command, **NOTHING_SET)
    assert said.code == 1
    assert said.err.startswith("Nothing is set. For the demo, name its folder: --demo demo-data. ")


def test_a_token_for_what_is_no_account_is_refused(sayso: CommandLine, demo_folder: Path) -> None:
    asked = ["--account", "Acme Inc.", "--member", "m-1", "--scope", "texts:view"]
    said = sayso("token", *asked, "--data-dir", str(demo_folder), **NOTHING_SET)
    expected = "Acme Inc. names no account: use small letters, digits, - and _.\n"
    assert (said.code, said.err) == (1, expected)


# --- rebuild, replay, export ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Person]:
    """What a Sayso left that does not run any more, and somebody whom it texted."""
    folder = tmp_path_factory.mktemp("history")
    with running(folder, carrier=quick) as system:
        person = open_office(system).candidate(name="Ada Lovelace")
        person.becomes(person.gets(override_quiet_hours=True)["text_id"], "delivered")
        person.writes("Tuesday is fine")
        open_office(system).candidate(name="Somebody Else")
    return folder, person


@pytest.fixture
def ada(history: tuple[Path, Person], good: dict[str, str]) -> Person:
    """Somebody who was texted, with all that is left of it in the folder of `good`."""
    folder, person = history
    shutil.copytree(folder, good["DATA_DIR"])
    return person


def tamper(good: dict[str, str], statement: str) -> None:
    """Change the views behind Sayso's back."""
    views = sqlite3.connect(Path(good["DATA_DIR"]) / "views.db")
    with views:
        assert views.execute(statement).rowcount > 0
    views.close()


@pytest.mark.usefixtures("ada")
def test_replay_says_that_all_views_are_equal(sayso: CommandLine) -> None:
    said = sayso("replay")
    assert (said.code, said.err) == (0, "")
    assert re.search(r"^All views equal a replay of [\d,]+ events\.$", said.out, re.MULTILINE)
    assert "100%" in said.out or re.search(r"Replaying .* (\d+)/\1", said.out)


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize(
    ("statement", "view"),
    [
        ("UPDATE {balances} SET balance = balance + 1", "balances"),
        ("DELETE FROM {statement} WHERE kind = 'debited'", "statement"),
        ("UPDATE {messages} SET body = 'Forged' WHERE kind = 'reply'", "messages"),
    ],
)
def test_replay_finds_a_row_that_was_tampered_with_and_rebuild_mends_it(
    sayso: CommandLine, good: dict[str, str], statement: str, view: str
) -> None:
    tables = _tables(good)
    tamper(good, statement.format(**tables))
    said = sayso("replay")
    assert said.code == 1
    assert f"{tables[view]} differs from a replay." in said.out

    rebuilt = sayso("rebuild")
    assert rebuilt.code == 0
    assert re.search(r"Rebuilding credits .* (\d+)/\1", rebuilt.out)
    assert sayso("replay").code == 0


def _tables(good: dict[str, str]) -> dict[str, str]:
    """The views' tables by what they hold; their names carry versions."""
    views = sqlite3.connect(Path(good["DATA_DIR"]) / "views.db")
    names = [name for (name,) in views.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    views.close()
    return {
        wanted: next(name for name in names if wanted in name)
        for wanted in ("balances", "statement", "messages")
    }


@pytest.mark.usefixtures("ada")
def test_rebuild_takes_the_views_that_are_named(sayso: CommandLine) -> None:
    said = sayso("rebuild", "credits", "threads")
    assert re.findall(r"Rebuilding (\w+)", said.out) == ["credits", "threads"]
    unknown = sayso("rebuild", "everything")
    assert unknown.code == 1
    assert unknown.err.startswith("There is no view everything. There are: accounts, candidates,")


def exported(path: Path) -> list[Json]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_operator_sees_which_accounts_are_stopped_and_why(
    sayso: CommandLine, good: dict[str, str]
) -> None:
    with running(Path(good["DATA_DIR"]), carrier=quick) as system:
        person = open_office(system).candidate()
        before = sayso("stopped")
        assert (before.code, before.out, before.err) == (0, "No account is stopped.\n", "")
        person.phone.behaves(error_code=30032)
        person.becomes(person.gets(override_quiet_hours=True)["text_id"], "failed")
        said = sayso("stopped")
        row = rf"^{person.office.account} +\d{{4}}-\d\d-\d\d [\d:]+ +30032 +Our toll-free .* repaired it\. *$"
        assert re.search(row, said.out, re.MULTILINE)
        assert "send resume-sending for each (scope texts:operate)" in said.out
        person.office.member(Permission.OPERATE).accepted("resume-sending")
        eventually(lambda: sayso("stopped").out == before.out)


def test_export_writes_every_event_opened_and_for_its_owner_alone(
    sayso: CommandLine, ada: Person, tmp_path: Path
) -> None:
    said = sayso("export", str(tmp_path / "events.jsonl"))
    events = exported(tmp_path / "events.jsonl")
    assert said.code == 0
    assert f"{len(events)} events are in {tmp_path / 'events.jsonl'}.\n" in said.out
    assert {event["specversion"] for event in events} == {"1.0"}
    bodies = [event["data"]["body"] for event in events if "body" in event["data"]]
    assert bodies == [POLITE, "Tuesday is fine"]
    assert any(event["data"].get("number") == ada.number for event in events)
    assert stat.S_IMODE((tmp_path / "events.jsonl").stat().st_mode) == 0o600
    assert list(tmp_path.glob("*.part")) == []


def test_a_sealed_export_holds_nothing_personal(sayso: CommandLine, ada: Person, tmp_path: Path) -> None:
    sayso("export", str(tmp_path / "events.jsonl"), "--sealed")
    text = (tmp_path / "events.jsonl").read_text()
    assert text.count("\n") > 10
    for personal in ("Lovelace", "Tuesday", POLITE, ada.number, ada.number[2:]):
        assert personal not in text


def test_an_export_takes_one_account_or_one_stream(sayso: CommandLine, ada: Person, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    sayso("export", str(path))
    everything = exported(path)
    sayso("export", str(path), "--account", ada.office.account)
    ours = exported(path)
    assert {event["account"] for event in ours} == {ada.office.account}
    assert 0 < len(ours) < len(everything)
    conversation = next(event["data"]["conversation"] for event in ours if "conversation" in event["data"])
    sayso("export", str(path), "--stream", conversation)
    assert {event["subject"] for event in exported(path)} == {conversation}
    assert "0 events are in" in sayso("export", str(path), "--account", "nobody").out


@pytest.mark.usefixtures("ada")
def test_where_an_export_cannot_be_written_it_says_so_and_leaves_nothing(
    sayso: CommandLine, tmp_path: Path
) -> None:
    said = sayso("export", str(tmp_path))
    assert (said.code, said.err) == (1, f"{tmp_path} is a folder. Name a file in it.\n")
    said = sayso("export", str(tmp_path / "no" / "folder"))
    assert said.code == 1
    assert said.err.endswith("No such file or directory.\n")
    assert list(tmp_path.glob("*.part")) == []


@pytest.mark.parametrize("command", [("rebuild",), ("replay",), ("export", "events.jsonl")])
def test_where_no_sayso_has_run_there_is_nothing_to_work_on(
    sayso: CommandLine, good: dict[str, str], command: tuple[str, ...]
) -> None:
    said = sayso(*command)
    folder = good["DATA_DIR"]
    expected = f"There is no ledger in {folder}. Set SAYSO_DATA_DIR to where Sayso works.\n"
    assert (said.code, said.out, said.err) == (1, "", expected)
    assert not Path(folder).exists()


# --- what keeps it from starting ------------------------------------------------------------------


def other_key() -> str:
    return base64.b64encode(b"o" * 32).decode()


@pytest.mark.usefixtures("ada")
def test_another_master_key_opens_nothing_and_changes_nothing(
    sayso: CommandLine, good: dict[str, str]
) -> None:
    expected = f"SAYSO_MASTER_KEY is wrong: the files in {good['DATA_DIR']} have another.\n"
    for command in ("serve", "replay", "rebuild"):
        said = sayso(command, MASTER_KEY=other_key())
        assert (said.code, said.err) == (1, expected)
    assert sayso("replay").code == 0


@pytest.mark.usefixtures("ada")
def test_another_secret_for_names_is_noticed_before_anything_is_forgotten(sayso: CommandLine) -> None:
    """Under other names no stream is found again, and every STOP would be forgotten."""
    said = sayso("serve", NAMES_SECRET=other_key())
    assert (said.code, said.err) == (1, "SAYSO_NAMES_SECRET is wrong: the ledger was begun with another.\n")


def test_two_do_not_work_in_one_folder(sayso: CommandLine, good: dict[str, str]) -> None:
    with running(Path(good["DATA_DIR"])):
        said = sayso("serve", PORT=str(free_port()))
    expected = f"Another Sayso works in {good['DATA_DIR']}. Stop it, or set SAYSO_DATA_DIR.\n"
    assert (said.code, said.out, said.err) == (1, "", expected)


def test_a_port_that_is_taken_is_named(sayso: CommandLine) -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = sayso("serve", PORT=port)
    assert (said.code, said.out) == (1, "")
    assert said.err == (
        f"Nothing can listen on 127.0.0.1:{port}: Address already in use. "
        "Choose another by SAYSO_HOST and SAYSO_PORT.\n"
    )


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("option", ["--port", "--phones-port"])
def test_a_port_of_the_cluster_that_is_taken_is_said_before_anything_starts(
    sayso: CommandLine, tmp_path: Path, option: str
) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        ports = {"--port": free_port(), "--phones-port": free_port(), option: port}
        chosen = [word for name, number in ports.items() for word in (name, str(number))]
        said = sayso("cluster", "--data-dir", str(tmp_path / "c"), *chosen)
    assert said.code == 1
    assert said.err.startswith(
        f"Nothing can listen on port {port}: Address already in use. Choose another by {option}."
    )
    assert not (tmp_path / "c").exists()


def test_an_address_that_is_not_ours_is_named(sayso: CommandLine) -> None:
    said = sayso("serve", HOST="192.0.2.1", PORT=str(free_port()))
    assert said.code == 1
    assert said.err.startswith("Nothing can listen on 192.0.2.1:")


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize("file", ["ledger-0.db", "keys.db", "views.db", "dead-letters.db"])
def test_a_file_that_is_none_of_ours_is_said_to_be_unreadable(
    sayso: CommandLine, good: dict[str, str], file: str
) -> None:
    folder = Path(good["DATA_DIR"])
    for beside in folder.glob(f"{file}-*"):
        beside.unlink()
    (folder / file).write_bytes(b"this is no database " * 1_000)
    for command in ("serve", "replay"):
        said = sayso(command)
        expected = f"The files in {folder} cannot be opened: file is not a database.\n"
        assert (said.code, said.err) == (1, expected)


# --- as a process of its own -----------------------------------------------------------------------


def test_serve_listens_on_loopback_only_has_no_sign_in_and_stops_when_told(
    good: dict[str, str], tmp_path: Path
) -> None:
    port = free_port()
    with process("serve", folder=tmp_path, variables={**good, "PORT": port}) as serving:
        url = f"http://127.0.0.1:{port}"
        assert serving.stdout is not None
        assert serving.stdout.readline() == f"Sayso listens on {url}\n"
        eventually(lambda: status(url + "/readyz") == 200)
        assert listening(serving.pid) == LOOPBACK_ONLY
        assert status(url + "/demo/sign-in") == 404
        assert status(url + "/") == 401
        serving.send_signal(signal.SIGTERM)
        _, said = serving.communicate(timeout=60)
        assert (serving.returncode, said) == (0, "")
    assert stat.S_IMODE(Path(good["DATA_DIR"]).stat().st_mode) == 0o700
