"""In the middle of a rollout, on a real control plane: rows of the table in tests/README that no other story plays."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from rollmodel.api.conditions import find

from localcluster import Cluster
from tests.cluster.rollouts.conftest import Rollout, Send
from tests.support.eventually import eventually
from tests.support.live.light_models import LightModel, LightRegistry
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.rollout import Change, LiveRollout, at_rest, light_spec, together, tried_at, verdict
from tests.support.live.servers.light_server import Behaviour

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

#: Questions to Prometheus in vain, per rollout: several ticks beyond what a step needs.
IN_VAIN = 40
WAITING = [{"weight": 50}, {"pause": "Manual"}]
BY_TIME: Change = {"intervalSeconds": 1, "metrics": []}


async def _begun(one: LiveRollout, model: LightModel, *, steps: list[Any], **changes: Any) -> None:
    """Version 1 serves, and version 2 is tried with these steps."""
    spec = light_spec(model.name, "1", **changes)
    await one.create({**spec, "rollout": {**spec["rollout"], "steps": steps}})
    await one.until(at_rest("1"))
    await one.version("2")


async def _another_one_while_one_takes_over(churn: LiveRollout, model: LightModel) -> None:
    """Version 2 has all traffic and is still watched. Version 3 begins from the one that still is stable."""
    await _begun(churn, model, steps=[{"weight": 50}], analysis=BY_TIME)
    await churn.until(tried_at("2", 50))
    await churn.change({"rollout": {"bakeSeconds": 3600}})
    second = (await churn.until(tried_at("2", 100))).candidate
    assert second is not None
    await churn.change({"rollout": {"steps": WAITING}})
    await churn.version("3")
    begun = await churn.until(lambda now: now.candidate is not None and now.candidate.model_version == "3")
    assert begun.candidate is not None
    assert begun.candidate.weight == 0
    assert begun.stable is not None
    assert begun.stable.model_version == "1"
    assert verdict("2", "Superseded")(begun)
    third = await churn.until(tried_at("3", 50))
    assert third.stable is not None
    assert (third.stable.model_version, third.stable.weight) == ("1", 50)
    await churn.until(lambda now: not now.retiring)
    assert second.revision not in await churn.revisions()


async def _steps_are_edited(churn: LiveRollout, model: LightModel, send: Send) -> None:
    """Later steps hold from now on, and nothing begins anew."""
    await send(churn)
    await _begun(churn, model, steps=[{"weight": 20}, {"pause": "Manual"}, {"weight": 80}])
    await churn.until(lambda now: tried_at("2", 20)(now) and now.paused is not None)
    before = await churn.until(lambda now: now.judge is not None)
    steps = [{"weight": 20}, {"pause": "Manual"}, {"weight": 40}, {"pause": "Manual"}]
    generation = (await churn.change({"rollout": {"steps": steps}}))["metadata"]["generation"]
    after = await churn.until(lambda now: now.observed_generation == generation)
    assert before.candidate is not None
    assert after.candidate is not None
    for kept in ("revision", "step", "weight", "since", "started", "ready_since"):
        assert getattr(after.candidate, kept) == getattr(before.candidate, kept), kept
    assert after.judge is not None
    await churn.command("resume")
    await churn.until(tried_at("2", 40))


async def _nobody_asks(churn: LiveRollout, model: LightModel, send: Send, operator: OperatorProcess) -> None:
    """Without a request nothing is decided, though each step may end at once; with requests it is."""
    await _begun(churn, model, steps=[{"weight": 50}])
    quiet = await churn.until(lambda now: tried_at("2", 50)(now) and now.judge is not None)
    await operator.asks("prometheus", IN_VAIN)
    still = await churn.status()
    assert quiet.candidate is not None
    assert still.candidate is not None
    assert (still.candidate.step, still.history) == (quiet.candidate.step, quiet.history)
    await send(churn)
    await churn.until(at_rest("2"))
    assert (await churn.entry("2")).by == "evidence"


async def _harm_wins(churn: LiveRollout, model: LightModel, send: Send) -> None:
    """One metric cannot be read, which holds a rollout; another one proves harm, which ends it."""
    limits = light_spec(model.name, "1")["analysis"]["metrics"]
    load = {"name": "load", "value": {"query": "vector(0.5)", "max": "1"}}
    await _begun(churn, model, steps=WAITING, analysis={"intervalSeconds": 1, "metrics": [*limits, load]})
    await churn.until(tried_at("2", 50))
    broken = {"name": "load", "value": {"query": "vector(0) / vector(0)", "max": "1"}}
    generation = (await churn.change({"analysis": {"metrics": [*limits, broken]}}))["metadata"]["generation"]
    await churn.until(lambda now: now.observed_generation == generation)
    await send(churn)
    await churn.until(verdict("2", "RolledBack"))
    assert (await churn.entry("2")).by == "evidence"
    assert at_rest("1")(await churn.until(at_rest("1")))


async def _metrics_are_edited(churn: LiveRollout, model: LightModel, send: Send) -> None:
    """What was added in the middle makes no sense; the rollout is judged by what it began with."""
    await send(churn)
    await _begun(churn, model, steps=[{"weight": 50, "minSeconds": 15}])
    await churn.until(tried_at("2", 50))
    limits = light_spec(model.name, "1")["analysis"]["metrics"]
    broken = {"name": "more", "counts": {"bad": "{{ oops }}", "total": "up"}}
    await churn.change({"analysis": {"metrics": [*limits, broken]}})
    await churn.until(at_rest("2"))
    entry = await churn.entry("2")
    assert (entry.verdict, entry.by) == ("Promoted", "evidence")


async def _pods_are_lost(churn: LiveRollout, model: LightModel, send: Send) -> None:
    """The candidate's pod goes, and a quota lets no other come: its weight goes too, and comes back with a pod."""
    listener = {"name": "http", "port": 80, "protocol": "HTTP"}
    gateway = {"gatewayClassName": "rollmodel-local", "listeners": [listener]}
    await churn.make("Gateway", {"metadata": {"name": "public"}, "spec": gateway})
    await _begun(churn, model, steps=WAITING)
    traffic = await send(churn)
    before = (await churn.until(tried_at("2", 50))).candidate
    assert before is not None
    await churn.make("ResourceQuota", {"metadata": {"name": "tight"}, "spec": {"hard": {"pods": "1"}}})
    (pod,) = [one for one in await churn.children("Pod") if before.revision in one["metadata"]["name"]]
    await churn.delete("Pod", pod["metadata"]["name"])
    lost = await churn.until(tried_at("2", 0))
    assert lost.stable is not None
    assert lost.stable.weight == 100
    traffic.codes.clear()  # before, the share of its only pod has nowhere to go (tests/README)
    await churn.delete("ResourceQuota", "tight")
    after = (await churn.until(tried_at("2", 50))).candidate
    assert after is not None
    assert (after.revision, after.started, after.step) == (before.revision, before.started, before.step)
    assert set(traffic.codes) == {"200"}
    await churn.delete()
    await churn.until_absent()


@pytest.fixture
def far(rollout: Rollout, elsewhere: str) -> LiveRollout:
    """A model in a namespace of its own."""
    return LiveRollout(rollout("any").api, elsewhere, "lost")


async def test_in_the_middle_of_a_rollout(
    operator: OperatorProcess, registry: LightRegistry, rollout: Rollout, send: Send, far: LiveRollout
) -> None:
    """Side by side."""
    good = await registry.model(Behaviour(), Behaviour(), Behaviour())
    bad = await registry.model(Behaviour(), Behaviour(errors=0.6))
    await together(
        [
            _another_one_while_one_takes_over(rollout("over"), good),
            _steps_are_edited(rollout("steps"), good, send),
            _nobody_asks(rollout("quiet"), good, send, operator),
            _harm_wins(rollout("harm"), bad, send),
            _metrics_are_edited(rollout("metrics"), good, send),
            _pods_are_lost(far, good, send),
        ]
    )
    assert "unexpected error" not in operator.log()


async def test_status_says_what_the_gateway_does(
    stack: Cluster, operator: OperatorProcess, registry: LightRegistry, rollout: Rollout
) -> None:
    """The gateway is away: the route says what is wished, and status does not claim it."""
    model, churn = await registry.model(Behaviour(), Behaviour()), rollout("churn")
    await churn.create({**light_spec(model.name, "1"), "analysis": BY_TIME})
    await churn.until(at_rest("1"))
    await churn.change({"rollout": {"steps": WAITING}})
    await asyncio.to_thread(stack.stop_part, "gateway")
    try:
        await churn.version("2")
        await eventually(churn.weights, lambda weights: 50 in weights.values(), "the route wishes 50 %")
        seen = Counter[tuple[int | None, str]]()

        async def look() -> Counter[tuple[int | None, str]]:
            now = await churn.status()
            programmed = find(now.conditions, "TrafficProgrammed")
            if now.candidate is not None and programmed is not None:
                seen[now.candidate.weight, programmed.status] += 1
            return seen

        await eventually(look, lambda seen: seen.total() >= 10, "status was read ten times")
        assert all(weight in {0, None} for weight, _ in seen), seen
        assert (await churn.until_condition("TrafficProgrammed", "False")).reason == "GatewayBehind"
    finally:
        await asyncio.to_thread(stack.restart_part, "gateway")
    await churn.until(tried_at("2", 50))
    await churn.until_condition("TrafficProgrammed", "True")
