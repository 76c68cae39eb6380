"""Strategies that exist for these tests alone, added as CONTRIBUTING.md says: a class and a line in ``STRATEGIES``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rollmodel.api.modeldeployment import ArmStatus, ModelDeploymentSpec, Step
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.strategies import table
from rollmodel.plan.deployment.strategies.goals import Comparison, Goal, Needs
from rollmodel.plan.deployment.strategies.steps.judged_step import hold

from tests.support.simulation.rollouts import Cluster

Serving = Callable[..., Cluster]


class AllAtOnce:
    """Everything, as soon as a full set of pods is warm: no steps."""

    needs = Needs()

    def step_count(self, spec: ModelDeploymentSpec) -> int:
        del spec
        return 0

    def goal(self, spec: ModelDeploymentSpec, step: int) -> Goal:
        del spec, step
        return Goal(0, sized_for=100)

    def limits(self, spec: ModelDeploymentSpec, step: int) -> Step | None:
        del spec, step
        return None

    def planned_seconds(self, spec: ModelDeploymentSpec) -> int:
        del spec
        return 0

    def comparison(self, stable: ArmStatus, candidate: ArmStatus) -> Comparison:
        return Comparison(candidate=candidate.revision, stable=stable.revision)

    def entered(self, rollout: Rollout, step: int) -> Rollout:
        raise AssertionError(f"there is no step {step} of {rollout.candidate}")

    advance = entered

    def place(self, rollout: Rollout, step: int) -> str:
        raise AssertionError(f"there is no step {step} of {rollout.candidate}")


class Copies(AllAtOnce):
    """One step: copies of 20 % of all requests, and no weight, until it is proven safe."""

    needs = Needs(mirror=True)

    def step_count(self, spec: ModelDeploymentSpec) -> int:
        del spec
        return 1

    def goal(self, spec: ModelDeploymentSpec, step: int) -> Goal:
        del spec
        return Goal(0, mirrored=20 if step >= 0 else 0, sized_for=20)

    def entered(self, rollout: Rollout, step: int) -> Rollout:
        return rollout.with_event("Normal", "StepEntered", f"requests are copied, step {step + 1}")

    def advance(self, rollout: Rollout, step: int) -> Rollout:
        del step
        return hold(rollout, Step(weight=1))

    def place(self, rollout: Rollout, step: int) -> str:
        del step
        assert rollout.candidate is not None
        return f"{rollout.label(rollout.candidate.revision)} gets copies"


@pytest.fixture
def under(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Cluster]:
    """A cluster where version 1 serves, whose spec asks for a strategy of these tests."""
    added = {"AllAtOnce": AllAtOnce(), "Copies": Copies()}
    monkeypatch.setattr(table, "STRATEGIES", {**table.STRATEGIES, **added})

    def build(name: str, **changes: Any) -> Cluster:
        cluster = serving(**changes)
        # The name is not in the API, so the spec cannot be read from JSON.
        rollout = cluster.spec.rollout.model_copy(update={"strategy": name})
        cluster.spec = cluster.spec.model_copy(update={"rollout": rollout})
        return cluster

    return build


def test_all_at_once_needs_no_evidence_but_warm_pods(under: Callable[..., Cluster]) -> None:
    cluster = under("AllAtOnce")
    candidate, weights = cluster.try_version("2"), set[int]()

    def over() -> bool:
        weights.add(cluster.served.get(candidate, 0))
        return cluster.arm("stable") == "2" and cluster.over()

    assert cluster.run(300, over)
    assert weights == {0, 100}
    entry = cluster.status["history"][-1]
    assert (entry["verdict"], entry["reason"], entry["by"]) == ("Promoted", "Ready", "readiness")


@pytest.mark.parametrize("pods", ["crash", "never"])
def test_all_at_once_keeps_the_stable_revision_where_pods_fail(under: Callable[..., Cluster], pods: Any) -> None:
    cluster = under("AllAtOnce")
    candidate = cluster.try_version("2", pods=pods)
    assert cluster.run(1200, lambda: bool(cluster.status.get("rejected")))
    assert cluster.arm("stable") == "1"
    assert candidate not in cluster.served


def test_people_command_any_strategy(under: Callable[..., Cluster]) -> None:
    cluster = under("Copies")
    candidate = cluster.try_version("2", bad=0.5)
    cluster.pass_until_quiet()
    cluster.command("promote", candidate)
    assert cluster.run(600, cluster.over)
    assert (cluster.verdicts()[-1], cluster.status["history"][-1]["reason"]) == ("Promoted v2", "Command")
