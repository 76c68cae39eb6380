"""Pairs exist while requests are copied. After that nobody waits for them."""

from __future__ import annotations

from collections.abc import Mapping

from rollmodel.evidence.core.samples import NoEvidence, NoEvidenceReason
from rollmodel.plan.deployment.analysis.signals.signal import Sampled
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.strategies.current_goal import current_goal

__all__ = ["without_copies"]


def without_copies(rollout: Rollout, by_metric: Mapping[str, Sampled]) -> dict[str, Sampled]:
    """The samples; where requests are not copied now, paired metrics say so in place of that there are no pairs."""
    paired = {metric.name for metric in rollout.spec.analysis.metrics if metric.paired is not None}
    if not paired or current_goal(rollout).mirrored:
        return dict(by_metric)
    ended = NoEvidence(NoEvidenceReason.COPIES_ENDED, "requests are not copied any more; what was proven stays proven")
    return {
        name: [(window, ended) for window, _ in samples] if name in paired else samples
        for name, samples in by_metric.items()
    }
