"""``rollmodel lineage`` of a version whose TrainingJob is gone: the real MLflow still knows its run, data and gates."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from rollmodel.__main__ import main

from localcluster import Cluster
from tests.cluster.training.conftest import Training
from tests.support.eventually import eventually
from tests.support.live.rollout import LiveRollout

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

WINDOW = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-08T00:00:00Z"}


async def test_what_mlflow_knows_of_a_version(
    training: Training, cluster: Cluster, namespace: str, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    churn = training("churn")
    source = {"repository": "https://example.com/churn.git", "revision": "b" * 40}
    await churn.create(model, source=source, dataWindow=WINDOW)
    assert await churn.outcome() == ("True", "Registered")
    run = (await churn.status()).run_id

    async def lineage(*more: str) -> list[dict[str, Any]]:
        where = ("-n", namespace, "--kubeconfig", str(cluster.kubeconfig), "-o", "json")
        capsys.readouterr()
        assert await asyncio.to_thread(main, ["lineage", f"{model}/1", *where, *more]) == 0
        [chain] = json.loads(capsys.readouterr().out)
        links: list[dict[str, Any]] = chain["links"]
        return links

    before = {link["what"]: link for link in await lineage()}
    await churn.delete(name="churn")
    await churn.until_absent(name="churn")
    serving = LiveRollout(churn.api, namespace, "serving")
    spec = {"model": {"registry": {"name": model, "version": "1"}}, "runtime": {"command": ["sleep", "600"]}}
    await serving.create(spec, routed=False)
    await serving.until(lambda status: status.stable is not None or status.candidate is not None, "knows its version")
    try:
        assert "run" not in {link["what"] for link in await lineage()}, "the cluster has forgotten it"
        after = await eventually(lambda: lineage("--mlflow-url", cluster.mlflow_url), bool, "a chain")
    finally:
        await serving.delete()
        await serving.until_absent()
    known = {link["what"]: link for link in after}
    assert known["training"]["name"] == f"{namespace}/churn"
    assert known["run"]["name"] == run == before["run"]["name"]
    assert known["run"]["outcome"] == "FINISHED"
    assert "b" * 40 in known["run"]["why"]
    assert known["gate"]["outcome"] == before["gate"]["outcome"] == "Passed"
    assert known["version"]["name"] == "1"
    windows = [link["outcome"] for link in after if (link["what"], link["name"]) == ("data", "window")]
    assert windows == [f"{WINDOW['since']} to {WINDOW['until']}"]
