"""Strategies that exist for these tests alone, added as CONTRIBUTING.md says: a class and a line in ``STRATEGIES``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rollmodel.api.modeldeployment import ArmStatus, ModelDeploymentSpec, Step
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.strategies import strategy
from rollmodel.plan.deployment.strategies.aims import Comparison, Goal
from rollmodel.plan.deployment.strategies.judged_step import hold

from tests.support.simulation.rollouts import Cluster

Serving = Callable[..., Cluster]


class AllAtOnce:
    """Everything, as soon as a full set of pods is warm: no steps."""

    def step_count(self, spec: ModelDeploymentSpec) -> int:
        del spec
        return 0

    def goal(self, spec: ModelDeploymentSpec, step: int) -> Goal:
        del spec, step
        return Goal(0, sized_for=100)

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


class Shadow(AllAtOnce):
    """One step: copies of 20 % of all requests, and no weight, until it is proven safe."""

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


class Mirroring(Cluster):
    """Copies are answered by the candidate's pods and counted there; the route says how many there are."""

    def _serve(self) -> None:
        before = self.served
        self.served = before | self.mirrored()
        super()._serve()
        self.served = before

    def mirrored(self) -> dict[str, int]:
        route = self.children.get(("HTTPRoute", "churn"), {"spec": {"rules": [{}]}})
        filters = route["spec"]["rules"][0].get("filters", [])
        copies = [one["requestMirror"] for one in filters if one["type"] == "RequestMirror"]
        return {copy["backendRef"]["name"].rpartition("-")[2]: copy["percent"] for copy in copies}


@pytest.fixture
def under(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Mirroring]:
    """A cluster where version 1 serves, whose spec asks for a strategy of these tests."""
    added = {"AllAtOnce": AllAtOnce(), "Shadow": Shadow()}
    monkeypatch.setattr(strategy, "STRATEGIES", {**strategy.STRATEGIES, **added})

    def build(name: str, **changes: Any) -> Mirroring:
        served = serving(**changes)
        cluster = Mirroring(**{key: getattr(served, key) for key in served.__dataclass_fields__})
        # The name is not in the API, so the spec cannot be read from JSON.
        rollout = cluster.spec.rollout.model_copy(update={"strategy": name})
        cluster.spec = cluster.spec.model_copy(update={"rollout": rollout})
        return cluster

    return build


def test_all_at_once_needs_no_evidence_but_warm_pods(under: Callable[..., Mirroring]) -> None:
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
def test_all_at_once_keeps_the_stable_revision_where_pods_fail(under: Callable[..., Mirroring], pods: Any) -> None:
    cluster = under("AllAtOnce")
    candidate = cluster.try_version("2", pods=pods)
    assert cluster.run(1200, lambda: bool(cluster.status.get("rejected")))
    assert cluster.arm("stable") == "1"
    assert candidate not in cluster.served


def test_a_shadow_is_judged_on_copies_and_then_takes_over(under: Callable[..., Mirroring]) -> None:
    cluster = under("Shadow")
    candidate, seen = cluster.try_version("2"), set[tuple[int, int]]()

    def over() -> bool:
        seen.add((cluster.served.get(candidate, 0), cluster.mirrored().get(candidate, 0)))
        return cluster.arm("stable") == "2" and cluster.over()

    assert cluster.run(3600, over)
    assert seen == {(0, 0), (0, 20), (100, 0)}
    assert cluster.status["history"][-1]["reason"] == "ProvenSafe"


def test_a_harmful_shadow_never_answers_anybody(under: Callable[..., Mirroring]) -> None:
    cluster = under("Shadow")
    candidate = cluster.try_version("2", bad=0.5)
    assert cluster.run(600, lambda: candidate in cluster.mirrored())
    assert "gets copies" in cluster.condition("Progressing")["message"]
    assert cluster.run(3600, cluster.over)
    assert cluster.verdicts()[-1] == "RolledBack v2"
    assert cluster.mirrored() == {}


def test_people_command_any_strategy(under: Callable[..., Mirroring]) -> None:
    cluster = under("Shadow")
    candidate = cluster.try_version("2", bad=0.5)
    cluster.pass_until_quiet()
    cluster.command("promote", candidate)
    assert cluster.run(600, cluster.over)
    assert (cluster.verdicts()[-1], cluster.status["history"][-1]["reason"]) == ("Promoted v2", "Command")
