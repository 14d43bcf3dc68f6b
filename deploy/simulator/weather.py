"""What befalls texts to numbers that were told nothing else: shares of one, drawn by lot from a seed."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from deploy.simulator.behaviour import (
    DELAY_MAX_S,
    ORDINARY,
    Behaviour,
    Callbacks,
    Ending,
    ErrorCode,
    Fault,
    ServerStatus,
)
from deploy.simulator.lots import Lots

TOO_MANY_REQUESTS = 20429

Share = Annotated[float, Field(ge=0, le=1)]


def _rising(span: tuple[float, float]) -> tuple[float, float]:
    if not 0 <= span[0] <= span[1] <= DELAY_MAX_S:
        raise ValueError(f"from and to, of 0 to {DELAY_MAX_S:.0f} seconds")
    return span


def _at_most_one(shares: Mapping[object, float]) -> Mapping[object, float]:
    if sum(shares.values()) > 1:
        raise ValueError("shares that exclude each other add up to 1 at most")
    return shares


Span = Annotated[tuple[float, float], AfterValidator(_rising)]
"""From and to, in seconds."""
OneOf = AfterValidator(_at_most_one)


class Weather(BaseModel):
    """Shares of one for each fault; the default is fair.

    Args:
        seed: what everything is drawn from, with the number and how many requests it had before.
        answer_after_s: how long the carrier takes to answer.
        refusals: by Twilio's code, such as 21614; 20429 is HTTP 429 with a Retry-After.
        retry_after_s: what a 429 asks for.
        problem_details: of the refusals, in the form of RFC 9457.
        server_errors: by HTTP status, 500 to 599; no text came about.
        faults: resets, time-outs and errors before or after the text came about.
        early: callbacks come before the answer.
        late, late_s: callbacks come so much later.
        callbacks: lost, doubled, reversed or shuffled.
        failed, undelivered: by Twilio's code, of the texts that were taken.
        recounted: another count of segments is billed than was to be expected, by one more or less.
        overwritten: of the networks that overwrite senders, by country, how many do.
        replies, reply_after_s: what a phone answers by itself to a text that arrived.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    answer_after_s: Span = (0.0, 0.0)
    refusals: Annotated[Mapping[ErrorCode, Share], OneOf] = {}
    retry_after_s: Span = (1.0, 1.0)
    problem_details: Share = 0.0
    server_errors: Annotated[Mapping[ServerStatus, Share], OneOf] = {}
    faults: Annotated[Mapping[Fault, Share], OneOf] = {}
    early: Share = 0.0
    late: Share = 0.0
    late_s: Span = (1.0, 1.0)
    callbacks: Annotated[Mapping[Callbacks, Share], OneOf] = {}
    silent: Share = 0.0
    failed: Annotated[Mapping[ErrorCode, Share], OneOf] = {}
    undelivered: Annotated[Mapping[ErrorCode, Share], OneOf] = {}
    recounted: Share = 0.0
    overwritten: Share = 0.0
    replies: Annotated[Mapping[str, Share], OneOf] = {}
    reply_after_s: Span = (0.0, 0.0)

    @property
    def fair(self) -> bool:
        """Whether nothing ever goes wrong."""
        return self == type(self)(seed=self.seed)

    def behaviour(self, number: str, nth: int) -> Behaviour:
        """What happens to the `nth` request to `number`."""
        if self.fair:
            return ORDINARY
        lots = Lots(self.seed, number, nth)
        code = lots.chosen("refusal", self.refusals)
        return Behaviour(
            answer_after_s=lots.between("answer", self.answer_after_s),
            error_code=code,
            retry_after_s=self._retry_after_s(lots) if code == TOO_MANY_REQUESTS else None,
            problem_details=lots.happens("problem details", self.problem_details),
            **self._faults(lots),
            **self._ending(lots),
            **self._reports(lots),
            segments_more=self._segments_more(lots),
            overwritten=lots.happens("overwritten", self.overwritten),
            reply=lots.chosen("reply", self.replies),
            reply_after_s=lots.between("reply after", self.reply_after_s),
        )

    def with_seed(self, seed: int) -> Self:
        """The same shares, drawn otherwise."""
        return self.model_copy(update={"seed": seed})

    def _retry_after_s(self, lots: Lots) -> int:
        return round(lots.between("retry after", self.retry_after_s))

    def _faults(self, lots: Lots) -> dict[str, Any]:
        status = lots.chosen("server error", self.server_errors)
        if status is not None:
            return {"fault": Fault.SERVER_ERROR, "server_status": status}
        fault: Fault | None = lots.chosen("fault", self.faults)
        return {"fault": fault or Fault.NONE}

    def _ending(self, lots: Lots) -> dict[str, Any]:
        endings: dict[tuple[Ending, int | None], float] = {("sent", None): self.silent}
        endings |= {("failed", code): share for code, share in self.failed.items()}
        endings |= {("undelivered", code): share for code, share in self.undelivered.items()}
        ends, code = lots.chosen("ending", endings) or ("delivered", None)
        return {"ends": ends, "ends_with_code": code}

    def _reports(self, lots: Lots) -> dict[str, Any]:
        late = lots.happens("late", self.late)
        return {
            "callbacks": lots.chosen("callbacks", self.callbacks) or Callbacks.IN_ORDER,
            "order": lots.whole("order"),
            "reports_first": lots.happens("early", self.early),
            "report_after_s": lots.between("late", self.late_s) if late else 0.0,
        }

    def _segments_more(self, lots: Lots) -> int:
        if not lots.happens("recounted", self.recounted):
            return 0
        return 1 if lots.share("more") < 0.5 else -1


FAIR = Weather()
