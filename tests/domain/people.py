"""Who asks for what: actors, and commands with everything filled in that a story does not care about."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from schemas import commands as c
from schemas.account_settings import SettingsChange
from schemas.actors import CARRIER, SYSTEM, Actor, Permission
from schemas.evidence import ApplicationEvidence, ByHandEvidence
from tests.domain.given import ACME, NOW, NUMBER

OTHER_NUMBER = "+14155552672"
BERLIN_NUMBER = "+4915123456789"
FRENCH_NUMBER = "+33612345678"
SENDER = "+12025550142"
TEXT = UUID(int=1)
BULK = UUID(int=77)
LATER = NOW + timedelta(hours=3)

RECRUITER = Actor(
    kind="member", id="grace", name="Grace", permissions=frozenset({Permission.VIEW, Permission.SEND})
)
NIGHT_OWL = RECRUITER.model_copy(
    update={"permissions": RECRUITER.permissions | {Permission.OVERRIDE_QUIET_HOURS}}
)
MANAGER = Actor(kind="member", id="mary", name="Mary", permissions=frozenset({Permission.MANAGE}))
ATS = Actor(kind="service", id="ats", permissions=frozenset({Permission.RECORD_APPLICATIONS}))
OPERATOR = Actor(kind="service", id="operator", permissions=frozenset({Permission.OPERATE}))

APPLICATION = ApplicationEvidence(
    source="career_site",
    scope="this_and_other_jobs",
    wording="I agree to receive texts about my application.",
    wording_version="7",
    application_id="application-1",
    job_id="job-1",
)
BY_HAND = ByHandEvidence(method="call", note="Agreed on the phone.")


def _base(actor: Actor) -> dict[str, Any]:
    return {"command_id": uuid4(), "account": ACME, "actor": actor}


# --- the account ------------------------------------------------------------------------------------


def activate(**more: Any) -> c.ActivateTexting:
    agreement = c.Agreement(accepted=True, version="2026-01")
    return c.ActivateTexting(
        **{**_base(MANAGER), "country": "US", "currency": "USD", "agreement": agreement, **more}
    )


def buy(**more: Any) -> c.BuyPackage:
    return c.BuyPackage(**{**_base(MANAGER), **more})


def change(**settings: Any) -> c.ChangeSettings:
    return c.ChangeSettings(**_base(MANAGER), change=SettingsChange(**settings))


def assign(sender: str = SENDER, **more: Any) -> c.AssignSender:
    return c.AssignSender(**{**_base(OPERATOR), "sender": sender, **more})


def withdraw_sender(sender: str = SENDER) -> c.WithdrawSender:
    return c.WithdrawSender(**_base(OPERATOR), sender=sender)


def adjust(segments: int, reason: str = "goodwill") -> c.AdjustSegments:
    return c.AdjustSegments(**_base(OPERATOR), segments=segments, reason=reason)


def resume() -> c.ResumeSending:
    return c.ResumeSending(**_base(OPERATOR))


def refund(**more: Any) -> c.RefundText:
    filled = {"number": NUMBER, "text_id": TEXT, "reason": "Never arrived.", **more}
    return c.RefundText(**{**_base(OPERATOR), **filled})


def notify(on: bool, actor: Actor = RECRUITER) -> c.SetNotifications:
    return c.SetNotifications(**_base(actor), profile_actions=on)


# --- the candidate and consent ----------------------------------------------------------------------


def add_number(number: str = NUMBER, candidate: str = "ada", **more: Any) -> c.AddNumber:
    return c.AddNumber(**{**_base(RECRUITER), "candidate": candidate, "number": number, **more})


def remove_number(number: str = NUMBER, candidate: str = "ada") -> c.RemoveNumber:
    return c.RemoveNumber(**_base(RECRUITER), candidate=candidate, number=number)


def change_number(to: str, number: str = NUMBER, candidate: str = "ada", **more: Any) -> c.ChangeNumber:
    return c.ChangeNumber(**_base(RECRUITER), candidate=candidate, number=number, to=to, **more)


def follow(candidate: str = "ada", actor: Actor = RECRUITER) -> c.FollowCandidate:
    return c.FollowCandidate(**_base(actor), candidate=candidate)


def unfollow(candidate: str = "ada", actor: Actor = RECRUITER) -> c.UnfollowCandidate:
    return c.UnfollowCandidate(**_base(actor), candidate=candidate)


def apply(candidate: str = "ada", **more: Any) -> c.RecordApplicationConsent:
    """The candidate agreed when applying."""
    filled = {"number": NUMBER, "obtained_at": NOW, "evidence": APPLICATION, **more}
    return c.RecordApplicationConsent(**{**_base(ATS), "candidate": candidate, **filled})


def add_consent(candidate: str = "ada", **more: Any) -> c.AddConsent:
    """A member says that the candidate agreed."""
    filled = {"number": NUMBER, "obtained_at": NOW, "evidence": BY_HAND, **more}
    return c.AddConsent(**{**_base(RECRUITER), "candidate": candidate, **filled})


def withdraw(candidate: str = "ada", **more: Any) -> c.WithdrawConsent:
    return c.WithdrawConsent(**{**_base(RECRUITER), "candidate": candidate, "number": NUMBER, **more})


def review(wants_to_stop: bool, candidate: str = "ada", number: str = NUMBER) -> c.ReviewStopRequest:
    return c.ReviewStopRequest(
        **_base(RECRUITER), candidate=candidate, number=number, wants_to_stop=wants_to_stop
    )


# --- texts ------------------------------------------------------------------------------------------


def send(body: str = "Hello", **more: Any) -> c.SendText:
    filled = {"command_id": TEXT, "candidate": "ada", "number": NUMBER, "body": body, **more}
    return c.SendText(**{**_base(RECRUITER), **filled})


def reschedule(send_at: datetime, **more: Any) -> c.RescheduleText:
    filled = {"candidate": "ada", "number": NUMBER, "text_id": TEXT, "send_at": send_at, **more}
    return c.RescheduleText(**{**_base(RECRUITER), **filled})


def cancel(**more: Any) -> c.CancelText:
    return c.CancelText(**{**_base(RECRUITER), "candidate": "ada", "number": NUMBER, "text_id": TEXT, **more})


def mark_read(candidate: str = "ada", number: str = NUMBER) -> c.MarkRead:
    return c.MarkRead(**_base(RECRUITER), candidate=candidate, number=number)


# --- the carrier and the dispatcher -----------------------------------------------------------------


def receive(body: str, **more: Any) -> c.ReceiveText:
    return c.ReceiveText(**{**_base(CARRIER), "number": NUMBER, "sid": "SM1", "body": body, **more})


def start(**more: Any) -> c.StartDispatch:
    return c.StartDispatch(**{**_base(SYSTEM), "number": NUMBER, "text_id": TEXT, "attempt": 1, **more})


def record(result: Any, **more: Any) -> c.RecordHandover:
    filled = {"number": NUMBER, "text_id": TEXT, "attempt": 1, "result": result, **more}
    return c.RecordHandover(**{**_base(SYSTEM), **filled})


def report(status: str, **more: Any) -> c.ReportStatus:
    filled = {"number": NUMBER, "text_id": TEXT, "sid": "SM9", "status": status, **more}
    return c.ReportStatus(**{**_base(CARRIER), **filled})


PICTURE = c.AttachmentFetched(size_bytes=3, sha256="0" * 64, picture="image/png")


def attach(result: Any = PICTURE, **more: Any) -> c.RecordAttachment:
    filled = {"number": NUMBER, "sid": "MM1", "index": 0, "result": result, **more}
    return c.RecordAttachment(**{**_base(SYSTEM), **filled})


# --- bulks ------------------------------------------------------------------------------------------


def send_bulk(*recipients: tuple[str, str], body: str = "Hello", **more: Any) -> c.SendBulk:
    """To each candidate at their number."""
    whom = tuple(c.Recipient(candidate=candidate, number=number) for candidate, number in recipients)
    filled = {"command_id": BULK, "recipients": whom, "body": body, **more}
    return c.SendBulk(**{**_base(RECRUITER), **filled})


def pause_bulk(bulk: UUID = BULK) -> c.PauseBulk:
    return c.PauseBulk(**_base(RECRUITER), bulk=bulk)


def resume_bulk(bulk: UUID = BULK) -> c.ResumeBulk:
    return c.ResumeBulk(**_base(RECRUITER), bulk=bulk)


def cancel_bulk(bulk: UUID = BULK) -> c.CancelBulk:
    return c.CancelBulk(**_base(RECRUITER), bulk=bulk)
