"""A shadow whose answers are compared: copies of a real gateway, pairs between real processes, a real Prometheus."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path

import pytest
from rollmodel.api.modeldeployment import ModelDeploymentStatus

from localcluster.addresses import listen_address
from tests.cluster.rollouts.conftest import Rollout, Send
from tests.support.live.light_models import LightRegistry
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.rollout import LiveRollout, at_rest, light_spec, verdict
from tests.support.live.servers import paired_server
from tests.support.live.servers.paired_server import ADDRESSES, ANSWERS

SERVER = Path(paired_server.__file__)
PROGRAM = SERVER.read_text()
FOLDER = "/mnt/models/model"
BODIES = [json.dumps({"row": number}) for number in range(6000)]


async def _dns(churn: LiveRollout, file: Path) -> None:
    """The addresses of the headless Service, as cluster DNS would give them: those of its ready endpoints."""
    while True:
        slices = await churn.list("EndpointSlice", "kubernetes.io/service-name=churn-pairs")
        addresses = [
            listen_address(address)
            for one in slices
            for endpoint in one.get("endpoints") or ()
            if endpoint["conditions"]["ready"]
            for address in endpoint["addresses"]
        ]
        written = file.with_suffix(".new")
        written.write_text(json.dumps({"churn-pairs": addresses}))
        written.rename(file)
        await asyncio.sleep(0.5)


@pytest.mark.slow
async def test_a_version_that_answers_a_tenth_differently_loses_on_copies(
    operator: OperatorProcess, registry: LightRegistry, rollout: Rollout, send: Send, tmp_path: Path
) -> None:
    model, churn, file = await registry.model(), rollout("churn"), tmp_path / "addresses.json"
    for odd in (0, 10, 0):
        files = {ANSWERS: str(odd), SERVER.name: PROGRAM}
        await model.add_stored(await registry.store(files))
    resolving = asyncio.create_task(_dns(churn, file))
    spec = light_spec(model.name, "1")
    answers = {"name": "answers", "paired": {"maxDisagreement": "0.02"}}
    try:
        await churn.create(
            {
                **spec,
                "runtime": {
                    "command": ["python", f"{FOLDER}/{SERVER.name}", "--model", FOLDER],
                    "env": [{"name": ADDRESSES, "value": f"file:{file}"}],
                },
                "rollout": {
                    **spec["rollout"],
                    "strategy": "Shadow",
                    "shadow": {"percent": 100, "then": "Promote"},
                },
                "analysis": {"intervalSeconds": 1, "metrics": [*spec["analysis"]["metrics"], answers]},
            }
        )
        await churn.until(at_rest("1"))
        traffic = await send(churn, rate=40.0, bodies=BODIES)
        assert await churn.get("Service", "churn-pairs") is None
        await churn.version("2")
        status = await churn.until(verdict("2", "RolledBack"))
        assert status.rejected is not None
        assert status.rejected.reason == "ProvenHarmful"
        assert "answers: proven worse than tolerated" in (status.rejected.message or "")
        await churn.until(at_rest("1"))
        await churn.version("3")
        await churn.until(_is_paired)
        await churn.until(at_rest("3"))
        assert await churn.get("Service", "churn-pairs") is None
        assert set(traffic.codes) == {"200"}
    finally:
        resolving.cancel()
        with suppress(asyncio.CancelledError):
            await resolving


def _is_paired(status: ModelDeploymentStatus) -> bool:
    lines = [line for line in status.evidence or () if line.metric == "answers"]
    return any(line.samples is not None and line.samples.startswith("0/") for line in lines)
