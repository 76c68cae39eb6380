"""The Kubernetes API in memory, as ``rollmodel.ports.Kube`` sees it.

Faithful where it matters to a reconciler: ``tests/support/contracts`` holds it and the real adapter to the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from rollmodel.errors import Conflict, NotFound
from rollmodel.plan import naming
from rollmodel.plan.access.ownership import controller_of, identity_of
from rollmodel.plan.decision import Event, Ref, SetBackends

from tests.support.inmemory.object_store import Manifest, ObjectStore

__all__ = ["InMemoryKube"]

Fault = Callable[[str, Ref], None]


class InMemoryKube(ObjectStore):
    """``fault(verb, ref)`` is called before each request, ``aftermath`` after each write, and either may raise.
    Fields of ``unknown_status`` are dropped from statuses, as by older CRDs.

    ``writes`` records (verb, address) of everything that the code under test wrote; ``events`` what it posted.
    """

    def __init__(self) -> None:
        super().__init__()
        self.secrets: dict[tuple[str, str], dict[str, str]] = {}
        self.writes: list[tuple[str, Ref]] = []
        self.reads: list[tuple[str, Ref]] = []
        self.events: list[Event] = []
        self.refusals: dict[str, Sequence[str]] = {}
        self.gateway_available = True
        self.missing_kinds = set[str]()
        self.fault: Fault = lambda verb, ref: None
        self.aftermath: Fault = lambda verb, ref: None
        self.unknown_status: set[str] = set()

    async def get(self, ref: Ref) -> dict[str, Any] | None:
        self._read("get", ref)
        return deepcopy(self.objects.get(ref))

    def adopt(self, owner: Manifest) -> None:
        """Everything is kept here."""

    def disown(self, owner: Manifest) -> None:
        """What is gone is gone."""

    def children(self, owner: Manifest) -> Sequence[dict[str, Any]]:
        identity = identity_of(owner)
        return [deepcopy(obj) for obj in self.objects.values() if controller_of(obj) == identity]

    def serves(self, kind: str) -> bool:
        return kind not in self.missing_kinds

    async def list_pods(self, namespace: str, labels: Mapping[str, str]) -> Sequence[dict[str, Any]]:
        self._read("list", Ref("v1", "Pod", namespace, ""))
        pods = [obj for obj in self.of_kind("Pod") if obj["metadata"]["namespace"] == namespace]
        return [pod for pod in pods if labels.items() <= pod["metadata"].get("labels", {}).items()]

    async def models(self) -> AsyncIterator[Manifest]:
        self._read("list", Ref("rollmodel.dev/v1alpha1", "ModelDeployment", "", ""))
        for found in self.of_kind("ModelDeployment"):
            yield found

    async def list_workloads(self, namespace: str) -> Sequence[dict[str, Any]] | None:
        self._read("list", Ref("kueue.x-k8s.io/v1beta2", "Workload", namespace, ""))
        return [obj for obj in self.of_kind("Workload") if obj["metadata"]["namespace"] == namespace]

    async def list_other_routes(self) -> Sequence[dict[str, Any]]:
        self._read("list", Ref("gateway.networking.k8s.io/v1", "HTTPRoute", "", ""))
        return [
            route for route in self.of_kind("HTTPRoute") if naming.MANAGED_BY not in route["metadata"].get("labels", {})
        ]

    def users_route(self, owner: Manifest, name: str) -> dict[str, Any] | None:
        ref = Ref("gateway.networking.k8s.io/v1", "HTTPRoute", owner["metadata"]["namespace"], name)
        route = self.objects.get(ref)
        ours = route is not None and naming.MANAGED_BY in route["metadata"].get("labels", {})
        return deepcopy(route) if ours and controller_of(route or {}) is None else None

    async def set_backends(self, change: SetBackends) -> None:
        self._write("set_backends", change.ref)
        route = self.objects.get(change.ref)
        if route is None:
            raise NotFound(f"{change.ref.kind} {change.ref.name} not found")
        rules = route["spec"]["rules"]
        if (
            route["metadata"]["resourceVersion"] != change.resource_version
            or rules[change.index]["name"] != change.rule
        ):
            raise Conflict("the object has been modified")
        backends = [dict(one) for one in change.backends]
        self.edit(change.ref, lambda obj: obj["spec"]["rules"][change.index].update(backendRefs=backends))
        self.aftermath("set_backends", change.ref)

    async def list_drift_policies(self, namespace: str) -> Sequence[dict[str, Any]]:
        self._read("list", Ref("rollmodel.dev/v1alpha1", "DriftPolicy", namespace, ""))
        return [obj for obj in self.of_kind("DriftPolicy") if obj["metadata"]["namespace"] == namespace]

    async def list_refusals(self, namespace: str, uid: str) -> Sequence[str]:
        self._read("list", Ref("v1", "Event", namespace, ""))
        return self.refusals.get(uid, ())

    async def apply(self, manifest: Manifest) -> dict[str, Any]:
        ref = self._write("apply", Ref.of(manifest))
        stored = self._apply(ref, manifest)
        self.aftermath("apply", ref)
        return deepcopy(stored)

    async def delete(self, ref: Ref, *, uid: str) -> None:
        self._write("delete", ref)
        if ref in self.objects and self.objects[ref]["metadata"]["uid"] == uid:
            self.remove(ref)
        self.aftermath("delete", ref)

    async def patch_status(self, ref: Ref, status: Mapping[str, Any], *, resource_version: str) -> dict[str, Any]:
        self._write("patch_status", ref)
        if ref not in self.objects:
            raise NotFound(f"{ref.kind} {ref.name} not found")
        if self.objects[ref]["metadata"]["resourceVersion"] != resource_version:
            raise Conflict("the object has been modified")
        known = {key: value for key, value in status.items() if key not in self.unknown_status}
        stored = self.edit(ref, lambda obj: obj.update(status=deepcopy(known)))
        self.aftermath("patch_status", ref)
        return stored

    async def patch_finalizers(self, ref: Ref, finalizers: Sequence[str], *, resource_version: str) -> dict[str, Any]:
        self._write("patch_finalizers", ref)
        if ref not in self.objects:
            raise NotFound(f"{ref.kind} {ref.name} not found")
        if self.objects[ref]["metadata"]["resourceVersion"] != resource_version:
            raise Conflict("the object has been modified")
        stored = self.edit(ref, lambda obj: obj["metadata"].update(finalizers=list(finalizers)))
        self.aftermath("patch_finalizers", ref)
        return stored

    async def event(self, involved: Manifest, event: Event) -> None:
        self.events.append(event)

    async def read_secret(self, namespace: str, name: str) -> Mapping[str, str]:
        self._read("get", Ref("v1", "Secret", namespace, name))
        try:
            return dict(self.secrets[namespace, name])
        except KeyError:
            raise NotFound(f'secrets "{name}" not found') from None

    async def secret_version(self, namespace: str, name: str) -> str:
        ref = Ref("v1", "Secret", namespace, name)
        self._read("get", ref)
        if ref not in self.objects:
            raise NotFound(f'secrets "{name}" not found')
        version: str = self.objects[ref]["metadata"]["resourceVersion"]
        return version

    def _read(self, verb: str, ref: Ref) -> None:
        self.fault(verb, ref)
        self.reads.append((verb, ref))

    def _write(self, verb: str, ref: Ref) -> Ref:
        self.fault(verb, ref)
        self.writes.append((verb, ref))
        return ref
