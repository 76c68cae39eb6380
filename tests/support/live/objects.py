"""Objects of one namespace of a real cluster: read them, make them, change them as somebody else would."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

from rollmodel.adapters.kubernetes.apiserver import MERGE_PATCH, ApiServer
from rollmodel.api.base import GROUP, VERSION
from rollmodel.errors import NotFound, Unavailable

from tests.support.eventually import eventually

__all__ = ["KINDS", "Change", "NamespaceObjects"]

KINDS = {
    "Namespace": "api/v1/namespaces",
    "ModelDeployment": f"apis/{GROUP}/{VERSION}/namespaces/{{}}/modeldeployments",
    "DriftPolicy": f"apis/{GROUP}/{VERSION}/namespaces/{{}}/driftpolicies",
    "TrainingJob": f"apis/{GROUP}/{VERSION}/namespaces/{{}}/trainingjobs",
    "Deployment": "apis/apps/v1/namespaces/{}/deployments",
    "Job": "apis/batch/v1/namespaces/{}/jobs",
    "ReplicaSet": "apis/apps/v1/namespaces/{}/replicasets",
    "ConfigMap": "api/v1/namespaces/{}/configmaps",
    "ControllerRevision": "apis/apps/v1/namespaces/{}/controllerrevisions",
    "Service": "api/v1/namespaces/{}/services",
    "Pod": "api/v1/namespaces/{}/pods",
    "Event": "api/v1/namespaces/{}/events",
    "Secret": "api/v1/namespaces/{}/secrets",
    "ResourceQuota": "api/v1/namespaces/{}/resourcequotas",
    "EndpointSlice": "apis/discovery.k8s.io/v1/namespaces/{}/endpointslices",
    "HTTPRoute": "apis/gateway.networking.k8s.io/v1/namespaces/{}/httproutes",
    "Gateway": "apis/gateway.networking.k8s.io/v1/namespaces/{}/gateways",
    "Role": "apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    "HorizontalPodAutoscaler": "apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers",
    "PodDisruptionBudget": "apis/policy/v1/namespaces/{}/poddisruptionbudgets",
    "InferencePool": "apis/inference.networking.k8s.io/v1/namespaces/{}/inferencepools",
    "ScaledObject": "apis/keda.sh/v1alpha1/namespaces/{}/scaledobjects",
    "RoleBinding": "apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
}

Change = dict[str, Any]


@dataclass(frozen=True)
class NamespaceObjects:
    """All of ``namespace``, and the namespace itself."""

    api: ApiServer
    namespace: str

    async def get(self, kind: str, name: str) -> Change | None:
        """One object of the namespace."""
        try:
            return await self._request("GET", self._path(kind, name))
        except NotFound:
            return None

    async def list(self, kind: str, selector: str = "") -> list[Change]:
        """Objects of the namespace."""
        found = await self._request("GET", self._path(kind), query={"labelSelector": selector})
        items: list[Change] = found["items"]
        return items

    async def make(self, kind: str, manifest: Change, **query: str) -> Change:
        """Create an object of the namespace."""
        group_version = KINDS[kind].removeprefix("apis/").removeprefix("api/").partition("/namespaces")[0]
        body = {"apiVersion": group_version, "kind": kind, **manifest}
        return await self._request("POST", self._path(kind), body=body, query=query)

    async def patch(self, kind: str, name: str, change: Change) -> Change:
        """Merge into an object of the namespace, as somebody else would."""
        query = {"fieldManager": "somebody"}
        return await self._request("PATCH", self._path(kind, name), body=change, query=query, content_type=MERGE_PATCH)

    async def delete(self, kind: str, name: str) -> None:
        """Delete an object of the namespace."""
        await self._request("DELETE", self._path(kind, name))

    async def until_absent(self, kind: str, name: str) -> None:
        """Wait until an object is gone."""
        await eventually(lambda: self.get(kind, name), operator.not_, f"{kind} is gone")

    async def evict_pod(self, pod: str) -> bool:
        """Evict a pod, as a drained node does; whether its disruption budget let it go."""
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction"}
        body = {**eviction, "metadata": {"name": pod, "namespace": self.namespace}}
        try:
            await self.api.request("POST", f"{self._path('Pod', pod)}/eviction", body=body)
        except Unavailable:
            return False
        except NotFound:
            return True
        return True

    async def _request(self, method: str, path: str, **more: Any) -> Change:
        """One request; asked again while the API server builds the storage of a changed kind anew."""

        async def answer() -> Change | None:
            try:
                return await self.api.request(method, path, **more)
            except Unavailable as error:
                if "(re)initializing" not in str(error):
                    raise
                return None

        found = await eventually(answer, lambda answer: answer is not None, f"{path} is served")
        assert found is not None
        return found

    def _path(self, kind: str, name: str = "") -> str:
        return f"/{KINDS[kind].format(self.namespace)}" + (f"/{name}" if name else "")
