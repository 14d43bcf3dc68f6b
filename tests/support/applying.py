"""The service of an ATS that passes on what candidates agreed to when applying."""

from datetime import timedelta
from typing import Any

from schemas.actors import Permission
from tests.support.office import Json, Office, Person
from tests.support.sayso import Client

EVIDENCE = {
    "how": "application",
    "source": "career_site",
    "scope": "this_job",
    "wording": "I agree to receive texts from Acme Robotics about my application. Reply STOP to opt out.",
    "wording_version": "2026-03",
    "application_id": "app-77",
    "job_id": "job-12",
    "ip": "203.0.113.9",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
}


def ats(office: Office) -> Client:
    """The service that passes applications on, and may do nothing else."""
    return office.member(Permission.RECORD_APPLICATIONS, member="ats", name="The ATS", service=True)


def applied(person: Person, evidence: Json | None = None, *, hours_ago: float = 1, **changed: Any) -> Json:
    """The fields of a consent given when applying, an hour ago if nothing else is said."""
    at = (person.office.system.clock() - timedelta(hours=hours_ago)).isoformat()
    return {**person.at, "obtained_at": at, "evidence": evidence or EVIDENCE, **changed}
