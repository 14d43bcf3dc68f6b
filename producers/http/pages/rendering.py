"""From what is known to a page: one set of templates, everything escaped, moments as <time>."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from domain.refusals import Refused
from producers.http.auth import Caller
from producers.http.deps import ApiDeps
from producers.http.pages import countries
from producers.http.pages.demo_settings import DemoSettings
from producers.http.problems import Problem, kind_of
from projections.shapes import Account, Credits
from schemas.actors import Permission

TEMPLATES_DIR = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around every page."""

    visitor: Caller
    account: Account | None
    credits: Credits | None
    demo: DemoSettings | None
    now: datetime
    follows: str
    """Which changes the page is about: kinds, or `kind:subject`, with spaces between."""

    def may(self, permission: str) -> bool:
        """Whether the visitor was given `permission`."""
        return self.visitor.actor.may(Permission(permission))

    @property
    def active(self) -> bool:
        """Whether texting is activated."""
        return self.account is not None and self.account.activated_at is not None

    @property
    def stopped(self) -> str | None:
        """Why nothing is sent, if the carrier refuses the account: what whoever sends a text is told."""
        if self.account is None or self.account.stopped is None:
            return None
        return Refused("sending_stopped", reason=self.account.stopped.reason).sentence


def page(
    request: Request, visitor: Caller, name: str, follows: str, context: Mapping[str, object]
) -> HTMLResponse:
    """The page of template `name`, in its frame."""
    deps: ApiDeps = request.app.state.deps
    reads_credits = visitor.may_any((Permission.VIEW, Permission.MANAGE))
    frame = Frame(
        visitor=visitor,
        account=deps.queries.account(visitor.account),
        credits=deps.queries.credits(visitor.account) if reads_credits else None,
        demo=request.app.state.demo,
        now=deps.clock(),
        follows=f"account credits {follows}".strip(),
    )
    return HTMLResponse(render(name, {"frame": frame, "path": request.url.path, **context}))


def problem_page(request: Request, problem: Problem) -> HTMLResponse:
    """What went wrong, as a page; it has no frame, since nobody may have signed in."""
    kind = kind_of(problem.code)
    context = {"problem": problem, "kind": kind, "demo": request.app.state.demo}
    return HTMLResponse(render("problem.html", context), kind.status, dict(problem.headers))


def render(name: str, context: Mapping[str, object]) -> str:
    """The text of template `name`."""
    return _ENVIRONMENT.get_template(name).render(context)


def moment(at: datetime) -> Markup:
    """`at` in UTC, which the browser turns into its own zone."""
    utc = at.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(  # format escapes what it is given
        utc.isoformat(timespec="milliseconds").replace("+00:00", "Z"), utc.strftime("%-d %b %Y, %H:%M UTC")
    )


def texts(count: int) -> str:
    """A number of texts in words and figures."""
    return f"{count:,} text" if count == 1 else f"{count:,} texts"


def thread_address(candidate: str, number: str | None = None) -> str:
    """The address of a candidate's page, and of one of their numbers there."""
    address = f"/candidates/{quote(candidate)}"
    return address if number is None else f"{address}?number={quote(number)}"


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(TEMPLATES_DIR),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters |= {
    "moment": moment,
    "texts": texts,
    "phone": countries.display,
    "country": countries.country_name,
    "language": countries.language_name,
}
_ENVIRONMENT.globals["thread_address"] = thread_address
