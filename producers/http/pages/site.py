"""The pages as a whole, and how they are added to the application."""

from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from producers.http.pages import balance, bulk_texts, bulks, candidate, demo, home, notifications, settings
from producers.http.pages.demo_settings import DemoSettings
from producers.http.pages.strays import answer_strays_with_a_page
from producers.http.routes import add_routes

STATIC_DIR = Path(__file__).parent / "static"
PAGES = (home, candidate, bulks, bulk_texts, balance, settings, notifications)


def add_pages(app: FastAPI, demo_settings: DemoSettings | None = None) -> None:
    """Add the pages to what `create_app` made. With `demo_settings` anybody may sign in as anybody."""
    app.state.demo = demo_settings
    add_routes(app, *PAGES, *((demo,) if demo_settings else ()))
    answer_strays_with_a_page(app)
    app.mount("/static", Assets(directory=STATIC_DIR), name="static")


class Assets(StaticFiles):
    """Styles and scripts: kept by the browser, and asked for again by their ETag."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response
