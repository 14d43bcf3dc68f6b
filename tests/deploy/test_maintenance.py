"""Long work beside a Sayso that runs: rebuild and replay hold nothing up, and see everything."""

import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from deploy import maintenance
from deploy.archive import NothingThere, opened
from projections import catalog
from tests.support.office import POLITE, Office, open_office, quick
from tests.support.sayso import System, eventually, running


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with running(tmp_path / "data", carrier=quick) as system:
        yield system


@pytest.fixture
def office(system: System) -> Office:
    return open_office(system)


def console() -> Console:
    return Console(file=io.StringIO(), width=200)


def said(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def sends(office: Office, until: threading.Event) -> int:
    """Texts without end, until told to stop; how many there were."""
    person, sent = office.candidate(), 0
    while not until.is_set():
        office.boss.accepted("adjust-segments", segments=1, reason="another text")
        person.gets(f"{POLITE} {sent}", override_quiet_hours=True)
        sent += 1
    return sent


def test_views_are_rebuilt_while_they_serve_and_nothing_is_missed(system: System, office: Office) -> None:
    enough, counted, told = threading.Event(), [], console()
    sending = threading.Thread(target=lambda: counted.append(sends(office, enough)))
    sending.start()
    eventually(lambda: office.credits()["debited"] > 0)
    try:
        with opened(system.sayso.settings) as archive:
            for _ in range(2):
                maintenance.rebuild(archive, None, told)
    finally:
        enough.set()
        sending.join()
    for view in catalog.LIVE:
        assert f"Rebuilding {view.NAME}" in said(told)
    assert counted[0] > 0
    eventually(lambda: office.credits()["debited"] == counted[0])
    with opened(system.sayso.settings) as archive:
        assert maintenance.replay(archive, console())


def test_progress_reaches_the_end(system: System, office: Office) -> None:
    office.candidate()
    with opened(system.sayso.settings) as archive:
        told = console()
        maintenance.rebuild(archive, ["credits"], told)
        total = archive.sources["shard-0"].last_notification()
    assert f"{total}/{total}" in said(told)


def test_a_replay_beside_a_sayso_that_goes_on_is_equal(system: System, office: Office) -> None:
    enough, counted = threading.Event(), []
    sending = threading.Thread(target=lambda: counted.append(sends(office, enough)))
    sending.start()
    eventually(lambda: office.credits()["debited"] > 0)
    try:
        with opened(system.sayso.settings) as archive:
            equal = maintenance.replay(archive, console())
    finally:
        enough.set()
        sending.join()
    assert equal


def test_an_export_holds_every_event_in_the_order_of_the_ledger(
    system: System, office: Office, tmp_path: Path
) -> None:
    person = office.candidate()
    person.becomes(person.gets(override_quiet_hours=True)["text_id"], "delivered")
    path = tmp_path / "events.jsonl"
    with opened(system.sayso.settings) as archive:
        maintenance.export(archive, path, None, None, True, console())
        sealed = [data for _, data in archive.sources["shard-0"].notifications(0, 10_000)]
        assert path.read_bytes().splitlines() == sealed
        maintenance.export(archive, path, None, None, False, console())
    read = [json.loads(line) for line in path.read_text().splitlines()]
    assert [one["id"] for one in read] == [json.loads(data)["id"] for data in sealed]
    assert all("sealed" not in one for one in read)


def test_an_export_replaces_an_older_one(system: System, office: Office, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("something old")
    with opened(system.sayso.settings) as archive:
        maintenance.export(archive, path, office.account, None, False, console())
    assert "something old" not in path.read_text()
    assert len(path.read_text().splitlines()) > 0


def test_views_that_do_not_exist_are_named_with_those_that_do(system: System) -> None:
    with (
        opened(system.sayso.settings) as archive,
        pytest.raises(NothingThere, match=r"There is no view nothing\. There are: accounts,"),
    ):
        maintenance.rebuild(archive, ["credits", "nothing"], console())
