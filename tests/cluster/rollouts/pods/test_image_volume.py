"""Models that come as image volumes: the API server takes the pods, and they are rolled out as any others.

The node of these tests finds an image in a folder. What the kubelet and a container runtime do with one is not shown.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path

import pytest
from rollmodel.serving.digest import folder_digest

from localcluster import Cluster
from tests.cluster.rollouts.conftest import Rollout
from tests.support.live.light_models import COMMAND, SERVER
from tests.support.live.rollout import light_spec
from tests.support.live.servers import light_server
from tests.support.live.servers.light_server import BEHAVIOUR, Behaviour

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def _image(cluster: Cluster, number: int) -> tuple[str, str]:
    """An image with a model: its address, and the digest of the model's files."""
    reference = f"registry.example.com/churn@sha256:{number:064x}"
    folder = cluster.directory / "images" / reference / "models"
    folder.mkdir(parents=True)
    (folder / BEHAVIOUR).write_text(json.dumps(asdict(Behaviour(f"model {number}"))))
    (folder / SERVER).write_text(Path(light_server.__file__).read_text())
    return f"oci://{reference}/models", folder_digest(folder)


async def test_a_model_in_an_image_is_rolled_out_and_another_one_is_not_what_it_says(
    stack: Cluster, rollout: Rollout
) -> None:
    (first, first_digest), (second, second_digest) = await asyncio.gather(
        *(asyncio.to_thread(_image, stack, number) for number in (1, 2))
    )
    churn = rollout("churn")
    spec = light_spec("unused", "1")
    spec |= {"model": {"uri": first, "digest": first_digest}, "runtime": {"command": COMMAND}}
    spec["analysis"] = {"intervalSeconds": 1, "metrics": []}
    await churn.create(spec)
    started = await churn.until(lambda now: now.stable is not None and now.stable.weight == 100)
    assert started.stable is not None
    first_revision = started.stable.revision

    # Another image: a new revision, by a canary.
    await churn.change({"model": {"uri": second, "digest": second_digest}})
    moved = await churn.until(
        lambda now: now.candidate is None and now.stable is not None and now.stable.revision != first_revision
    )
    assert moved.stable is not None
    assert (moved.stable.weight, moved.history[-1].verdict) == (100, "Promoted")
    [pod] = [one for one in await churn.children("Pod") if moved.stable.revision in one["metadata"]["name"]]
    [volume] = [one for one in pod["spec"]["volumes"] if one["name"] == "model"]
    assert volume["image"]["reference"] == second.removeprefix("oci://").removesuffix("/models")

    # An image with other files than the digest says is never served.
    await churn.change({"model": {"uri": first}})
    await churn.until(lambda now: now.rejected is not None or "DigestMismatch" in json.dumps(now.to_wire()))
    last = await churn.until(lambda now: now.candidate is None)
    assert last.stable is not None
    assert last.stable.revision == moved.stable.revision
