"""The command line of the distributed form: a process of each kind, the topics, all on one machine."""

from pathlib import Path
from typing import Annotated, Any

import typer

from deploy import demo as demos
from deploy import topics as on_the_cluster
from deploy.collector import spare_the_collector
from deploy.distributed import cluster as clusters
from deploy.distributed import upkeep
from deploy.distributed.api import ApiProcess
from deploy.distributed.asking import asked, check_topics, on_brokers
from deploy.distributed.projector import ProjectorProcess
from deploy.distributed.worker import WorkerProcess
from deploy.logs import configure_logs
from deploy.parts import auth_of
from deploy.saying import listening, out
from deploy.serving import HttpServer
from deploy.settings import Settings
from producers.http.pages.demo_settings import DemoSettings
from producers.http.pages.site import add_pages

topics = typer.Typer(help="The topics on the cluster.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    for command in (worker, projector, api, cluster):
        app.command()(command)
    app.add_typer(topics, name="topics")
    app.add_typer(upkeep.restore, name="restore")


def worker() -> None:
    """Run a worker: decides commands, publishes events, hands texts over. Start as many as you like."""
    settings = on_brokers()
    with WorkerProcess(settings) as process:
        _serve(process.app, settings, "The worker")


def projector() -> None:
    """Run a projector: keeps the views up with the topics. Start as many as you like."""
    settings = on_brokers()
    with ProjectorProcess(settings) as process:
        _serve(process.app, settings, "The projector")


def api(
    phones: Annotated[
        str | None, typer.Option(help="For `sayso cluster`: where the simulated phones are shown.")
    ] = None,
) -> None:
    """Run the HTTP interface and the page. Start as many as you like."""
    settings = on_brokers()
    with ApiProcess(settings) as process:
        add_pages(process.app, None if phones is None else DemoSettings(auth_of(settings), "acme", phones))
        server = listening(
            lambda: HttpServer(process.app, settings.host, settings.port, process.let_go),
            f"{settings.host}:{settings.port}",
            "SAYSO_HOST and SAYSO_PORT",
        )
        out.print(f"Sayso listens on {server.url}")
        spare_the_collector()
        server.run()


def cluster(
    data_dir: Annotated[Path, typer.Option(help="Where everything is kept.")] = clusters.DATA_DIR,
    port: Annotated[int, typer.Option(help="The port of the recruiter's page.")] = demos.PORT,
    phones_port: Annotated[int, typer.Option(help="The port of the phones.")] = demos.PHONES_PORT,
) -> None:
    """Try the distributed form on this machine: broker, PostgreSQL, every process twice, and the phones."""
    configure_logs("warning", "auto")
    with clusters.Cluster(data_dir, port, phones_port, out.print) as running:
        first, *others = running.apis
        out.print(f"\n  The recruiter's page   [bold]{first}/[/bold]")
        for other in others:
            out.print(f"  and once more          [bold]{other}/[/bold]")
        out.print(f"  The candidates' phones [bold]{running.phones}/[/bold]\n")
        out.print(f"  Kafka is at {running.broker.bootstrap}, PostgreSQL at {running.postgres.dsn('sayso')}.")
        out.print(f"  Files and logs are in {data_dir}. Ctrl-C stops it all.\n")
        running.wait()


@topics.command()
def create() -> None:
    """Make the topics that are missing."""
    settings = on_brokers(checked=False)
    made = asked(settings, on_the_cluster.create)
    out.print(f"Made {', '.join(made)}." if made else "All topics are there already.")
    check_topics(settings)


@topics.command()
def check() -> None:
    """Say whether the topics are as they must be."""
    on_brokers()
    out.print("All topics are as they must be.")


def _serve(app: Any, settings: Settings, who: str) -> None:
    server = listening(
        lambda: HttpServer(app, settings.host, settings.ops_port),
        f"{settings.host}:{settings.ops_port}",
        "SAYSO_OPS_PORT",
    )
    out.print(f"{who} tells of itself on {server.url}")
    spare_the_collector()
    server.run()
