"""What the operator counts of DriftPolicies: a few series for each, and those of its signals of the last look.

A policy that cannot look has no numbers of a look: an old one would pass for news.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from pydantic import ValidationError

from rollmodel.api.conditions import find
from rollmodel.api.driftpolicy import DriftPolicyStatus
from rollmodel.plan.decision import Reading
from rollmodel.plan.manifest import Manifest

__all__ = ["OF_LOOKS", "DriftInstruments"]

_PREFIX = "rollmodel_drift"
_WHERE = ("namespace", "name")
_CONDITIONS = (
    "Ready",
    "Stalled",
    "DataFresh",
    "SamplesSufficient",
    "Calibrated",
    "DriftDetected",
    "QualityBroken",
    "PerformanceDegraded",
    "RetrainBlocked",
)
_STATES = ("Learning", "Stable", "Suspected", "Drifted", "Insufficient", "Blind", "Suspended", "NotImplemented")
#: Of a look, by ``Reading.metric``: what its label is called, and what it says.
OF_LOOKS = {
    "change_ratio": ("signal", "How far a signal has changed, in units of what is allowed: above 1 it matters."),
    "corrected_psi": (
        "signal",
        "Population stability index of a signal, corrected for the number of rows; in its worst window.",
    ),
    "log10_p": ("signal", "Decimal logarithm of how likely such a change is by chance; in its least likely window."),
    "performance": (
        "signal",
        "Performance of a signal, estimated or measured with labels; in the window where it dropped most.",
    ),
    "window_rows": ("window_seconds", "Rows in a window."),
    "visible_psi": ("window_seconds", "Smallest PSI that a window can see with 80 % chance."),
}


@dataclass(frozen=True, slots=True)
class _Policy:
    namespace: str
    name: str
    true: frozenset[str]
    state: str
    severity: str | None
    spent: float | None
    looked: float | None
    readings: tuple[Reading, ...]


class DriftInstruments(Collector):
    """Registers itself; :class:`rollmodel.runtime.metrics.operator.Instruments` has one."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._policies: dict[str, _Policy] = {}
        self._looks = Counter(
            f"{_PREFIX}_looks", "Looks of DriftPolicies, by what they found.", ["result"], registry=registry
        )
        self._alarms = Counter(f"{_PREFIX}_alarms", "Alarms that DriftPolicies raised.", registry=registry)
        self._retrains = Counter(
            f"{_PREFIX}_retrains",
            "Trainings that alarms asked for, by what became of them; one counts in each state that it was in.",
            ["outcome"],
            registry=registry,
        )
        registry.register(self)

    def on_pass(self, uid: str, before: Manifest, after: Manifest, readings: Sequence[Reading] | None) -> None:
        """A pass over a policy ended. ``readings``: None leaves those of before."""
        try:
            old, new = (DriftPolicyStatus.model_validate(one.get("status", {})) for one in (before, after))
        except ValidationError:  # of another release; the spec is not understood either, or the pass would have failed
            self.forget(uid)
            return
        known = self._policies.get(uid)
        kept = known.readings if known is not None else ()
        self._policies[uid] = _summary(after["metadata"], new, kept if readings is None else tuple(readings))
        self._count(old, new)

    def forget(self, uid: str) -> None:
        """The object is gone: so are its series."""
        self._policies.pop(uid, None)

    def collect(self) -> Iterator[Metric]:
        """Called by prometheus_client at each scrape."""
        policies = list(self._policies.values())
        yield from _of_policies(policies)
        for metric, (label, text) in OF_LOOKS.items():
            family = GaugeMetricFamily(f"{_PREFIX}_{metric}", text, labels=[*_WHERE, label])
            for one in policies:
                for reading in one.readings:
                    if reading.metric == metric:
                        family.add_metric([one.namespace, one.name, reading.label], reading.value)
            yield family

    def _count(self, old: DriftPolicyStatus, new: DriftPolicyStatus) -> None:
        ready = find(new.conditions, "Ready")
        if new.last_evaluation_time not in {None, old.last_evaluation_time} and ready is not None:
            self._looks.labels(ready.reason).inc()
        if new.episode is not None and (old.episode is None or new.episode.number > old.episode.number):
            self._alarms.inc()
        told = {(one.episode, one.outcome) for one in old.retrains}
        for one in new.retrains:
            if (one.episode, one.outcome) not in told:
                self._retrains.labels(one.outcome).inc()


def _of_policies(policies: Sequence[_Policy]) -> Iterator[Metric]:
    condition = GaugeMetricFamily(
        f"{_PREFIX}_condition", "1 if the condition of a DriftPolicy is True, else 0.", labels=[*_WHERE, "type"]
    )
    state = GaugeMetricFamily(
        f"{_PREFIX}_state", "1 for the state that a DriftPolicy is in, else 0.", labels=[*_WHERE, "state"]
    )
    alarm = GaugeMetricFamily(
        f"{_PREFIX}_alarm", "1 while an alarm of this severity is on, else 0.", labels=[*_WHERE, "severity"]
    )
    spent = GaugeMetricFamily(
        f"{_PREFIX}_budget_spent_ratio", "Share of the period's false-alarm budget that is spent.", labels=_WHERE
    )
    looked = GaugeMetricFamily(
        f"{_PREFIX}_last_look_timestamp_seconds", "Until when the last look saw, in unix seconds.", labels=_WHERE
    )
    for one in policies:
        where = (one.namespace, one.name)
        for kind in _CONDITIONS:
            condition.add_metric([*where, kind], float(kind in one.true))
        for word in _STATES:
            state.add_metric([*where, word], float(word == one.state))
        for severity in ("Moderate", "Severe"):
            alarm.add_metric([*where, severity], float(severity == one.severity))
        if one.spent is not None:
            spent.add_metric(where, one.spent)
        if one.looked is not None:
            looked.add_metric(where, one.looked)
    yield from (condition, state, alarm, spent, looked)


def _summary(meta: Mapping[str, Any], status: DriftPolicyStatus, readings: tuple[Reading, ...]) -> _Policy:
    true = (condition.type for condition in status.conditions if condition.status == "True")
    ready = find(status.conditions, "Ready")
    return _Policy(
        namespace=meta["namespace"],
        name=meta["name"],
        true=frozenset(true).intersection(_CONDITIONS),
        state=ready.reason if ready is not None else "",
        severity=_severity(status),
        spent=_spent(status),
        looked=datetime.fromisoformat(status.last_evaluation_time).timestamp() if status.last_evaluation_time else None,
        readings=readings,
    )


def _severity(status: DriftPolicyStatus) -> str | None:
    """That of the alarm that is on: severe where one signal is."""
    if status.episode is None or status.episode.end_time is not None:
        return None
    severe = any(one.verdict == "Drifted" and one.severity == "Severe" for one in status.signals)
    return "Severe" if severe else "Moderate"


def _spent(status: DriftPolicyStatus) -> float | None:
    if status.budget is None:
        return None
    spent, remaining = float(status.budget.spent), float(status.budget.remaining)
    return spent / (spent + remaining) if spent + remaining > 0.0 else 0.0
