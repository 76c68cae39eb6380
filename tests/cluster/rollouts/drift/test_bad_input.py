"""Bad input on the real stack: each is told as what it is, spends no budget, and trains nothing.

What of the list of ADR 11 runs only without a cluster, and why, is said there.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from localcluster import Cluster
from tests.cluster.rollouts.conftest import Rollout
from tests.support.eventually import eventually
from tests.support.live.drift import (
    COMMAND,
    POLICY,
    PROGRAM,
    SERVER,
    begin_drift,
    condition,
    make_template,
    policy_says,
    policy_status,
    profile_of_the_usual,
    serve_drifting,
    trainings,
    watched,
)
from tests.support.live.light_models import LightRegistry
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.rollout import LiveRollout, at_rest, light_spec, together

#: What each odd column of the server leads to.
ODD = {
    "quality/height/null",
    "quality/weight/unseen",
    "features/weight",
    "features/visits",
    "quality/plan/unseen",
    "features/plan",
    "quality/income/null",
}


@pytest.mark.slow
async def test_odd_rows_silence_resets_and_an_outage(
    stack: Cluster, operator: OperatorProcess, registry: LightRegistry, rollout: Rollout
) -> None:
    one = rollout("churn")
    await serve_drifting(one, registry)
    await make_template(one)
    async with watched(one, POLICY):
        await policy_says(one, {"Stable"})
        await _odd(stack, one)
        await _reset(stack, one)
        await _silent(stack, operator, one)
        await _away(stack, operator, one)
        await _deleted(one)


async def _odd(stack: Cluster, one: LiveRollout) -> None:
    """Missing, infinite, constant, new and renamed, all at once: told by name, and bad data train nothing."""
    await begin_drift(stack.gateway_url, one, "odd")

    def all_told(status: dict[str, Any]) -> bool:
        drifted = {line["name"] for line in status.get("signals", ()) if line["verdict"] == "Drifted"}
        return drifted == ODD

    status = await eventually(lambda: policy_status(one), all_told, f"these are told: {ODD}")
    assert condition(status, "RetrainBlocked")["reason"] == "BrokenData"
    await begin_drift(stack.gateway_url, one, "usual")
    await policy_says(one, {"Stable"})
    assert await trainings(one) == []


async def _reset(stack: Cluster, one: LiveRollout) -> None:
    """The server dies, and its counters begin at 0 again."""
    before = await policy_status(one)
    await begin_drift(stack.gateway_url, one, "dies")

    async def restarts() -> int:
        boxes = [box for pod in await one.list("Pod") for box in pod.get("status", {}).get("containerStatuses", ())]
        return max((int(box.get("restartCount", 0)) for box in boxes), default=0)

    await eventually(restarts, bool, "the container was started again")
    after = await _looks(one, 4)
    assert after["episode"] == before["episode"], "no alarm"
    assert await trainings(one) == []


async def _silent(stack: Cluster, operator: OperatorProcess, one: LiveRollout) -> None:
    """Requests are answered and no row is counted."""
    await policy_says(one, {"Stable"})
    await begin_drift(stack.gateway_url, one, "silent")
    status = await policy_says(one, {"Blind"})
    assert condition(status, "DataFresh")["reason"] == "RowsNotCounted"
    await _keeps_its_budget(one, operator, status)
    await begin_drift(stack.gateway_url, one, "usual")
    await policy_says(one, {"Stable"})


async def _away(stack: Cluster, operator: OperatorProcess, one: LiveRollout) -> None:
    """Prometheus is down, for several steps."""
    before = await policy_status(one)
    await asyncio.to_thread(stack.stop_part, "prometheus")
    try:
        status = await policy_says(one, {"Blind"})
        assert condition(status, "DataFresh")["reason"] == "Unavailable"
        await _keeps_its_budget(one, operator, status)
    finally:
        await asyncio.to_thread(stack.restart_part, "prometheus")
    after = await policy_says(one, {"Stable"})
    assert after["episode"] == before["episode"], "no alarm"


async def _deleted(one: LiveRollout) -> None:
    """The target goes; and a policy that never had one."""
    nobody = {**POLICY, "modelDeploymentRef": {"name": "nobody"}}
    await one.make("DriftPolicy", {"metadata": {"name": "lonely"}, "spec": nobody})
    lonely = await policy_says(one, {"Blind"}, "lonely")
    assert condition(lonely, "DataFresh")["reason"] == "TargetMissing"
    await one.delete()
    await one.until_absent()
    status = await policy_says(one, {"Blind"})
    assert condition(status, "DataFresh")["reason"] == "TargetMissing"
    assert await trainings(one) == []


async def _looks(one: LiveRollout, count: int) -> dict[str, Any]:
    """The status after so many more looks."""
    seen = {(await policy_status(one))["lastEvaluationTime"]}

    async def looks() -> dict[str, Any]:
        status = await policy_status(one)
        seen.add(status["lastEvaluationTime"])
        return status

    return await eventually(looks, lambda _: len(seen) > count, f"it looks {count} times more")


async def _keeps_its_budget(one: LiveRollout, operator: OperatorProcess, blind: dict[str, Any]) -> None:
    """Also after it has asked some times more."""
    await operator.asks("prometheus", 6)
    status = await policy_status(one)
    assert condition(status, "Ready")["reason"] == "Blind"
    assert status["budget"]["spent"] == blind["budget"]["spent"]


@pytest.mark.slow
async def test_profiles_that_are_none(
    stack: Cluster, operator: OperatorProcess, registry: LightRegistry, rollout: Rollout
) -> None:
    """Of each the server says what is wrong, and serves all the same."""
    good = json.loads(profile_of_the_usual())
    first, *others = good["features"]
    newer, edited = {**good, "format": 99}, {**good, "features": [{**first, "importance": 0.5}, *others]}
    await together(
        _told(registry, rollout(name), profile, reason)
        for name, profile, reason in (
            ("without", None, "ProfileMissing"),
            ("newer", newer, "ProfileVersion"),
            ("edited", edited, "ProfileDigest"),
        )
    )


async def _told(registry: LightRegistry, one: LiveRollout, profile: dict[str, Any] | None, reason: str) -> None:
    model = await registry.model()
    files = {SERVER.name: PROGRAM, **({"profile.json": json.dumps(profile)} if profile is not None else {})}
    await model.add_stored(await registry.store(files))
    await one.create(light_spec(model.name, "1", runtime={"command": COMMAND}))
    await one.until(at_rest("1"))
    policy = {**POLICY, "modelDeploymentRef": {"name": one.name}, "retrain": {"mode": "Never"}}
    await one.make("DriftPolicy", {"metadata": {"name": one.name}, "spec": policy})
    status = await eventually(
        lambda: policy_status(one, one.name),
        lambda status: condition(status, "DataFresh").get("reason") == reason,
        f"the policy says {reason}",
    )
    assert condition(status, "Ready")["reason"] == "Blind"
    await one.delete("DriftPolicy", one.name)


@pytest.mark.slow
async def test_trainings_that_do_not_help(
    stack: Cluster, operator: OperatorProcess, registry: LightRegistry, rollout: Rollout
) -> None:
    """The template is missing at first; then two trainings register nothing, and the third alarm starts none."""
    one = rollout("churn")
    await serve_drifting(one, registry)
    retrain = {**POLICY["retrain"], "cooldownSeconds": 0, "giveUpAfter": 2}
    async with watched(one, {**POLICY, "retrain": retrain}):
        await policy_says(one, {"Stable"})
        for alarm in (1, 2, 3):
            await begin_drift(stack.gateway_url, one)
            await policy_says(one, {"Drifted"})
            if alarm == 1:
                await _blocked(one, "TemplateMissing")
                await make_template(one)
            if alarm == 3:
                await _blocked(one, "RetrainIneffective")
            else:
                await _useless(one, alarm)
            await begin_drift(stack.gateway_url, one, "usual")
            await policy_says(one, {"Stable"})
        assert len(await trainings(one)) == 2


async def _blocked(one: LiveRollout, reason: str) -> None:
    await eventually(
        lambda: policy_status(one),
        lambda status: condition(status, "RetrainBlocked").get("reason") == reason,
        f"a training is held back: {reason}",
    )


async def _useless(one: LiveRollout, count: int) -> None:
    await eventually(
        lambda: policy_status(one),
        lambda status: [line["outcome"] for line in status.get("retrains", ())] == ["Ineffective"] * count,
        f"{count} trainings did not help",
    )
