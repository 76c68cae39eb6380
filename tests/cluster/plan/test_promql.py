"""Prometheus understands every query that a preset makes."""

import json
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from rollmodel.api.modeldeployment import Metric, MetricPreset, Runtime, RuntimePreset
from rollmodel.plan.deployment.analysis.promql import scope
from rollmodel.plan.deployment.analysis.signals import promql
from rollmodel.plan.deployment.runtimes import PRESETS

from localcluster import Cluster

pytestmark = pytest.mark.cluster

WORDS = scope("prod", "churn", stable="bbbbbbbb", candidate="cccccccc", interval_seconds=10)
MEASURED = [(runtime, metric) for runtime, preset in PRESETS.items() for metric in preset.measures]


def answer(cluster: Cluster, query: str) -> dict[str, object]:
    words = urlencode({"query": query, "start": "1700000000", "end": "1700000100", "step": "10"})
    with urlopen(f"{cluster.prometheus_url}/api/v1/query_range?{words}") as response:
        document: dict[str, object] = json.load(response)
    return document


@pytest.mark.parametrize(("runtime", "preset"), MEASURED)
def test_a_preset_makes_sound_queries(cluster: Cluster, runtime: RuntimePreset, preset: MetricPreset) -> None:
    cluster.ensure("prometheus")
    slow = {"slowerThanSeconds": "0.5"} if preset is MetricPreset.SLOW_REQUESTS else {}
    metric = Metric.model_validate({"name": "m", "preset": preset, **slow})
    assert answer(cluster, promql(metric, Runtime(preset=runtime), WORDS))["status"] == "success"


@pytest.mark.parametrize(
    ("kind", "counters", "more"), [("counts", ("bad", "total"), {}), ("mean", ("sum", "count"), {"better": "Lower"})]
)
def test_roles_are_told_apart(cluster: Cluster, kind: str, counters: tuple[str, str], more: dict[str, str]) -> None:
    """The two halves of a query keep their series, although they have the same labels otherwise."""
    cluster.ensure("prometheus")
    halves = {role: f"vector({number})" for number, role in enumerate(counters)}
    metric = Metric.model_validate({"name": "m", kind: {**halves, **more}})
    document = answer(cluster, promql(metric, Runtime(), WORDS))
    assert isinstance(document["data"], dict)
    values = {series["metric"]["role"]: series["values"][0][1] for series in document["data"]["result"]}
    assert values == {role: str(number) for number, role in enumerate(counters)}


def test_a_users_mean_is_a_sound_query(cluster: Cluster) -> None:
    cluster.ensure("prometheus")
    by = "sum by (pod, rollmodel_dev_revision)"
    mean = {part: f"{by} (request_cost_{part}{{ {{{{ selector }}}} }})" for part in ("sum", "count")}
    metric = Metric.model_validate({"name": "cost", "mean": {**mean, "better": "Lower"}})
    assert answer(cluster, promql(metric, Runtime(), WORDS))["status"] == "success"
