"""A model on a real cluster whose traffic makes itself and drifts when asked, and policies that watch it in seconds."""

from __future__ import annotations

import operator as operator_of
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from rollmodel.profile import build_profile

from tests.support.eventually import eventually
from tests.support.live.light_models import LightModel, LightRegistry
from tests.support.live.objects import Change
from tests.support.live.rollout import LiveRollout, at_rest, light_spec
from tests.support.live.servers import drifting_server
from tests.support.live.servers.drifting_server import OLDER, rows

__all__ = [
    "COMMAND",
    "LEARNING",
    "POLICY",
    "STEP",
    "TEMPLATE",
    "add_version",
    "begin_drift",
    "clean_up",
    "condition",
    "drifting_model",
    "make_template",
    "policy_says",
    "policy_status",
    "profile_of_the_usual",
    "serve_drifting",
    "trainings",
    "watched",
]

SERVER = Path(drifting_server.__file__)
PROGRAM = SERVER.read_text(encoding="utf-8")
STEP, LEARNING = 10, 10
COMMAND = ["python", f"/mnt/models/model/{SERVER.name}"]
POLICY: dict[str, Any] = {
    "modelDeploymentRef": {"name": "churn"},
    "source": {"metrics": {"stepSeconds": STEP}},
    "windowSeconds": [STEP, 3 * STEP],
    "dependence": {"quietWindows": LEARNING},
    "holdOff": {"afterRolloutSeconds": 0},
    "hysteresis": {"raiseAfterLooks": 2, "clearAfterLooks": 3},
    "retrain": {"mode": "Auto", "trainingJobRef": {"name": "train"}, "when": ["Feature"]},
}
TEMPLATE: dict[str, Any] = {
    "template": {"image": "localhost/rollmodel/server:dev", "command": ["true"]},
    "suspend": "Suspended",
}


async def drifting_model(registry: LightRegistry) -> LightModel:
    """A registered model whose version 1 is asked as it was trained, until :func:`begin_drift`."""
    model = await registry.model()
    await add_version(model)
    return model


async def add_version(model: LightModel, *, older: bool = False) -> str:
    """One more version; its number. ``older``: it is asked about others from the start."""
    files = {SERVER.name: PROGRAM, "profile.json": profile_of_the_usual()}
    return await model.add_stored(await model.registry.store({**files, **({OLDER: ""} if older else {})}))


def profile_of_the_usual() -> str:
    """The profile of what usually comes, as its file."""
    rng = np.random.default_rng(1)
    return build_profile(dict(rows(rng, 20_000, older=False)), score=rng.random(20_000)).to_json()


async def serve_drifting(one: LiveRollout, registry: LightRegistry, **changes: Any) -> LightModel:
    """Such a model, once its version 1 serves as this object; ``changes`` are of the spec."""
    model = await drifting_model(registry)
    await one.create(light_spec(model.name, "1", runtime={"command": COMMAND}, **changes))
    await one.until(at_rest("1"))
    return model


@asynccontextmanager
async def watched(one: LiveRollout, spec: Change, *, by: Sequence[str] = ("watch",)) -> AsyncIterator[None]:
    """Policies of this spec and these names watch; in the end they, and all trainings, are gone."""
    for name in by:
        await one.make("DriftPolicy", {"metadata": {"name": name}, "spec": spec})
    try:
        yield
    finally:
        await clean_up(one)


async def begin_drift(gateway: str, one: LiveRollout, mode: str = OLDER) -> None:
    """From now on other people come, or what else the server can do."""
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{gateway}/invocations", json={"mode": mode}, headers={"Host": one.host})
    assert answer.status_code == 200


async def policy_status(one: LiveRollout, name: str = "watch") -> dict[str, Any]:
    """The status of a policy; empty while it has none."""
    found: dict[str, Any] = ((await one.get("DriftPolicy", name)) or {}).get("status", {})
    return found


def condition(status: dict[str, Any], kind: str) -> dict[str, Any]:
    """A condition; empty where there is none."""
    return next((line for line in status.get("conditions", ()) if line["type"] == kind), {})


async def policy_says(one: LiveRollout, wanted: set[str], name: str = "watch") -> dict[str, Any]:
    """The policy's status once it says one of these."""
    return await eventually(
        lambda: policy_status(one, name),
        lambda status: condition(status, "Ready").get("reason") in wanted,
        f"the policy {name} says {wanted}",
    )


async def trainings(one: LiveRollout) -> list[dict[str, Any]]:
    """Those that a policy made."""
    return [job for job in await one.list("TrainingJob") if job["metadata"].get("ownerReferences")]


async def make_template(one: LiveRollout, spec: Change | None = None) -> None:
    """The TrainingJob that policies copy."""
    await one.make("TrainingJob", {"metadata": {"name": "train"}, "spec": spec or TEMPLATE})


async def clean_up(one: LiveRollout) -> None:
    """Delete policies, and with them the trainings that they made, and what they copied."""
    for kind in ("DriftPolicy", "TrainingJob"):
        for found in await one.list(kind):
            if not found["metadata"].get("ownerReferences"):
                await one.delete(kind, found["metadata"]["name"])

    async def left() -> list[dict[str, Any]]:
        return [*await one.list("DriftPolicy"), *await one.list("TrainingJob")]

    await eventually(left, operator_of.not_, "policies and trainings are gone")
