"""What a rollout does not touch: other objects, other namespaces; and how it goes on where there is no Gateway."""

from collections import Counter

from rollmodel.plan.naming import REVISION

from tests.cluster.rollouts.conftest import Rollout, Send
from tests.support.eventually import eventually
from tests.support.live.light_models import LightRegistry
from tests.support.live.rollout import LiveRollout, at_rest, light_spec, verdict
from tests.support.live.servers.light_server import Behaviour

GOOD, BAD = Behaviour(), Behaviour(errors=0.5)


async def _versions(rollout: LiveRollout) -> dict[str, str]:
    """All that exists of a ModelDeployment, itself included, with its resourceVersion."""
    kinds = ("ModelDeployment", "Deployment", "Service", "ControllerRevision", "HTTPRoute", "Pod")
    found = [one for kind in kinds[1:] for one in await rollout.children(kind)]
    found += [one for one in await rollout.list("ModelDeployment") if one["metadata"]["name"] == rollout.name]
    return {one["metadata"]["uid"]: one["metadata"]["resourceVersion"] for one in found}


async def test_others_never_notice(registry: LightRegistry, rollout: Rollout, send: Send, elsewhere: str) -> None:
    """Beside a rollout that fails: one of the same model, and one of the same name in another namespace."""
    model, churn, sibling = await registry.model(GOOD, BAD), rollout("churn"), rollout("sibling")
    namesake = LiveRollout(churn.api, elsewhere, "churn")
    for one in (churn, sibling, namesake):
        await one.create(light_spec(model.name, "1"), routed=one is not namesake)
    for one in (churn, sibling, namesake):
        await one.until(at_rest("1"))
        await one.until_condition("Ready", "True")
    before = [await _versions(one) for one in (sibling, namesake)]
    traffic = await send(sibling)
    await send(churn)
    await churn.version("2")
    await churn.until(verdict("2", "RolledBack"))
    await churn.until(at_rest("1"))
    assert [await _versions(one) for one in (sibling, namesake)] == before
    assert set(traffic.codes) == {"200"}
    await namesake.delete()
    await namesake.until_absent()


async def _behind_the_service(rollout: LiveRollout) -> Counter[str]:
    """How many ready pods of each revision the main Service spreads connections over."""
    slices = await rollout.list("EndpointSlice", f"kubernetes.io/service-name={rollout.name}")
    ready = {
        endpoint["targetRef"]["name"]
        for one in slices
        for endpoint in one["endpoints"] or ()
        if endpoint["conditions"]["ready"]
    }
    pods = await rollout.list("Pod")
    return Counter(pod["metadata"]["labels"][REVISION] for pod in pods if pod["metadata"]["name"] in ready)


async def test_a_split_by_replicas(registry: LightRegistry, rollout: Rollout) -> None:
    """Without `traffic` one Service spreads connections over pods; the share that this gives is what status says."""
    model, churn = await registry.model(GOOD, GOOD), rollout("churn")
    spec = light_spec(model.name, "1", scale={"replicas": 3})
    spec["analysis"] = {"intervalSeconds": 1, "metrics": []}
    spec["rollout"]["steps"] = [{"weight": 20}, {"pause": "Manual"}]
    await churn.create(spec, routed=False)
    await churn.until(at_rest("1"))
    await churn.version("2")
    status = await churn.until(lambda status: status.paused is not None)
    assert status.stable is not None
    assert status.candidate is not None
    assert (status.stable.weight, status.candidate.weight) == (75, 25)
    split = {status.stable.revision: 3, status.candidate.revision: 1}
    assert await _behind_the_service(churn) == split
    assert await churn.children("HTTPRoute") == []
    await churn.command("resume")
    await churn.until(at_rest("2"))
    only = {status.candidate.revision: 3}
    await eventually(lambda: _behind_the_service(churn), lambda pods: pods == only, "only the new one has pods")
