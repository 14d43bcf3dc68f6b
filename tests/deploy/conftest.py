"""The command line, as somebody types it: what it says, and how it ends."""

import base64
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy import demo
from deploy.__main__ import main
from deploy.logs import configure_logs
from deploy.settings import PREFIX

COLUMNS = "200"


NOTHING_SET = dict.fromkeys(
    (
        "DATA_DIR", "MASTER_KEY", "NAMES_SECRET", "TOKEN_SECRET", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN",
        "LOG_LEVEL",
    )
)  # fmt: skip
"""Of what a demo sets by itself."""


@dataclass(frozen=True)
class Said:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


CommandLine = Callable[..., Said]
"""`sayso("serve", PORT="80")`: arguments, and the variables that are set beside those of `good`."""


@pytest.fixture
def good(tmp_path: Path) -> dict[str, str]:
    """The variables that Sayso needs, without their prefix."""
    return {
        "DATA_DIR": str(tmp_path / "data"),
        "MASTER_KEY": base64.b64encode(b"m" * 32).decode(),
        "NAMES_SECRET": base64.b64encode(b"n" * 32).decode(),
        "TOKEN_SECRET": "t" * 32,
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "f" * 32,
        "LOG_LEVEL": "error",
    }


@pytest.fixture
def environment() -> Iterator[None]:
    """No setting is set, and whatever is set meanwhile is not, afterwards."""
    before = dict(os.environ)
    _unset()
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def demo_folder(environment: None, tmp_path: Path) -> Path:
    """A folder in which a demo has begun."""
    demo.settings_for(tmp_path / "demo", demo.PORT, demo.PHONES_PORT)
    return tmp_path / "demo"


def _unset() -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]


@pytest.fixture
def sayso(
    environment: None,
    good: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[CommandLine]:
    """Runs a command in this process. A variable that is None is not set."""

    def run(*arguments: str, **variables: str | None) -> Said:
        _unset()
        given = {PREFIX + name: value for name, value in {**good, **variables}.items() if value is not None}
        os.environ.update(given, COLUMNS=COLUMNS)
        monkeypatch.setattr(sys, "argv", ["sayso", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return Said(int(end.value.code or 0), said.out, said.err)

    yield run
    configure_logs("warning")  # the command sent its logs to where this test's words went
