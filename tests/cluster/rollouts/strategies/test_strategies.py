"""Other strategies than the canary, on a real control plane with a real gateway: nobody notices a bad version."""

import pytest
from rollmodel.api.modeldeployment import ModelDeploymentStatus

from tests.cluster.rollouts.conftest import Rollout, Send
from tests.support.live.light_models import LightRegistry
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.rollout import Predicate, at_rest, light_spec, together, verdict
from tests.support.live.servers.light_server import Behaviour

GOOD, BAD = Behaviour(), Behaviour(errors=0.5)


async def _shadow(registry: LightRegistry, rollout: Rollout, send: Send) -> None:
    """A bad version loses on copies, and no user sees one of its answers; a good one is promoted."""
    model, churn = await registry.model(GOOD, BAD, GOOD), rollout("shadow")
    spec = light_spec(model.name, "1")
    shadow = {"strategy": "Shadow", "shadow": {"percent": 80, "then": "Promote"}}
    await churn.create({**spec, "rollout": {**spec["rollout"], **shadow}})
    await churn.until(at_rest("1"))
    traffic = await send(churn)
    await churn.version("2")
    status = await churn.until(verdict("2", "RolledBack"))
    assert all(entry.cause != "MirrorRefused" for entry in status.history)
    assert status.stable is not None
    assert (status.stable.model_version, status.stable.weight) == ("1", 100)
    assert set(traffic.codes) == {"200"}
    await churn.version("3")
    copied = await churn.until(lambda now: now.candidate is not None and now.candidate.requests > 0)
    assert copied.candidate is not None
    assert copied.candidate.weight == 0
    await churn.until(at_rest("3"))
    assert set(traffic.codes) == {"200"}


async def _blue_green(registry: LightRegistry, rollout: Rollout, send: Send) -> None:
    """Previewed by a Service of its own, switched by a person, and back in one step while the old one is warm."""
    model, churn = await registry.model(GOOD, GOOD), rollout("blue")
    spec = light_spec(model.name, "1")
    policy = {"strategy": "BlueGreen", "blueGreen": {"switch": "Manual"}, "bakeSeconds": 3600}
    await churn.create({**spec, "rollout": {**spec["rollout"], **policy}})
    await churn.until(at_rest("1"))
    traffic = await send(churn)
    await churn.version("2")
    await churn.until_condition("Paused", "True")
    candidate = (await churn.status()).candidate
    assert candidate is not None
    assert candidate.weight == 0
    preview = await churn.get("Service", "blue-preview")
    assert preview is not None
    assert preview["spec"]["selector"]["rollmodel.dev/revision"] == candidate.revision
    await churn.command("resume")
    await churn.until(lambda now: now.candidate is not None and now.candidate.weight == 100)
    pods = {pod["metadata"]["uid"] for pod in await churn.children("Pod")}
    await churn.command("abort")
    await churn.until(at_rest("1"))
    assert {pod["metadata"]["uid"] for pod in await churn.children("Pod")} < pods
    assert await churn.get("Service", "blue-preview") is None
    assert set(traffic.codes) == {"200"}


async def _swap(registry: LightRegistry, rollout: Rollout, send: Send) -> None:
    """Two places for two versions: there is never a third pod, and a bad version gives its place back."""
    model, churn, pods = await registry.model(GOOD, BAD, GOOD), rollout("swap"), set[int]()
    spec = light_spec(model.name, "1")

    def counted(then: Predicate) -> Predicate:
        def holds(status: ModelDeploymentStatus) -> object:
            pods.add(status.replicas or 0)
            return then(status)

        return holds

    await churn.create({**spec, "scale": {"replicas": 2}, "rollout": {**spec["rollout"], "strategy": "Swap"}})
    await churn.until(counted(at_rest("1")))
    await churn.until_condition("Ready", "True")
    traffic = await send(churn)
    await churn.version("2")
    await churn.until(counted(verdict("2", "RolledBack")))
    await churn.until(counted(at_rest("1")))
    faults = traffic.codes["500"]
    await churn.version("3")
    await churn.until(counted(at_rest("3")))
    await churn.until(counted(lambda now: now.stable is not None and now.stable.ready_replicas == 2))
    assert max(pods) == 2
    assert set(traffic.codes) <= {"200", "500"}
    assert traffic.codes["500"] == faults, "no other answers than those of the bad version were bad"


async def _ab_test(registry: LightRegistry, rollout: Rollout, send: Send) -> None:
    """Clients with the mark meet a bad version, and no others; one that is as good is promoted by the policy."""
    model, churn = await registry.model(GOOD, BAD, GOOD), rollout("clients")
    spec = light_spec(model.name, "1")
    test = {"header": {"name": "group", "value": "b"}, "horizonSeconds": 60, "onNoDifference": "Promote"}
    await churn.create({**spec, "rollout": {**spec["rollout"], "strategy": "ABTest", "abTest": test}})
    await churn.until(at_rest("1"))
    others, marked = await send(churn), await send(churn, group="b")
    await churn.version("2")
    await churn.until(verdict("2", "RolledBack"))
    await churn.until(at_rest("1"))
    assert marked.codes["500"]
    await churn.version("3")
    await churn.until(at_rest("3"))
    assert set(others.codes) == {"200"}
    assert set(marked.codes) == {"200", "500"}


async def _ramp(registry: LightRegistry, rollout: Rollout, send: Send) -> None:
    """A bad version never gets beyond the first weight; a good one climbs as its evidence comes."""
    model, churn = await registry.model(GOOD, BAD, GOOD), rollout("ramp")
    spec = light_spec(model.name, "1")
    policy = {key: value for key, value in spec["rollout"].items() if key != "steps"}
    ramp = {"startWeight": 20, "maxWeight": 60, "maxExpectedHarm": 1000}
    await churn.create({**spec, "rollout": {**policy, "ramp": ramp}})
    await churn.until(at_rest("1"))
    traffic, weights = await send(churn), set[int]()

    def counted(then: Predicate) -> Predicate:
        def holds(status: ModelDeploymentStatus) -> object:
            weights.add(status.candidate.weight if status.candidate is not None else 0)
            return then(status)

        return holds

    await churn.version("2")
    await churn.until(counted(verdict("2", "RolledBack")))
    await churn.until(at_rest("1"))
    assert max(weights) <= 20
    faults = traffic.codes["500"]
    await churn.version("3")
    await churn.until(counted(at_rest("3")))
    assert 60 in weights
    assert set(traffic.codes) <= {"200", "500"}
    assert traffic.codes["500"] == faults, "no other answers than those of the bad version were bad"


@pytest.mark.slow
async def test_strategies(operator: OperatorProcess, registry: LightRegistry, rollout: Rollout, send: Send) -> None:
    """Side by side."""
    await together(story(registry, rollout, send) for story in (_shadow, _blue_green, _swap, _ab_test, _ramp))
