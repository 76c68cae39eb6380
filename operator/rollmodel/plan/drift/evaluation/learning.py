"""The first quiet windows of a revision: how much more than chance its counts vary."""

from __future__ import annotations

import numpy as np

from rollmodel.api.driftpolicy import DriftPolicySpec, LearntStatus
from rollmodel.evidence.core.arrays import Array
from rollmodel.evidence.drift.dispersion import Learnt, learn, replay
from rollmodel.plan.drift.evaluation.history import History
from rollmodel.plan.drift.evaluation.queries import span
from rollmodel.plan.drift.profile.concurrent import in_order_of
from rollmodel.plan.drift.profile.layout import Layout
from rollmodel.plan.drift.profile.reference import past_period, profile_period

#: A dispersion that is larger says the same: these counts prove nothing. Status has room for 1,001 of three digits.
_LARGEST = 999.0
#: With a season windows of the same hour are compared, so there must be some.
_FEWEST = 10
_WEEK = 604_800

__all__ = [
    "after_a_week",
    "dispersion_of",
    "for_candidate",
    "hours_are_alike",
    "is_calibrated",
    "learn_from",
    "quiet_steps",
    "too_much_to_learn",
]

#: Quiet windows times signals times bins that are learnt from: about ten times as many numbers are in memory meanwhile.
_MOST_QUIET = 2_000_000


def quiet_steps(spec: DriftPolicySpec, history: History, *, after: float, until: float) -> list[int]:
    """The ends of the steps that have enough rows to learn from."""
    least = spec.samples.min_per_window
    ends = (end for end in sorted(history.steps) if after < end <= until)
    return [end for end in ends if history.groups(history.steps[end])[:, 2].max() >= least]


def too_much_to_learn(spec: DriftPolicySpec, layout: Layout) -> str | None:
    """What is wrong, where learning would take the memory of everybody else's policies."""
    signals, bins = layout.shape
    quiet = spec.dependence.quiet_windows
    if spec.dependence.dispersion == "Ignore" or quiet * signals * bins <= _MOST_QUIET:
        return None
    most = _MOST_QUIET // (signals * bins)
    return (
        f"`dependence.quietWindows` of {quiet} is too many for {signals} columns of up to {bins} bins: at most {most}"
    )


def learn_from(spec: DriftPolicySpec, history: History, *, after: float, until: float, now: str) -> LearntStatus | None:
    """What the first quiet windows teach; None while there are too few."""
    ends = quiet_steps(spec, history, after=after, until=until)[: spec.dependence.quiet_windows]
    if len(ends) < spec.dependence.quiet_windows:
        return None
    period = past_period(spec)
    if period is not None:
        ends = [end for end in ends if sum((end - other) % period == 0 for other in ends) > 1]
    if len(ends) < _FEWEST:
        return None
    quiet = history.bins(np.stack([history.steps[end] for end in ends]))
    phases = None if period is None else [end % period for end in ends]
    found = learn(quiet, least=float(spec.samples.min_expected_per_bin), phases=phases)
    return LearntStatus(
        windows=found.windows,
        false_alarms=found.alarms,
        time=now,
        dispersion=",".join(f"{min(one, _LARGEST):.3g}" for one in found.dispersion),
    )


def after_a_week(
    spec: DriftPolicySpec, history: History, learnt: LearntStatus, *, since: float, at: float
) -> LearntStatus:
    """With what the first whole week says of its hours: the windows that taught may all have been of one day.

    Only where windows of less than a week are compared with a profile of all hours, and the counts reach so far back.
    """
    if learnt.week_windows is not None or at - since < _WEEK or not _needs_a_week(spec, history):
        return learnt
    known, (signals, bins) = dispersion_of(learnt, len(history.layout.signals)), history.layout.shape
    ends = quiet_steps(spec, history, after=max(since, at - _WEEK), until=at)
    if known is None or len(ends) < _FEWEST or len(ends) * signals * bins > _MOST_QUIET:
        return learnt
    windows = history.bins(np.stack([history.steps[end] for end in ends]))
    least = float(spec.samples.min_expected_per_bin)
    seen = replay(windows, known, taught_by=float(learnt.windows), least=least)
    return learnt.model_copy(update={"week_windows": len(ends), "week_false_alarms": seen})


def _needs_a_week(spec: DriftPolicySpec, history: History) -> bool:
    """Whether windows of some hours are compared with a profile of all, and counts are kept for a week."""
    shorter = spec.reference.training is not None and min(spec.windows) < _WEEK <= span(spec)
    return shorter and profile_period(spec, history.layout) is None


def for_candidate(learnt: LearntStatus | None, candidate: History, stable: History) -> LearntStatus | None:
    """What the stable revision taught, in the order of the candidate's signals; the median for those it has not."""
    found = dispersion_of(learnt, len(stable.layout.signals))
    if learnt is None or found is None:
        return None
    ordered = in_order_of(candidate, stable, found, float(np.median(found)))
    return learnt.model_copy(update={"dispersion": ",".join(f"{one:.3g}" for one in ordered)})


def dispersion_of(learnt: LearntStatus | None, signals: int) -> Array | None:
    """The dispersion of each signal; None where it was learnt from others."""
    try:
        values = np.array([float(one) for one in learnt.dispersion.split(",")]) if learnt is not None else np.zeros(0)
    except ValueError:
        return None
    return values if len(values) == signals and np.isfinite(values).all() and (values >= 1.0).all() else None


def hours_are_alike(learnt: LearntStatus) -> bool:
    """Whether the test kept its level in the hours of the first week, too; also where that is not known."""
    if learnt.week_windows is None or learnt.week_false_alarms is None:
        return True
    return Learnt(np.ones(1), learnt.week_windows, learnt.week_false_alarms).calibrated


def is_calibrated(learnt: LearntStatus) -> bool:
    """Whether the test kept its level in the quiet windows."""
    return Learnt(np.ones(1), learnt.windows, learnt.false_alarms).calibrated
