"""Logs: one JSON object a line, named by its trace, and never a word, a name or a number of anybody."""

import json
import logging
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
import structlog
from twilio.request_validator import RequestValidator

from deploy import demo
from deploy.clock import utc_now
from deploy.logs import configure_logs
from deploy.parts import auth_of
from deploy.settings import Settings
from producers.http.auth import issue
from schemas.actors import Permission
from tests.support.processes import PROJECT, process, status
from tests.support.sayso import Client, eventually, free_port

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"
SECRET = "Ada said +14155550123"

Said = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    """What was logged since, line by line."""
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


# --- how a line looks -------------------------------------------------------------------------------


def test_a_line_is_json_where_nobody_watches(said: Said) -> None:
    configure_logs("info")
    structlog.get_logger().info("happened", shard=3)
    structlog.get_logger().debug("unimportant")
    (line,) = said()
    assert (line["event"], line["shard"], line["level"]) == ("happened", 3, "info")
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    ("form", "terminal", "is_json"),
    [
        ("auto", True, False),
        ("auto", False, True),
        ("json", True, True),
        ("console", False, False),
    ],
)
def test_its_form_is_chosen_or_follows_from_where_it_goes(form: str, terminal: bool, is_json: bool) -> None:
    script = (
        "import structlog; from deploy.logs import configure_logs\n"
        f"configure_logs('info', '{form}')\n"
        f"try: raise ValueError('{SECRET}')\n"
        "except ValueError: structlog.get_logger().exception('happened', shard=3)"
    )
    written = _ran(script, terminal=terminal)
    assert "happened" in written
    assert "ValueError" in written
    assert "Ada" not in written
    assert written.startswith("{") == is_json


def test_a_line_names_the_trace_that_it_belongs_to(said: Said) -> None:
    configure_logs("info")
    with structlog.contextvars.bound_contextvars(trace_id=TRACE_ID):
        structlog.get_logger().info("happened")
    structlog.get_logger().info("happened")
    first, second = said()
    assert first["trace_id"] == TRACE_ID
    assert "trace_id" not in second


# --- failures and libraries -------------------------------------------------------------------------


def test_a_failure_tells_its_kind_and_place_and_not_its_words(said: Said) -> None:
    configure_logs("info")
    number = SECRET
    for given in (True, ValueError(number)):
        try:
            raise ValueError(number)
        except ValueError:
            structlog.get_logger().error("failed", exc_info=given)
    first, second = said()
    assert first["error"] == second["error"] == "ValueError"
    assert "test_logs.py" in first["frames"][0]
    assert "Ada" not in json.dumps([first, second])


def test_of_libraries_only_warnings_are_heard_and_only_some_are_quoted(said: Said) -> None:
    configure_logs("debug")
    configure_logs("debug")  # a second time adds nothing
    for name in ("kafka.client", "urllib3.connectionpool", "asyncio"):
        logging.getLogger(name).warning("%s is away", SECRET)
        logging.getLogger(name).info("%s is there", SECRET)
    try:
        raise ValueError(SECRET)
    except ValueError:
        logging.getLogger("uvicorn.error").exception("it failed")
    lines = said()
    assert [line["library"] for line in lines] == [
        "kafka.client",
        "urllib3.connectionpool",
        "asyncio",
        "uvicorn.error",
    ]
    assert [line.get("said") for line in lines] == [f"{SECRET} is away", None, None, "it failed"]
    assert lines[3]["error"] == "ValueError"
    assert "Ada" not in json.dumps(lines[1:])


@pytest.mark.parametrize(
    "ending",
    [
        "raise ValueError(said)",
        "t = threading.Thread(target=int, args=(said,)); t.start(); t.join()",
    ],
)
def test_last_words_are_not_quoted(ending: str) -> None:
    script = (
        "import threading; from deploy.logs import configure_logs, log_last_words\n"
        f"configure_logs('info'); log_last_words()\nsaid = '{SECRET}'\n{ending}"
    )
    line = json.loads(_ran(script))
    assert (line["level"], line["error"]) == ("critical", "ValueError")
    assert line["event"] in {"process_failed", "thread_failed"}
    assert "Ada" not in json.dumps(line)


def _ran(script: str, *, terminal: bool = False) -> str:
    """What a process of its own writes to standard error, which is a terminal or is not."""
    ours, theirs = pty.openpty() if terminal else os.pipe()
    with os.fdopen(ours, "rb", buffering=0) as reading:
        with os.fdopen(theirs, "wb") as writing:
            command = [sys.executable, "-c", script]
            subprocess.run(command, stderr=writing, check=False, cwd=PROJECT, timeout=60)
            if terminal:
                return reading.read(65_536).decode()
        return reading.read(65_536).decode()


# --- a whole journey --------------------------------------------------------------------------------

NATIONAL = "4155552671"
NUMBER = f"+1{NATIONAL}"
NAME = "Wilhelmina Featherstonehaugh"
WORDS = "Zanzibar at ten, by the green lighthouse"
REPLY = "Quicksilver suits me, thanks"
WRITINGS = (
    NATIONAL,
    "(415) 555-2671",
    "415-555-2671",
    "415 555 2671",
    "415.555.2671",
    "5552671",
    "555-2671",
    *NAME.split(),
    "Zanzibar",
    "lighthouse",
    "Quicksilver",
)
"""What must never be seen: the number however it is written, and every word of consequence."""


@contextmanager
def demo_that_tells_all(folder: Path) -> Iterator[tuple[str, str, Callable[[], str]]]:
    """A demo with debug logging: Sayso's address, the phones', and what it wrote once it has ended."""
    port, phones_port = free_port(), free_port()
    ports = ("--port", str(port), "--phones-port", str(phones_port))
    with (
        process("demo", *ports, folder=folder, variables={"LOG_LEVEL": "debug"}) as started,
        ThreadPoolExecutor(1) as reader,
    ):
        written = reader.submit(started.communicate)  # all the time: nobody writes into a pipe that is full
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: status(f"{url}/readyz") == 200, timeout_s=60)

        def ended() -> str:
            started.terminate()
            return "".join(written.result(60))

        yield url, f"http://127.0.0.1:{phones_port}", ended


@contextmanager
def calling(url: str, phones_url: str, settings: Settings) -> Iterator[tuple[Client, httpx.Client]]:
    """Somebody who may do everything at `acme`, and the candidate's phone."""
    token = issue(auth_of(settings), "acme", "rita", tuple(Permission), utc_now(), timedelta(hours=1))
    acme = Client(url, "acme", token, httpx.HTTPTransport(trust_env=False))
    phone = httpx.Client(base_url=f"{phones_url}/phones/1{NATIONAL}", trust_env=False)
    with acme.http, phone:
        yield acme, phone


@pytest.mark.usefixtures("environment")
def test_a_whole_journey_leaves_no_word_number_or_name_in_the_logs(tmp_path: Path) -> None:
    """P7, P8: whatever goes well or wrong on the way."""
    with demo_that_tells_all(tmp_path) as (url, phones_url, ended):
        settings = demo.settings_of(tmp_path / demo.DATA_DIR)
        with calling(url, phones_url, settings) as (acme, phone):
            journey(acme, phone)
            mishaps(acme, url, settings.twilio_auth_token.get_secret_value())
        written = ended()
    lines = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
    assert {"request", "dead_letter"} <= {line["event"] for line in lines}
    assert TRACE_ID in {line.get("trace_id") for line in lines}
    found = [line for line in written.splitlines() if any(word in line for word in WRITINGS)]
    assert found == []


def journey(acme: Client, phone: httpx.Client) -> None:
    """From the first text to a STOP."""
    agreement = {"accepted": True, "version": "1"}
    acme.accepted("activate-texting", country="US", currency="USD", agreement=agreement, company="Acme")
    acme.accepted("add-number", candidate="w", number="(415) 555-2671", region="US", name=NAME)
    consent = {"obtained_at": utc_now().isoformat(), "evidence": {"how": "by_hand", "method": "call"}}
    acme.accepted("add-consent", candidate="w", number=NUMBER, **consent)
    sent = acme.http.post(
        "/commands",
        json={**text("Acme. " + WORDS + ". Reply STOP to opt out."), "override_quiet_hours": True},
        headers={"Prefer": "wait=20", "traceparent": TRACEPARENT},
    )
    assert sent.status_code == 200, sent.text
    thread = f"/candidates/w/threads/{quote(NUMBER, safe='')}"
    eventually(lambda: "delivered" in [one["status"] for one in acme.get(thread)["items"]])
    for words in (REPLY, "STOP"):
        assert phone.post("/messages", json={"body": words, "to": demo.SENDERS["acme"]}).status_code == 201
    eventually(lambda: {REPLY, "STOP"} <= {one["body"] for one in acme.get(thread)["items"]})
    acme.get("/candidates", query=NAME)


def mishaps(acme: Client, url: str, twilio_auth_token: str) -> None:
    """What is refused, not understood, not signed, not to be placed, not there."""
    assert acme.command("send-text", **{k: v for k, v in text(WORDS).items() if k != "type"}).is_error
    assert acme.command("send-text", candidate=NUMBER, number=[NAME], body=WORDS).is_error
    assert acme.http.post("/commands", content=f'{{"{NUMBER}": {WORDS}'.encode()).is_error
    form = {"MessageSid": "SM1", "From": NUMBER, "To": NUMBER, "Body": WORDS}
    inbound = url + "/v1/carriers/twilio/inbound"
    assert httpx.post(inbound, data=form, trust_env=False).is_error
    signature = RequestValidator(twilio_auth_token).compute_signature(inbound, form)
    headers = {"X-Twilio-Signature": signature}
    assert httpx.post(inbound, data=form, headers=headers, trust_env=False).is_success
    for path in (f"/{NUMBER}", f"/v1/accounts/acme/candidates/w/threads/{NATIONAL}?name={quote(NAME)}"):
        httpx.get(url + path, trust_env=False)


def text(body: str) -> dict[str, Any]:
    return {"type": "send-text", "command_id": str(uuid4()), "candidate": "w", "number": NUMBER, "body": body}
