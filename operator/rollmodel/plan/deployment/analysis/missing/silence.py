"""Silence: a candidate that has traffic and ready pods, and counts no request while the stable revision does.

A server that hangs counts nothing (it counts what it has answered), and so does one that the gateway cannot reach. Both
look like a quiet night to each metric alone; the split tells them apart. While stable counts ``n`` requests at a share
``w`` of the candidate, the candidate should count ``n * w / (1 - w)``. If requests come independently, it counts none
by chance with probability ``exp(-n * w / (1 - w))``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from rollmodel.api.modeldeployment import ArmStatus
from rollmodel.evidence.core.samples import Sample, Window
from rollmodel.plan.deployment.analysis.labels import label_delay
from rollmodel.plan.deployment.observed import Observed
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.state import change
from rollmodel.plan.deployment.strategies.current_goal import current_goal
from rollmodel.plan.problem import Problem
from rollmodel.plan.times import parse, stamp

__all__ = [
    "LEAST_SECONDS",
    "MISSING_REQUESTS",
    "SILENT",
    "heard",
    "least_seconds",
    "missing_requests",
    "nearly_silent",
    "silence",
]

SILENT = "CandidateSilent"

#: So many requests must be missing. The chance of that after any one answer is exp(-50) = 2e-22 where requests come
#: independently, and exp(-50 / 4) = 4e-6 where they come in bursts of four.
MISSING_REQUESTS = 50.0
#: And they must be missing for so long, and at least in three windows: the first scrapes of a pod may come late.
LEAST_SECONDS = 120.0
_LEAST_WINDOWS = 3


def heard(rollout: Rollout, arm: ArmStatus, window: Window, samples: Mapping[str, Sample]) -> ArmStatus:
    """The candidate after a window: one request ends its silence; else what stable counted meanwhile is added up."""
    of_candidate = max((sample.requests[0] for sample in samples.values()), default=0.0)
    of_stable = max((sample.requests[1] for sample in samples.values()), default=0.0)
    if of_candidate > 0 or not _expected(rollout, arm) or arm.ready_since is None:
        return change(arm, silent_since=None, stable_requests=None)
    if of_stable <= 0 or not _settled(rollout, arm, window):
        return arm
    since = arm.silent_since or stamp(datetime.fromtimestamp(window.start, UTC))
    return change(arm, silent_since=since, stable_requests=min((arm.stable_requests or 0) + round(of_stable), 2**53))


def missing_requests(rollout: Rollout, arm: ArmStatus) -> float:
    """Requests that the candidate should have counted since it fell silent."""
    return (arm.stable_requests or 0) * _expected(rollout, arm)


def least_seconds(interval: float) -> float:
    """For how long requests must be missing, with windows of ``interval`` seconds."""
    return max(LEAST_SECONDS, _LEAST_WINDOWS * interval)


def nearly_silent(observed: Observed) -> bool:
    """Whether the candidate has counted nothing for nearly as long as its silence takes."""
    arm, interval = observed.status.candidate, observed.spec.analysis.interval_seconds
    if arm is None or arm.silent_since is None:
        return False
    return (observed.now - parse(arm.silent_since)).total_seconds() >= least_seconds(interval) - 2 * interval


def silence(rollout: Rollout, seen_until: datetime | None) -> list[Problem]:
    """The silence of the candidate, if it cannot be chance."""
    arm = rollout.candidate
    if arm is None or arm.silent_since is None or seen_until is None:
        return []
    seconds = (seen_until - parse(arm.silent_since)).total_seconds()
    if (
        seconds < least_seconds(rollout.spec.analysis.interval_seconds)
        or missing_requests(rollout, arm) < MISSING_REQUESTS
    ):
        return []
    gets = (
        f"has {arm.weight} % of the traffic" if arm.weight else f"gets copies of {_copied(rollout)} % of the requests"
    )
    message = (
        f"{rollout.label(arm.revision)} {gets} and ready pods, and has counted no request"
        f" since {arm.silent_since}, while the stable revision goes on: does it answer, and can the gateway reach it?"
    )
    return [Problem(SILENT, message)]


def _expected(rollout: Rollout, arm: ArmStatus) -> float:
    """Requests, or copies, that the candidate should count for each request of those that it is compared with."""
    if arm.weight and rollout.baseline is not None and rollout.baseline.weight:
        return arm.weight / rollout.baseline.weight
    if arm.weight:
        return arm.weight / (100 - arm.weight) if arm.weight < 100 else 0.0
    return _copied(rollout) / 100


def _copied(rollout: Rollout) -> int:
    """Percent of the requests that the candidate gets a copy of."""
    return current_goal(rollout).mirrored


def _settled(rollout: Rollout, arm: ArmStatus, window: Window) -> bool:
    """Whether the weight, or the step with copies, was in force, and labels had their time, before the window began."""
    since = arm.weight_since if arm.weight else arm.since
    if since is None:
        return False
    delay = label_delay(rollout.spec.analysis) + rollout.spec.analysis.interval_seconds
    return window.start >= parse(since).timestamp() + delay
