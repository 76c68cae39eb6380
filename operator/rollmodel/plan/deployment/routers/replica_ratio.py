"""Traffic split by the number of ready pods behind one Service, where ``traffic`` is omitted: nothing to install."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.plan import naming
from rollmodel.plan.deployment.objects.live import LiveObjects
from rollmodel.plan.deployment.objects.meta import Owner
from rollmodel.plan.deployment.objects.traffic.services import holding_service, main_service
from rollmodel.plan.deployment.routers.traffic import (
    Capabilities,
    ObservedTraffic,
    Split,
    percentages,
    weights_line,
)
from rollmodel.plan.manifest import Manifest

__all__ = ["ReplicaRatio"]


@dataclass(frozen=True, slots=True)
class ReplicaRatio:
    """The main Service selects the pods of all revisions, and connections spread over them by number."""

    kinds: ClassVar[frozenset[str]] = frozenset({"Service"})
    capabilities: ClassVar[Capabilities] = Capabilities(
        exact_weights=False, mirror=False, header_match=False, others_must_drain=True, revision_services=False
    )

    @classmethod
    def of(cls, spec: ModelDeploymentSpec) -> Self | None:
        """For every spec."""
        del spec
        return cls()

    def pods_for(self, weight: int, full: int) -> int:
        """Beside a full stable revision w N / (100 - w), never more than the full size; status has what is achieved."""
        if full == 0 or weight == 0:
            return 0
        return full if weight >= 100 else min(full, max(1, round(weight * full / (100 - weight))))

    def share_of(self, weight: int, full: int) -> float:
        """As the pods give it."""
        pods = self.pods_for(weight, full)
        return pods / max(1, pods + full)

    def objects(self, owner: Owner, split: Split, *, installed: bool) -> Iterator[Manifest]:
        """The Service: for the pods of all revisions only while no retired pods are among them."""
        del installed
        if split.holding:
            yield holding_service(owner)
        elif not split.weights:
            yield main_service(owner, split.main)
        else:
            several = len(split.weights) > 1 and not split.draining
            yield main_service(owner, None if several else next(iter(split.weights)))

    def live_weights(self, owner: Owner, live: LiveObjects) -> Mapping[str, int]:
        """As the live Service selects ready pods."""
        del owner
        if live.main_service is None:
            return {}
        selector = live.main_service["spec"]["selector"]
        if naming.HOLDING in selector:
            return {}
        chosen = selector.get(naming.REVISION)
        ready = {revision: live.ready(revision) for revision in live.deployments}
        return {chosen: 100} if chosen else percentages(ready)

    def observe(self, owner: Owner, live: LiveObjects, *, installed: bool) -> ObservedTraffic:
        """From the live Service and the ready pods behind it."""
        del installed
        if live.main_service is None:
            return ObservedTraffic({}, "Unknown", "NoServiceYet", "the Service is being created")
        weights = self.live_weights(owner, live)
        chosen = live.main_service["spec"]["selector"].get(naming.REVISION)
        reason = "OneRevision" if chosen else "SplitByReplicas"
        return ObservedTraffic(weights, "True", reason, weights_line(weights))
