"""What a spec watches, column by column, each with its share of the budget; and what this release cannot watch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import chain, islice
from typing import Literal

from rollmodel.api.driftpolicy import DriftPolicySpec, Effect, Signal, SignalKind
from rollmodel.api.fields.decimals import decimal
from rollmodel.evidence.drift.performance import METRICS
from rollmodel.plan.drift.profile.layout import Layout

__all__ = [
    "MOST_STEPS",
    "MOST_WATCHES",
    "Watch",
    "limit_of",
    "steps_back",
    "too_many_watches",
    "unsupported",
    "watches",
]

#: So many steps of the past are kept in memory, and asked for in one query after a restart.
MOST_STEPS = 1500
#: So many tests are made in one look, which takes seconds: 1,000 columns by the three signals of the default are 3,000.
MOST_WATCHES = 10_000

_NULL_RISE, _UNSEEN_RISE = "0.05", "0.02"
#: Of the rows that there should be: any that are missing are too many; half of them is severe.
_ANY, _HALF = 1e-6, 0.5
#: Half of a signal's budget is shared equally, so that a column of no importance is watched too.
_EQUALLY = 0.5
_DEFAULT = Effect()


@dataclass(frozen=True, slots=True)
class Watch:
    """One test. ``index`` is that of the signal in the layout; a change of more than ``limit`` matters."""

    name: str
    kind: SignalKind
    what: Literal["bins", "null", "unseen", "rows", "performance", "labels"]
    index: int
    weight: float
    limit: float
    severe: float
    metric: str = ""
    floor: float = 0.0
    """Rows an hour that there should be at least."""


def watches(spec: DriftPolicySpec, layout: Layout) -> tuple[Watch, ...]:
    """All tests of a look. The weights of one entry of ``signals`` add up to its own weight."""
    return tuple(watch for entry in spec.signals for watch in _of(entry, layout))


def too_many_watches(spec: DriftPolicySpec, layout: Layout) -> str | None:
    """What is wrong, where a look would take the time of everybody else's."""
    asked = chain.from_iterable(_of(entry, layout) for entry in spec.signals)
    if next(islice(asked, MOST_WATCHES, None), None) is None:
        return None
    return f"`signals` are more than {MOST_WATCHES} tests with the columns of this profile: use fewer, or `match`"


def limit_of(entry: Signal) -> float:
    """The PSI from which on a change matters."""
    return decimal((entry.effect or _DEFAULT).psi)


def _of(entry: Signal, layout: Layout) -> Iterator[Watch]:
    indices = list(_matched(entry, layout))
    weight = decimal(entry.weight) if entry.weight is not None else 1.0
    if entry.min_rows_per_hour is not None:
        part = weight / (len(indices) + 1)
        weight -= part
        yield Watch(
            f"{entry.name}/rows", entry.kind, "rows", 0, part, _ANY, _HALF, floor=float(entry.min_rows_per_hour)
        )
    total = sum(layout.signals[index].importance for index in indices)
    for index in indices:
        signal = layout.signals[index]
        by_importance = signal.importance / total if total > 0.0 else 1.0 / len(indices)
        share = weight * (_EQUALLY / len(indices) + (1.0 - _EQUALLY) * by_importance)
        name = (
            entry.name
            if len(indices) == 1 and not signal.name.startswith("feature:")
            else f"{entry.name}/{signal.column}"
        )
        yield from _tests(entry, index, name, share, is_score=signal.name == "prediction")


def _tests(entry: Signal, index: int, name: str, share: float, *, is_score: bool) -> Iterator[Watch]:
    if entry.kind == SignalKind.QUALITY:
        null = decimal(entry.max_null_rate_increase or _NULL_RISE)
        unseen = decimal(entry.max_unseen_rate or _UNSEEN_RISE)
        yield Watch(f"{name}/null", entry.kind, "null", index, share / 2, null, 4 * null)
        if not is_score:  # answers that the training hardly saw follow from what is asked: `Prediction` tells of them
            yield Watch(f"{name}/unseen", entry.kind, "unseen", index, share / 2, unseen, 4 * unseen)
    elif entry.kind in {SignalKind.ESTIMATED_PERFORMANCE, SignalKind.PERFORMANCE}:
        drop = decimal(entry.max_drop or "0.02")
        what: Literal["performance", "labels"] = "labels" if entry.kind == SignalKind.PERFORMANCE else "performance"
        yield Watch(name, entry.kind, what, index, share, drop, 2 * drop, entry.metric or "")
    else:
        severe = decimal((entry.effect or _DEFAULT).severe_psi)
        yield Watch(name, entry.kind, "bins", index, share, limit_of(entry), severe)


def _matched(entry: Signal, layout: Layout) -> Iterator[int]:
    for index, signal in enumerate(layout.signals):
        is_score = signal.name == "prediction"
        match entry.kind:
            case SignalKind.FEATURE:
                fits = not is_score
            case SignalKind.QUALITY:
                fits = True
            case SignalKind.ESTIMATED_PERFORMANCE | SignalKind.PERFORMANCE:
                fits = is_score and layout.calibration is not None
            case _:
                fits = is_score
        if fits and fnmatchcase(signal.column, entry.match or "*"):
            yield index


def steps_back(spec: DriftPolicySpec) -> float:
    """How far back the reference reaches, in steps; 0 for the profile."""
    window, source = spec.reference.window, spec.source.counts or spec.source.metrics
    if window is None or source is None:
        return 0.0
    return (window.offset_seconds + window.duration_seconds + max(spec.windows)) / source.step_seconds


def unsupported(spec: DriftPolicySpec) -> Sequence[str]:
    """What the spec asks for and this release does not do, as paths with what is there instead."""
    training = spec.reference.training
    asked_season = spec.season in {"HourOfDay", "HourOfWeek"}
    asked = {
        "spec.track: Candidate without `reference.stableTrack`": spec.track != "Stable"
        and spec.reference.stable_track is None,
        "spec.retrain.mode with spec.track: Candidate (use `Never`: what differs is the candidate)": spec.track
        != "Stable"
        and spec.retrain.mode in {"Approve", "Auto"},
        "spec.season with `reference.stableTrack`, which is of the same hours anyway": asked_season
        and spec.reference.stable_track is not None,
        "spec.season of the profile with falseAlarms.mode: Anytime (use `Auto`, or `Budget`)": asked_season
        and training is not None
        and spec.false_alarms.mode != "Budget",
        f"spec.reference.window of more than {MOST_STEPS} steps": steps_back(spec) > MOST_STEPS,
        "spec.falseAlarms.mode: Anytime with a reference that moves (use `reference.training`, or `Budget`)": training
        is None
        and spec.false_alarms.mode != "Budget",
        "spec.outcomes without `source.counts`": spec.outcomes is not None and spec.source.counts is None,
        "spec.retrain.minNewLabelledRows without `source.counts`": spec.retrain.min_new_labelled_rows > 0
        and spec.source.counts is None,
    }
    return [
        *(text for text, is_asked in asked.items() if is_asked),
        *filter(None, (_unsupported(spec, entry) for entry in spec.signals)),
    ]


def _unsupported(spec: DriftPolicySpec, entry: Signal) -> str | None:
    scored = entry.kind in {SignalKind.ESTIMATED_PERFORMANCE, SignalKind.PERFORMANCE}
    if scored and spec.reference.stable_track is not None:
        return f"signal {entry.name!r} of kind {entry.kind} with `reference.stableTrack`"
    if scored and entry.metric not in METRICS:
        return f"signal {entry.name!r} with metric {entry.metric!r} (use {' or '.join(METRICS)})"
    return None
