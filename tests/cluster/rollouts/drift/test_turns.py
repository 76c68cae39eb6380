"""Two policies on one model, on the real stack: the operator is killed while one starts its training."""

from __future__ import annotations

from typing import Any

import pytest

from localcluster import Cluster
from tests.cluster.rollouts.conftest import Rollout
from tests.support.eventually import eventually
from tests.support.live.drift import (
    POLICY,
    TEMPLATE,
    begin_drift,
    condition,
    make_template,
    policy_says,
    policy_status,
    serve_drifting,
    trainings,
    watched,
)
from tests.support.live.light_models import LightRegistry
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.rollout import LiveRollout

NAMES = ("a-first", "b-second")
#: It fails where it was not told which data to learn from, and else it goes on.
WINDOW = ["sh", "-c", 'test -n "$ROLLMODEL_DATA_SINCE" && test -n "$ROLLMODEL_DATA_UNTIL" && sleep 600']


@pytest.mark.slow
async def test_one_of_two_policies_trains(
    stack: Cluster, operator: OperatorProcess, registry: LightRegistry, rollout: Rollout
) -> None:
    one = rollout("churn")
    await serve_drifting(one, registry)
    template = {**TEMPLATE, "template": {**TEMPLATE["template"], "command": WINDOW}}
    await make_template(one, template)
    async with watched(one, POLICY, by=NAMES):
        try:
            await _race(stack, operator, one)
        finally:
            operator.ensure()
            await operator.ready()


async def _race(stack: Cluster, operator: OperatorProcess, one: LiveRollout) -> None:
    for name in NAMES:
        await policy_says(one, {"Stable"}, name)
    await begin_drift(stack.gateway_url, one)
    await eventually(
        lambda: _statuses(one),
        lambda statuses: any(status.get("retrains") for status in statuses),
        "one of the two claims its training",
        every=0.01,  # it is killed between its claim and what comes next
    )
    operator.kill()
    claims = [entry["outcome"] for status in await _statuses(one) for entry in status.get("retrains", ())]
    assert claims
    operator.ensure()
    await operator.ready()

    def decided(statuses: list[dict[str, Any]]) -> bool:
        reasons = sorted(condition(status, "RetrainBlocked").get("reason", "") for status in statuses)
        outcomes = [entry["outcome"] for status in statuses for entry in status.get("retrains", ())]
        return reasons == ["OtherPolicyTrains", "TrainingRuns"] and outcomes == ["Running"]

    statuses = await eventually(lambda: _statuses(one), decided, f"one trains, after claims {claims}")
    [job] = await trainings(one)
    [entry] = [entry for status in statuses for entry in status.get("retrains", ())]
    assert (entry["trainingJob"], entry["outcome"]) == (job["metadata"]["name"], "Running")
    loser = next(status for status in statuses if not status.get("retrains"))
    winner = job["metadata"]["ownerReferences"][0]["name"]
    assert winner in condition(loser, "RetrainBlocked")["message"]

    looked = loser["lastEvaluationTime"]
    status = await eventually(
        lambda: policy_status(one, next(name for name in NAMES if name != winner)),
        lambda status: status.get("lastEvaluationTime", "") > looked,
        "the other one has looked again",
    )
    assert condition(status, "RetrainBlocked")["reason"] == "OtherPolicyTrains"
    assert len(await trainings(one)) == 1
    await _has_its_window(one, job, entry)


async def _has_its_window(one: LiveRollout, job: dict[str, Any], entry: dict[str, Any]) -> None:
    """The container runs, so it was told; and it was told what status says."""
    assert job["spec"]["dataWindow"] == {"since": entry["dataSince"], "until": entry["time"]}

    async def running() -> list[dict[str, Any]]:
        pods = [pod for pod in await one.list("Pod") if pod["metadata"]["name"].startswith(job["metadata"]["name"])]
        return [pod for pod in pods if pod.get("status", {}).get("phase") == "Running"]

    [pod] = await eventually(running, bool, "the training runs")
    told = {var["name"]: var.get("value") for box in pod["spec"]["containers"] for var in box.get("env", ())}
    assert told["ROLLMODEL_DATA_SINCE"] == entry["dataSince"]
    assert told["ROLLMODEL_DATA_UNTIL"] == entry["time"]


async def _statuses(one: LiveRollout) -> list[dict[str, Any]]:
    return [await policy_status(one, name) for name in NAMES]
