"""A candidate is compared with the stable revision beside it, on the real stack."""

from __future__ import annotations

import pytest

from localcluster import Cluster
from tests.cluster.rollouts.conftest import Rollout
from tests.support.live.drift import (
    POLICY,
    add_version,
    begin_drift,
    condition,
    policy_says,
    serve_drifting,
    watched,
)
from tests.support.live.light_models import LightModel, LightRegistry
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.rollout import LiveRollout, tried_at
from tests.support.live.said import messages_about

CANDIDATE = {
    **POLICY,
    "track": "Candidate",
    "reference": {"stableTrack": {"minRows": 200}},
    "retrain": {"mode": "Never"},
}
CANARY = {"steps": [{"weight": 50}, {"pause": "Manual"}], "warmUpSeconds": 0, "drainSeconds": 1}


@pytest.mark.slow
async def test_a_candidate_is_compared_with_what_stable_is_asked_now(
    stack: Cluster, operator: OperatorProcess, registry: LightRegistry, rollout: Rollout
) -> None:
    one = rollout("churn")
    model = await serve_drifting(one, registry, rollout=CANARY)
    async with watched(one, CANDIDATE):
        await _stories(stack, one, model)


async def _stories(stack: Cluster, one: LiveRollout, model: LightModel) -> None:
    await policy_says(one, {"NoCandidate"})
    await one.version(await add_version(model, older=True))
    await one.until(tried_at("2", 50))
    status = await policy_says(one, {"Drifted"})
    assert status["profile"]["comparedWith"] != status["profile"]["revision"]
    assert status["signals"][0]["name"] == "features/age"
    told = messages_about("watch", await one.list("Event"))
    assert f"candidate {status['profile']['revision']} differs from" in told["DriftDetected"]
    await one.command("abort")
    status = await policy_says(one, {"NoCandidate"})
    assert condition(status, "DriftDetected")["status"] == "False"

    await begin_drift(stack.gateway_url, one)  # the world moves: what both show is no difference
    await one.version(await add_version(model, older=True))
    await one.until(tried_at("3", 50))
    status = await policy_says(one, {"Stable"})
    assert condition(status, "DriftDetected")["status"] == "False"
