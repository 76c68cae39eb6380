"""The Kubernetes API in memory, as ``rollmodel.ports.Kube`` sees it.

Faithful where it matters to a reconciler: resourceVersions, UIDs, generations, a status of its own, server-side apply
that forgets what is no longer applied, finalizers, and garbage collection by owner. ``tests/support/contract.py`` holds
it and the real adapter to the same promises.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from rollmodel.errors import Conflict, Invalid, NotFound, Unavailable
from rollmodel.plan import naming
from rollmodel.plan.access.ownership import controller_of, identity_of, succeeds
from rollmodel.plan.decision import Event, Ref, SetBackends

__all__ = ["InMemoryKube"]

Manifest = Mapping[str, Any]
Fault = Callable[[str, Ref], None]


class InMemoryKube:
    """Holds objects by address. ``fault(verb, ref)`` is called before each request, ``aftermath`` after each write, and
    either may raise. ``policy`` may change what is applied before it is stored, as admission does. Fields of
    ``unknown_status`` are dropped from statuses, as by older CRDs.

    ``writes`` records (verb, address) of everything that the code under test wrote; ``events`` what it posted.
    """

    def __init__(self) -> None:
        self.objects: dict[Ref, dict[str, Any]] = {}
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
        self.policy: Callable[[dict[str, Any]], None] = lambda obj: None
        self._version = 1
        self._applied: dict[Ref, dict[str, Any]] = {}

    # --- what people and other controllers do -------------------------------------------------------------------

    def create(self, manifest: Manifest) -> dict[str, Any]:
        """Somebody else creates an object."""
        ref = Ref.of(manifest)
        assert ref not in self.objects, f"{ref} exists"
        return deepcopy(self._create(ref, manifest))

    def edit(self, ref: Ref, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """Somebody else changes an object, spec or status."""
        changed = deepcopy(self.objects[ref])
        change(changed)
        return deepcopy(self._store(ref, changed))

    def remove(self, ref: Ref) -> None:
        """Somebody else deletes an object; with finalizers it stays until :meth:`edit` takes them away."""
        live = self.objects[ref]
        if live["metadata"].get("finalizers"):
            self.edit(ref, lambda obj: obj["metadata"].update(deletionTimestamp="2026-01-01T00:00:00Z"))
            return
        del self.objects[ref]
        self._applied.pop(ref, None)
        self._collect(live["metadata"]["uid"])

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """All objects of a kind."""
        return [deepcopy(obj) for ref, obj in self.objects.items() if ref.kind == kind]

    # --- rollmodel.ports.Kube -----------------------------------------------------------------------------------

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

    # --- inside --------------------------------------------------------------------------------------------------

    def _read(self, verb: str, ref: Ref) -> None:
        self.fault(verb, ref)
        self.reads.append((verb, ref))

    def _write(self, verb: str, ref: Ref) -> Ref:
        self.fault(verb, ref)
        self.writes.append((verb, ref))
        return ref

    def _apply(self, ref: Ref, manifest: Manifest) -> dict[str, Any]:
        live = self.objects.get(ref)
        if live is None:
            self._applied[ref] = deepcopy(dict(manifest))
            created = deepcopy(dict(manifest))
            self.policy(created)
            return self._create(ref, created)
        if controller_of(live) != controller_of(manifest):
            if live["metadata"].get("deletionTimestamp"):
                raise Unavailable(f"{ref.kind} {ref.name} of another object is being deleted", reason="BeingDeleted")
            if succeeds(controller_of(manifest), controller_of(live)):
                raise Conflict(f"{ref.kind} {ref.name} goes with the object that had this name before")
            raise Invalid(f"{ref.kind} {ref.name} exists and is not controlled by this object", reason="NameTaken")
        merged = _merge(_without(deepcopy(live), self._applied.get(ref, {}), manifest), manifest)
        self.policy(merged)
        self._applied[ref] = deepcopy(dict(manifest))
        return self._store(ref, merged)

    def _create(self, ref: Ref, manifest: Manifest) -> dict[str, Any]:
        obj = deepcopy(dict(manifest))
        system = {"uid": str(uuid.uuid4()), "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z"}
        obj["metadata"] = {**obj["metadata"], **system, "resourceVersion": self._next()}
        self.objects[ref] = obj
        return obj

    def _store(self, ref: Ref, changed: dict[str, Any]) -> dict[str, Any]:
        live = self.objects[ref]
        if changed == live:
            return live
        if changed.get("spec") != live.get("spec"):
            changed["metadata"]["generation"] = live["metadata"]["generation"] + 1
        changed["metadata"]["resourceVersion"] = self._next()
        self.objects[ref] = changed
        if changed["metadata"].get("deletionTimestamp") and not changed["metadata"].get("finalizers"):
            self.remove(ref)
        return changed

    def _next(self) -> str:
        self._version += 1
        return str(self._version)

    def _collect(self, owner_uid: str) -> None:
        for ref in [ref for ref, obj in self.objects.items() if owner_uid in _owners(obj)]:
            if ref in self.objects:
                self.remove(ref)


def _owners(obj: Manifest) -> Iterator[str]:
    yield from (owner["uid"] for owner in obj["metadata"].get("ownerReferences", ()))


def _merge(live: Any, wanted: Any) -> Any:
    """Maps are merged, everything else is replaced."""
    if not (isinstance(live, Mapping) and isinstance(wanted, Mapping)):
        return deepcopy(wanted)
    return {**live, **{key: _merge(live.get(key), value) for key, value in wanted.items()}}


def _without(live: Any, before: Any, now: Any) -> Any:
    """Take away what we applied before and no longer apply."""
    if not all(isinstance(part, Mapping) for part in (live, before, now)):
        return live
    for key, value in before.items():
        if key in live:
            live[key] = _without(live[key], value, now.get(key))
            if key not in now:
                del live[key]
    return live
