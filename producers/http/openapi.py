"""The OpenAPI document, whole: what FastAPI finds in the routes, and the schemas that only we know."""

import json
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts

from producers.http import command_docs
from producers.http.models import ProblemAnswer
from producers.http.preview_models import PreviewRequest

OPENAPI_VERSION = "3.1.0"
REFERENCE = "#/components/schemas/"
DESCRIPTION = """\
Texts to candidates, with their say-so. Every change is a command; every command gets one receipt; everything
else is read. Times are UTC (RFC 3339), numbers E.164, lists come in pages (`limit`, `cursor`; the next page's
cursor is `next`). Whatever goes wrong is a problem (RFC 9457) with a stable `code`."""

_TAGS = {
    "commands": "Asking for something, and the one answer to it.",
    "account": "What an account has set.",
    "threads": "Candidates and their conversations.",
    "consent": "Whether a number may be texted, and on whose word.",
    "texts": "Looking at a text before it is sent.",
    "bulks": "One text for many, and how far it has come.",
    "credits": "What texts cost, and what is left.",
    "notifications": "What followers were told.",
    "stream": "Changes as they happen.",
    "dead letters": "What came in and could not be used.",
    "carrier": "For the carrier only.",
    "operations": "For whoever runs Sayso.",
    "problems": "What can go wrong.",
}


def documented(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """A replacement for `app.openapi` that makes the document once."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    return document


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version=OPENAPI_VERSION,
        description=DESCRIPTION,
        routes=app.routes,
        tags=[{"name": name, "description": said} for name, said in _TAGS.items()],
    )
    schemas: dict[str, Any] = document.setdefault("components", {}).setdefault("schemas", {})
    _add(schemas, command_docs.components())
    for name, model in (("Problem", ProblemAnswer), ("PreviewRequest", PreviewRequest)):
        schema = model.model_json_schema(ref_template=REFERENCE + "{model}")
        _add(schemas, {**schema.pop("$defs", {}), name: schema})
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, APIRoute) and context.original_route.include_in_schema:
            _put_examples_back(document, context.original_route)
    return document


def _put_examples_back(document: dict[str, Any], route: APIRoute) -> None:
    """FastAPI leaves every null out of the document, those within examples too; there they mean something."""
    for method in route.methods or ():
        answers = document["paths"][route.path_format][method.lower()]["responses"]
        for status, documented_answer in route.responses.items():
            for kind, content in documented_answer.get("content", {}).items():
                if "example" in content:
                    answers[str(status)]["content"][kind]["example"] = content["example"]


def _add(schemas: dict[str, Any], more: dict[str, Any]) -> None:
    """Add `more`, what is taken in; where the same name stands for another answer, it becomes `...Input`."""
    text = json.dumps(more)
    clashing = [name for name, schema in more.items() if schemas.get(name, schema) != schema]
    for name in clashing:
        text = text.replace(f'{REFERENCE}{name}"', f'{REFERENCE}{name}Input"')
    for name, schema in json.loads(text).items():
        schemas[f"{name}Input" if name in clashing else name] = schema
