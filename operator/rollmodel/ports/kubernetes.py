"""The Kubernetes API as the reconciler needs it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

from rollmodel.plan.decision import Event, Ref, SetBackends
from rollmodel.plan.manifest import Manifest

__all__ = ["Kube"]


class Kube(Protocol):
    """The Kubernetes API as the reconciler needs it."""

    @property
    def gateway_available(self) -> bool:
        """Whether the API server serves HTTPRoute of the Gateway API, which is an add-on."""
        ...

    def serves(self, kind: str) -> bool:
        """Whether objects of this kind of children can be made: it is installed, and not switched off."""
        ...

    async def get(self, ref: Ref) -> dict[str, Any] | None:
        """The live object, read from the API server, or None where it does not exist."""
        ...

    def adopt(self, owner: Manifest) -> None:
        """This object exists: its children are kept from now on."""
        ...

    def disown(self, owner: Manifest) -> None:
        """This object is gone, and so are its children soon."""
        ...

    def children(self, owner: Manifest) -> Sequence[dict[str, Any]]:
        """The objects that the owner controls, from the watch cache: no request. Includes our own last writes.

        They are in its namespace, and name it by kind, name and UID. Nobody may change them.
        """
        ...

    def models(self) -> AsyncIterator[Manifest]:
        """All ModelDeployments where we work, read from the API server page by page (used only to count rollouts)."""
        ...

    async def list_workloads(self, namespace: str) -> Sequence[dict[str, Any]] | None:
        """Kueue's Workloads of a namespace, read from the API server; None where Kueue is not installed."""
        ...

    async def list_pods(self, namespace: str, labels: Mapping[str, str]) -> Sequence[dict[str, Any]]:
        """Pods with all these labels, read from the API server (used only while something is not ready)."""
        ...

    async def list_other_routes(self) -> Sequence[Manifest]:
        """HTTPRoutes that are not ours, where we work (used only when an address is new to us)."""
        ...

    def users_route(self, owner: Manifest, name: str) -> Manifest | None:
        """The HTTPRoute of somebody else with this name and our label, in the owner's namespace, from the watch cache.

        It costs no request, and the owner is woken when the route changes.
        """
        ...

    async def set_backends(self, change: SetBackends) -> None:
        """Replace the backends of a rule. Conflict where the route has another resourceVersion."""
        ...

    async def list_drift_policies(self, namespace: str) -> Sequence[dict[str, Any]]:
        """DriftPolicies of a namespace, the newest state of each (used only where one starts a training)."""
        ...

    async def list_refusals(self, namespace: str, uid: str) -> Sequence[str]:
        """Why pods of the Job with this UID could not be created, newest first (used only while it has none)."""
        ...

    async def apply(self, manifest: Manifest) -> dict[str, Any]:
        """Server-side apply with our field manager, force. Returns the object as stored.

        Refuses (Invalid) to touch an object that exists and is controlled by somebody else. Conflict where that is the
        object that had the owner's name before: what it left is being deleted.
        """
        ...

    async def delete(self, ref: Ref, *, uid: str) -> None:
        """Delete in the background, only if the object still has this UID; an absent object is success."""
        ...

    async def patch_status(self, ref: Ref, status: Mapping[str, Any], *, resource_version: str) -> dict[str, Any]:
        """Replace the status as a whole if the object still has this resourceVersion, else Conflict."""
        ...

    async def patch_finalizers(self, ref: Ref, finalizers: Sequence[str], *, resource_version: str) -> dict[str, Any]:
        """Replace the finalizers if the object still has this resourceVersion, else Conflict."""
        ...

    async def event(self, involved: Manifest, event: Event) -> None:
        """Post an Event about an object. Never raises: an Event that cannot be posted is logged."""
        ...

    async def read_secret(self, namespace: str, name: str) -> Mapping[str, str]:
        """The decoded data of a Secret, for a connection. NotFound or Forbidden where it cannot be read."""
        ...

    async def secret_version(self, namespace: str, name: str) -> str:
        """The resourceVersion of a Secret: another one after each write. Nothing of what it holds is received.

        NotFound or Forbidden where it cannot be read.
        """
        ...
