"""The dashboards: what their pictures ask for is exported, they are whole, and they lie side by side."""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import Any

import pytest

from charts.__main__ import CHART
from charts.dashboards import DASHBOARDS
from charts.dashboards.build import Dashboard, Panel, Query, Row
from tests.support.reference.exported_metrics import OF_PODS, SCRAPED, exported, labels_named, selectors

#: What pictures ask of the kubelet (cAdvisor) and of NVIDIA's dcgm-exporter, as their documentation has it.
OF_CONTAINERS = {"pod": set[str](), "container": set[str](), "namespace": set[str]()}
OF_GPUS = {"pod": set[str](), "gpu": set[str](), "exported_pod": set[str](), "exported_namespace": set[str]()}
OF_THE_CLUSTER = {
    "container_cpu_usage_seconds_total": OF_CONTAINERS,
    "container_memory_working_set_bytes": OF_CONTAINERS,
    "DCGM_FI_DEV_GPU_UTIL": OF_GPUS,
}
EXPORTED = {**exported(), **OF_THE_CLUSTER}
PAGES = {path.stem: json.loads(path.read_text()) for path in (CHART / "files" / "dashboards").glob("*.json")}
Json = dict[str, Any]


def queries(page: Json) -> list[str]:
    pictures = [target["expr"] for panel in page["panels"] for target in panel.get("targets", [])]
    return [*pictures, *(mark["expr"] for mark in page["annotations"]["list"])]


QUERIES = [(name, query) for name, page in PAGES.items() for query in queries(page)]


def test_every_page_is_in_the_chart() -> None:
    assert set(PAGES) == set(DASHBOARDS)
    assert len({page["uid"] for page in PAGES.values()}) == len(PAGES)
    assert len(QUERIES) > 20


@pytest.mark.parametrize(("name", "query"), QUERIES)
def test_every_metric_label_and_value_is_exported(name: str, query: str) -> None:
    asked = list(selectors(query))
    assert asked
    known = set(SCRAPED | OF_PODS) | set(re.findall(r'label_replace\(.*?, "(\w+)", "\$1"', query))
    for metric, matchers in asked:
        assert metric in EXPORTED, f"{metric} is not exported"
        known |= set(EXPORTED[metric])
        for label, how, value in matchers:
            assert label in set(EXPORTED[metric]) | SCRAPED | OF_PODS
            if label in EXPORTED[metric] and how == "=" and not value.startswith("$"):
                assert value in EXPORTED[metric][label], f"{metric}: {label} is never {value}"
    assert labels_named(query) <= known


@pytest.mark.parametrize("name", PAGES)
def test_what_a_query_may_choose_is_a_variable_of_the_page(name: str) -> None:
    page = PAGES[name]
    chosen = {variable["name"] for variable in page["templating"]["list"]}
    used = {word for word in ("namespace", "name") for query in queries(page) if re.search(rf"\${word}\b", query)}
    assert used | {"datasource"} == chosen


@pytest.mark.parametrize("name", PAGES)
def test_pictures_have_a_name_a_unit_and_a_place_of_their_own(name: str) -> None:
    panels = PAGES[name]["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["title"]
        place = panel["gridPos"]
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24
        assert panel["type"] == "row" or panel["fieldConfig"]["defaults"]["unit"]
    for one, other in combinations((panel["gridPos"] for panel in panels), 2):
        assert not overlap(one, other), (one, other)


def overlap(one: Json, other: Json) -> bool:
    return all(
        one[start] < other[start] + other[size] and other[start] < one[start] + one[size]
        for start, size in (("x", "w"), ("y", "h"))
    )


def test_a_row_that_is_full_goes_on_below() -> None:
    panels = [Panel(f"{number}", [Query("up")], width=10, height=number) for number in (3, 5, 4)]
    page = Dashboard("a", "A", "", [Row("One", panels), Row("Two", panels[:1])]).to_json()
    places = [tuple(panel["gridPos"][key] for key in "xywh") for panel in page["panels"]]
    assert places == [(0, 0, 24, 1), (0, 1, 10, 3), (10, 1, 10, 5), (0, 6, 10, 4), (0, 10, 24, 1), (0, 11, 10, 3)]
