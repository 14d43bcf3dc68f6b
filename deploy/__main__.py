"""The command line: `sayso`, or `python -m deploy`."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import TypeAdapter, ValidationError
from rich.table import Column, Table

from consumers.merging import LogBroken
from deploy import demo as demos
from deploy import maintenance
from deploy.archive import NothingThere, opened
from deploy.choosing import OfDemo, settings_of
from deploy.clock import utc_now
from deploy.collector import spare_the_collector
from deploy.dead import dead
from deploy.distributed import commands
from deploy.local.process import NotStarted
from deploy.logs import configure_logs, log_last_words
from deploy.parts import auth_of
from deploy.restore import NotEmpty, NotRestored
from deploy.saying import fail, listening, out, settings_here, show
from deploy.serving import HttpServer
from deploy.settings import Settings, SettingsError, settings_in_markdown, table_of_settings
from deploy.simulator.server import SimulatorServer
from deploy.stores import AlreadyRunning, StoresUnavailable
from deploy.topics import TopicsMismatch
from deploy.wiring import Sayso
from domain.ledger import LedgerError
from producers.http.auth import issue
from producers.http.pages.demo_settings import DemoSettings
from producers.http.pages.site import add_pages
from projections.source import SourceUnavailable
from schemas.actors import Permission
from schemas.base import AccountId

app = typer.Typer(
    help="Sayso: texting for hiring products. Settings come from the environment, as SAYSO_*.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they would print what is in memory, people's words included
)


PORT_MAX = 65_535


@app.command()
def serve() -> None:
    """Run Sayso: the HTTP interface, the worker, the views and the dispatcher, until told to stop."""
    settings = settings_here()
    with Sayso(settings) as sayso:
        add_pages(sayso.app)
        server = listening(
            lambda: HttpServer(sayso.app, settings.host, settings.port, sayso.let_go),
            f"{settings.host}:{settings.port}",
            "SAYSO_HOST and SAYSO_PORT",
        )
        out.print(f"Sayso listens on {server.url}")
        spare_the_collector()
        server.run()


@app.command()
def demo(
    data_dir: Annotated[Path, typer.Option(help="Where the demo keeps its files.")] = demos.DATA_DIR,
    port: Annotated[
        int, typer.Option(min=1, max=PORT_MAX, help="The port of the recruiter's page.")
    ] = demos.PORT,
    phones_port: Annotated[
        int, typer.Option(min=1, max=PORT_MAX, help="The port of the phones.")
    ] = demos.PHONES_PORT,
) -> None:
    """Try Sayso on this machine: with a simulated carrier, and a page that shows the candidates' phones."""
    settings = demos.settings_for(data_dir, port, phones_port)
    configure_logs(settings.log_level, settings.log_format)
    phones = listening(
        lambda: SimulatorServer(demos.simulator_settings(settings), port=phones_port),
        f"port {phones_port}",
        "--phones-port",
    )
    with phones, _alone_in(data_dir, settings) as sayso:
        demos.assign_senders(sayso)
        add_pages(sayso.app, DemoSettings(auth_of(settings), "acme", phones.url))
        server = listening(
            lambda: HttpServer(sayso.app, settings.host, settings.port, sayso.let_go),
            f"port {settings.port}",
            "--port",
        )
        out.print(f"\n  The recruiter's page   [bold]{server.url}/[/bold]")
        out.print(f"  The candidates' phones [bold]{phones.url}/[/bold]\n")
        out.print(f"  The files are in {data_dir}. Ctrl-C stops the demo.\n")
        spare_the_collector()
        server.run()


def _alone_in(data_dir: Path, settings: Settings) -> Sayso:
    try:
        return Sayso(settings)
    except AlreadyRunning as error:
        sentence = f"Another Sayso works in {data_dir}. Stop it, or choose another folder by --data-dir."
        raise SettingsError(sentence) from error


@app.command()
def token(
    account: Annotated[str, typer.Option(help="The account it is for.")],
    member: Annotated[str, typer.Option(help="Who holds it.")],
    scope: Annotated[list[Permission], typer.Option(help="What it allows; may be repeated.")],
    name: Annotated[str | None, typer.Option(help="The holder's name, as others see it.")] = None,
    service: Annotated[
        bool, typer.Option("--service", help="The holder is a service, not a person.")
    ] = False,
    hours: Annotated[int, typer.Option(min=1, max=24 * 365, help="How long it holds.")] = 8,
    data_dir: Annotated[Path, typer.Option(help="Where the demo keeps its files.")] = demos.DATA_DIR,
) -> None:
    """Print an access token for the demo. In production, tokens come from your own issuer."""
    auth = auth_of(demos.settings_of(data_dir))
    try:
        TypeAdapter(AccountId).validate_python(account)
    except ValidationError:
        raise SettingsError(f"{account} names no account: use small letters, digits, - and _.") from None
    lifetime = timedelta(hours=hours)
    kind: Literal["member", "service"] = "service" if service else "member"
    typer.echo(issue(auth, account, member, scope, utc_now(), lifetime, name, kind))


@app.command()
def rebuild(
    views: Annotated[list[str] | None, typer.Argument(help="Which views; all if none is named.")] = None,
    demo: OfDemo = None,
) -> None:
    """Build views again from all events. What serves goes on serving; the copies take over when ready."""
    with opened(settings_of(demo)) as archive:
        maintenance.rebuild(archive, views, out)


@app.command()
def replay(demo: OfDemo = None) -> None:
    """Fold all events into new views elsewhere, and compare them, row by row, with those that serve."""
    with opened(settings_of(demo)) as archive:
        if not maintenance.replay(archive, out):
            sys.exit(1)


@app.command()
def stopped(demo: OfDemo = None) -> None:
    """List the accounts that send nothing because the carrier refused them, and why."""
    with opened(settings_of(demo)) as archive:
        maintenance.stopped(archive, out)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to write: one event a line, as JSON.")],
    account: Annotated[str | None, typer.Option(help="Only this account's events.")] = None,
    stream: Annotated[
        str | None, typer.Option(help="Only this stream's, for example a conversation's.")
    ] = None,
    sealed: Annotated[bool, typer.Option("--sealed", help="As stored: personal data stays sealed.")] = False,
    demo: OfDemo = None,
) -> None:
    """Write what happened, in order, for auditors."""
    with opened(settings_of(demo)) as archive:
        maintenance.export(archive, file, account, stream, sealed, out)


@app.command()
def settings(
    markdown: Annotated[bool, typer.Option("--markdown", help="As the table in the README.")] = False,
) -> None:
    """Print everything that can be set."""
    if markdown:
        typer.echo("\n".join(settings_in_markdown()))
        return
    table = Table(Column("Variable", no_wrap=True), "Default", "Meaning", box=None, pad_edge=False)
    for row in table_of_settings():
        table.add_row(*row)
    show(table, out)


app.add_typer(dead, name="dead")
commands.add_to(app)

SAID = (
    SettingsError,
    AlreadyRunning,
    StoresUnavailable,
    NothingThere,
    NotStarted,
    TopicsMismatch,
    NotEmpty,
    NotRestored,
    LogBroken,
    SourceUnavailable,
    LedgerError,
)
"""What the caller can put right, or must know of: a sentence each, and no traceback."""


def run() -> None:
    """The process from its first moment: whatever ends it, no word of anybody's gets out."""
    configure_logs("info")
    log_last_words()
    main()


def main() -> None:
    """Run the command line; what the caller can put right is said in a sentence."""
    try:
        app()
    except SAID as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}." if error.filename else f"{error}.")


if __name__ == "__main__":
    run()
