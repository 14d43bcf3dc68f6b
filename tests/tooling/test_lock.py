import json
import re
import tomllib
from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.tooling.project_files import ROOT

LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def pins() -> Iterator[Requirement]:
    joined = re.sub(r"(?m)^\s*#.*$", "", LOCK).replace("\\\n", " ")
    for line in filter(None, map(str.strip, joined.splitlines())):
        yield Requirement(line.split(" --hash", 1)[0])


def asked_for() -> Iterator[Requirement]:
    yield from map(Requirement, PROJECT["project"]["dependencies"])
    yield from map(Requirement, PROJECT["dependency-groups"]["dev"])
    yield from map(Requirement, PROJECT["build-system"]["requires"])


def test_the_lock_names_no_host_and_no_folder() -> None:
    assert re.findall(r"(?m)^.*(?:://| @ |index-url|find-links|trusted-host).*$", LOCK) == []
    assert re.findall(r"(?m)^.*(?:\s/|file:).*$", LOCK) == []


def test_every_pin_is_exact_and_has_a_hash() -> None:
    blocks = re.findall(r"(?m)^[a-z0-9][^\\\n]*(?:\\\n[^\\\n]*)*", LOCK)
    assert len(blocks) == len(list(pins()))
    assert [block for block in blocks if "==" not in block or "--hash=sha256:" not in block] == []


def test_the_lock_holds_all_that_the_project_asks_for() -> None:
    pinned = {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in pins()}
    wishes = {str(wish): pinned.get(canonicalize_name(wish.name)) for wish in asked_for()}
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
