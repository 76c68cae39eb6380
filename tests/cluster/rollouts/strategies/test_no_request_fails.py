"""A client that never stops sending, while all happens to a model that can happen: each strategy, one story.

All versions answer well, so each answer that is not 200 would be ours. tests/README.md has the table of what is tried
where.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from operator import gt
from typing import Any

import pytest
from rollmodel.api.modeldeployment import ModelDeploymentStatus

from demo.traffic import Traffic
from tests.cluster.rollouts.conftest import Rollout, Send
from tests.support.eventually import eventually
from tests.support.live.light_models import LightRegistry
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.rollout import Change, LiveRollout, Predicate, at_rest, light_spec, verdict
from tests.support.live.servers.light_server import Behaviour

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

_WAITS = {"steps": [{"weight": 50}, {"pause": "Manual"}]}
#: Policies under which a candidate waits for a person.
POLICIES: Mapping[str, Change] = {
    "Canary": _WAITS,
    "BlueGreen": {"blueGreen": {"switch": "Manual"}},
    "Shadow": {"shadow": {"percent": 50, "minSeconds": 3600, "then": "Promote"}},
    "ABTest": {"abTest": {"header": {"name": "group", "value": "b"}, "horizonSeconds": 3600}},
    "Baseline": {"strategy": "Canary", "baseline": "Fresh", "steps": [{"weight": 40}, {"pause": "Manual"}]},
    "Swap": {**_WAITS, "swap": {"minAvailablePercent": 50}},
}
#: Says of any candidate that it is harmful, whatever it answers.
_REFUSES_ALL = [
    {"name": "errors", "preset": "Errors"},
    {"name": "refused", "value": {"query": "vector(1)", "max": "0"}},
]
#: Each arm has at least two pods: while the only one of a revision is away, nobody has its share of the requests.
_PODS, _MORE = 4, 6


@dataclass
class Story:
    """One ModelDeployment that all of it happens to."""

    churn: LiveRollout
    operator: OperatorProcess
    clients: list[Traffic]

    async def tries(self, version: str) -> str:
        """The version is tried as far as it goes by itself; its revision."""
        await self.churn.version(version)
        status = await self.churn.until(_waits(version), f"{version} waits")
        assert status.candidate is not None
        return status.candidate.revision

    async def survives(self, event: str) -> None:
        """Every client was answered well since the last time, and was answered at all."""
        before = await self._answered()
        await eventually(self._answered, lambda now: all(map(gt, now, before)), f"answers after {event}", str)
        for client in self.clients:
            assert set(client.codes) == {"200"}, (event, client.codes)

    async def _answered(self) -> list[int]:
        return [sum(client.codes.values()) for client in self.clients]

    async def evicts(self) -> None:
        """A drained node, as a disruption budget lets it go: one pod after the other."""
        for pod in await self.churn.children("Pod"):
            name = pod["metadata"]["name"]
            await eventually(partial(self.churn.evict_pod, name), bool, f"the budget lets {name} go")
        await self.churn.until(_all_ready, "has its pods again")

    async def restarts(self) -> None:
        """The operator dies and comes back."""
        self.operator.kill()
        self.operator.ensure()
        await self.operator.ready()


def _waits(version: str) -> Predicate:
    def holds(status: ModelDeploymentStatus) -> bool:
        candidate = status.candidate
        known = candidate is not None and candidate.model_version == version and not status.retiring
        return known and candidate is not None and candidate.step is not None and candidate.ready_replicas > 0

    return holds


def _all_ready(status: ModelDeploymentStatus) -> bool:
    arms = [arm for arm in (status.stable, status.candidate, status.baseline) if arm is not None]
    return all(arm.ready_replicas == arm.replicas for arm in arms)


def _spec(strategy: str, name: str) -> dict[str, Any]:
    spec = light_spec(name, "1", scale={"replicas": _MORE, "maxUnavailable": 1})
    spec["rollout"] = {**spec["rollout"], "strategy": strategy, **POLICIES[strategy]}
    return spec


@pytest.mark.parametrize("strategy", POLICIES)
async def test_no_request_fails(
    strategy: str, operator: OperatorProcess, registry: LightRegistry, rollout: Rollout, send: Send
) -> None:
    churn = rollout(strategy.lower())
    model = await registry.model(*[Behaviour()] * 5)
    await churn.create(_spec(strategy, model.name))
    await churn.until(at_rest("1"))
    await churn.until_condition("Ready", "True")
    marked = [await send(churn, group="b")] if strategy == "ABTest" else []
    story = Story(churn, operator, [await send(churn), *marked])

    await churn.change({"scale": {"replicas": _PODS}})  # after a rollout the size is held for some minutes
    await churn.until(lambda now: now.replicas == _PODS)
    await story.survives("fewer pods at rest")
    await story.tries("2")
    await story.survives("a start")
    await churn.change({"scale": {"replicas": _MORE}})
    await churn.until(lambda now: (now.replicas or 0) >= _MORE and _all_ready(now))
    await story.survives("more pods in a rollout")
    await story.restarts()
    await story.survives("a restart of the operator in a rollout")
    await story.evicts()
    await story.survives("a drained node in a rollout")
    await story.tries("3")
    await story.survives("a version that supersedes another one")
    await churn.command("abort")
    await churn.until(at_rest("1"))
    await story.survives("an abort")
    await story.tries("4")
    await churn.command("promote")
    await churn.until(at_rest("4"))
    await story.survives("a promotion")
    await story.evicts()
    await story.survives("a drained node at rest")
    await churn.change({"analysis": {"metrics": _REFUSES_ALL}})  # a rollout is judged by what it began with
    await churn.version("5")
    await churn.until(verdict("5", "RolledBack"))
    await churn.until(at_rest("4"))
    await story.survives("a rollback")
