"""Answers of Prometheus that cannot be read freeze a rollout and never decide it; with the next good one it goes on."""

import asyncio

from aiohttp import web
from rollmodel.api.modeldeployment import ModelDeploymentStatus

from localcluster import Cluster
from tests.cluster.rollouts.conftest import PROMETHEUS_TOKEN, Rollout
from tests.support.live.light_models import LightRegistry
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.rollout import Change, LiveRollout, at_rest, light_spec, tried_at, verdict
from tests.support.live.servers.light_server import Behaviour
from tests.support.servers.proxy import Proxy, proxied, refusal, warned

#: Questions that are asked in vain, per rollout, before it counts as frozen: several ticks beyond what a step needs.
IN_VAIN = 8

PARTIAL, REFUSED = "vector(20)", "vector(30)"
#: What may come back to a query of a user, beside one number: reason of the condition, a word of it, and the query.
#: Whatever is a number in it is above the limit of 1: whoever believed it would take the candidate back.
ODD = {
    "nothing": ("NoSeries", "no series", "vector(1) > 2"),
    "nan": ("NotANumber", "load", "vector(0) / vector(0)"),
    "two": ("UnexpectedAnswer", "2 series", "label_replace(vector(10), 'a', '1', '', '') or vector(10)"),
    "wrong": ("Invalid", "parse error", "sum by ("),
    "partial": ("Untrustworthy", "store gateway 2 did not answer", PARTIAL),
    "refused": ("Forbidden", "refused the login", REFUSED),
}


def _interfere(prometheus: Proxy) -> None:
    """Answers as Prometheus itself never gives them, but what stands before or instead of it does."""

    def instead(request: web.Request) -> web.Response | None:
        return refusal(request) if REFUSED in request.query.get("query", "") else None

    def edit(request: web.Request, body: bytes) -> bytes:
        partial = PARTIAL in request.query.get("query", "")
        return warned(body, "store gateway 2 did not answer") if partial else body

    prometheus.instead, prometheus.edit = instead, edit


def _load(query: str) -> Change:
    return {
        "intervalSeconds": 1,
        "metrics": [{"name": "load", "value": {"query": query, "max": "1", "failureLimit": 0}}],
    }


def _staying(seconds: int) -> Change:
    return {"rollout": {"steps": [{"weight": 50, "minSeconds": seconds}]}}


async def _frozen(rollout: LiveRollout, operator: OperatorProcess) -> ModelDeploymentStatus:
    """The status after many more questions, which has not moved."""
    before = await rollout.status()
    await operator.asks("prometheus", IN_VAIN * len(ODD))
    after = await rollout.status()
    assert (after.candidate, after.history) == (before.candidate, before.history)
    return after


async def test_odd_answers_decide_nothing(
    stack: Cluster, operator: OperatorProcess, registry: LightRegistry, rollout: Rollout
) -> None:
    """Each in a rollout of its own, side by side."""
    model = await registry.model(Behaviour(), Behaviour())

    async def begun(one: LiveRollout, query: str) -> None:
        await one.create(light_spec(model.name, "1", analysis=_load(query)))
        await one.until(at_rest("1"))
        await one.change(_staying(3600))
        await one.version("2")

    async def goes_on(one: LiveRollout) -> None:
        await one.change({**_staying(1), "analysis": _load("vector(0.5)")})
        assert verdict("2", "Promoted")(await one.until(at_rest("2")))

    async def story(one: LiveRollout, reason: str, word: str, query: str) -> None:
        await begun(one, "vector(0.5)")
        await one.until(tried_at("2", 50))
        await one.change({"analysis": _load(query)})
        condition = await one.until_condition("MetricsAvailable", "False", reason)
        assert word in condition.message
        assert tried_at("2", 50)(await _frozen(one, operator))
        await goes_on(one)

    async def never_begins(one: LiveRollout) -> None:
        """A query that makes no sense is asked before the first step."""
        await begun(one, "sum by (")
        await one.until_condition("MetricsAvailable", "False", "Invalid")
        assert tried_at("2", 0)(await _frozen(one, operator))
        await goes_on(one)

    async with proxied(stack.prometheus_url) as prometheus:
        _interfere(prometheus)
        operator.ensure(PROMETHEUS_URL=prometheus.url)
        await operator.ready()
        async with asyncio.TaskGroup() as stories:
            for name, odd in ODD.items():
                stories.create_task(story(rollout(name), *odd))
            stories.create_task(never_begins(rollout("early")))
        assert prometheus.logins() == {f"Bearer {PROMETHEUS_TOKEN}"}
