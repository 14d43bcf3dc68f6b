"""Attachments across a restart: what waits is fetched, and what was stored is stored once."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from deploy import demo
from deploy.clock import utc_now
from deploy.parts import attachment_files
from deploy.settings import Settings
from deploy.simulator.server import SimulatorServer
from tests.product.test_attachments import attached, file_of, files_in, settled
from tests.product.test_restart import moved, views_equal_a_replay
from tests.support.office import Person, office_hours, open_office, quick
from tests.support.pictures import media, png
from tests.support.sayso import Clock, eventually, reachable_settings, serving

PICTURE = png()
MB = 1024 * 1024


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return reachable_settings(tmp_path, media_dir=tmp_path / "media")


@pytest.fixture
def carrier(settings: Settings) -> Iterator[SimulatorServer]:
    with SimulatorServer(quick(demo.simulator_settings(settings))) as carrier:
        yield carrier


def test_what_waits_when_sayso_stops_is_fetched_after_the_start(
    settings: Settings, carrier: SimulatorServer
) -> None:
    clock = Clock()
    clock.set(office_hours(utc_now()))
    not_yet = settings.model_copy(update={"media_dir": None})
    with serving(not_yet, carrier.url, clock) as before:
        ada = open_office(before).candidate()
        sid = ada.sends(media(PICTURE))
        eventually(lambda: attached(ada, sid))
    clock.move(timedelta(days=400))  # the carrier keeps it
    with serving(settings, carrier.url, clock) as after:
        ada = Person(moved(ada.office, after), ada.candidate, ada.number)
        assert settled(ada, sid)["state"] == "stored"
        assert file_of(ada, sid).content == PICTURE
    assert views_equal_a_replay(settings)


def test_a_death_between_file_and_event_ends_in_the_same_file(
    settings: Settings, carrier: SimulatorServer
) -> None:
    clock = Clock()
    clock.set(office_hours(utc_now()))
    not_yet = settings.model_copy(update={"media_dir": None})
    folder = settings.media_dir
    assert folder is not None
    with serving(not_yet, carrier.url, clock) as before:
        ada = open_office(before).candidate()
        sid = ada.sends(media(PICTURE))
        eventually(lambda: attached(ada, sid))
        conversation, sayso = ada.thread()["conversation"], before.sayso
        files = attachment_files(settings, sayso.stores.keys)
        assert files is not None
        assert files.write(conversation, sid, 0, PICTURE)  # and then it dies, before anything is recorded
    (left,) = files_in(folder)
    with serving(settings, carrier.url, clock) as after:
        ada = Person(moved(ada.office, after), ada.candidate, ada.number)
        assert settled(ada, sid)["state"] == "stored"
        assert files_in(folder) == [left]
        assert file_of(ada, sid).content == PICTURE
    assert views_equal_a_replay(settings)
