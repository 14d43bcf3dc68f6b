"""How routes are added to an application."""

from typing import Protocol

from fastapi import APIRouter, FastAPI
from fastapi.routing import iter_route_contexts


class HasRouter(Protocol):
    """A module with routes."""

    @property
    def router(self) -> APIRouter:
        """Its routes."""


def add_routes(app: FastAPI, *modules: HasRouter) -> None:
    """Add the routes of `modules`, made now: FastAPI makes them while the first request waits, some 50 ms."""
    for module in modules:
        app.include_router(module.router)
    for _ in iter_route_contexts(app.routes):
        pass
