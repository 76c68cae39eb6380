"""One look: all windows of all signals against the profile."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rollmodel.api.driftpolicy import DriftPolicySpec, SignalKind, SignalStatus
from rollmodel.api.fields.decimals import decimal
from rollmodel.evidence.core.arrays import Array
from rollmodel.evidence.drift.alarm import QUIET, Hysteresis, Track, thresholds
from rollmodel.evidence.drift.anytime import visible_psi_anytime
from rollmodel.evidence.drift.power import visible_psi
from rollmodel.plan.decision import Reading
from rollmodel.plan.drift.evaluation.history import History
from rollmodel.plan.drift.evaluation.measure import measure
from rollmodel.plan.drift.evaluation.queries import step_of
from rollmodel.plan.drift.evaluation.readings import of_performance, of_signals, of_windows
from rollmodel.plan.drift.evaluation.seen import Seen
from rollmodel.plan.drift.evaluation.watches import Watch, watches
from rollmodel.plan.drift.evaluation.windows import Times, Windows, windows_of
from rollmodel.plan.drift.profile.concurrent import Concurrent

__all__ = ["Evaluation", "evaluate", "looks_per_period"]

_WORDS = {"null": "missing values", "unseen": "values hardly seen in training"}
#: A change less certain than that is none.
_DOUBT = -2.0
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
    tests = watches(spec, history.layout)
    alpha = thresholds(
        np.array([one.weight for one in tests]),
        budget=decimal(spec.false_alarms.budget),
        looks=looks_per_period(spec),
        windows=len(spec.window_seconds),
    )
    least = float(alpha.min(initial=1.0))
    concurrent = Concurrent(history, stable) if stable is not None else None
    times = Times(at, watched_since)
    delta = _risk_of_reference(spec, tests, alpha, len(history.layout.signals))
    if delta is not None:  # the other half is that of the evaluations
        alpha = np.where([one.what == "bins" for one in tests], alpha / 2.0, alpha)
    windows = windows_of(spec, history, concurrent, times, dispersion=dispersion, alpha=least, delta=delta)
    tracks = {one.name: one for one in before}
    measured = [measure(windows, test) for test in tests]
    found = [
        _judge(windows, test, seen, float(one), tracks.get(test.name), now=now)
        for test, seen, one in zip(tests, measured, alpha, strict=True)
    ]
    found.sort(key=lambda one: -one[0])
    quiet = [status for _, status in found if status.verdict not in {"Suspected", "Drifted"}]
    quiet = sorted(quiet, key=lambda one: one.kind not in _ALWAYS_SHOWN)[:_QUIET_SHOWN]
    moving = [status for _, status in found if status.verdict in {"Suspected", "Drifted"}]
    moving.sort(key=lambda one: one.verdict != "Drifted")
    rows = tuple(int(one) for one in windows.groups[:, :, 2].max(axis=1))
    enough, visible = tuple(bool(one) for one in windows.enough), tuple(_visible(windows, tests, alpha))
    return Evaluation(
        signals=_each_once([*moving, *quiet])[:_MOST],
        windows=tuple(spec.window_seconds),
        rows=rows,
        enough=enough,
        visible=visible,
        readings=(
            *_readings(windows, tests, measured),
            *of_windows(spec.window_seconds, rows, enough, visible),
        ),
        spent=decimal(spec.false_alarms.budget) / looks_per_period(spec) * float(windows.enough.mean()),
    )


def _each_once(signals: Sequence[SignalStatus]) -> tuple[SignalStatus, ...]:
    """Names that are cut, or without what acts, may be the same: a list by name has no room for two."""
    return tuple({(one.name, one.window_seconds): one for one in reversed(signals)}.values())[::-1]


def _risk_of_reference(spec: DriftPolicySpec, tests: Sequence[Watch], alpha: Array, signals: int) -> Array | None:
    """With ``Anytime``, of each signal half of its part of the budget: spent once, on the profile's own chance."""
    if spec.false_alarms.mode != "Anytime":
        return None
    found = np.full(signals, 0.5)
    for test, one in zip(tests, alpha, strict=True):
        if test.what == "bins":
            whole = float(one) * looks_per_period(spec) * len(spec.window_seconds)
            found[test.index] = min(found[test.index], max(whole / 2.0, 1e-300))
    return found


def _readings(windows: Windows, tests: Sequence[Watch], measured: Sequence[Seen]) -> Iterator[Reading]:
    if tests:
        log10_p, change = (np.stack([getattr(one, name) for one in measured]) for name in ("log10_p", "change"))
        yield from of_signals(tests, log10_p, change, windows.enough)
        yield from of_performance(tests, measured, windows.enough)


def _judge(
    windows: Windows, test: Watch, seen: Seen, alpha: float, before: SignalStatus | None, *, now: str
) -> tuple[float, SignalStatus]:
    """How far it is from its limit, and what status says about it."""
    enough = windows.enough if seen.enough is None else seen.enough
    changed = enough & (seen.log10_p < math.log10(max(alpha, 1e-300))) & (seen.change > test.limit)
    ratio = decimal(windows.spec.hysteresis.clear_ratio)
    calm = ~enough | (seen.change <= ratio * test.limit) | (seen.log10_p > _DOUBT)
    track = _track(before)
    if enough.any():
        rule = Hysteresis(windows.spec.hysteresis.raise_after_looks, windows.spec.hysteresis.clear_after_looks)
        track = track.look(changed=bool(changed.any()), clear=bool(calm.all()), rule=rule)
    merit = np.where(enough, seen.change, -np.inf)
    window = int(np.argmax(np.where(changed, -seen.log10_p + 1e3, merit))) if enough.any() else 0
    verdict = track.verdict if enough.any() or track.verdict != "Stable" else "Insufficient"
    same = before is not None and before.verdict == verdict
    return float(merit.max()) / test.limit if test.limit else 0.0, SignalStatus(
        name=test.name[:320],
        kind=test.kind,
        window_seconds=windows.spec.window_seconds[window],
        verdict=verdict,
        severity=_severity(test, float(seen.change[window])) if track.verdict != "Stable" else None,
        samples=int(windows.groups[window, test.index, 2] if seen.rows is None else seen.rows[window]),
        since=before.since if same and before is not None and before.since else now,
        looks=track.looks,
        log10_p=f"{seen.log10_p[window]:.1f}",
        **_numbers(windows, test, window, alpha, seen),
    )


def _track(before: SignalStatus | None) -> Track:
    if before is None or before.verdict not in {"Suspected", "Drifted"}:
        return QUIET
    return Track("Drifted" if before.verdict == "Drifted" else "Suspected", before.looks)


def _severity(test: Watch, change: float) -> str:
    return "Severe" if change >= test.severe else "Moderate"


def _numbers(windows: Windows, test: Watch, window: int, alpha: float, seen: Seen) -> dict[str, str]:
    change = float(seen.change[window])
    if test.what != "bins":
        if seen.said:
            return {"message": seen.said}
        if seen.values is not None:
            return _performance(windows, test, seen, window)
        return {"message": f"{_WORDS[test.what]}: +{max(change, 0.0):.3f}, allowed {test.limit:g}"}
    found, dispersion = windows.comparison, float(windows.dispersion[test.index])
    return {
        "psi": f"{found.psi[window, test.index]:.4f}",
        "corrected_psi": f"{change:.4f}",
        "dispersion": f"{dispersion:.2f}",
        "min_detectable_psi": _shown(_visible_to(windows, test.index, window, alpha)),
    }


def _performance(windows: Windows, test: Watch, seen: Seen, window: int) -> dict[str, str]:
    """What it is and was, where enough rows tell."""
    assert seen.values is not None  # noqa: S101  asked by the caller
    if not (windows.enough if seen.enough is None else seen.enough)[window]:
        return {"message": "too few rows"}
    now, how = float(seen.values[window]), "measured" if test.what == "labels" else "estimated"
    before = now + float(seen.change[window])
    return {"message": f"{test.metric} {now:.3f} {how}, {before:.3f} in training, may drop by {test.limit:g}"}


def _visible(windows: Windows, tests: Sequence[Watch], alpha: Array) -> Iterator[float]:
    """By window: the smallest PSI that is seen in the middle one of the columns."""
    bins = [(test.index, float(one)) for test, one in zip(tests, alpha, strict=True) if test.kind != SignalKind.QUALITY]
    for window in range(len(windows.enough)):
        found = [_visible_to(windows, index, window, one) for index, one in bins]
        yield float(np.median(found)) if found else math.inf


def _visible_to(windows: Windows, index: int, window: int, alpha: float) -> float:
    found = windows.comparison
    rows, freedom = float(found.rows[window, index]), int(found.freedom[window, index])
    reference = float(windows.reference[window, index].sum())
    spread = float(windows.dispersion[index])
    if windows.delta is not None:
        worth, delta = rows / spread, float(windows.delta[index])
        return visible_psi_anytime(worth, reference, freedom, alpha=alpha, delta=delta)
    return visible_psi(rows, reference, freedom, alpha, spread)


def _shown(value: float) -> str:
    return "none" if math.isinf(value) else f"{value:.4f}"
