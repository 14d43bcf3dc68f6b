"""Serving HTTP: on the port that was asked for, until told to stop, and then the port is free again."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import StreamingResponse

from deploy.serving import STOP_TIMEOUT_S, HttpServer
from deploy.settings import LOOPBACK


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def hello() -> str:
        return "hello"

    @app.get("/endless")
    async def endless() -> StreamingResponse:
        async def drops() -> AsyncIterator[bytes]:
            while True:
                yield b"drop\n"
                await asyncio.sleep(0.01)

        return StreamingResponse(drops())

    return app


def get(url: str) -> httpx.Response:
    return httpx.get(url, trust_env=False)


def test_it_serves_on_a_free_port_of_this_machine(app: FastAPI) -> None:
    with HttpServer(app, LOOPBACK, 0) as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert get(server.url).json() == "hello"
    with pytest.raises(httpx.ConnectError):
        get(server.url)


def test_whoever_comes_before_it_is_ready_waits_and_is_served(app: FastAPI) -> None:
    server = HttpServer(app, LOOPBACK, 0)
    answers: list[httpx.Response] = []
    early = threading.Thread(target=lambda: answers.append(get(server.url)))
    early.start()
    with server:
        early.join()
    assert answers[0].json() == "hello"


def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_open(app: FastAPI) -> None:
    with HttpServer(app, LOOPBACK, 0) as server:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            HttpServer(app, LOOPBACK, port)
        assert get(server.url).json() == "hello"
    with HttpServer(app, LOOPBACK, port) as again:
        assert get(again.url).json() == "hello"


def test_what_would_never_end_is_ended_when_it_stops(app: FastAPI) -> None:
    ended = asyncio.Event()

    @app.get("/until-the-end")
    async def until_the_end() -> StreamingResponse:
        async def lines() -> AsyncIterator[bytes]:
            yield b"here\n"
            await ended.wait()
            yield b"the end\n"

        return StreamingResponse(lines())

    with (
        HttpServer(app, LOOPBACK, 0, ended.set) as server,
        httpx.stream("GET", server.url + "/until-the-end") as stream,
    ):
        lines = stream.iter_lines()
        assert next(lines) == "here"
        server.__exit__(None, None, None)
        assert list(lines) == ["the end"]


def test_what_does_not_end_all_the_same_is_cut_off(app: FastAPI) -> None:
    with HttpServer(app, LOOPBACK, 0) as server, httpx.stream("GET", server.url + "/endless") as stream:
        assert next(stream.iter_lines()) == "drop"
        began = time.monotonic()
        server.__exit__(None, None, None)
        assert time.monotonic() - began < 2 * STOP_TIMEOUT_S
