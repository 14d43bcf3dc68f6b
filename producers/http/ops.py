"""For whoever runs Sayso: is it alive, is it ready, how is it doing."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from producers.http.deps import Ops
from producers.http.documenting import ANY_ROUTE, example, problems
from producers.http.models import Health
from producers.http.problems import Problem

router = APIRouter(tags=["operations"])


@router.get(
    "/livez",
    operation_id="isAlive",
    summary="Whether the process answers at all",
    responses={200: example({"status": "alive"})},
)
async def livez() -> Health:
    """Answers as long as the process can. Restart it if this fails."""
    return Health(status="alive")


@router.get(
    "/readyz",
    operation_id="isReady",
    summary="Whether Sayso can do its work",
    responses={200: example({"status": "ready"}), **problems(*ANY_ROUTE, "not_ready")},
)
async def readyz(deps: Ops) -> Health:
    """Every check must pass. Send no traffic here while this fails; the problem names what is wrong."""
    failures = {name: wrong for name, check in deps.readiness.items() if (wrong := check()) is not None}
    if failures:
        raise Problem("not_ready", " ".join(failures.values()), {"Retry-After": "1"}, {"failures": failures})
    return Health(status="ready")


@router.get(
    "/metrics",
    operation_id="readMetrics",
    summary="Measurements for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(deps: Ops) -> Response:
    """Prometheus's text format. Names begin with `sayso_`; no label holds an account or a number."""
    return Response(generate_latest(deps.registry), media_type=CONTENT_TYPE_LATEST)
