"""Only evidence about the model brands a version. What else stops a candidate is said, and it is tried again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from rollmodel.plan.decision import WriteRegistry
from rollmodel.plan.deployment.context import Context
from rollmodel.plan.deployment.decide import decide
from rollmodel.plan.deployment.status.pod_diagnostics import diagnose

from tests.support.simulation.rollouts import Cluster

Serving = Callable[..., Cluster]
QUICK = {"steps": [{"weight": 50}], "deadlineSeconds": 120, "drainSeconds": 0, "warmUpSeconds": 20}


def tags(cluster: Cluster) -> dict[str, str]:
    """What the registry is told about version 2."""
    told = [write for write in cluster.reconcile().of(WriteRegistry) if write.version == "2" and write.tags]
    return dict(told[0].tags) if told else {}


def rejected(cluster: Cluster, seconds: int = 900) -> dict[str, Any]:
    assert cluster.run(seconds, lambda: bool(cluster.status.get("rejected")))
    found: dict[str, Any] = cluster.status["rejected"]
    return found


@pytest.mark.parametrize("pods", ["crash", "mismatch"])
def test_the_model_is_to_blame(serving: Serving, pods: Any) -> None:
    cluster = serving(rollout=QUICK)
    cluster.try_version(pods=pods)
    assert "retryAt" not in rejected(cluster)
    assert tags(cluster)["rollmodel.dev/verdict/prod/churn"] == "RolledBack"


def test_pods_that_are_slow_brand_nothing(serving: Serving) -> None:
    cluster = serving(rollout=QUICK)
    cluster.try_version(pods="never")
    assert "retryAt" not in rejected(cluster)
    assert not tags(cluster)


def test_an_image_that_cannot_be_pulled_is_tried_again_until_it_can(serving: Serving) -> None:
    cluster = serving(rollout=QUICK)
    cluster.try_version(pods="no-image", bad=0.05)
    assert rejected(cluster)["reason"] == "ImagePullFailed"
    assert not tags(cluster)
    assert "is tried again at" in cluster.condition("RolledBack")["message"]
    assert cluster.run(600, lambda: cluster.arm("candidate") == "2")
    rejected(cluster)
    assert cluster.status["history"][-1]["attempts"] == 2
    assert cluster.verdicts() == ["Installed v1", "RolledBack v2"]
    cluster.behave("2", bad=0.05)
    assert cluster.run(7200, lambda: cluster.arm("stable") == "2")


def test_tries_get_rare(serving: Serving) -> None:
    cluster = serving(rollout=QUICK)
    cluster.try_version(pods="no-image")
    cluster.run(2 * 3600)
    assert 3 <= cluster.status["history"][-1]["attempts"] <= 6
    assert len(cluster.status["history"]) == 2


def test_no_metrics_brand_nothing(serving: Serving) -> None:
    cluster = serving(rollout={**QUICK, "onBlind": "RollBack", "maxBlindSeconds": 60})
    cluster.try_version(bad=0.05)
    assert cluster.run(600, cluster.has_weight)
    cluster.metrics = "down"
    assert rejected(cluster)["reason"] == "Blind"
    assert not tags(cluster)
    cluster.metrics = "good"
    assert cluster.run(7200, lambda: cluster.arm("stable") == "2")


def test_a_sidecar_says_nothing_about_the_model(serving: Serving) -> None:
    cluster = serving(rollout=QUICK)
    revision = cluster.try_version()
    cluster.run(20)
    ended = {"terminated": {"exitCode": 1}}
    containers = [
        {"name": "model", "restartCount": 0, "state": {}},
        {"name": "istio-proxy", "restartCount": 9, "state": {}, "lastState": ended},
    ]
    pod = {
        "metadata": {"name": "p", "labels": {"rollmodel.dev/revision": revision}},
        "status": {"containerStatuses": containers},
    }
    assert diagnose(Context.of(replace(cluster.observe(), pods=[pod])), revision) is None


def test_crashes_of_both_revisions_are_not_the_new_models(serving: Serving) -> None:
    cluster = serving(rollout=QUICK)
    cluster.behave("1", pods="crash", bad=0.05)
    cluster.try_version(pods="crash")
    assert rejected(cluster)["retryAt"]
    assert not tags(cluster)


def counted(cluster: Cluster, stable: dict[str, Any], candidate: dict[str, Any]) -> Cluster:
    """The pods of both revisions as the API server shows them, in a pass of their own."""
    pods = []
    for version, pod in (("1", stable), ("2", candidate)):
        ended = {"terminated": {"exitCode": 1, "finishedAt": pod["ended"]}}
        container = {"name": "model", "restartCount": pod["restarts"], "state": {}, "lastState": ended}
        labels = {"rollmodel.dev/revision": cluster.revision_of(version)}
        meta = {"name": f"v{version}", "labels": labels, "creationTimestamp": pod["created"]}
        pods.append({"metadata": meta, "status": {"containerStatuses": [container]}})
    cluster.now += timedelta(seconds=100)
    decision = decide(replace(cluster.observe(), pods=pods))
    cluster.status = dict(decision.status)
    return cluster


LONG_AGO = "2025-12-31T00:00:00Z"


def just_begun(serving: Serving) -> tuple[Cluster, str]:
    """A candidate that has just begun, and when."""
    cluster = serving(rollout=QUICK)
    cluster.try_version()
    cluster.pass_until_quiet()
    return cluster, cluster.status["candidate"]["started"]


@pytest.mark.parametrize(("restarts", "recent", "blamed"), [(40, False, True), (1, True, True), (3, True, False)])
def test_restarts_count_since_the_candidate_began(
    serving: Serving, restarts: int, *, recent: bool, blamed: bool
) -> None:
    """Of stable: many but long ago, a single one, as many as of the candidate."""
    cluster, began = just_begun(serving)
    stable = {"created": began if recent else LONG_AGO, "restarts": restarts, "ended": began if recent else LONG_AGO}
    counted(cluster, stable, {"created": began, "restarts": 3, "ended": began})
    assert cluster.status["rejected"]["reason"] == "CrashLoop"
    assert ("retryAt" not in cluster.status["rejected"]) == blamed
    assert ("rollmodel.dev/verdict" in str(cluster.status.get("outbox"))) == blamed


def test_what_a_returning_pod_did_before_is_no_evidence(serving: Serving) -> None:
    cluster, _ = just_begun(serving)
    old = {"created": LONG_AGO, "restarts": 40, "ended": LONG_AGO}
    assert counted(cluster, old, old).status["candidate"]
