"""How Sayso is put together: one owner per folder, the same place after a restart, readiness as it is."""

import stat
import threading
from pathlib import Path
from time import monotonic

import httpx
import pytest

from deploy.parts import auth_of, carrier_rates_of, carriers_of, policy_of
from deploy.settings import SettingsError
from deploy.stores import AlreadyRunning, Stores, StoresUnavailable
from deploy.wiring import Sayso
from tests.support.office import activation, new_account, open_office
from tests.support.sayso import Client, System, eventually, running, settings_for

OTHER_KEY = "b3RoZXIgb3RoZXIgb3RoZXIgb3RoZXIgb3RoZXIgISE="


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "data"


def test_it_begins_in_a_folder_of_its_own_that_nobody_else_reads(folder: Path) -> None:
    with Sayso(settings_for(folder)):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        files = {path.name for path in folder.iterdir()}
    assert {"ledger-0.db", "keys.db", "views.db", "dead-letters.db", "lock"} <= files


def test_the_folder_has_one_owner_at_a_time(folder: Path) -> None:
    with Sayso(settings_for(folder)):
        with pytest.raises(AlreadyRunning, match=f"Another Sayso works in {folder}"):
            Sayso(settings_for(folder))
        with Sayso(settings_for(folder.with_name("another"))):
            pass
    with Sayso(settings_for(folder)):
        pass


def test_a_start_that_fails_lets_the_folder_go(folder: Path) -> None:
    with running(folder) as system:
        open_office(system).candidate()
    for changed in ({"master_key": OTHER_KEY}, {"names_secret": OTHER_KEY}):
        with pytest.raises(SettingsError):
            Sayso(settings_for(folder, **changed))
    with Sayso(settings_for(folder)):
        pass


def test_what_is_no_folder_is_said_in_a_sentence(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data")
    (tmp_path / "data").write_text("a file has come in between")
    for open_it in (Sayso, Stores):
        with pytest.raises(StoresUnavailable, match=r"The files in \S+ cannot be opened: "):
            open_it(settings)


def test_stopping_ends_every_thread_of_its_own(folder: Path) -> None:
    before = set(threading.enumerate())
    with Sayso(settings_for(folder)):
        names = {thread.name for thread in set(threading.enumerate()) - before}
        assert {"worker-0", "dispatcher"} <= names
    assert [thread for thread in set(threading.enumerate()) - before if thread.is_alive()] == []


def test_it_goes_on_where_it_left_off(folder: Path) -> None:
    with running(folder) as system:
        account = new_account(system)
        account.boss.accepted("activate-texting", **activation())
        position = system.sayso.stores.ledger.position()
    with running(folder) as system:
        assert system.sayso.stores.ledger.position() >= position
        again = system.client(account=account.account)
        assert again.accepted("buy-package")["balance"] == 1_050


def test_live_streams_end_when_it_lets_go_and_none_goes_on_after(folder: Path) -> None:
    with running(folder) as system:
        client = system.client()
        with client.http.stream("GET", "/stream") as stream:
            lines = stream.iter_lines()
            next(lines)
            system.sayso.let_go()
            assert all(not line.startswith("data:") for line in lines)
        with client.http.stream("GET", "/stream") as late:
            assert late.status_code == 200
            assert all(not line.startswith("data:") for line in late.iter_lines())


# --- readiness ------------------------------------------------------------------------------------


def ready(system: System) -> httpx.Response:
    return system.http().get("/readyz")


def test_it_is_ready_while_all_of_it_works(folder: Path) -> None:
    with running(folder) as system:
        assert (ready(system).status_code, ready(system).json()) == (200, {"status": "ready"})
        assert system.http().get("/livez").json() == {"status": "alive"}


@pytest.mark.parametrize("part", ["worker", "projector", "dispatcher"])
def test_it_is_not_ready_once_a_part_has_stopped_and_says_which(folder: Path, part: str) -> None:
    with running(folder) as system:
        getattr(system.sayso, part).stop()
        answer = ready(system)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert answer.json()["failures"] == {part: f"The {part} has stopped."}
        assert system.http().get("/livez").status_code == 200


def test_it_is_not_ready_once_the_views_file_is_gone(folder: Path) -> None:
    with running(folder) as system:
        for file in folder.glob("views.db*"):
            file.unlink()
        eventually(lambda: ready(system).status_code == 503, 60)
        failures = ready(system).json()["failures"]
        assert "The views' database has not answered for " in failures["database"]


def test_once_the_worker_has_stopped_commands_are_turned_away_unharmed(folder: Path) -> None:
    with running(folder) as system:
        client: Client = system.client()
        system.sayso.worker.stop()
        answer = client.command("activate-texting", **activation())
        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        assert int(answer.headers["Retry-After"]) >= 1


# --- from the settings ----------------------------------------------------------------------------


def test_the_policy_is_that_of_the_settings(folder: Path) -> None:
    packages = {"small": {"segments": 5, "prices": {"SEK": "9.50"}}}
    late = {"late_minutes_max": 7, "unhurried_late_hours_max": 5}
    policy = policy_of(settings_for(folder, free_segments=3, packages=packages, **late))
    assert (policy.free_segments, policy.packages["small"].segments) == (3, 5)
    assert str(policy.packages["small"].prices["SEK"]) == "9.50"
    assert policy.late_max.total_seconds() == 7 * 60
    assert policy.unhurried_late_max.total_seconds() == 5 * 3600


def test_the_carrier_is_that_of_the_settings(folder: Path) -> None:
    account = carriers_of(settings_for(folder, twilio_url="http://127.0.0.1:9", hand_overs_max=3))["twilio"]
    assert (account.base_url, account.connections_max) == ("http://127.0.0.1:9", 3)
    assert account.auth_token not in repr(account)


def test_each_carrier_account_has_a_rate_of_its_own_or_the_first_ones(folder: Path) -> None:
    own = {"account_sid": "AC" + "1" * 32, "auth_token": "t", "rate": 7}
    alike = {"account_sid": "AC" + "2" * 32, "auth_token": "t"}
    settings = settings_for(folder, carriers={"own": own, "alike": alike}, carrier_rate=40.0)
    rates = carrier_rates_of(settings, lambda: 0.5)
    now_s = monotonic()
    assert {name: rates.of(name).rate(now_s) for name in ("twilio", "own", "alike")} == {
        "twilio": 20.0,
        "own": 3.5,
        "alike": 20.0,
    }


def test_tokens_are_checked_as_the_settings_say(folder: Path) -> None:
    auth = auth_of(settings_for(folder, token_issuer="https://issuer.example", token_audience="texts"))
    assert (auth.issuer, auth.audience, auth.secret) == ("https://issuer.example", "texts", "t" * 32)
