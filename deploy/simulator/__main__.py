"""The simulator in a process of its own: `python -m deploy.simulator --port 8001`.

It is the carrier of whoever has the same SAYSO_TWILIO_ACCOUNT_SID and SAYSO_TWILIO_AUTH_TOKEN.
"""

from typing import Annotated

import typer
from pydantic import ValidationError

from deploy.simulator.server import LOOPBACK, SimulatorServer
from deploy.simulator.settings import OptOut, SimulatorSettings
from deploy.simulator.weather import Weather

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def _weather(text: str) -> Weather:
    try:
        return Weather.model_validate_json(text)
    except ValidationError as error:
        raise typer.BadParameter(str(error)) from error


@app.command()
def main(
    account_sid: Annotated[str, typer.Option(envvar="SAYSO_TWILIO_ACCOUNT_SID")],
    auth_token: Annotated[str, typer.Option(envvar="SAYSO_TWILIO_AUTH_TOKEN")],
    host: Annotated[str, typer.Option(help="The address to listen on.")] = LOOPBACK,
    port: Annotated[int, typer.Option(help="The port; 0 takes a free one.")] = 8001,
    inbound_url: Annotated[str | None, typer.Option(help="Where answers from the phones go.")] = None,
    status_delay_s: Annotated[float, typer.Option(min=0, help="Between two statuses of a text.")] = 0.3,
    weather: Annotated[
        str,
        typer.Option(
            envvar="SIMULATOR_WEATHER", metavar="JSON", help="What befalls texts, as PUT /weather takes it."
        ),
    ] = "{}",
    opt_out: Annotated[bool, typer.Option(help="Whether the carrier heeds STOP by itself.")] = True,
) -> None:
    """Be a carrier with phones until told to stop."""
    settings = SimulatorSettings(
        account_sid,
        auth_token,
        inbound_url=inbound_url,
        status_delay_s=status_delay_s,
        weather=_weather(weather),
        opt_out=OptOut(enabled=opt_out),
    )
    server = SimulatorServer(settings, host, port)
    typer.echo(f"The carrier and the phones listen on {server.url}")
    server.run()


if __name__ == "__main__":
    app()
