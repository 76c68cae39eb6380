"""Samples that come later than they are waited for: what was used up as a window without requests has some now.

While nothing is counted, one query of each tick begins :data:`LOOK_BACK` seconds earlier. If counters of both versions
moved in a window that the judge has seen without data, the samples came after it had been used up. And if samples come
less often than windows end, which nobody knew of a stable revision without a past, no window has samples of both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from rollmodel.api import conditions
from rollmodel.evidence import judge, sample_ratio
from rollmodel.evidence.core.increments import Grid
from rollmodel.evidence.verdict import seconds_without_data
from rollmodel.plan.deployment.analysis.missing.arrival import scrape_seconds, window_seconds
from rollmodel.plan.deployment.analysis.missing.presence import NO_SERIES
from rollmodel.plan.deployment.analysis.missing.silence import nearly_silent
from rollmodel.plan.deployment.analysis.promql import REVISION_LABEL
from rollmodel.plan.deployment.analysis.signals.signal import Arms, MetricQuery
from rollmodel.plan.deployment.observed import Answer, Observed
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.problem import Problem

__all__ = [
    "LOOK_BACK",
    "NO_TRAFFIC",
    "SAMPLES_LATE",
    "asked_for",
    "late_samples",
    "longer_windows",
    "looked_back",
    "looks_back",
]

NO_TRAFFIC, SAMPLES_LATE = "NoTraffic", "SamplesLate"
#: How far back, in seconds: as far as ROLLMODEL_PROMETHEUS_DELAY_SECONDS goes.
LOOK_BACK = 600.0


def looks_back(observed: Observed, judge_state: judge.JudgeState) -> bool:
    """Whether there may be more than was counted: nothing was at the tick before, or less than its share of an arm."""
    before = conditions.find(observed.status.conditions, "MetricsAvailable")
    if before is not None and before.reason in {NO_TRAFFIC, NO_SERIES, SAMPLES_LATE}:
        return True
    return sample_ratio.alarm(judge_state.share) is not None or nearly_silent(observed)


def asked_for(observed: Observed, name: str, query: MetricQuery) -> Answer | Problem | None:
    """The answer to a query, without what lies before its start."""
    answer = observed.answers.get(name)
    if not query.before or not isinstance(answer, Answer):
        return answer
    trimmed = [(labels, [point for point in points if point[0] >= query.start]) for labels, points in answer.series]
    return Answer([(labels, points) for labels, points in trimmed if points])


def late_samples(
    rollout: Rollout, judge_state: judge.JudgeState, asked: Mapping[str, MetricQuery], arms: Arms
) -> list[Problem]:
    """That samples are too late, if an answer that looks back shows it. ``judge_state``: before this answer."""
    if (found := looked_back(rollout, asked)) is None:
        return []
    name, answer, grid = found
    query = asked[name]
    moved = _moved(answer, grid, arms)
    counted = sorted(moved["stable"] & moved["candidate"])
    unseen = judge_state.end - seconds_without_data(judge_state)
    late = [tick for tick in counted if unseen < grid.window(tick - 1, tick).end <= judge_state.end]
    if not late:
        return []
    newest = grid.window(counted[-1] - 1, counted[-1]).end
    seconds = math.ceil(rollout.now.timestamp() - newest)
    message = (
        f"metric '{name}': samples come about {seconds} s after they were taken, which is too late to judge by:"
        f" set ROLLMODEL_PROMETHEUS_DELAY_SECONDS to {seconds + query.step:.0f} or more"
    )
    return [Problem(SAMPLES_LATE, message)]


def longer_windows(
    rollout: Rollout, judge_state: judge.JudgeState, asked: Mapping[str, MetricQuery], arms: Arms
) -> float | None:
    """Seconds that windows must have, if they are too short and the judge has not had one with data so far.

    The samples of the stable arm say it: the judge that begins anew finds the same in the past of that revision, or of
    the one whose baseline it is.
    """
    if (found := looked_back(rollout, asked)) is None or not judge_state.ticks:
        return None
    _, answer, grid = found
    interval = judge_state.plan.interval
    if seconds_without_data(judge_state) < judge_state.ticks * interval:
        return None
    of_stable = Answer([one for one in answer.series if arms.get(one[0].get(REVISION_LABEL, "")) == "stable"])
    seconds = window_seconds(interval, scrape_seconds([of_stable], grid))
    return seconds if seconds > interval else None


def looked_back(rollout: Rollout, asked: Mapping[str, MetricQuery]) -> tuple[str, Answer, Grid] | None:
    """The metric whose query began earlier, its answer, and the grid of that; None where there is none."""
    name = next((name for name, query in asked.items() if query.before), None)
    answer = rollout.observed.answers.get(name) if name is not None else None
    if name is None or not isinstance(answer, Answer):
        return None
    query = asked[name]
    return name, answer, Grid(query.start - query.before, query.end, query.step)


def _moved(answer: Answer, grid: Grid, arms: Arms) -> dict[str, set[int]]:
    """The ticks at which a counter of an arm has another value than at the tick before."""
    found: dict[str, set[int]] = {"stable": set(), "candidate": set()}
    for labels, points in answer.series:
        arm = arms.get(labels.get(REVISION_LABEL, ""))
        if arm in found:
            found[arm] |= _ticks(points, grid)
    return found


def _ticks(points: Sequence[tuple[float, float]], grid: Grid) -> set[int]:
    placed = [(grid.index(time), value) for time, value in points]
    return {
        tick
        for (before, old), (tick, new) in pairwise(placed)
        if before is not None and tick == before + 1 and new != old
    }
