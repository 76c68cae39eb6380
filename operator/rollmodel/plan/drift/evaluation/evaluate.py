"""One look: all windows of all signals against the profile."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rollmodel.api.driftpolicy import DriftPolicySpec, SignalKind, SignalStatus
from rollmodel.api.fields.decimals import decimal
from rollmodel.evidence.core.arrays import Array
from rollmodel.evidence.drift.alarm import thresholds
from rollmodel.plan.decision import Reading
from rollmodel.plan.drift.evaluation.history import History, whole_rows
from rollmodel.plan.drift.evaluation.judged import Judged, judge, shown_name, status_of, visible_to
from rollmodel.plan.drift.evaluation.measure import measure
from rollmodel.plan.drift.evaluation.queries import step_of
from rollmodel.plan.drift.evaluation.readings import of_performance, of_signals, of_windows
from rollmodel.plan.drift.evaluation.seen import Seen
from rollmodel.plan.drift.evaluation.watches import Watch, watches
from rollmodel.plan.drift.evaluation.windows import Times, Windows, windows_of
from rollmodel.plan.drift.profile.concurrent import Concurrent
from rollmodel.plan.drift.profile.reference import with_widths

__all__ = ["Evaluation", "evaluate", "looks_per_period"]

#: Signals that changed come first, then so many others; status has room for 20.
_MOST, _QUIET_SHOWN = 20, 5
_ALWAYS_SHOWN = {SignalKind.PERFORMANCE, SignalKind.ESTIMATED_PERFORMANCE}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was seen. ``rows`` and ``visible`` (the smallest PSI that is seen) are by window; ``spent`` is budget."""

    signals: tuple[SignalStatus, ...]
    windows: tuple[int, ...]
    rows: tuple[int, ...]
    enough: tuple[bool, ...]
    visible: tuple[float, ...]
    spent: float
    readings: tuple[Reading, ...] = ()


def looks_per_period(spec: DriftPolicySpec) -> float:
    """How many looks share the budget."""
    return spec.false_alarms.period_days * 86_400 / step_of(spec)


def evaluate(
    spec: DriftPolicySpec,
    history: History,
    before: Sequence[SignalStatus],
    *,
    at: float,
    watched_since: float,
    dispersion: Array,
    now: str,
    stable: History | None = None,
) -> Evaluation:
    """Evaluate the windows that end ``at`` (unix seconds). ``before`` is what the last look said.

    With ``stable`` the counts are a candidate's, and are compared with those of the stable revision at the same time.
    """
    spec, tests = with_widths(spec, history.layout), watches(spec, history.layout)
    alpha = _thresholds(spec, tests)
    least = float(alpha.min(initial=1.0))
    concurrent = Concurrent(history, stable) if stable is not None else None
    times = Times(at, watched_since)
    delta = _risk_of_reference(spec, tests, alpha, len(history.layout.signals))
    if delta is not None:  # the other half is that of the evaluations
        alpha = np.where([one.what == "bins" for one in tests], alpha / 2.0, alpha)
    windows = windows_of(spec, history, concurrent, times, dispersion=dispersion, alpha=least, delta=delta)
    measured = measure(windows, tests)
    judged = judge(windows, tests, measured, alpha, {one.name: one for one in before})
    rows = tuple(whole_rows(one) for one in windows.groups[:, :, 2].max(axis=1))
    enough, visible = tuple(bool(one) for one in windows.enough), tuple(_visible(windows, tests, alpha))
    return Evaluation(
        signals=tuple(status_of(windows, one, now=now) for one in _shown(judged)),
        windows=tuple(spec.windows),
        rows=rows,
        enough=enough,
        visible=visible,
        readings=(*_readings(windows, tests, measured), *of_windows(spec.windows, rows, enough, visible)),
        spent=decimal(spec.false_alarms.budget) / looks_per_period(spec) * float(windows.enough.mean()),
    )


def _thresholds(spec: DriftPolicySpec, tests: Sequence[Watch]) -> Array:
    """By test: its part of the budget of false alarms, at each look and window."""
    return thresholds(
        np.array([one.weight for one in tests]),
        budget=decimal(spec.false_alarms.budget),
        looks=looks_per_period(spec),
        windows=len(spec.windows),
    )


def _shown(judged: Sequence[Judged]) -> tuple[Judged, ...]:
    """What status has room for, the worst first: all that changed, and some of the rest."""
    worst_first = sorted(judged, key=lambda one: -one.merit)
    moving = sorted((one for one in worst_first if one.moving), key=lambda one: one.verdict != "Drifted")
    quiet = sorted((one for one in worst_first if not one.moving), key=lambda one: one.test.kind not in _ALWAYS_SHOWN)
    return _each_once([*moving, *quiet[:_QUIET_SHOWN]])[:_MOST]


def _each_once(judged: Sequence[Judged]) -> tuple[Judged, ...]:
    """Names that are cut, or without what acts, may be the same: a list by name has no room for two."""
    return tuple({(shown_name(one.test), one.window): one for one in reversed(judged)}.values())[::-1]


def _risk_of_reference(spec: DriftPolicySpec, tests: Sequence[Watch], alpha: Array, signals: int) -> Array | None:
    """With ``Anytime``, of each signal half of its part of the budget: spent once, on the profile's own chance."""
    if spec.false_alarms.mode != "Anytime":
        return None
    found = np.full(signals, 0.5)
    for test, one in zip(tests, alpha, strict=True):
        if test.what == "bins":
            whole = float(one) * looks_per_period(spec) * len(spec.windows)
            found[test.index] = min(found[test.index], max(whole / 2.0, 1e-300))
    return found


def _readings(windows: Windows, tests: Sequence[Watch], measured: Sequence[Seen]) -> Iterator[Reading]:
    if tests:
        log10_p, change = (np.stack([getattr(one, name) for one in measured]) for name in ("log10_p", "change"))
        yield from of_signals(tests, log10_p, change, windows.enough)
        yield from of_performance(tests, measured, windows.enough)


def _visible(windows: Windows, tests: Sequence[Watch], alpha: Array) -> Iterator[float]:
    """By window: the smallest PSI that is seen in the middle one of the columns."""
    bins = [(test.index, float(one)) for test, one in zip(tests, alpha, strict=True) if test.kind != SignalKind.QUALITY]
    for window in range(len(windows.enough)):
        found = [visible_to(windows, index, window, one) for index, one in bins]
        yield float(np.median(found)) if found else math.inf
