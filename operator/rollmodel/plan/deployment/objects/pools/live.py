"""InferencePools of revisions, as they are: who is behind one, and whose endpoint picker can choose."""

from __future__ import annotations

from collections.abc import Iterator

from rollmodel.api.modeldeployment.inference_pool import InferencePool
from rollmodel.plan import naming
from rollmodel.plan.deployment.objects.live import LiveObjects
from rollmodel.plan.deployment.observed import Observed
from rollmodel.plan.manifest import Manifest

__all__ = ["POOL_API", "POOL_GROUP", "asked_pool", "in_route", "picker_is_ready", "without_picker"]

POOL_GROUP = "inference.networking.k8s.io"
POOL_API = f"{POOL_GROUP}/v1"


def asked_pool(observed: Observed) -> InferencePool | None:
    """What the spec asks for."""
    return observed.spec.traffic.inference_pool if observed.spec.traffic is not None else None


def picker_is_ready(live: LiveObjects, revision: str) -> bool:
    """Whether there is a pool of the revision, and its picker can choose."""
    status = live.pickers.get(revision, {}).get("status") or {}
    return revision in live.pools and bool(status.get("readyReplicas"))


def in_route(live: LiveObjects, owner: str) -> frozenset[str]:
    """Revisions that the live route gives requests to by their pool."""
    route = live.shared.get("HTTPRoute")
    names = {one["name"] for one in _backends(route) if one.get("kind") == "InferencePool"} if route else set[str]()
    return frozenset(name.rpartition("-")[2] for name in names if name == naming.child(owner, name.rpartition("-")[2]))


def without_picker(observed: Observed, live: LiveObjects) -> frozenset[str]:
    """The candidate and its baseline, while they must not have traffic for want of a picker.

    One that has some keeps it while its picker is away, if Gateways choose by themselves then. The stable revision is
    never among them: that its picker is away gives nobody else its traffic.
    """
    pool, status = asked_pool(observed), observed.status
    if pool is None:
        return frozenset()
    tried = [arm.revision for arm in (status.candidate, status.baseline) if arm is not None]
    waiting = frozenset(revision for revision in tried if not picker_is_ready(live, revision))
    if not waiting:
        return waiting
    stays = in_route(live, observed.name) if pool.endpoint_picker.failure_mode == "FailOpen" else frozenset[str]()
    return waiting - stays


def _backends(route: Manifest) -> Iterator[Manifest]:
    for rule in route["spec"].get("rules") or ():
        yield from rule.get("backendRefs") or ()
