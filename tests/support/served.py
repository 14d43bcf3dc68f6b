"""Sayso serving in a process of its own, which a test may kill."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from deploy.settings import PREFIX, Settings
from deploy.simulator.server import SimulatorServer
from tests.support.processes import PROJECT
from tests.support.sayso import Client, eventually


@contextmanager
def process(settings: Settings, carrier: SimulatorServer) -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own that serves."""
    given = {
        "DATA_DIR": settings.data_dir,
        "PORT": settings.port,
        "PUBLIC_URL": settings.public_url,
        "MASTER_KEY": settings.master_key.get_secret_value(),
        "NAMES_SECRET": settings.names_secret.get_secret_value(),
        "TOKEN_SECRET": "t" * 32,
        "TWILIO_ACCOUNT_SID": settings.twilio_account_sid,
        "TWILIO_AUTH_TOKEN": settings.twilio_auth_token.get_secret_value(),
        "TWILIO_URL": carrier.url,
        "HAND_OVERS_MAX": settings.hand_overs_max,
        "CARRIER_RATE": settings.carrier_rate,
        "SENDER_RATES": json.dumps(settings.sender_rates),
        "LOG_LEVEL": "error",
    }
    environment = {**os.environ, **{PREFIX + name: str(value) for name, value in given.items()}}
    with subprocess.Popen(
        [sys.executable, "-m", "deploy", "serve"], cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL
    ) as running:
        try:
            eventually(lambda: _answers(settings.public_url), timeout_s=120)
            yield running
        finally:
            running.kill()


@contextmanager
def calling(settings: Settings, account: str, token: str) -> Iterator[Client]:
    """An ATS that talks to that process."""
    with httpx.HTTPTransport() as connections:
        yield Client(settings.public_url, account, token, connections)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url + "/readyz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
