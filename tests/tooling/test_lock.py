import json
import re
import tomllib
from collections.abc import Iterator

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.tooling.project_files import ROOT

LOCKS = {name: (ROOT / name).read_text() for name in ("requirements.lock", "requirements-bench.lock")}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

each_lock = pytest.mark.parametrize("lock", LOCKS)


def pins(lock: str) -> Iterator[Requirement]:
    joined = re.sub(r"(?m)^\s*#.*$", "", LOCKS[lock]).replace("\\\n", " ")
    for line in filter(None, map(str.strip, joined.splitlines())):
        yield Requirement(line.split(" --hash", 1)[0])


def asked_for(lock: str) -> Iterator[Requirement]:
    if lock == "requirements-bench.lock":
        yield from map(Requirement, PROJECT["dependency-groups"]["bench"])
        return
    yield from map(Requirement, PROJECT["project"]["dependencies"])
    yield from map(Requirement, PROJECT["dependency-groups"]["dev"])
    yield from map(Requirement, PROJECT["build-system"]["requires"])


@each_lock
def test_the_lock_names_no_host_and_no_folder(lock: str) -> None:
    text = LOCKS[lock]
    assert re.findall(r"(?m)^.*(?:://| @ |index-url|find-links|trusted-host).*$", text) == []
    assert re.findall(r"(?m)^.*(?:\s/|file:).*$", text) == []


@each_lock
def test_every_pin_is_exact_and_has_a_hash(lock: str) -> None:
    blocks = re.findall(r"(?m)^[a-z0-9][^\\\n]*(?:\\\n[^\\\n]*)*", LOCKS[lock])
    assert len(blocks) == len(list(pins(lock)))
    assert [block for block in blocks if "==" not in block or "--hash=sha256:" not in block] == []


@each_lock
def test_the_lock_holds_all_that_the_project_asks_for(lock: str) -> None:
    pinned = {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in pins(lock)}
    wishes = {str(wish): pinned.get(canonicalize_name(wish.name)) for wish in asked_for(lock)}
    unmet = [
        wish for wish, pin in wishes.items() if pin is None or not Requirement(wish).specifier.contains(pin)
    ]
    assert unmet == [], "run: make lock"


def test_the_lock_of_the_asyncapi_parser_names_no_host_and_every_hash() -> None:
    folder = ROOT / "deploy" / "asyncapi"
    lock = json.loads((folder / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if "integrity" not in package] == []
    assert (
        lock["packages"][""]["dependencies"]
        == json.loads((folder / "package.json").read_text())["dependencies"]
    )
