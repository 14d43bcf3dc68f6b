"""The rooms' generic names must never land in anyone's site-packages."""

import os
from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.build import build_editable, build_wheel

from tests.tooling.project_files import ROOT


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_the_wheel_holds_no_modules(tmp_path: Path) -> None:
    names = ZipFile(tmp_path / build_wheel(os.fspath(tmp_path))).namelist()
    assert names
    assert [name for name in names if ".dist-info/" not in name] == []


def test_an_editable_install_finds_the_rooms_and_the_command(tmp_path: Path) -> None:
    wheel = ZipFile(tmp_path / build_editable(os.fspath(tmp_path)))
    (path_file,) = [name for name in wheel.namelist() if name.endswith(".pth")]
    assert wheel.read(path_file).decode().split() == [os.fspath(ROOT)]
    (entry_points,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    assert b"sayso = deploy.__main__:run" in wheel.read(entry_points)
