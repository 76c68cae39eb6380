"""A stable revision that nobody scrapes: no candidate begins, and the condition says what is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from rollmodel.plan.deployment.analysis.missing.presence import TARGETS
from rollmodel.plan.deployment.analysis.queries import queries
from rollmodel.plan.problem import Problem

from tests.support.simulation.past import let_serve
from tests.support.simulation.rollouts import DEFAULTS, Cluster, spec

Serving = Callable[..., Cluster]


@pytest.mark.parametrize(
    ("targets", "reason", "words"),
    [
        ("none", "NotScraped", ["no target churn-", "PodMonitor"]),
        (
            "unlabelled",
            "NotScraped",
            ["`rollmodel_dev_model_deployment` and `rollmodel_dev_revision`", "podTargetLabels"],
        ),
        ("down", "NotScraped", ["`up` is 0", "port and path"]),
    ],
)
def test_without_series_of_stable_no_candidate_begins(
    serving: Serving, targets: Any, reason: str, words: list[str]
) -> None:
    cluster = serving()
    cluster.targets = targets
    revision = cluster.try_version(bad=0.5)
    cluster.run(1800)
    assert not cluster.served.get(revision)
    condition = cluster.condition("MetricsAvailable")
    assert (condition["status"], condition["reason"]) == ("False", reason)
    for word in ["metric 'errors' has no series of v1", "rollmodel_server_requests_total", *words]:
        assert word in condition["message"]
    assert cluster.condition("Stalled")["reason"] == reason
    assert cluster.condition("Progressing")["reason"] == "WaitingForMetrics"
    cluster.targets = "up"
    assert cluster.run(600, lambda: cluster.verdicts()[-1] == "RolledBack v2")
    assert cluster.condition("MetricsAvailable")["status"] != "False"


def test_scraped_pods_without_the_metric_need_no_person(serving: Serving) -> None:
    cluster = serving()
    cluster.metrics = "missing"
    revision = cluster.try_version()
    cluster.run(600)
    assert not cluster.served.get(revision)
    condition = cluster.condition("MetricsAvailable")
    assert condition["reason"] == "NoSeries"
    assert "its pods are scraped; have they answered a request yet" in condition["message"]
    assert cluster.condition("Stalled")["status"] == "False"
    assert TARGETS in queries(cluster.observe())


def test_no_requests_are_no_reason_to_wait(serving: Serving) -> None:
    cluster = serving()
    cluster.rate = 0
    revision = cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    assert cluster.served[revision] == 10


def test_a_query_of_the_user_is_not_put_down_to_scrapes(serving: Serving) -> None:
    counts = {"bad": "bad", "total": "total"}
    cluster = serving(analysis={"metrics": [{"name": "errors", "counts": counts}]})
    cluster.targets = "none"
    cluster.try_version()
    cluster.run(600)
    condition = cluster.condition("MetricsAvailable")
    assert condition["reason"] == "NoSeries"
    assert "is the query right?" in condition["message"]


def test_after_a_fresh_start_the_first_samples_are_waited_for() -> None:
    cluster = Cluster(spec())
    let_serve(cluster)
    cluster.targets = "none"
    revision = cluster.try_version()
    cluster.run(80)
    assert (cluster.condition("MetricsAvailable")["status"], cluster.condition("MetricsAvailable")["reason"]) == (
        "Unknown",
        "Waiting",
    )
    assert not cluster.served.get(revision)
    cluster.targets = "up"
    assert cluster.run(600, cluster.has_weight)
    assert "NoSeries" not in cluster.reasons()


def test_a_stable_revision_without_ready_pods_holds_nobody_up(serving: Serving) -> None:
    cluster = serving()
    cluster.targets = "none"
    cluster.behave("1", pods="crash")
    cluster.advance()
    revision = cluster.try_version()
    assert cluster.run(600, lambda: cluster.served.get(revision, 0) > 0)


VALUE = "max(queue_length)"


def judged_by(query: str) -> dict[str, Any]:
    return {
        "metrics": [{"name": "errors", "preset": "Errors"}, {"name": "queue", "value": {"query": query, "max": "9"}}]
    }


def test_a_query_that_makes_no_sense_is_told_before_the_first_step(serving: Serving) -> None:
    cluster = serving(analysis=judged_by(VALUE))
    cluster.values[VALUE] = Problem("Invalid", "Prometheus refused the query: parse error")
    revision = cluster.try_version()
    cluster.run(900)
    assert not cluster.served.get(revision)
    assert cluster.condition("MetricsAvailable")["status"] == "False"
    assert (
        "metric 'queue': Prometheus refused the query: parse error" in cluster.condition("MetricsAvailable")["message"]
    )
    cluster.values[VALUE] = 3.0
    assert cluster.run(600, cluster.has_weight)


def test_a_query_that_may_read_other_namespaces_is_not_asked(serving: Serving) -> None:
    """Where the operator's owner wants that; what the user has to write instead is said."""
    cluster = serving(analysis=judged_by(VALUE))
    cluster.defaults, cluster.values[VALUE] = replace(DEFAULTS, bound_queries=True), 3.0
    revision = cluster.try_version()
    cluster.run(900)
    assert not cluster.served.get(revision)
    condition = cluster.condition("MetricsAvailable")
    assert (condition["status"], condition["reason"]) == ("False", "InvalidQuery")
    assert 'namespace="{{ namespace }}"' in condition["message"]
    cluster.values['max(queue_length{namespace="prod"})'] = 3.0
    cluster.edit(analysis=judged_by('max(queue_length{namespace="{{ namespace }}"})'))
    assert cluster.run(600, cluster.has_weight)


def test_a_value_without_series_lets_no_candidate_begin(serving: Serving) -> None:
    cluster = serving(analysis=judged_by(VALUE))
    revision = cluster.try_version()
    cluster.run(900)
    assert not cluster.served.get(revision)
    condition = cluster.condition("MetricsAvailable")
    assert condition["reason"] == "NoSeries"
    assert "metric 'queue' has no series of v1" in condition["message"]
    cluster.values[VALUE] = 3.0
    assert cluster.run(600, cluster.has_weight)


def test_a_value_of_the_candidate_may_come_with_its_traffic(serving: Serving) -> None:
    cluster = serving(analysis=judged_by('max(queue_length{revision="{{ candidate }}"})'))
    cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
