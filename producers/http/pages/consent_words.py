"""Consent in words: what stands, on whose word, since when, from where."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from producers.http.text_status import who
from projections.shapes import Consent, ConsentStatus, ConsentStep, Who
from schemas.evidence import ApplicationEvidence, ByHandEvidence, Evidence, KeywordEvidence

NameOf = Callable[[str | None], str]
"""The name of a candidate by their id; of this page's candidate, where there is none."""

Standing = Literal["granted", "not_given", "withdrawn", "revoked", "under_review"]

LABELS: Mapping[Standing, str] = MappingProxyType(
    {
        "granted": "Consent granted",
        "not_given": "No consent given",
        "withdrawn": "Consent withdrawn",
        "revoked": "Revoked by keyword",
        "under_review": "Under review",
    }
)
_SOURCES = {"career_site": "the career site", "indeed": "Indeed", "other": "another place"}
_SCOPES = {"this_job": "this job", "this_and_other_jobs": "this and other jobs"}
_METHODS = {"call": "On a call", "email": "By e-mail", "in_person": "In person", "note": "From a note"}
_ONLY_THE_CARRIER_HEARD = "21610"
_BY_PHONE = "The candidate, from this number"
"""A keyword comes from whoever holds the phone, which several candidates may share."""


@dataclass(frozen=True, slots=True)
class Said:
    """The status of a number's consent, or one step of its history, in words."""

    label: str
    who: str
    obtained_at: datetime | None
    recorded_at: datetime | None
    source: str | None
    facts: tuple[tuple[str, str], ...]
    """What else is known, each under its heading."""


@dataclass(frozen=True, slots=True)
class ConsentView:
    """Consent as the panel shows it."""

    standing: Standing
    said: Said
    history: tuple[Said, ...]


def consent_view(consent: Consent, name_of: NameOf) -> ConsentView:
    """`consent` in words."""
    standing = standing_of(consent.status, consent.under_review)
    said = Said(
        label=LABELS[standing],
        who=_who_now(consent, name_of),
        obtained_at=consent.obtained_at,
        recorded_at=consent.recorded_at,
        source=_source(consent.evidence) or _stop_source(consent.keyword),
        facts=_facts(consent.evidence, consent.reason),
    )
    return ConsentView(standing, said, tuple(_step(step, name_of) for step in consent.history))


def standing_of(status: ConsentStatus, under_review: bool) -> Standing:
    """Consent in one word: a review matters while there is consent that it could end."""
    return "under_review" if under_review and status == "granted" else status


def _who_now(consent: Consent, name_of: NameOf) -> str:
    match consent.status:
        case "not_given":
            return "Nobody has recorded that the candidate agreed."
        case "granted":
            return _giver(consent.evidence, consent.by, name_of(consent.candidate))
        case "revoked":
            return _BY_PHONE
        case "withdrawn":
            return _member(consent.by)


def _giver(evidence: Evidence | None, by: Who | None, name: str) -> str:
    """The candidate, or whoever says so on their behalf; the phone, if it said so itself."""
    if isinstance(evidence, KeywordEvidence):
        return _BY_PHONE
    return f"{_member(by)}, on behalf of {name}" if isinstance(evidence, ByHandEvidence) else name


def _member(by: Who | None) -> str:
    return "Unknown" if by is None else who(by)


def _step(step: ConsentStep, name_of: NameOf) -> Said:
    label, person = _happened(step, name_of)
    return Said(
        label=label,
        who=person,
        obtained_at=step.obtained_at,
        recorded_at=step.at,
        source=_source(step.evidence) or _stop_source(step.keyword),
        facts=_facts(step.evidence, step.reason),
    )


def _happened(step: ConsentStep, name_of: NameOf) -> tuple[str, str]:
    """What happened, and who did it."""
    candidate, member = name_of(step.candidate), who(step.by)
    match step.kind:
        case "opened":
            return "Number first seen", member
        case "joined":
            return f"Number added to {candidate}", member
        case "left":
            return f"Number removed from {candidate}", member
        case "granted":
            return "Consent granted", _giver(step.evidence, step.by, candidate)
        case "withdrawn":
            return _WITHDRAWN[step.cause or "member"], member
        case "revoked":
            return "Revoked by keyword", _BY_PHONE
        case "flagged":
            return "A reply sounded like a wish to stop", _BY_PHONE
        case "reviewed":
            verdict = "a wish to stop" if step.wants_to_stop else "no wish to stop"
            return f"Reviewed: {verdict}", member


_WITHDRAWN = {
    "member": "Consent withdrawn",
    "number_removed": "Consent went with the number",
    "stop_request": "Consent withdrawn after a review",
}


def _source(evidence: Evidence | None) -> str | None:
    match evidence:
        case None:
            return None
        case ApplicationEvidence():
            return f"Application on {_SOURCES[evidence.source]}, for {_SCOPES[evidence.scope]}"
        case ByHandEvidence():
            return f"{_METHODS[evidence.method]}, added by hand"
        case KeywordEvidence():
            return f"Text message “{evidence.keyword}”"


def _stop_source(keyword: str | None) -> str | None:
    if keyword is None:
        return None
    if keyword == _ONLY_THE_CARRIER_HEARD:
        return "The carrier says that the candidate opted out"
    return f"Text message “{keyword}”"


def _facts(evidence: Evidence | None, reason: str | None) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, object]] = [("Reason", reason)]
    match evidence:
        case ApplicationEvidence():
            found += [
                (f"Wording, version {evidence.wording_version}", evidence.wording),
                ("Application", evidence.application_id),
                ("Job", evidence.job_id),
                ("IP address", evidence.ip),
                ("Browser", evidence.user_agent),
            ]
        case ByHandEvidence():
            found.append(("Note", evidence.note))
        case _:
            pass
    return tuple((heading, str(fact)) for heading, fact in found if fact)
