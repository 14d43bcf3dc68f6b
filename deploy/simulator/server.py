"""The simulator as an application and as a server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from deploy.serving import HttpServer
from deploy.simulator import api, media_api, phones
from deploy.simulator.errors import ApiError
from deploy.simulator.network import Network
from deploy.simulator.settings import SimulatorSettings
from producers.http.routes import add_routes

LOOPBACK = "127.0.0.1"


def create_app(settings: SimulatorSettings) -> FastAPI:
    """The carrier's API and the phones' page, with a memory of their own."""
    network = Network(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await network.close()

    app = FastAPI(title="Carrier and phones", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.network = network
    add_routes(app, api, media_api, phones)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "pages" / "static"))
    app.exception_handler(ApiError)(api.answer_error)

    return app


class SimulatorServer(HttpServer):
    """The simulator on a port of its own."""

    def __init__(self, settings: SimulatorSettings, host: str = LOOPBACK, port: int = 0) -> None:
        app = create_app(settings)
        super().__init__(app, host, port, leaving=app.state.network.let_go)
        app.state.network.url = self.url
