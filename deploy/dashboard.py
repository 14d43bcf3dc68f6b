"""The Grafana dashboard, deploy/grafana/sayso.json: `make docs` writes it.

Shards are told apart wherever one can be behind on its own; accounts and people are in no measurement.
Source: Grafana's dashboard JSON model, schema version 39 (Grafana 10.4 and newer).
"""

from dataclasses import dataclass
from typing import Any

SCHEMA_VERSION = 39
WIDTH, HEIGHT, ACROSS = 8, 7, 3
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_SHARD = 'shard=~"$shard"'


@dataclass(frozen=True, slots=True)
class Graph:
    """One panel. Its queries by what their lines are called; `{{label}}` stands for a label's value."""

    title: str
    says: str
    queries: dict[str, str]
    unit: str = "short"
    warns_at: float | None = None
    """From here on, the line is red."""


def _rate(metric: str, by: str, chosen: str = _SHARD) -> str:
    return f"sum by ({by}) (rate({metric}{{{chosen}}}[$__rate_interval]))"


def _quantiles(metric: str, by: str = "", chosen: str = _SHARD) -> dict[str, str]:
    labels, name = (f"le, {by}", f"{{{{{by}}}}} ") if by else ("le", "")
    rates = _rate(f"{metric}_bucket", labels, chosen)
    return {f"{name}p{q * 100:.0f}": f"histogram_quantile({q}, {rates})" for q in (0.5, 0.99)}


def _by_shard(metric: str) -> dict[str, str]:
    return {"shard {{shard}}": f"max by (shard) ({metric}{{{_SHARD}}})"}


ROWS: dict[str, tuple[Graph, ...]] = {
    "Commands": (
        Graph(
            "Commands by outcome",
            "`failed` could not be stored and were not answered: look at the ledger.",
            {"{{outcome}}": _rate("sayso_commands_total", "outcome")},
            "reqps",
        ),
        Graph(
            "Refusals by code",
            "What recruiters are told no for.",
            {"{{code}}": _rate("sayso_refusals_total", "code")},
            "reqps",
        ),
        Graph(
            "Commands waiting",
            "Taken in and not decided yet. Where it grows, a worker is missing or slow.",
            _by_shard("sayso_commands_waiting"),
            warns_at=10_000,
        ),
        Graph(
            "Dead letters",
            "What came in and could not be used, in an hour. Somebody should look: `sayso dead`.",
            {"{{reason}}": "sum by (reason) (increase(sayso_dead_letters_total[1h]))"},
            warns_at=1,
        ),
        Graph(
            "Ready",
            "1 where a check passes, 0 where it does not.",
            {"{{instance}} {{check}}": "min by (instance, check) (sayso_ready)"},
        ),
    ),
    "Ledger": (
        Graph(
            "Commands in a batch",
            "Small when there is little to do; at most 500.",
            _quantiles("sayso_batch_commands"),
        ),
        Graph("Deciding a batch", "Looking receipts up, deciding.", _quantiles("sayso_decide_seconds"), "s"),
        Graph("Storing a batch", "Until it is durable.", _quantiles("sayso_commit_seconds"), "s"),
        Graph(
            "Events stored",
            "By shard: they should be about even.",
            {"shard {{shard}}": _rate("sayso_events_total", "shard")},
            "ops",
        ),
        Graph("Streams in memory", "Bounded: a flat line is good.", _by_shard("sayso_streams_cached")),
    ),
    "Relay and views": (
        Graph(
            "Relay behind, events",
            "In a ledger and not on the topics yet.",
            _by_shard("sayso_relay_lag_events"),
        ),
        Graph(
            "Relay behind, seconds",
            "How old the oldest of them is.",
            _by_shard("sayso_relay_lag_seconds"),
            "s",
            warns_at=10,
        ),
        Graph(
            "Views behind, events",
            "Events that the views do not show yet.",
            _by_shard("sayso_projection_lag_events"),
        ),
        Graph(
            "Views behind, seconds",
            "How old the oldest of them is.",
            _by_shard("sayso_projection_lag_seconds"),
            "s",
            warns_at=10,
        ),
        Graph(
            "Events shown",
            "Folded into the views.",
            {"shard {{shard}}": _rate("sayso_projected_events_total", "shard")},
            "ops",
        ),
        Graph("Folding a batch", "Until it is stored.", _quantiles("sayso_project_seconds"), "s"),
    ),
    "Carrier": (
        Graph(
            "Hand-overs by answer",
            "`unknown`: the carrier was silent, and is asked before anything is sent again.",
            {"{{outcome}}": _rate("sayso_dispatch_seconds_count", "outcome")},
            "reqps",
        ),
        Graph("Hand-over", "How long the carrier takes.", _quantiles("sayso_dispatch_seconds"), "s"),
        Graph(
            "Late",
            "From the moment when a text was to leave until its hand-over began.",
            _quantiles("sayso_hand_over_late_seconds"),
            "s",
            warns_at=1,
        ),
        Graph(
            "Held up by limits",
            "Texts that wait for their sender's or the carrier account's turn, of those at hand.",
            _by_shard("sayso_texts_held_up"),
        ),
        Graph(
            "Rate of the carrier account",
            "Segments a second that may leave. It falls where the carrier says 429, and comes back.",
            {
                "allowed": "sum (max by (instance) (sayso_carrier_rate))",
                "turned down": f"sum (rate(sayso_throttled_total{{{_SHARD}}}[$__rate_interval]))",
            },
        ),
        Graph(
            "The carrier's calls",
            "Taken, repeated, spooled, kept as a dead letter, refused for a signature; `not_kept` is lost.",
            {"{{outcome}}": _rate("sayso_webhooks_total", "outcome", "")},
            "reqps",
        ),
        Graph(
            "What came with replies",
            "Tries to fetch a picture or file: stored, refused for good, or again, for another try.",
            {"{{outcome}}": _rate("sayso_attachments_total", "outcome")},
            "ops",
        ),
        Graph(
            "Attachments that wait for another try",
            "The carrier does not hand them over, or they cannot be written; the log says why.",
            _by_shard("sayso_attachments_postponed"),
            warns_at=100,
        ),
        Graph(
            "Accounts that are stopped",
            "The carrier refused them as a whole: `sayso stopped` lists which and why.",
            {"stopped": "max (sayso_accounts_stopped)"},
            warns_at=1,
        ),
        Graph(
            "Calls that wait in the spool",
            "The ledger or the brokers did not take them in time. They are on the disk, to be replayed.",
            {"{{instance}}": "max by (instance) (sayso_spool_waiting)"},
            warns_at=1_000,
        ),
        Graph(
            "Through the spool",
            "Calls that went to the disk, and were taken in from there; `refused` is lost.",
            {"{{outcome}}": _rate("sayso_spool_calls_total", "outcome", "")},
            "reqps",
        ),
        Graph(
            "The oldest call that waits",
            "A STOP may be among them: nothing is sent while the ledger is away, but it takes effect late.",
            {"{{instance}}": "max by (instance) (sayso_spool_oldest_seconds)"},
            "s",
            warns_at=60,
        ),
    ),
    "HTTP": (
        Graph(
            "Requests by status",
            "All routes.",
            {"{{status}}": _rate("sayso_http_request_seconds_count", "status", "")},
            "reqps",
        ),
        Graph(
            "Answering, by route",
            "p50 and p99.",
            _quantiles("sayso_http_request_seconds", "route", ""),
            "s",
        ),
        Graph(
            "Event streams open",
            "Pages and programs that follow changes.",
            {"{{instance}}": "sum by (instance) (sayso_http_streams_open)"},
        ),
    ),
}


def dashboard() -> dict[str, Any]:
    """The dashboard, as Grafana imports it."""
    panels: list[dict[str, Any]] = []
    y = 0
    for title, graphs in ROWS.items():
        grid = {"h": 1, "w": WIDTH * ACROSS, "x": 0, "y": y}
        panels.append(
            {
                "id": len(panels) + 1,
                "type": "row",
                "title": title,
                "collapsed": False,
                "gridPos": grid,
                "panels": [],
            }
        )
        y += 1
        for n, graph in enumerate(graphs):
            place = {"h": HEIGHT, "w": WIDTH, "x": n % ACROSS * WIDTH, "y": y + n // ACROSS * HEIGHT}
            panels.append({"id": len(panels) + 1, "gridPos": place, **_panel(graph)})
        y += -(-len(graphs) // ACROSS) * HEIGHT
    return {
        "uid": "sayso",
        "title": "Sayso",
        "description": "Commands, ledgers, relay, views, carrier and HTTP, by shard.",
        "tags": ["sayso"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "utc",
        "templating": {"list": _variables()},
        "annotations": {"list": []},
        "panels": panels,
    }


def _panel(graph: Graph) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if graph.warns_at is not None:
        steps.append({"color": "red", "value": graph.warns_at})
    marked = "off" if graph.warns_at is None else "dashed"
    return {
        "type": "timeseries",
        "title": graph.title,
        "description": graph.says,
        "datasource": _SOURCE,
        "targets": [
            {"refId": chr(ord("A") + n), "datasource": _SOURCE, "expr": query, "legendFormat": name}
            for n, (name, query) in enumerate(graph.queries.items())
        ],
        "fieldConfig": {
            "defaults": {
                "unit": graph.unit,
                "min": 0,
                "thresholds": {"mode": "absolute", "steps": steps},
                "custom": {"lineWidth": 1, "fillOpacity": 8, "thresholdsStyle": {"mode": marked}},
            },
            "overrides": [],
        },
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    }


def _variables() -> list[dict[str, Any]]:
    return [
        {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
        {
            "name": "shard",
            "label": "Shard",
            "type": "query",
            "datasource": _SOURCE,
            "query": {"query": "label_values(sayso_commands_total, shard)", "refId": "shards"},
            "multi": True,
            "includeAll": True,
            "allValue": ".*",
            "refresh": 2,
            "sort": 3,
        },
    ]
