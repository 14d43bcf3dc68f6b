"""The dashboard as Grafana would lay it out."""

from itertools import combinations
from typing import Any

from deploy.dashboard import ACROSS, WIDTH, dashboard

PANELS = dashboard()["panels"]


def covers(panel: dict[str, Any]) -> set[tuple[int, int]]:
    grid = panel["gridPos"]
    return {
        (x, y)
        for x in range(grid["x"], grid["x"] + grid["w"])
        for y in range(grid["y"], grid["y"] + grid["h"])
    }


def test_no_panel_lies_over_another_or_leaves_the_page() -> None:
    assert not any(covers(one) & covers(other) for one, other in combinations(PANELS, 2))
    assert all(x < WIDTH * ACROSS for panel in PANELS for x, _ in covers(panel))
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


def test_every_graph_says_what_it_shows_and_asks_in_whole_queries() -> None:
    graphs = [panel for panel in PANELS if panel["type"] != "row"]
    assert graphs
    for graph in graphs:
        assert graph["description"].endswith(".")
        for target in graph["targets"]:
            query = target["expr"]
            assert "sayso_" in query
            for opened, closed in ("()", "[]", "{}"):
                assert query.count(opened) == query.count(closed)
