"""Health and measurements of processes that have no interface otherwise."""

from collections.abc import Iterator

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter

from producers.http.deps import Check
from producers.http.ops_app import ReadinessGauge, create_ops_app
from tests.producers.world import calling


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def readiness(registry: CollectorRegistry) -> dict[str, Check]:
    checks: dict[str, Check] = {"worker": lambda: None}
    ReadinessGauge(registry, checks)
    return checks


@pytest.fixture
def worker(registry: CollectorRegistry, readiness: dict[str, Check]) -> Iterator[httpx.Client]:
    with calling(create_ops_app(readiness, registry)) as client:
        yield client


def break_down() -> str | None:
    raise RuntimeError("secret words")


def test_it_is_alive_ready_and_measured(worker: httpx.Client, registry: CollectorRegistry) -> None:
    Counter("sayso_things_total", "Things.", registry=registry).inc(3)
    assert worker.get("/livez").json() == {"status": "alive"}
    assert worker.get("/readyz").json() == {"status": "ready"}
    shown = worker.get("/metrics").text
    assert "sayso_things_total 3.0" in shown
    assert 'sayso_ready{check="worker"} 1.0' in shown
    assert 'sayso_http_request_seconds_count{method="GET",route="/livez",status="200"} 1.0' in shown


def test_what_is_not_ready_is_named_and_measured(worker: httpx.Client, readiness: dict[str, Check]) -> None:
    readiness["relay"] = lambda: "The relay has stopped."
    answer = worker.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    assert answer.json()["failures"] == {"relay": "The relay has stopped."}
    assert 'sayso_ready{check="relay"} 0.0' in worker.get("/metrics").text


def test_a_check_that_breaks_is_not_passed(worker: httpx.Client, readiness: dict[str, Check]) -> None:
    readiness["broken"] = break_down
    answer = worker.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    assert 'sayso_ready{check="broken"} 0.0' in worker.get("/metrics").text


@pytest.mark.parametrize("path", ["/", "/openapi.json", "/docs", "/v1/accounts/acme"])
def test_nothing_else_is_there(worker: httpx.Client, path: str) -> None:
    answer = worker.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
