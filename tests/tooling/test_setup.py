"""The set-up scripts on machines that lack something: the PATH is a folder of stand-ins, made on the spot."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tooling.project_files import ROOT, texts

SETUP = ROOT / "deploy" / "setup"


@dataclass(frozen=True)
class Machine:
    """A folder of programs, and what was asked of its apt-get."""

    programs: Path

    def has(self, name: str, script: str) -> "Machine":
        program = self.programs / name
        program.write_text(f"#!{shutil.which('bash')}\n{script}\n")
        program.chmod(0o755)
        return self

    def runs(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SETUP / command[0], *command[1:]],
            env={"PATH": os.fspath(self.programs)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @property
    def asked_of_apt(self) -> list[str]:
        asked = self.programs / "asked"
        return asked.read_text().splitlines() if asked.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    for name in ("bash", "cat", "dirname", "env", "flock", "sha256sum", "tail", "touch"):
        (tmp_path / name).symlink_to(shutil.which(name) or "/missing")
    return Machine(tmp_path).has("id", "echo 0").has("apt-get", f'echo "$*" >>{tmp_path}/asked')


def test_nothing_is_asked_of_apt_where_nothing_is_missing(machine: Machine) -> None:
    done = machine.has("chromium", "").has("fc-list", "echo Noto").runs("programs.sh", "browser")
    assert (done.returncode, done.stdout, done.stderr, machine.asked_of_apt) == (0, "", "", [])


def test_root_gets_what_is_missing(machine: Machine) -> None:
    done = machine.has("chromium", "").runs("programs.sh", "browser")
    assert done.returncode == 0
    assert machine.asked_of_apt[-1].endswith("install fonts-noto-color-emoji")


def test_a_library_that_is_missing_or_half_removed_is_installed(machine: Machine) -> None:
    machine.has("chromium", "").has("fc-list", "echo Noto").has(
        "dpkg-query", "echo deinstall ok config-files"
    )
    assert machine.runs("programs.sh", "browser").returncode == 0
    assert machine.asked_of_apt[-1].endswith("install libatomic1")


def test_a_stale_package_list_is_read_anew(machine: Machine, tmp_path: Path) -> None:
    machine.has(
        "apt-get",
        f"""echo "$*" >>{tmp_path}/asked
        case "$*" in
            *update) touch {tmp_path}/fresh ;;
            *install*) [[ -e {tmp_path}/fresh ]] ;;
        esac""",
    )
    assert machine.runs("programs.sh", "browser").returncode == 0
    update, install = machine.asked_of_apt[-2:]
    assert update.endswith("update")
    assert install.endswith("install chromium fonts-noto-color-emoji")


def test_what_cannot_be_installed_is_named(machine: Machine) -> None:
    done = machine.has("apt-get", "echo no such package >&2; exit 100").runs("programs.sh", "browser")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Set-up stopped: apt-get could not")


def test_without_root_it_says_what_to_install(machine: Machine) -> None:
    done = machine.has("id", "echo 1000").runs("programs.sh", "browser")
    assert done.returncode == 1
    assert done.stderr == (
        "Set-up stopped: missing: chromium fonts-noto-color-emoji; as root, run: "
        "apt-get update && apt-get install -y chromium fonts-noto-color-emoji\n"
    )
    assert machine.asked_of_apt == []


def test_an_old_node_is_no_node(machine: Machine) -> None:
    machine.has("node", "echo v16.20.2").has("npm", "")
    assert machine.runs("programs.sh", "node").returncode == 0
    assert machine.asked_of_apt[-1].endswith("install nodejs")
    machine.has("node", "echo v18.0.0")
    asked = len(machine.asked_of_apt)
    assert machine.runs("programs.sh", "node").returncode == 0
    assert len(machine.asked_of_apt) == asked


def test_an_old_python_stops_the_set_up(machine: Machine) -> None:
    done = machine.has("python3", "[[ $1 == -V ]] && echo Python 3.9.2").runs("venv.sh")
    assert (done.returncode, done.stderr) == (
        1,
        "Set-up stopped: python3 is Python 3.9.2; Sayso needs Python 3.11 or newer.\n",
    )


def test_every_script_can_be_started() -> None:
    scripts = [name for name, text in texts().items() if text.startswith("#!")]
    assert ".ci/run" in scripts
    assert [name for name in scripts if not os.access(ROOT / name, os.X_OK)] == []
