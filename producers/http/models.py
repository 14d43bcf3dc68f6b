"""The shapes of answers that are the doors' own; what the views answer is shaped in `projections.shapes`."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Answered(BaseModel):
    """Whatever the doors answer: every field always there."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Health(Answered):
    """The verdict of a health check."""

    status: Literal["alive", "ready"]


class Taken(Answered):
    """A command was taken in, durably; its receipt follows."""

    command_id: UUID
    receipt: str
    """Where to ask for the receipt."""


class Fault(Answered):
    """One thing that is wrong with a request."""

    detail: str
    pointer: str | None = None
    """Where in the body, as a JSON pointer in a URI fragment (RFC 6901)."""
    parameter: str | None = None
    """Which parameter of the address or which header."""


class ProblemAnswer(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(use_attribute_docstrings=True, extra="allow", title="Problem")

    type: str
    """The kind of problem, as an address that describes it."""
    title: str
    """The kind of problem in a few words."""
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    """What happened this time and what can be done."""
    code: str
    """Stable, for machines."""
    instance: str
    """This one occurrence; our log knows it by this name."""
    errors: list[Fault] | None = None
    """What is wrong where, if the request is."""
    receipt: dict[str, Any] | None = None
    """The receipt, if a command was decided and refused."""


class ProblemKind(Answered):
    """A kind of problem."""

    code: str
    status: int
    title: str
    sentence: str | None
    """The pattern of the sentence, for refusals."""
