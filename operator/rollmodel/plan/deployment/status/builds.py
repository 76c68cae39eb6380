"""Pods of one revision that run different builds: a tag that moves brings a build past the canary.

Pods are listed only while some are not ready, as a new pod is at first. What was seen then stays said until the next
time; nothing is asked for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from rollmodel.api.conditions import find
from rollmodel.plan.conditions import ConditionDraft
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.status.restarts import model_containers, pods_of

__all__ = ["BUILDS_DIFFER", "builds"]

BUILDS_DIFFER = "BuildsDiffer"
_SHOWN = 19


def builds(rollout: Rollout) -> dict[str, ConditionDraft]:
    """The condition, where something is known: it is there once builds were seen to differ."""
    before = find(rollout.observed.status.conditions, BUILDS_DIFFER)
    if not rollout.observed.pods:
        return {}
    found = next(_mixed(rollout), None)
    if found is not None:
        return {BUILDS_DIFFER: ConditionDraft("True", "ImageTagMoved", found)}
    return {} if before is None else {BUILDS_DIFFER: ConditionDraft("False", "OneBuild", "")}


def _mixed(rollout: Rollout) -> Iterator[str]:
    for arm in (rollout.stable, rollout.candidate):
        if arm is None:
            continue
        fresh = rollout.baseline if arm is rollout.stable else None
        found = [pair for one in (arm, fresh) if one is not None for pair in _digests(rollout, one.revision)]
        seen = {digest: pod for pod, digest in sorted(found, reverse=True)}
        if len(seen) > 1:
            each = ", ".join(f"{digest[:_SHOWN]} (pod {pod})" for digest, pod in sorted(seen.items()))
            yield (
                f"pods of {rollout.label(arm.revision)} run different builds: {each}; the tag of `runtime.image` has"
                " moved, and a build gets traffic that nobody has judged: name the image by digest"
            )


def _digests(rollout: Rollout, revision: str) -> Iterator[tuple[str, str]]:
    """Pod and digest of its image. An ID that is not the registry's differs from node to node, and says nothing."""
    for pod in pods_of(rollout.context, revision):
        for container in model_containers(pod):
            _, at, digest = str(container.get("imageID") or "").rpartition("@")
            if at:
                yield pod["metadata"]["name"], digest
