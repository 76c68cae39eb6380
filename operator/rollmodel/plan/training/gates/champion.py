"""Is a run no worse than the champion? With an interval of the difference where both logged folds or draws."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from rollmodel.api.trainingjob import GateStatus, MetricGate
from rollmodel.evidence.difference import LEAST_DRAWS, LEAST_FOLDS, Difference, percentiles, welch
from rollmodel.plan.problem import Problem
from rollmodel.plan.training.gates.metric_values import exact, plain, trouble
from rollmodel.plan.training.observed import Champion, GateFacts, MetricPoint, TrackedRun

__all__ = ["check"]

Histories = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class _Kind:
    """Repeated values of a metric: their name after the metric's, for people, how many it takes, and what for."""

    suffix: str
    values: str
    least: int
    method: str
    interval: Callable[[Sequence[float], Sequence[float]], Difference]


_KINDS = (
    _Kind("fold", "folds", LEAST_FOLDS, "Welch", welch),
    _Kind("bootstrap", "bootstrap draws", LEAST_DRAWS, "percentiles", percentiles),
)


def check(gate: MetricGate, run: TrackedRun, facts: GateFacts) -> Iterator[GateStatus]:
    """The comparison with the champion, where the gate asks for one."""
    if gate.over == "Run" and gate.no_worse_than_champion_by is not None:
        yield _compare(gate, run.metrics, facts)


def _compare(gate: MetricGate, metrics: Mapping[str, MetricPoint], facts: GateFacts) -> GateStatus:
    """It passes when the worse end of the 95 % interval of the difference is within the margin, or without an interval
    the difference of the two values. A missing champion passes; one that cannot be read does not.
    """
    champion = facts.champion
    if champion is None:
        return _result(gate, "Passed", None, "there is no champion yet")
    if isinstance(champion, Problem):
        return _result(gate, "NotEvaluated", None, f"the champion cannot be read: {champion.message}")
    whose = f"the run of the champion, version {champion.version},"
    odd = (
        trouble(gate.name, metrics)
        or trouble(gate.name, champion.metrics, whose)
        or _odd_value(gate.name, facts.histories, "the run")
        or _odd_value(gate.name, champion.histories, whose)
    )
    if odd is not None:
        return _result(gate, "NotEvaluated", None, odd)
    kind, missing = _choose(gate.name, facts.histories, champion.histories)
    if kind is None:
        return _by_values(gate, metrics, champion, missing)
    return _by_interval(gate, kind, facts.histories[f"{gate.name}/{kind.suffix}"], champion)


def _by_values(gate: MetricGate, metrics: Mapping[str, MetricPoint], champion: Champion, missing: str) -> GateStatus:
    ours, theirs = exact(metrics[gate.name].value), exact(champion.metrics[gate.name].value)
    difference = ours - theirs
    margin = Decimal(str(gate.no_worse_than_champion_by))
    holds = _loss(gate, difference) <= margin
    seen = f"{plain(ours, theirs)}; champion (version {champion.version}) {plain(theirs, ours)}"
    message = (
        f"the difference to the champion, {plain(difference, margin, -margin)}, is {_within(holds)} the margin;"
        f" no interval was possible: {missing}"
    )
    return _result(gate, "Passed" if holds else "Failed", seen, message)


def _by_interval(gate: MetricGate, kind: _Kind, values: Sequence[float], champion: Champion) -> GateStatus:
    other = champion.histories[f"{gate.name}/{kind.suffix}"]
    difference = kind.interval(values, other)
    if not all(map(math.isfinite, difference)):
        return _result(gate, "NotEvaluated", None, f"the {kind.values} are too large to be compared")
    margin = Decimal(str(gate.no_worse_than_champion_by))
    worse_end = difference.low if gate.better == "Higher" else difference.high
    holds = _loss(gate, _rounded(worse_end)) <= margin
    limits = f"[{_short(difference.low)}, {_short(difference.high)}]"
    seen = (
        f"{_short(_mean(values))}; champion (version {champion.version}) {_short(_mean(other))};"
        f" difference {_short(difference.middle)} {limits}"
    )
    message = (
        f"the worse end of the 95 % interval of the difference, {_short(worse_end)}, is {_within(holds)} the margin"
        f" ({kind.method}, {len(values)} {kind.values} against {len(other)})"
    )
    if not holds and _loss(gate, _rounded(difference.middle)) <= margin:
        message += (
            f"; the difference itself, {_short(difference.middle)}, is within it: more {kind.values} would tell more"
        )
    return _result(gate, "Passed" if holds else "Failed", seen, message)


def _choose(name: str, ours: Histories, theirs: Histories) -> tuple[_Kind | None, str]:
    """What both logged enough of, or what is missing."""
    missing = []
    for kind in _KINDS:
        mine, other = (len(histories.get(f"{name}/{kind.suffix}", ())) for histories in (ours, theirs))
        if min(mine, other) >= kind.least:
            return kind, ""
        missing.append(
            f"'{name}/{kind.suffix}' has {mine} values in the run and {other} in the champion's, of {kind.least} needed"
        )
    return None, "; ".join(missing)


def _odd_value(name: str, histories: Histories, run: str) -> str | None:
    for kind in _KINDS:
        values = histories.get(f"{name}/{kind.suffix}", ())
        odd = next((value for value in values if not math.isfinite(value)), None)
        if odd is not None:
            return f"{run} logged {odd} among its {kind.values}, '{name}/{kind.suffix}'"
    return None


def _loss(gate: MetricGate, difference: Decimal) -> Decimal:
    """By how much a difference to the champion is worse; negative where it is better."""
    return -difference if gate.better == "Higher" else difference


def _rounded(value: float) -> Decimal:
    """Without the last digits, which are noise of the arithmetic and must not decide about equal values."""
    return Decimal(f"{value:.12g}")


def _short(value: float) -> str:
    return f"{round(value, 12) + 0.0:.4g}"  # adding 0.0 takes the sign off -0.0


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _within(holds: bool) -> str:
    return "within" if holds else "beyond"


def _result(
    gate: MetricGate, verdict: Literal["Passed", "Failed", "NotEvaluated"], seen: str | None, message: str
) -> GateStatus:
    direction = "below" if gate.better == "Higher" else "above"
    asked = f"at most {gate.no_worse_than_champion_by} {direction} the champion"
    return GateStatus(
        name=gate.name, check="NoWorseThanChampion", asked=asked, seen=seen, verdict=verdict, message=message
    )
