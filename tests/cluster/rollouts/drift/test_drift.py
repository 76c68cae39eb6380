"""Drift on the real stack: rows are counted in a pod, scraped by a real Prometheus, and an alarm starts a training."""

from __future__ import annotations

import pytest

from localcluster import Cluster
from tests.cluster.rollouts.conftest import Rollout
from tests.support.eventually import eventually
from tests.support.live.drift import (
    LEARNING,
    POLICY,
    begin_drift,
    make_template,
    policy_says,
    serve_drifting,
    trainings,
    watched,
)
from tests.support.live.light_models import LightRegistry
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.rollout import LiveRollout


@pytest.mark.slow
async def test_drifting_traffic_starts_a_training(
    stack: Cluster, operator: OperatorProcess, registry: LightRegistry, rollout: Rollout
) -> None:
    one = rollout("churn")
    await serve_drifting(one, registry)
    await make_template(one)
    async with watched(one, POLICY):
        await _drift(stack, one)


async def _drift(stack: Cluster, one: LiveRollout) -> None:
    await policy_says(one, {"Learning"})
    status = await policy_says(one, {"Stable"})
    assert status["learnt"]["windows"] == LEARNING
    assert "retrains" not in status or status["retrains"] == []

    await begin_drift(stack.gateway_url, one)
    status = await policy_says(one, {"Drifted"})
    worst = status["signals"][0]
    assert (worst["name"], worst["verdict"], worst["severity"]) == ("features/age", "Drifted", "Severe")

    trained = await eventually(lambda: trainings(one), bool, "the training is there")
    status = await policy_says(one, {"Drifted"})  # the alarm is written first, then the claim, then the training
    assert [job["metadata"]["name"] for job in trained] == [status["retrains"][0]["trainingJob"]]
    assert trained[0]["spec"]["template"]["image"] == "localhost/rollmodel/server:dev"
    assert "suspend" not in trained[0]["spec"]
