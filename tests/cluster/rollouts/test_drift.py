"""Drift on the real stack: rows are counted in a pod, scraped by a real Prometheus, and an alarm starts a training."""

from __future__ import annotations

import operator as operator_of
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from rollmodel.profile import build_profile

from localcluster import Cluster
from tests.cluster.rollouts.conftest import Rollout
from tests.support.eventually import eventually
from tests.support.live import drifting_server
from tests.support.live.drifting_server import rows
from tests.support.live.light_models import LightModel, LightRegistry
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.rollout import LiveRollout, at_rest, light_spec

SERVER = Path(drifting_server.__file__)
PROGRAM = SERVER.read_text(encoding="utf-8")
STEP = 10
LEARNING = 10
COMMAND = ["python", f"/mnt/models/model/{SERVER.name}"]
POLICY = {
    "modelDeploymentRef": {"name": "churn"},
    "source": {"metrics": {"stepSeconds": STEP}},
    "windowSeconds": [STEP, 3 * STEP],
    "dependence": {"quietWindows": LEARNING},
    "holdOff": {"afterRolloutSeconds": 0},
    "hysteresis": {"raiseAfterLooks": 2, "clearAfterLooks": 3},
    "retrain": {"mode": "Auto", "trainingJobRef": {"name": "train"}, "when": ["Feature"]},
}


async def _model(registry: LightRegistry) -> LightModel:
    rng = np.random.default_rng(1)
    profile = build_profile(dict(rows(rng, 20_000, older=False)), score=rng.random(20_000))
    model = await registry.model()
    files = {SERVER.name: PROGRAM, "profile.json": profile.to_json()}
    await model.add_stored(await registry.store(files))
    return model


async def _until(one: LiveRollout, wanted: set[str]) -> dict[str, Any]:
    """The policy's status once it says one of these."""

    async def status() -> dict[str, Any]:
        found: dict[str, Any] = ((await one.get("DriftPolicy", "watch")) or {}).get("status", {})
        return found

    def says(now: dict[str, Any]) -> bool:
        return any(line["type"] == "Ready" and line["reason"] in wanted for line in now.get("conditions", ()))

    return await eventually(status, says, f"the policy says {wanted}")


@pytest.mark.slow
async def test_drifting_traffic_starts_a_training(
    stack: Cluster, operator: OperatorProcess, registry: LightRegistry, rollout: Rollout
) -> None:
    one = rollout("churn")
    await one.create(light_spec((await _model(registry)).name, "1", runtime={"command": COMMAND}))
    await one.until(at_rest("1"))
    template = {"template": {"image": "localhost/rollmodel/server:dev", "command": ["true"]}, "suspend": "Suspended"}
    await one.make("TrainingJob", {"metadata": {"name": "train"}, "spec": template})
    await one.make("DriftPolicy", {"metadata": {"name": "watch"}, "spec": POLICY})
    try:
        await _drift(stack, one)
    finally:
        await one.delete("DriftPolicy", "watch")  # and with it the training that it made
        await one.delete("TrainingJob", "train")
        await eventually(lambda: _left(one), operator_of.not_, "policy and trainings are gone")


async def _drift(stack: Cluster, one: LiveRollout) -> None:
    await _until(one, {"Learning"})
    status = await _until(one, {"Stable"})
    assert status["learnt"]["windows"] == LEARNING
    assert "retrains" not in status or status["retrains"] == []

    async with httpx.AsyncClient() as client:
        url = f"{stack.gateway_url}/invocations"
        answer = await client.post(url, json={}, headers={"Host": one.host})
    assert answer.status_code == 200
    status = await _until(one, {"Drifted"})
    worst = status["signals"][0]
    assert (worst["name"], worst["verdict"], worst["severity"]) == ("features/age", "Drifted", "Severe")

    trained = await eventually(lambda: _trainings(one), bool, "the training is there")
    assert [job["metadata"]["name"] for job in trained] == [status["retrains"][0]["trainingJob"]]
    assert trained[0]["spec"]["template"]["image"] == "localhost/rollmodel/server:dev"
    assert "suspend" not in trained[0]["spec"]


async def _trainings(one: LiveRollout) -> list[dict[str, Any]]:
    """Those that nobody made by hand."""
    return [job for job in await one.list("TrainingJob") if job["metadata"]["name"] != "train"]


async def _left(one: LiveRollout) -> list[dict[str, Any]]:
    return [*await one.list("DriftPolicy"), *await one.list("TrainingJob")]
