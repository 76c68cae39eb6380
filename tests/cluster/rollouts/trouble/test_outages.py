"""Prometheus and MLflow go down in the middle of rollouts: what needs them waits, and nothing else does."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from localcluster import Cluster
from tests.cluster.rollouts.conftest import Rollout, Send
from tests.support.live.light_models import LightModel, LightRegistry
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.rollout import Change, LiveRollout, at_rest, light_spec, together, tried_at, verdict
from tests.support.live.servers.light_server import Behaviour

#: Questions to Prometheus in vain before a rollout counts as frozen: several ticks beyond what a step needs.
IN_VAIN = 8
#: Nobody resumes it: the candidate keeps its weight until something else is said.
WAITING = [{"weight": 50}, {"pause": "Manual"}]
BY_TIME = {"intervalSeconds": 1, "metrics": []}


@asynccontextmanager
async def _without(stack: Cluster, *parts: str) -> AsyncIterator[None]:
    """The time in which these parts are down."""
    for part in parts:
        await asyncio.to_thread(stack.stop_part, part)
    try:
        yield
    finally:
        await asyncio.gather(*(asyncio.to_thread(stack.restart_part, part) for part in parts))


async def _freezes(judged: LiveRollout, operator: OperatorProcess) -> None:
    """Prometheus is down: no verdict, no step."""
    blind = await judged.until_condition("MetricsAvailable", "False", "Unavailable")
    assert "errors" in blind.message
    before = await judged.status()
    await operator.asks("prometheus", IN_VAIN)
    after = await judged.status()
    assert (after.candidate, after.history) == (before.candidate, before.history)
    assert tried_at("2", 50)(after)


async def _is_promoted(followed: LiveRollout) -> None:
    """MLflow is down: what a person says is done all the same, and what the registry shall hear is kept."""
    away = await followed.until_condition("ModelResolved", "False", "Unavailable")
    assert "MLflow" in away.message
    await followed.command("promote")
    status = await followed.until(at_rest("2"))
    assert verdict("2", "Promoted")(status)
    assert status.outbox


async def _is_deleted(deleted: LiveRollout) -> None:
    """MLflow is down: all children go, and the finalizer waits for nobody."""
    await deleted.delete()
    await deleted.until_absent()
    await deleted.until_gone("Deployment", "Service", "ControllerRevision", "HTTPRoute", "Pod")


async def _goes_on(judged: LiveRollout) -> None:
    """Prometheus is back: the evidence that was missing comes, and decides."""
    assert verdict("2", "Promoted")(await judged.until(at_rest("2")))
    assert (await judged.entry("2")).by == "evidence"
    assert {"Unavailable", "MetricsAvailable"} <= set(await judged.events())


async def _tells(followed: LiveRollout, model: LightModel) -> None:
    """MLflow is back, and hears of the verdict that fell without it."""
    await followed.until_condition("ModelResolved", "True")
    await followed.until(lambda status: not status.outbox)
    assert await model.aliased("champion") == "2"
    assert await model.verdict("2") == "Promoted"


async def test_both_go_down_mid_rollout(
    stack: Cluster, operator: OperatorProcess, registry: LightRegistry, rollout: Rollout, send: Send
) -> None:
    model = await registry.model(Behaviour(), Behaviour())
    await model.point("challenger", "1")
    judged, followed, deleted = rollout("judged"), rollout("followed"), rollout("deleted")
    for one, spec in zip((judged, followed, deleted), _specs(model.name), strict=True):
        await one.create(spec)
    await together(one.until(at_rest("1")) for one in (judged, followed, deleted))
    traffic = await send(judged)
    await model.point("challenger", "2")
    await deleted.version("2")
    await together(one.until(tried_at("2", 50)) for one in (followed, deleted))
    await judged.version("2")
    await judged.until(tried_at("2", 50))
    async with _without(stack, "prometheus", "mlflow"):
        await together([_freezes(judged, operator), _is_promoted(followed), _is_deleted(deleted)])
    await together([_goes_on(judged), _tells(followed, model)])
    assert set(traffic.codes) == {"200"}


def _specs(name: str) -> Iterator[Change]:
    """One that is judged by its errors, one that follows an alias, and one that is soon deleted."""
    judged = light_spec(name, "1")
    judged["rollout"]["steps"] = [{"weight": 50, "minSeconds": 20}]
    yield judged
    waiting: Change = {"rollout": {**judged["rollout"], "steps": WAITING}, "analysis": BY_TIME}
    followed = {**light_spec(name, alias="challenger"), **waiting}
    followed["model"]["registry"]["championAlias"] = "champion"
    yield followed
    yield {**light_spec(name, "1"), **waiting}
