"""The demo: Sayso and a simulated carrier with the candidates' phones, in one process, on one machine."""

import base64
import json
import os
import secrets
from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

from deploy.settings import KEY_BYTES, LOOPBACK, PREFIX, Settings, SettingsError, load
from deploy.simulator.settings import SimulatorSettings
from deploy.wiring import Sayso
from schemas.actors import Actor, Permission
from schemas.commands import AssignSender

DATA_DIR: Final = Path("demo-data")
SECRETS_FILE: Final = "demo-secrets.json"
PORT: Final = 8000
PHONES_PORT: Final = 8001
OPERATOR: Final = Actor(kind="service", id="demo", permissions=frozenset({Permission.OPERATE}))
SENDERS: Final = {"acme": "+15005550006", "globex": "+15005550009"}
"""The demo's accounts, and the numbers they text from."""
SPARE: Final = "+14155550100"
"""A number that the simulated carrier has, too: for whoever tries to assign one."""
_NAMESPACE: Final = UUID("5b0f1f0c-6f0e-4a52-9b7e-0f6f3b6f2d11")


def settings_for(data_dir: Path, port: int, phones_port: int) -> Settings:
    """Settings for a demo in `data_dir`, whose secrets are made at its first start and kept there.

    Variables of the environment go before.

    Raises:
        SettingsError: one of them is wrong.
    """
    url = f"http://{LOOPBACK}:{port}"
    given = {
        "DATA_DIR": str(data_dir),
        "PORT": str(port),
        "PUBLIC_URL": url,
        "TWILIO_URL": f"http://{LOOPBACK}:{phones_port}",
        "MEDIA_DIR": str(data_dir / "media"),
        "LOG_LEVEL": "warning",
        **_secrets_in(data_dir),
    }
    for name, value in given.items():
        os.environ.setdefault(PREFIX + name, value)
    return load()


def settings_of(data_dir: Path, chosen_by: str = "--data-dir") -> Settings:
    """The settings of the demo that keeps its files in `data_dir`, which the option `chosen_by` names.

    Raises:
        SettingsError: there is none.
    """
    if not (data_dir / SECRETS_FILE).exists():
        sentence = f"There is no demo in {data_dir}. Start it first, or name its folder by {chosen_by}."
        raise SettingsError(sentence)
    return settings_for(data_dir, PORT, PHONES_PORT)


def _secrets_in(data_dir: Path) -> dict[str, str]:
    path = data_dir / SECRETS_FILE
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(_fresh_secrets(), file)
    known: dict[str, str] = json.loads(path.read_text())
    return known


def _fresh_secrets() -> dict[str, str]:
    return {
        "MASTER_KEY": base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode(),
        "NAMES_SECRET": base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode(),
        "TOKEN_SECRET": secrets.token_urlsafe(KEY_BYTES),
        "TWILIO_ACCOUNT_SID": "AC" + secrets.token_hex(16),
        "TWILIO_AUTH_TOKEN": secrets.token_hex(16),
    }


def simulator_settings(settings: Settings) -> SimulatorSettings:
    """A carrier that knows the demo's numbers and calls back where Sayso listens."""
    return SimulatorSettings(
        account_sid=settings.twilio_account_sid,
        auth_token=settings.twilio_auth_token.get_secret_value(),
        inbound_url=f"{settings.public_url}/v1/carriers/twilio/inbound",
        numbers=(*SENDERS.values(), SPARE),
    )


def senders() -> list[AssignSender]:
    """What gives the demo's accounts their numbers; a second time it changes nothing."""
    return [
        AssignSender(
            command_id=uuid5(_NAMESPACE, f"{account} {sender}"),
            account=account,
            actor=OPERATOR,
            sender=sender,
        )
        for account, sender in SENDERS.items()
    ]


def assign_senders(sayso: Sayso) -> None:
    """Give the demo's accounts their numbers."""
    for command in senders():
        sayso.inbox.put(command).result()
