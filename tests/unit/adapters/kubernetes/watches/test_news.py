"""Which reports of a Deployment wake its owner: those that a pass acts on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from rollmodel.adapters.kubernetes.watches.news import is_news, kept


def deployment(status: Mapping[str, Any], *, replicas: int = 1, version: int = 1, **meta: Any) -> dict[str, Any]:
    named = {"name": "churn-bcdfghjk", "resourceVersion": str(version), "generation": version, **meta}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": named, "spec": {"replicas": replicas}} | (
        {"status": status} if status else {}
    )


def condition(kind: str, status: str, reason: str, at: str = "2026-01-01T00:00:00Z") -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason, "lastUpdateTime": at}


SETS = {"Progressing": condition("Progressing", "True", "NewReplicaSetCreated")}
STARTED = {"observedGeneration": 1, "replicas": 1, "unavailableReplicas": 1}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"observedGeneration": 1, "unavailableReplicas": 1, "conditions": [SETS["Progressing"]]}),
        (STARTED, {**STARTED, "updatedReplicas": 1}),
        (STARTED, {**STARTED, "replicas": 2}),
        (STARTED, {**STARTED, "conditions": [condition("Available", "False", "MinimumReplicasUnavailable")]}),
        (
            {**STARTED, "conditions": [condition("ReplicaFailure", "True", "FailedCreate")]},
            {**STARTED, "conditions": [condition("ReplicaFailure", "True", "FailedCreate", "2026-01-01T00:00:09Z")]},
        ),
    ],
    ids=["it was seen", "of which template", "more pods", "it waits", "the same complaint later"],
)
def test_what_no_pass_acts_on_is_no_news(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    assert not is_news(deployment(before), deployment(after, version=2))


def test_neither_is_the_number_that_its_controller_gives_to_its_template() -> None:
    numbered = {"deployment.kubernetes.io/revision": "1"}
    assert not is_news(deployment({}), deployment({}, version=2, annotations=numbered))
    assert not is_news(deployment({}, annotations={}), deployment({}, version=2, annotations=numbered))


@pytest.mark.parametrize(
    "after",
    [
        deployment({**STARTED, "readyReplicas": 1}),
        deployment({**STARTED, "replicas": 0}),
        deployment({**STARTED, "conditions": [condition("Progressing", "False", "ProgressDeadlineExceeded")]}),
        deployment({**STARTED, "conditions": [condition("ReplicaFailure", "True", "FailedCreate")]}),
        deployment(STARTED, replicas=3),
        deployment(STARTED, annotations={"rollmodel.dev/applied": "other"}),
        deployment(STARTED, labels={"team": "other"}),
        deployment(STARTED, deletionTimestamp="2026-01-01T00:00:00Z"),
    ],
    ids=["ready", "fewer pods", "deadline", "refused", "scaled", "edited", "labelled", "deleted"],
)
def test_what_a_pass_acts_on_is_news(after: dict[str, Any]) -> None:
    assert is_news(deployment(STARTED), after)


def test_every_change_of_another_kind_is_news() -> None:
    service = {"kind": "Service", "metadata": {"name": "churn", "resourceVersion": "1"}}
    assert is_news(service, {**service, "metadata": {"name": "churn", "resourceVersion": "2"}})


@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute"])
def test_what_gateways_say_about_a_route_is_kept_and_is_news(kind: str) -> None:
    def route(version: int, status: str) -> dict[str, Any]:
        parents = [{"parentRef": {"name": "public"}, "conditions": [condition("Accepted", status, "Accepted")]}]
        meta = {"name": "churn", "resourceVersion": str(version), "generation": 1}
        return kept({"kind": kind, "metadata": meta, "spec": {}, "status": {"parents": parents}})

    before, after = route(1, "False"), route(2, "True")
    assert after["status"]["parents"][0]["conditions"][0]["status"] == "True"
    assert is_news(before, after)
