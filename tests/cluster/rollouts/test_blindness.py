"""Metrics that cannot be read freeze a rollout and never decide it; when they return it goes on where it stood."""

import asyncio

from rollmodel.api.modeldeployment import ModelDeploymentStatus

from localcluster import Cluster
from tests.cluster.rollouts.conftest import Rollout, Send
from tests.support.light_models import LightRegistry
from tests.support.light_server import Behaviour
from tests.support.live_operator import OperatorProcess
from tests.support.live_rollout import LiveRollout, at_rest, light_spec, tried_at, verdict
from tests.support.proxy import proxied, warning

GOOD = Behaviour()
#: Questions that are asked in vain before a rollout counts as frozen: several ticks beyond what a step needs.
IN_VAIN = 8

#: What Prometheus may answer to a query of a user, beside a number: reason of the condition, and the query.
ODD = {
    "nothing": ("NoSeries", "vector(1) > 2"),
    "nan": ("NotANumber", "vector(0) / vector(0)"),
    "two": ("UnexpectedAnswer", "label_replace(vector(1), 'a', '1', '', '') or vector(1)"),
    "wrong": ("Invalid", "sum by ("),
}


async def _frozen(rollout: LiveRollout, operator: OperatorProcess, questions: int) -> ModelDeploymentStatus:
    """The status after so many more questions, which has not moved."""
    before = await rollout.status()
    await operator.asks("prometheus", questions)
    after = await rollout.status()
    assert (after.candidate, after.history) == (before.candidate, before.history)
    return after


async def test_prometheus_goes_down_in_the_middle_of_a_canary(
    stack: Cluster, operator: OperatorProcess, registry: LightRegistry, rollout: Rollout, send: Send
) -> None:
    model, churn = await registry.model(GOOD, GOOD), rollout("churn")
    spec = light_spec(model.name, "1")
    spec["rollout"]["steps"] = [{"weight": 50, "minSeconds": 10}]
    await churn.create(spec)
    await churn.until(at_rest("1"))
    traffic = await send(churn)
    await churn.version("2")
    await churn.until(tried_at("2", 50))
    stack.stop_part("prometheus")
    try:
        blind = await churn.until_condition("MetricsAvailable", "False")
        assert blind.reason == "Unavailable"
        assert "errors" in blind.message
        frozen = await _frozen(churn, operator, IN_VAIN)
        assert tried_at("2", 50)(frozen)
    finally:
        stack.restart_part("prometheus")
    status = await churn.until(at_rest("2"))
    assert verdict("2", "Promoted")(status)
    assert set(traffic.codes) == {"200"}
    assert {"Unavailable", "MetricsAvailable"} <= set(await churn.events())


async def test_odd_answers_decide_nothing(operator: OperatorProcess, registry: LightRegistry, rollout: Rollout) -> None:
    model = await registry.model(GOOD, GOOD)

    async def story(name: str) -> None:
        reason, query = ODD[name]
        one = rollout(name)
        spec = light_spec(model.name, "1")
        spec["analysis"]["metrics"] = [{"name": "load", "value": {"query": query, "max": "1", "failureLimit": 0}}]
        await one.create(spec)
        await one.until(at_rest("1"))
        await one.version("2")
        condition = await one.until_condition("MetricsAvailable", "False", reason)
        assert "load" in condition.message
        frozen = await _frozen(one, operator, IN_VAIN * len(ODD))
        assert tried_at("2", 50)(frozen)
        answering = [{"name": "load", "value": {"query": "vector(0.5)", "max": "1", "failureLimit": 0}}]
        await one.change({"analysis": {"metrics": answering}})
        assert verdict("2", "Promoted")(await one.until(at_rest("2")))

    await asyncio.gather(*map(story, ODD))


async def test_a_partial_answer_decides_nothing(
    stack: Cluster, operator: OperatorProcess, registry: LightRegistry, rollout: Rollout, send: Send
) -> None:
    """Thanos and Mimir answer with what they have, and a warning, when a store is away."""
    model, churn = await registry.model(GOOD, Behaviour(errors=1.0)), rollout("churn")
    async with proxied(stack.prometheus_url) as prometheus:
        operator.ensure(PROMETHEUS_URL=prometheus.url)
        await operator.ready()
        await churn.create(light_spec(model.name, "1"))
        await churn.until(at_rest("1"))
        prometheus.edit = warning("store gateway 2 did not answer")
        await send(churn)
        await churn.version("2")
        blind = await churn.until_condition("MetricsAvailable", "False", "Untrustworthy")
        assert "store gateway 2 did not answer" in blind.message
        assert (await _frozen(churn, operator, IN_VAIN)).history[-1].verdict == "Installed"
        prometheus.edit = None
        status = await churn.until(verdict("2", "RolledBack"))
        assert status.rejected is not None
        await churn.until(at_rest("1"))
