"""Where each rollout stands, as series: they are computed when they are scraped, from a few numbers an object."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rollmodel.plan.coordination.standing import WAITING
from rollmodel.plan.manifest import Manifest

__all__ = ["RolloutInstruments"]

_CONDITIONS = ("Ready", "Reconciling", "Stalled", "Paused")


@dataclass(frozen=True, slots=True)
class _Rollout:
    namespace: str
    name: str
    stable: int
    candidate: int
    baseline: int | None
    step: int | None
    true: frozenset[str]
    waits_for: str | None = None
    """Why its rollout may not begin yet."""
    sample_age: float | None = None


class RolloutInstruments(Collector):
    """Registers itself; :class:`rollmodel.runtime.metrics.operator.Instruments` has one."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._rollouts: dict[str, _Rollout] = {}
        registry.register(self)

    def on_pass(self, uid: str, after: Manifest, sample_age: float | None) -> None:
        """A pass over a ModelDeployment ended. ``sample_age``: of its metrics' newest sample, if it asked for them."""
        old, new = self._rollouts.get(uid), _summary(after["metadata"], after.get("status", {}))
        if sample_age is None and old is not None and new.step is not None:
            sample_age = old.sample_age  # not each pass of a rollout asks
        self._rollouts[uid] = replace(new, sample_age=sample_age)

    def forget(self, uid: str) -> None:
        """The object is gone: so are its series."""
        self._rollouts.pop(uid, None)

    def collect(self) -> Iterator[Metric]:
        """Called by prometheus_client at each scrape."""
        weight = GaugeMetricFamily(
            "rollmodel_traffic_weight_ratio",
            "Observed share of traffic of the stable and the candidate revision, and of its baseline if it has one.",
            labels=["namespace", "name", "track"],
        )
        step = GaugeMetricFamily(
            "rollmodel_rollout_step",
            "Index of the candidate's current step; -1 while it starts and warms up; absent without a candidate.",
            labels=["namespace", "name"],
        )
        condition = GaugeMetricFamily(
            "rollmodel_condition", "1 if the condition is True, else 0.", labels=["namespace", "name", "type"]
        )
        age = GaugeMetricFamily(
            "rollmodel_sample_age_seconds",
            "Age of the newest sample of a rollout's metrics when they were asked for last, to the length of a window.",
            labels=["namespace", "name"],
        )
        for one in list(self._rollouts.values()):
            where = (one.namespace, one.name)
            weight.add_metric([*where, "stable"], one.stable / 100)
            weight.add_metric([*where, "candidate"], one.candidate / 100)
            if one.baseline is not None:
                weight.add_metric([*where, "baseline"], one.baseline / 100)
            if one.step is not None:
                step.add_metric(where, one.step)
            if one.sample_age is not None:
                age.add_metric(where, one.sample_age)
            for kind in _CONDITIONS:
                condition.add_metric([*where, kind], float(kind in one.true))
        yield from (weight, step, condition, age, self._waiting())

    def _waiting(self) -> Metric:
        waiting = GaugeMetricFamily(
            "rollmodel_rollouts_waiting", "Rollouts that may not begin yet, by reason.", labels=["reason"]
        )
        reasons = Tally(one.waits_for for one in list(self._rollouts.values()) if one.waits_for)
        for reason, count in reasons.items():
            waiting.add_metric([reason], float(count))
        return waiting


def _summary(meta: Mapping[str, Any], status: Mapping[str, Any]) -> _Rollout:
    stable, candidate = status.get("stable") or {}, status.get("candidate") or {}
    conditions = status.get("conditions", [])
    true = (condition["type"] for condition in conditions if condition["status"] == "True")
    return _Rollout(
        namespace=meta["namespace"],
        name=meta["name"],
        stable=stable.get("weight", 0),
        candidate=candidate.get("weight", 0),
        baseline=status["baseline"].get("weight", 0) if status.get("baseline") else None,
        step=candidate.get("step", -1) if candidate else None,
        true=frozenset(true).intersection(_CONDITIONS),
        waits_for=next(
            (one["reason"] for one in conditions if (one["type"], one["status"]) == (WAITING, "True")), None
        ),
    )
