"""Somebody who looks at all dashboards, a Prometheus that answers them, and what the kubelet and a GPU would tell."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import yaml
from aiohttp import web

from charts.__main__ import CHART, REPOSITORY
from localcluster import Cluster
from localcluster.binaries import locate
from localcluster.network import LOOPBACK, free_port, http_ok
from localcluster.parts.scraping import configuration
from tests.support.eventually import eventually
from tests.support.live.rollout import LiveRollout
from tests.support.servers.web import serve

__all__ = ["Watcher", "watching_prometheus"]

DASHBOARDS = [json.loads(path.read_text()) for path in sorted((CHART / "files" / "dashboards").glob("*.json"))]


@asynccontextmanager
async def watching_prometheus(cluster: Cluster, operator: str, model: LiveRollout, folder: Path) -> AsyncIterator[str]:
    """The address of a Prometheus with the alerts, which scrapes ``operator`` as the chart's PodMonitor does.

    It also scrapes the pods, and what a kubelet and NVIDIA's exporter would tell of those of the model's namespace.
    """

    async def usage(_: web.Request) -> web.StreamResponse:
        pods = [pod["metadata"]["name"] for pod in await model.list("Pod")]
        return web.Response(text="".join(map(_usage, [model.namespace] * len(pods), pods)))

    async with serve(usage) as kubelet:
        (folder / "rules.yaml").write_text((REPOSITORY / "config" / "monitoring" / "rules.yaml").read_text())
        config = configuration(cluster.kubeconfig_for("localcluster:prometheus"), "1s")
        for job, address in (("rollmodel", operator), ("kubelet", urlsplit(kubelet.url).netloc)):
            targets = [{"targets": [address]}]
            config["scrape_configs"].append({"job_name": job, "honor_labels": True, "static_configs": targets})
        config["global"]["evaluation_interval"] = "1s"
        (folder / "prometheus.yml").write_text(yaml.safe_dump({**config, "rule_files": ["rules.yaml"]}))
        address = f"{LOOPBACK}:{free_port()}"
        command = [str(locate(["prometheus"])["prometheus"]), f"--config.file={folder}/prometheus.yml"]
        command += [f"--storage.tsdb.path={folder}/data", f"--web.listen-address={address}", "--log.level=warn"]
        process = await asyncio.create_subprocess_exec(*command)
        try:
            await eventually(lambda: _answers(address), bool, "Prometheus answers")
            yield f"http://{address}"
        finally:
            process.terminate()
            await process.wait()


async def _answers(address: str) -> bool:
    return await asyncio.to_thread(http_ok, f"http://{address}/-/ready")


def _usage(namespace: str, pod: str) -> str:
    """In the text format of Prometheus."""
    labels = f'namespace="{namespace}",pod="{pod}"'
    return (
        f'container_cpu_usage_seconds_total{{{labels},container="model"}} {time.time() / 10:.3f}\n'
        f'container_memory_working_set_bytes{{{labels},container="model"}} 1e8\n'
        f'DCGM_FI_DEV_GPU_UTIL{{{labels},gpu="0"}} 50\n'
    )


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
