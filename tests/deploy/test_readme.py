"""The README: what it tells one to type works as it stands, and its table is that of the settings."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy import demo
from deploy.settings import settings_in_markdown
from tests.support.sayso import eventually, free_port

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_its_table_of_settings_is_the_real_one() -> None:
    table = README.split("<!-- settings -->\n")[1].split("<!-- /settings -->")[0]

    assert table.splitlines() == settings_in_markdown()


def test_the_first_command_and_the_first_view_work_as_written(demo_at: str, tmp_path: Path) -> None:
    token, commands, assigning = _blocks("sh")[1:4]
    python = tmp_path / "first.py"
    python.write_text(_blocks("python")[0].replace(f"http://127.0.0.1:{demo.PORT}", demo_at))
    script = "\n".join(["set -eu", token, commands, f"{shlex.quote(sys.executable)} {python}", assigning])
    script = script.replace(".venv/bin/sayso", f"{shlex.quote(sys.executable)} -m deploy")
    script = script.replace(f"http://127.0.0.1:{demo.PORT}", demo_at)

    run = subprocess.run(
        ["bash", "-c", script],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=_environment(),
        timeout=60,
    )

    assert run.returncode == 0, run.stderr
    assert run.stdout.count('"accepted":true') == 5, run.stdout
    assert "Could we talk on Tuesday at 10?" in run.stdout
    assert all(number[1:] in README.replace(" ", "") for number in (*demo.SENDERS.values(), demo.SPARE))
    assert re.search(r"^True \{.*'segments': 1", run.stdout, re.MULTILINE)


@pytest.fixture
def demo_at(tmp_path: Path) -> Iterator[str]:
    """The address of a demo that runs as its user would run it, in a folder of its own."""
    port, phones_port = free_port(), free_port()
    command = [sys.executable, "-m", "deploy", "demo", "--port", str(port), "--phones-port", str(phones_port)]
    with subprocess.Popen(command, cwd=tmp_path, env=_environment(), stdout=subprocess.PIPE) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            eventually(lambda: _answers(url), timeout_s=150)
            yield url
        finally:
            process.terminate()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "NO_PROXY": "127.0.0.1"}
