"""The real Kueue as a process beside the local cluster: its controller, scheduler and webhooks, as in a cluster.

It makes its own certificate; the API server reaches its webhooks through a Service of type ExternalName, which is this
machine. Of its webhooks those for its own kinds and for Jobs are registered: nothing else here is queued. Off are its
API server for visibility, which no cluster needs, and the election of a leader.
"""

from __future__ import annotations

import json
import os
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from localcluster import Cluster
from localcluster.binaries import Search
from localcluster.binaries.gobuild import GoBuilder
from localcluster.files import user_cache
from localcluster.network import LOOPBACK, free_port, http_ok
from localcluster.processes.reaper import ID_VARIABLE
from tests.support.eventually import eventually

__all__ = ["KueueProcess", "queues"]

_MODULE = "sigs.k8s.io/kueue"
_NAMESPACE, _SERVICE, _SECRET = "kueue-system", "kueue-webhook-service", "kueue-webhook-server-cert"
_GROUPS = {"kueue.x-k8s.io", "batch"}
_FIELD_MANAGER = "tests-kueue"

Manifest = dict[str, Any]


class KueueProcess:
    """One Kueue. ``folder`` takes its configuration, its certificate and its log."""

    def __init__(self, cluster: Cluster, binary: Path, folder: Path) -> None:
        self._cluster, self._binary, self._folder = cluster, binary, folder
        self._webhook, self._health = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def binary(cls) -> Path | None:
        """Where its controller is, if it has been built (``make test-kueue``)."""
        return Search().present("kueue")

    async def start(self) -> None:
        """Install its kinds and webhooks, and wait until it works. Fails where it ends by itself."""
        module = _module()
        self._apply(_definitions(module, self._webhook))
        await eventually(self._established, bool, "Kueue's kinds are established")
        self._apply(_around())
        certificates = self._folder / "certificates"
        certificates.mkdir()
        config = self._folder / "config.yaml"
        config.write_text(yaml.safe_dump(self._configuration(certificates)), encoding="utf-8")
        self._process = self._launched(config)
        data = await eventually(self._certificate, lambda found: "tls.crt" in found, "Kueue has a certificate")
        for name, content in data.items():  # what the kubelet does with a mounted Secret
            (certificates / name).write_bytes(b64decode(content))
        await eventually(self._answers, bool, "Kueue is ready")
        self._apply(_webhooks(module, self._webhook))
        await eventually(self._trusted, bool, "Kueue's webhooks are trusted")

    def _launched(self, config: Path) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("ab") as output:
            return subprocess.Popen(
                [str(self._binary), f"--config={config}", "--zap-log-level=2"],
                env={**os.environ, "KUBECONFIG": str(self._cluster.kubeconfig), ID_VARIABLE: self._cluster.id},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def stop(self) -> None:
        """End it, and take its webhooks away, without which no Job could be made."""
        names = [f"{kind}webhookconfiguration/kueue-{kind}" for kind in ("mutating", "validating")]
        names = [f"{name}-webhook-configuration" for name in names]
        self._cluster.kubectl("delete", "--ignore-not-found", *names)
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)

    def log(self) -> str:
        """The last words."""
        file = self._folder / "log"
        return file.read_text(errors="replace")[-3000:] if file.exists() else ""

    def _configuration(self, certificates: Path) -> Manifest:
        return {
            "apiVersion": "config.kueue.x-k8s.io/v1beta2",
            "kind": "Configuration",
            "namespace": _NAMESPACE,
            "health": {"healthProbeBindAddress": f"{LOOPBACK}:{self._health}"},
            "metrics": {"bindAddress": "0"},
            "webhook": {"port": self._webhook, "host": LOOPBACK, "certDir": str(certificates)},
            "leaderElection": {"leaderElect": False},
            "internalCertManagement": {
                "enable": True,
                "webhookServiceName": _SERVICE,
                "webhookSecretName": _SECRET,
            },
            "integrations": {"frameworks": ["batch/job"]},
            "featureGates": {"VisibilityOnDemand": False},
        }

    async def _established(self) -> bool:
        found = json.loads(self._cluster.kubectl("get", "crd", "-o", "json"))["items"]
        mine = [one for one in found if one["spec"]["group"] == "kueue.x-k8s.io"]
        conditions = [(one.get("status") or {}).get("conditions") or () for one in mine]
        return all(any(c["type"] == "Established" and c["status"] == "True" for c in each) for each in conditions)

    async def _certificate(self) -> dict[str, str]:
        assert self._process is not None
        assert self._process.poll() is None, f"Kueue has ended: {self.log()}"
        text = self._cluster.kubectl("get", "secret", "-n", _NAMESPACE, _SECRET, "-o", "json")
        data: dict[str, str] = json.loads(text).get("data") or {}
        return data

    async def _trusted(self) -> bool:
        """Whether it has written its authority into its webhooks."""
        kinds = "mutatingwebhookconfigurations,validatingwebhookconfigurations"
        found = json.loads(self._cluster.kubectl("get", kinds, "-o", "json"))["items"]
        mine = [one for one in found if one["metadata"]["name"].startswith("kueue-")]
        return all(webhook["clientConfig"].get("caBundle") for one in mine for webhook in one["webhooks"])

    async def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"Kueue has ended: {self.log()}"
        return http_ok(f"http://{LOOPBACK}:{self._health}/readyz")

    def _apply(self, manifests: list[Manifest]) -> None:
        options = ("--server-side", "--force-conflicts", f"--field-manager={_FIELD_MANAGER}")
        self._cluster.kubectl("apply", *options, "-f", "-", stdin=yaml.safe_dump_all(manifests))


def queues(namespace: str, queue: str, *, cpu: str) -> list[Manifest]:
    """A ClusterQueue of its own for a namespace, with so much CPU, its LocalQueue, and two priorities.

    A run of a higher priority takes the place of one of a lower.
    """
    api, flavor, name = "kueue.x-k8s.io/v1beta2", f"{namespace}-any", f"{namespace}-all"
    quota = {"name": "cpu", "nominalQuota": cpu}
    priorities = (
        {"apiVersion": api, "kind": "WorkloadPriorityClass", "metadata": {"name": word}, "value": value}
        for word, value in (("batch", 10), ("urgent", 1000))
    )
    return [
        {"apiVersion": api, "kind": "ResourceFlavor", "metadata": {"name": flavor}},
        {
            "apiVersion": api,
            "kind": "ClusterQueue",
            "metadata": {"name": name},
            "spec": {
                "namespaceSelector": {},
                "preemption": {"withinClusterQueue": "LowerPriority"},
                "resourceGroups": [{"coveredResources": ["cpu"], "flavors": [{"name": flavor, "resources": [quota]}]}],
            },
        },
        {
            "apiVersion": api,
            "kind": "LocalQueue",
            "metadata": {"name": queue, "namespace": namespace},
            "spec": {"clusterQueue": name},
        },
        *priorities,
    ]


def _module() -> Path:
    """The folder of its Go module, whose sums ``go.sum`` has."""
    told = GoBuilder(user_cache()).run("kueue", ["mod", "download", "-json", _MODULE])
    return Path(json.loads(told)["Dir"])


def _around() -> list[Manifest]:
    service = {"type": "ExternalName", "externalName": "localhost"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _NAMESPACE}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": _SECRET, "namespace": _NAMESPACE}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": _SERVICE, "namespace": _NAMESPACE},
            "spec": service,
        },
    ]


def _definitions(module: Path, port: int) -> list[Manifest]:
    """Its CRDs with the conversion that its kustomization lays over them."""
    folder = module / "config" / "components" / "crd"
    patched = {
        line.rpartition("/")[2].strip()
        for line in (folder / "kustomization.yaml").read_text(encoding="utf-8").splitlines()
        if line.startswith("- path: patches/webhook_in_")
    }
    conversions = [yaml.safe_load((folder / "patches" / name).read_text(encoding="utf-8")) for name in sorted(patched)]
    by_name = {one["metadata"]["name"]: one["spec"]["conversion"] for one in conversions}
    found = []
    for file in sorted((folder / "bases").glob("*.yaml")):
        body = yaml.safe_load(file.read_text(encoding="utf-8"))
        if conversion := by_name.get(body["metadata"]["name"]):
            _point(conversion["webhook"]["clientConfig"], port)
            body["spec"]["conversion"] = conversion
        found.append(body)
    return found


def _webhooks(module: Path, port: int) -> list[Manifest]:
    text = (module / "config" / "components" / "webhook" / "manifests.yaml").read_text(encoding="utf-8")
    found = []
    for body in yaml.safe_load_all(text):
        body["metadata"]["name"] = f"kueue-{body['metadata']['name']}"
        body["webhooks"] = list(_ours(body["webhooks"], port))
        found.append(body)
    return found


def _ours(webhooks: list[Manifest], port: int) -> Iterator[Manifest]:
    for webhook in webhooks:
        if all(set(rule["apiGroups"]) <= _GROUPS for rule in webhook["rules"]):
            _point(webhook["clientConfig"], port)
            yield webhook


def _point(client: Manifest, port: int) -> None:
    client["service"] |= {"namespace": _NAMESPACE, "name": _SERVICE, "port": port}
