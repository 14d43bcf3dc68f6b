"""What the demo adds to the pages."""

from dataclasses import dataclass

from producers.http.auth import AuthSettings


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """Anybody may sign in as anybody: for the demo on one's own machine, and nowhere else.

    Attributes:
        auth: signs the sessions; needs its `secret`.
        account: whose members the personas are.
        phones_url: where the candidates' phones are shown.
    """

    auth: AuthSettings
    account: str
    phones_url: str | None = None
