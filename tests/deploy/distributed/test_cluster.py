"""The distributed form, whole: broker, PostgreSQL, every process twice, as `sayso cluster` starts it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
from kafka import KafkaProducer
from twilio.request_validator import RequestValidator

from deploy import demo
from deploy.parts import auth_of
from deploy.settings import PREFIX
from producers.http.auth import issue
from tests.support.collector import Collector, collecting
from tests.support.pictures import media, png
from tests.support.processes import PROJECT, process, status
from tests.support.sayso import ALL, Client, eventually, free_port

ADA = "+4520123456"  # Denmark has no quiet hours
GRACE = "+4551234567"
ANNA = "+4560123456"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
BULKY = "+4520123458"
PICTURED = "+4520123459"
BODY = "This is Acme. Could we talk on Tuesday? Reply STOP to opt out."
SOON_S = 90.0


@dataclass(frozen=True)
class Running:
    """A cluster, and how to speak to it."""

    process: subprocess.Popen[str]
    folder: Path
    urls: tuple[str, ...]
    phones: str
    connections: httpx.HTTPTransport
    collector: Collector

    def client(self, api: int = 0, account: str = "acme") -> Client:
        settings = demo.settings_of(self.folder / "cluster-data")
        token = issue(auth_of(settings), account, "rita", ALL, datetime.now(UTC), timedelta(hours=1), "Rita")
        return Client(self.urls[api], account, token, self.connections)

    def activate(self, account: str) -> None:
        """Texting, with the free texts."""
        agreement = {"accepted": True, "version": "1"}
        of = {"country": "DK", "currency": "EUR", "company": account.title(), "agreement": agreement}
        self.client(account=account).accepted("activate-texting", **of)

    @property
    def settings(self) -> dict[str, str]:
        """The variables of its processes, without their prefix."""
        pid = self._pid("worker")
        pairs = Path(f"/proc/{pid}/environ").read_text().split("\0")
        own = [pair.removeprefix(PREFIX).partition("=") for pair in pairs if pair.startswith(PREFIX)]
        return {name: value for name, _, value in own}

    def says(self, *arguments: str, code: int = 0, **variables: object) -> str:
        """What a command prints that somebody types beside it."""
        with process(*arguments, folder=self.folder, variables={**self.settings, **variables}) as typed:
            told, wrong = typed.communicate(timeout=SOON_S)
        assert typed.returncode == code, told + wrong
        return told + wrong

    def kill(self, role: str) -> None:
        """End the oldest process of that role, at once."""
        os.kill(self._pid(role), signal.SIGKILL)

    def _pid(self, role: str) -> int:
        listing = ["ps", "--sort", "start_time", "-o", "pid=,args=", "--ppid", str(self.process.pid)]
        children = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.splitlines()
        pid, *_ = next(line for line in children if line.endswith(f"-m deploy {role}")).split()
        return int(pid)


@contextmanager
def _environment_of_its_own() -> Iterator[None]:
    """Reading a demo's settings sets variables: they begin with none of ours, and none is left behind."""
    before = dict(os.environ)
    for name in [name for name in before if name.startswith(PREFIX)]:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("cluster")
    port, phones_port = free_port(), free_port()
    arguments = ("cluster", "--port", str(port), "--phones-port", str(phones_port))
    with (
        collecting() as collector,
        process(*arguments, folder=folder, variables={"OTLP_URL": collector.url}) as running,
    ):
        assert running.stdout is not None
        urls: list[str] = []
        while len(urls) < 3:
            line = running.stdout.readline()
            assert line, running.stderr.read() if running.stderr else "it ended"
            urls += re.findall(r"http://\S+?(?=/?\s)", line)
        first, second, phones = urls
        connections = httpx.HTTPTransport(trust_env=False)
        with _environment_of_its_own():
            started = Running(running, folder, (first, second), phones, connections, collector)
            for account in ("acme", "globex"):
                started.activate(account)
            yield started
        connections.close()
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == 0
        assert running.stderr is not None
        assert "Traceback" not in running.stderr.read()
        _nobody_is_named_in(sorted((folder / "cluster-data").glob("*.log")))


def texts(cluster: Running, number: str = ADA) -> list[str]:
    """What arrived on that phone."""
    answer = httpx.get(f"{cluster.phones}/phones/{number[1:]}", trust_env=False)
    bubbles: list[dict[str, Any]] = answer.json()["bubbles"] if answer.status_code == 200 else []
    return [one["body"] for one in bubbles if one["side"] == "in" and not one["by_carrier"]]


def test_a_text_goes_out_an_answer_comes_back_and_a_stop_holds(cluster: Running) -> None:
    ats, other = cluster.client(0), cluster.client(1)
    ats.accepted("add-number", candidate="ada", number=ADA, name="Ada Byron")
    ats.accepted(
        "add-consent", candidate="ada", number=ADA, obtained_at="2026-01-05T09:00:00Z",
        evidence={"method": "call"},
    )  # fmt: skip
    sent = other.accepted("send-text", candidate="ada", number=ADA, body=BODY)
    eventually(lambda: texts(cluster) == [BODY], SOON_S)
    thread = f"/candidates/ada/threads/{quote(ADA, safe='')}"
    eventually(lambda: ats.get(thread)["items"][0]["status"] == "delivered", SOON_S)
    assert sent["segments"] == 1

    phone = f"{cluster.phones}/phones/{ADA[1:]}/messages"
    httpx.post(phone, json={"body": "Tuesday works!"}, trust_env=False).raise_for_status()
    eventually(lambda: other.get(thread)["items"][0]["body"] == "Tuesday works!", SOON_S)
    httpx.post(phone, json={"body": "STOP"}, trust_env=False).raise_for_status()
    eventually(lambda: other.get(f"{thread}/consent")["status"] == "revoked", SOON_S)
    assert ats.refused("send-text", candidate="ada", number=ADA, body=BODY) == "revoked_by_keyword"
    assert texts(cluster) == [BODY]


def test_a_picture_that_one_worker_stored_is_read_through_every_http_process(cluster: Running) -> None:
    ats = cluster.client()
    ats.accepted("add-number", candidate="mary", number=PICTURED)
    sent = {"to": demo.SENDERS["acme"], "media": [media(png())]}
    phone = f"{cluster.phones}/phones/{PICTURED[1:]}/messages"
    sid = httpx.post(phone, json=sent, trust_env=False).raise_for_status().json()["sid"]
    thread = f"/candidates/mary/threads/{quote(PICTURED, safe='')}"

    def stored() -> bool:
        found = [one for one in ats.get(thread)["items"] if one["id"] == sid]
        return bool(found) and found[0]["media"][0]["state"] == "stored"

    eventually(stored, SOON_S)
    for api in (0, 1):
        client = cluster.client(api)
        answer = client.http.get(f"{client.url}{thread}/attachments/{sid}/0")
        assert (answer.status_code, answer.content) == (200, png())


def test_one_trace_leads_from_a_record_on_a_topic_to_the_phone_and_the_views(cluster: Running) -> None:
    """Over the borders of processes, and whatever the ATS publishes with: the trace stands in a header."""
    ats = cluster.client(account="globex")
    ats.accepted("add-number", candidate="anna", number=ANNA, name="Anna Winlock")
    ats.accepted(
        "add-consent", candidate="anna", number=ANNA, obtained_at="2026-01-05T09:00:00Z",
        evidence={"method": "call"},
    )  # fmt: skip
    actor = {"kind": "service", "id": "ats", "permissions": ["texts:view", "texts:send"]}
    command = {
        "type": "send-text", "command_id": str(uuid4()), "account": "globex", "actor": actor,
        "candidate": "anna", "number": ANNA, "body": BODY,
    }  # fmt: skip
    with KafkaProducer(bootstrap_servers=cluster.settings["KAFKA_BOOTSTRAP"], acks="all") as producer:
        header = ("traceparent", f"00-{TRACE_ID}-b7ad6b7169203331-01".encode())
        producer.send("sayso.commands", json.dumps(command).encode(), b"globex", headers=[header]).get(60)
    eventually(lambda: texts(cluster, ANNA) == [BODY], SOON_S)
    wanted = {"process sayso.commands", "dispatch", "project"}
    eventually(lambda: wanted <= {span.name for span in cluster.collector.trace(TRACE_ID)}, SOON_S)
    said = str(cluster.collector.spans)
    for word in (ANNA[1:], "Anna", BODY, "globex"):
        assert word not in said


def test_the_largest_bulk_passes_every_part(cluster: Running) -> None:
    """A command and a receipt of hundreds of kilobytes: the topics, the ledger, the views, the interface."""
    ats, other = cluster.client(0), cluster.client(1)
    ats.accepted("add-number", candidate="bulky", number=BULKY)
    ats.accepted(
        "add-consent", candidate="bulky", number=BULKY, obtained_at="2026-01-05T09:00:00Z",
        evidence={"method": "call"},
    )  # fmt: skip
    strangers = [{"candidate": f"{n:0128}", "number": f"+45{20_200_000 + n}"} for n in range(999)]
    whom = [{"candidate": "bulky", "number": BULKY}, *strangers]
    result = other.accepted("send-bulk", recipients=whom, body=BODY)
    assert [one["candidate"] for one in result["accepted"]] == ["bulky"]
    assert {one["code"] for one in result["refused"]} == {"number_unknown"}
    address = f"/bulks/{result['bulk']}"
    eventually(lambda: ats.get(address)["delivered"] == 1, SOON_S)
    assert (ats.get(address)["state"], ats.get(address)["refused"]) == ("finished", 999)


def test_whatever_is_killed_another_takes_over(cluster: Running) -> None:
    ats = cluster.client(0, account="globex")
    for n, role in enumerate(("worker", "worker", "projector")):
        cluster.kill(role)
        candidate = f"c-{n}"
        answer = ats.command("add-number", candidate=candidate, number=ADA)
        assert answer.status_code in (200, 202), answer.text
        eventually(partial(_is_there, ats, candidate), SOON_S)
    assert all(status(f"{url}/readyz") == 200 for url in cluster.urls)


def test_what_cannot_be_used_is_kept_shown_and_sent_again(cluster: Running) -> None:
    settings = cluster.settings
    record = b'{"type": "follow-candidate", "candidate": "ada"}'  # no command id, no actor
    with KafkaProducer(bootstrap_servers=settings["KAFKA_BOOTSTRAP"], acks="all") as ats:
        ats.send("sayso.commands", record, b"acme").get(60)
    origin = eventually(lambda: re.findall(r"sayso\.commands/\d+/\d+", cluster.says("dead", "list")), SOON_S)[
        0
    ]
    assert record.decode() in cluster.says("dead", "show", origin)
    assert "invalid_command" in cluster.says("dead", "list")
    assert "is on sayso.commands again" in cluster.says("dead", "replay", origin)
    eventually(lambda: cluster.says("dead", "list").count("invalid_command") == 2, SOON_S)
    with KafkaProducer(bootstrap_servers=settings["KAFKA_BOOTSTRAP"], acks="all") as ats:
        ats.send("sayso.commands", record).get(60)
    eventually(lambda: "no_key" in cluster.says("dead", "list"), SOON_S)
    (keyless,) = re.findall(r"(sayso\.commands/\d+/\d+) +no_key", cluster.says("dead", "list"))
    assert "has no key" in cluster.says("dead", "replay", keyless, code=1)
    assert "There is no dead letter from nowhere" in cluster.says("dead", "show", "nowhere", code=1)


def test_the_carriers_calls_that_cannot_be_used_are_listed_beside_them(cluster: Running) -> None:
    """They are in PostgreSQL; one sent again goes through the spool of the machine."""
    form = {"MessageSid": "SM" + "7" * 32, "From": ADA, "To": "+15005550100", "Body": "Is this Acme?"}
    path = "/v1/carriers/twilio/inbound"
    validator = RequestValidator(cluster.settings["TWILIO_AUTH_TOKEN"])
    signature = validator.compute_signature(cluster.settings["PUBLIC_URL"] + path, form)
    headers = {"X-Twilio-Signature": signature}
    httpx.post(cluster.urls[0] + path, data=form, headers=headers, trust_env=False).raise_for_status()
    (origin,) = eventually(lambda: re.findall(r"twilio-inbound/\d+", cluster.says("dead", "list")), SOON_S)
    assert "Body=Is+this+Acme%3F" in cluster.says("dead", "show", origin)
    assert "is in the spool in" in cluster.says("dead", "replay", origin)
    eventually(lambda: cluster.says("dead", "list").count("sender_unknown") == 2, SOON_S)


def test_all_that_was_decided_is_exported_replayed_and_rebuilt(cluster: Running) -> None:
    cluster.client().accepted("add-number", candidate="grace", number=GRACE, name="Grace Hopper")
    said = cluster.says("export", "events.jsonl")
    lines = (cluster.folder / "events.jsonl").read_text().splitlines()
    assert f"{len(lines):,} events are in" in said
    assert GRACE in "".join(lines)
    for _ in range(2):
        assert "All views equal a replay" in cluster.says("replay")
        cluster.says("rebuild", "threads", "credits")


def test_a_shell_beside_it_can_be_told_how_to_reach_it(cluster: Running) -> None:
    variables = cluster.folder / "cluster-data" / "variables.sh"
    assert variables.stat().st_mode & 0o077 == 0
    told = subprocess.run(
        ["bash", "-c", f". {variables} && {sys.executable} -m deploy topics check"],
        cwd=PROJECT, capture_output=True, text=True, timeout=SOON_S, check=False,
        env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert "All topics are as they must be" in told.stdout, told.stderr


def test_only_what_is_empty_is_restored(cluster: Running) -> None:
    assert "Only an empty one is restored" in cluster.says("restore", "ledger", code=1)
    assert "Only empty ones are filled" in cluster.says("restore", "topics", code=1)
    assert "All topics are as they must be" in cluster.says("topics", "check")
    said = cluster.says("topics", "check", code=1, PARTITIONS=5)
    assert "has 4 partitions and should have 5" in said


def _is_there(ats: Client, candidate: str) -> bool:
    return ats.http.get(f"/candidates/{candidate}").status_code == 200


def _nobody_is_named_in(logs: list[Path]) -> None:
    """Whatever befell the processes in all tests: they ran, were killed, and met records that are none."""
    assert {log.stem for log in logs} >= {
        f"{role}-{n}" for role in ("worker", "projector", "api") for n in (1, 2)
    }
    said = "".join(log.read_text(errors="replace") for log in logs)
    for word in (ADA[1:], GRACE[1:], ANNA[1:], "Byron", "Hopper", "Winlock", "Tuesday"):
        assert word not in said
