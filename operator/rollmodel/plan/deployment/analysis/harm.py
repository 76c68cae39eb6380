"""What a candidate may do at a larger weight, as far as the evidence does not exclude it yet."""

from __future__ import annotations

import math

from rollmodel.evidence.expected_harm import expected_harm as harm_of_share
from rollmodel.plan.deployment.rollout import Rollout

__all__ = ["expected_harm"]


def expected_harm(rollout: Rollout, weight: int) -> float:
    """Expected number of requests that get a worse answer at this weight (percent); inf while nothing is known."""
    assessment, plan = rollout.analysis.assessment, rollout.analysis.plan
    if assessment is None or plan is None:
        return math.inf
    share = rollout.router.share_of(weight, rollout.full_size)
    late = rollout.observed.defaults.prometheus_delay_seconds
    now = rollout.candidate.weight / 100 if rollout.candidate is not None and rollout.baseline is not None else None
    return harm_of_share(plan, assessment.metrics, share=share, late=late, now=now)
