"""What stands before a test begins, put there by the ATS. Denmark and Austria have no quiet hours."""

from datetime import datetime

from tests.support.sayso import Client

ADA = "+4520123456"
BOB = "+4520123457"
AUSTRIAN = "+436641234567"
FRENCH = "+33612345678"
SWITCHED_OFF = "+4520123490"


def activate(ats: Client, company: str = "Acme Robotics") -> None:
    agreement = {"accepted": True, "version": "2026-11"}
    ats.accepted("activate-texting", country="DK", currency="EUR", agreement=agreement, company=company)


def candidate(ats: Client, candidate: str, name: str, number: str, agreed_at: datetime | None = None) -> str:
    """A candidate with a number, who agreed on a call if `agreed_at` is given."""
    ats.accepted("add-number", candidate=candidate, number=number, name=name)
    if agreed_at is not None:
        consent(ats, candidate, number, agreed_at)
    return candidate


def consent(ats: Client, candidate: str, number: str, agreed_at: datetime) -> None:
    evidence = {"how": "by_hand", "method": "call", "note": "On the phone"}
    obtained = agreed_at.isoformat()
    ats.accepted("add-consent", candidate=candidate, number=number, obtained_at=obtained, evidence=evidence)


def change_settings(ats: Client, **change: object) -> None:
    ats.accepted("change-settings", change=change)


def text(ats: Client, candidate: str, number: str, body: str, **more: object) -> str:
    """Send a text; its id."""
    result = ats.accepted("send-text", candidate=candidate, number=number, body=body, **more)
    return str(result["text_id"])
