"""In which order children are applied: traffic is taken away first, and given last.

A loser must lose its traffic at once, even where a policy refuses every other object of the pass. A revision gets
traffic only once its pods and its Service are there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rollmodel.plan import naming
from rollmodel.plan.decision import ApplyObject, Ref
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.strategies.split import desired_weights
from rollmodel.plan.manifest import Manifest

__all__ = ["in_order"]


def in_order(changed: Sequence[Manifest], rollout: Rollout) -> tuple[ApplyObject, ...]:
    """Those that must be applied, each with what it needs. In ``changed`` pods come before weight."""
    if not changed:
        return ()
    before = rollout.router.live_weights(rollout.owner, rollout.live)
    after = desired_weights(rollout)
    traffic = [manifest for manifest in changed if _is_traffic(manifest, rollout)]
    others = [ApplyObject(manifest) for manifest in changed if manifest not in traffic]
    if _takes_away(before, after, rollout):
        return (*map(ApplyObject, traffic), *others)
    needs = _services([revision for revision, weight in after.items() if weight > before.get(revision, 0)], rollout)
    return (*others, *(_given(manifest, needs) for manifest in traffic))


def _is_traffic(manifest: Manifest, rollout: Rollout) -> bool:
    """Whether the router made it: it belongs to no single revision."""
    labels = manifest["metadata"].get("labels") or {}
    shared = naming.REVISION not in labels and naming.PICKER not in labels
    return shared and manifest["kind"] in rollout.router.kinds


def _takes_away(before: Mapping[str, int], after: Mapping[str, int], rollout: Rollout) -> bool:
    """Whether somebody loses traffic, other than a stable revision that serves and gives it away in its own time."""
    stable = rollout.stable.revision if rollout.stable is not None and _serves(rollout.stable.revision, rollout) else ""
    return any(weight > after.get(revision, 0) for revision, weight in before.items() if revision != stable)


def _serves(revision: str, rollout: Rollout) -> bool:
    return rollout.live.ready(revision) > 0


def _services(revisions: Sequence[str], rollout: Rollout) -> frozenset[Ref]:
    namespace, name = rollout.observed.namespace, rollout.observed.name
    return frozenset(Ref("v1", "Service", namespace, naming.child(name, revision)) for revision in revisions)


def _given(manifest: Manifest, needs: frozenset[Ref]) -> ApplyObject:
    """The main Service selects pods by itself; everything else names the Services of revisions."""
    return ApplyObject(manifest) if manifest["kind"] == "Service" else ApplyObject(manifest, needs)
