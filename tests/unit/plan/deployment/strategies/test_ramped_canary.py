"""A canary on a ramp: in a world, a step ends with its evidence, and the next is as large as harm allows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.plan.deployment.strategies.requirements import unmet

from tests.support.simulation.rollouts import Cluster, spec

Serving = Callable[..., Cluster]


def ramped(serving: Serving, rollout: dict[str, Any] | None = None, **ramp: Any) -> Cluster:
    policy = {"ramp": ramp, "warmUpSeconds": 0, "drainSeconds": 20, **(rollout or {})}
    return serving(rollout=policy, scale={"replicas": 4})


def goals(cluster: Cluster) -> list[int]:
    """Weights that were aimed at, as its Events say."""
    words = [event.message.split() for event in cluster.events if event.reason == "StepEntered"]
    return [int(one[one.index("goes") + 2]) for one in words if "goes" in one]


def test_a_good_version_climbs_as_its_harm_is_excluded(serving: Serving) -> None:
    cluster = ramped(serving)
    cluster.try_version()
    assert cluster.run(7200, lambda: cluster.arm("stable") == "2" and cluster.over())
    assert goals(cluster)[0] == 5
    assert goals(cluster)[-1] == 50
    assert len(goals(cluster)) <= 5
    assert cluster.status["history"][-1]["reason"] == "ProvenSafe"
    entered = [event.message for event in cluster.events if event.reason == "StepEntered"]
    assert "at most 100 are allowed" in entered[1]


def test_a_bad_version_loses_its_first_weight(serving: Serving) -> None:
    cluster = ramped(serving)
    cluster.try_version(bad=0.5)
    assert cluster.run(600, lambda: cluster.verdicts()[-1] == "RolledBack v2")
    assert goals(cluster) == [5]


def test_a_smaller_bound_goes_on_more_slowly(serving: Serving) -> None:
    def seconds_at_first_weight(bound: int) -> float:
        cluster = ramped(serving, maxExpectedHarm=bound)
        cluster.rate = 100
        cluster.try_version()
        assert cluster.run(600, cluster.has_weight)
        begun = cluster.now
        assert cluster.run(3600, lambda: len(goals(cluster)) > 1)
        return (cluster.now - begun).total_seconds()

    assert seconds_at_first_weight(1) > seconds_at_first_weight(1_000_000)


def test_what_keeps_it_is_told(serving: Serving) -> None:
    cluster = ramped(serving, maxExpectedHarm=1)
    cluster.try_version()
    assert cluster.run(600, lambda: "expected harm at 6 %" in cluster.condition("Progressing")["message"])
    assert "at most 1 are allowed" in cluster.condition("Progressing")["message"]


def test_without_a_gateway_shares_are_those_of_the_pods(serving: Serving) -> None:
    cluster = serving(traffic=None, scale={"replicas": 4}, rollout={"ramp": {}, "warmUpSeconds": 0, "drainSeconds": 20})
    cluster.try_version()
    assert cluster.run(7200, lambda: cluster.arm("stable") == "2" and cluster.over())


def test_a_shadow_may_be_followed_by_a_ramp(serving: Serving) -> None:
    cluster = ramped(serving, {"strategy": "Shadow", "shadow": {"percent": 50}})
    cluster.try_version()
    assert cluster.run(7200, lambda: cluster.arm("stable") == "2" and cluster.over())
    assert goals(cluster)[0] == 5


def test_a_ramp_needs_a_metric() -> None:
    fields = {**spec().to_wire(), "rollout": {"ramp": {}}, "analysis": {"metrics": []}}
    problem = unmet(ModelDeploymentSpec.model_validate(fields))
    assert problem is not None
    assert "`analysis.metrics`" in problem.message


@pytest.mark.parametrize("steps", [[{"weight": 5}, {"weight": 25}, {"weight": 50}]])
def test_a_ramp_may_become_steps_while_it_runs(serving: Serving, steps: list[dict[str, Any]]) -> None:
    cluster = ramped(serving)
    cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.edit(rollout={"steps": steps, "warmUpSeconds": 0, "drainSeconds": 20})
    assert cluster.run(7200, lambda: cluster.arm("stable") == "2" and cluster.over())
