"""Samples of some pods that come later than is waited for, while those of others come in time.

The windows look complete then, and one arm seems to get fewer requests than its weight, or none. A look at the same
minutes some time later tells that from a wrong split or a server that hangs: the counters show more requests in them
than were counted, and those of some pods stand still at the end of the answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from rollmodel.api import conditions
from rollmodel.evidence.core.increments import Grid
from rollmodel.evidence.core.samples import Sample, Window
from rollmodel.evidence.counted import Counted
from rollmodel.plan.deployment.analysis.missing.lateness import SAMPLES_LATE, looked_back
from rollmodel.plan.deployment.analysis.missing.silence import MISSING_REQUESTS
from rollmodel.plan.deployment.analysis.promql import REVISION_LABEL
from rollmodel.plan.deployment.analysis.signals import signal_of
from rollmodel.plan.deployment.analysis.signals.signal import Arms, MetricQuery, UnexpectedAnswer
from rollmodel.plan.deployment.observed import Answer
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.problem import Problem

__all__ = ["Arm", "late_pods", "name_of"]

Arm = Literal["candidate", "stable"]

#: The part of an arm's requests that must have come too late: less is no reason for a split that looks wrong.
_LEAST_PART = 0.1
#: What came in batches stands still in most answers, not in each: so long after the last that did, it is told on.
_STILL_SECONDS = 120.0
_SHOWN = 3


def name_of(arms: Arms) -> str:
    """Beside whom the candidate is compared, as the judge remembers it."""
    return next((f"{revision} {arm}" for revision, arm in arms.items() if arm != "candidate"), "nobody")


@dataclass(frozen=True, slots=True)
class _Minute:
    """Requests of an arm in a minute: as they were counted, and as the counters show them now."""

    end: float
    counted: float
    shown: float


def late_pods(
    rollout: Rollout, counted: Counted, asked: Mapping[str, MetricQuery], arms: Arms, few: Arm
) -> list[Problem]:
    """That samples of some pods are too late, if an answer that looks back shows it.

    ``counted``: what the judge had counted before this answer. ``few``: the arm that seems to get too few requests.
    """
    found = looked_back(rollout, asked)
    if found is None or counted.arms != name_of(arms):
        return []
    name, answer, grid = found
    shown = _shown(rollout, name, answer, asked[name], arms)
    minutes = [one for one in _minutes(counted, shown, few) if one.shown > one.counted]
    missing, of = sum(one.shown - one.counted for one in minutes), sum(one.shown for one in minutes)
    if missing < max(MISSING_REQUESTS, _LEAST_PART * of):
        return []
    who = next(revision for revision, arm in arms.items() if arm == few)
    pods = _standing_still(answer, grid, who)
    if not pods:
        return _told_before(rollout, minutes[-1].end)
    said = f"{round(100 * missing / of)} % of the requests of {rollout.label(who)} came too late to be counted"
    return [Problem(SAMPLES_LATE, f"metric '{name}': {said}: {_advice(rollout, pods, grid.step)}")]


def _advice(rollout: Rollout, pods: Mapping[str, float], step: float) -> str:
    """Which pods they are, how late, and what helps."""
    seconds = math.ceil(rollout.now.timestamp() - min(pods.values()))
    names = sorted(pods, key=lambda pod: (pods[pod], pod))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (
        f"samples of {', '.join(names[:_SHOWN])}{more} come about {seconds} s after they were taken, those of others"
        f" sooner, so the split of traffic may be right: set ROLLMODEL_PROMETHEUS_DELAY_SECONDS to"
        f" {seconds + step:.0f} or more"
    )


def _shown(rollout: Rollout, name: str, answer: Answer, query: MetricQuery, arms: Arms) -> list[tuple[Window, Sample]]:
    """The windows of the whole answer."""
    metric = next(metric for metric in rollout.spec.analysis.metrics if metric.name == name)
    whole = replace(query, start=query.start - query.before, before=0.0)
    try:
        return list(signal_of(metric).samples(answer, whole, arms))
    except UnexpectedAnswer:
        return []


def _minutes(counted: Counted, shown: list[tuple[Window, Sample]], arm: Arm) -> Iterator[_Minute]:
    """The minutes that the answer covers whole."""
    place = 0 if arm == "candidate" else 1
    for minute in counted.minutes:
        inside = [(w, sample) for w, sample in shown if minute.begin <= w.start and w.end <= minute.end]
        if sum(w.end - w.start for w, _ in inside) == minute.end - minute.begin:
            now = sum(sample.requests[place] for _, sample in inside)
            yield _Minute(minute.end, minute.candidate if arm == "candidate" else minute.stable, now)


def _standing_still(answer: Answer, grid: Grid, revision: str) -> dict[str, float]:
    """The pods whose counters went on, and stand still at the end: when they moved last (unix seconds)."""
    moved: dict[str, set[int]] = {}
    there: set[str] = set()
    for labels, points in answer.series:
        if labels.get(REVISION_LABEL) != revision:
            continue
        pod = labels.get("pod", "")
        ticks = [(grid.index(time), value) for time, value in points]
        there |= {pod} if ticks and ticks[-1][0] == grid.last else set()
        moved.setdefault(pod, set()).update(tick for (_, old), (tick, new) in pairwise(ticks) if tick and new != old)
    late = {pod: max(ticks) for pod, ticks in moved.items() if _stands_still(sorted(ticks), grid.last)}
    alive = {pod: tick for pod, tick in late.items() if pod in there}  # others may be gone
    return {pod: grid.start + tick * grid.step for pod, tick in (alive or late).items()}


def _stands_still(ticks: list[int], last: int) -> bool:
    """Whether a counter has stood still at the end for as long as between any two moves, though it moved."""
    return len(ticks) > 1 and last - ticks[-1] >= max(after - before for before, after in pairwise(ticks))


def _told_before(rollout: Rollout, newest: float) -> list[Problem]:
    """What was told at the tick before, if that is not long ago: samples that come in batches have just come."""
    before = conditions.find(rollout.observed.status.conditions, "MetricsAvailable")
    waited = rollout.observed.defaults.prometheus_delay_seconds + _STILL_SECONDS
    if before is None or before.reason != SAMPLES_LATE or rollout.now.timestamp() - newest > waited:
        return []
    return [Problem(before.reason, before.message)]
