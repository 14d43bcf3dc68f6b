"""What shows that a candidate agreed: how, when, by which words."""

from typing import Annotated, Literal

from pydantic import Field, IPvAnyAddress

from schemas.base import ForeignId, LongText, Message, NulReplaced, ShortText


class ApplicationEvidence(Message):
    """Consent given by the candidate while applying."""

    how: Literal["application"] = "application"
    source: Literal["career_site", "indeed", "other"]
    scope: Literal["this_job", "this_and_other_jobs"]
    wording: Annotated[LongText, Field(min_length=1)]
    wording_version: ShortText
    application_id: ForeignId
    job_id: ForeignId | None = None
    ip: IPvAnyAddress | None = None
    user_agent: Annotated[str, NulReplaced, Field(max_length=1_000)] | None = None


class ByHandEvidence(Message):
    """Consent that a team member says the candidate gave."""

    how: Literal["by_hand"] = "by_hand"
    method: Literal["call", "email", "in_person", "note"]
    note: LongText | None = None


class KeywordEvidence(Message):
    """Consent the candidate gave by texting a start keyword."""

    how: Literal["keyword"] = "keyword"
    keyword: ShortText


Evidence = Annotated[ApplicationEvidence | ByHandEvidence | KeywordEvidence, Field(discriminator="how")]
