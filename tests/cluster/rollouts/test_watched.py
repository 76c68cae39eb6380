"""A rollout as Grafana and Prometheus' alerts see it: a server of their own scrapes the pods and the operator."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from charts.__main__ import CHART, REPOSITORY
from localcluster import Cluster
from localcluster.binaries import locate
from localcluster.network import LOOPBACK, free_port, http_ok
from localcluster.parts.prometheus import configuration
from tests.cluster.conftest import WaitUntil
from tests.cluster.rollouts.conftest import Rollout, Send
from tests.support.eventually import eventually
from tests.support.live.light_models import LightRegistry
from tests.support.live.light_server import Behaviour
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.rollout import LiveRollout, at_rest, light_spec, together, verdict

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

DASHBOARDS = [json.loads(path.read_text()) for path in sorted((CHART / "files" / "dashboards").glob("*.json"))]
#: The light server of tests has no such metric.
OF_OUR_SERVER = "rollmodel_server_model_info"


@pytest.fixture
def prometheus(stack: Cluster, operator: OperatorProcess, tmp_path: Path, wait_until: WaitUntil) -> Iterator[str]:
    """The address of a Prometheus with the alerts, which scrapes the operator as the chart's PodMonitor does."""
    (tmp_path / "rules.yaml").write_text((REPOSITORY / "config" / "monitoring" / "rules.yaml").read_text())
    config = configuration(stack.kubeconfig_for("localcluster:prometheus"), "1s")
    targets = [{"targets": [operator.metrics_address]}]
    config["scrape_configs"].append({"job_name": "rollmodel", "honor_labels": True, "static_configs": targets})
    config["global"]["evaluation_interval"] = "1s"
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump({**config, "rule_files": ["rules.yaml"]}))
    address = f"{LOOPBACK}:{free_port()}"
    command = [str(locate(["prometheus"])["prometheus"]), f"--config.file={tmp_path}/prometheus.yml"]
    command += [f"--storage.tsdb.path={tmp_path}/data", f"--web.listen-address={address}", "--log.level=warn"]
    with subprocess.Popen(command) as process:
        try:
            wait_until(lambda: http_ok(f"http://{address}/-/ready"))
            yield f"http://{address}"
        finally:
            process.terminate()


class Watcher:
    """Asks what the dashboards ask, as somebody who looks at this model would."""

    def __init__(self, client: httpx.AsyncClient, model: LiveRollout) -> None:
        self._client = client
        words = {"$__rate_interval": "30s", "$namespace": model.namespace, "$name": model.name}
        self._filled: dict[str, str] = {}
        for page in DASHBOARDS:
            pictures = [target["expr"] for panel in page["panels"] for target in panel.get("targets", [])]
            for query in (*pictures, *(mark["expr"] for mark in page["annotations"]["list"])):
                text = query
                for word, value in words.items():
                    text = text.replace(word, value)
                self._filled[query] = text
        self.silent = set(self._filled)

    async def ask(self, query: str) -> list[dict[str, Any]]:
        """The series of an answer. Fails where it is no query."""
        answer = await self._client.get("/api/v1/query", params={"query": query})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"]["result"])

    async def look(self) -> set[str]:
        """The queries that have never had an answer."""
        for query in list(self.silent):
            if await self.ask(self._filled[query]):
                self.silent.discard(query)
        return self.silent

    async def look_on(self) -> None:
        """Go on until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(1)

    async def alerts(self) -> set[str]:
        """Alerts that are raised, or will be if it stays so."""
        return {one["metric"]["alertname"] for one in await self.ask("ALERTS")}


async def _story(one: LiveRollout, send: Send, model: str) -> None:
    """The first version, one that is promoted, and one that is rolled back."""
    await one.create(light_spec(model, "1"))
    await one.until(at_rest("1"))
    await send(one)
    await one.version("2")
    await one.until(verdict("2", "Promoted"))
    await one.until(at_rest("2"))
    await one.version("3")
    await one.until(verdict("3", "RolledBack"))


async def _nobody(one: LiveRollout, model: str) -> None:
    """An object whose alias nobody has set: MLflow's answer is an error that is counted."""
    await one.create(light_spec(model, alias="nobody"), routed=False)
    await one.until_condition("ModelResolved", "False")


async def test_every_picture_shows_something_and_only_the_right_alerts_are_raised(
    operator: OperatorProcess, registry: LightRegistry, rollout: Rollout, send: Send, prometheus: str
) -> None:
    model = (await registry.model(Behaviour(), Behaviour(), Behaviour(errors=0.9))).name
    one = rollout("watched")
    async with httpx.AsyncClient(base_url=prometheus, timeout=10) as client:
        watcher = Watcher(client, one)
        looking = asyncio.create_task(watcher.look_on())
        await together([_story(one, send, model), _nobody(rollout("unset"), model)])
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
        await eventually(
            watcher.look, lambda left: all(OF_OUR_SERVER in query for query in left), "every picture shows"
        )
        expected = {"RollmodelModelStalled", "RollmodelRolledBack"}
        await eventually(watcher.alerts, expected.issubset, "the alerts of a rollback")
        await eventually(watcher.alerts, lambda raised: raised <= expected, "and no others")
        for series in await watcher.ask("ALERTS{alertname='RollmodelModelStalled'}"):
            assert series["metric"]["namespace"] == one.namespace
