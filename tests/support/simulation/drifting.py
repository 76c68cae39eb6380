"""A world with a model, its traffic and a Prometheus that only computes: hours take milliseconds.

The profile and the counts are those of the real builder, counter and exposition; what is made up are rows, and time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from prometheus_client import CollectorRegistry
from rollmodel.errors import RollmodelError
from rollmodel.plan.decision import Ref
from rollmodel.plan.drift.decide import counted_from, decide
from rollmodel.plan.drift.observed import DriftDefaults
from rollmodel.ports.prometheus import Series
from rollmodel.profile import Profile, build_profile
from rollmodel.reconcile.connections import Connections
from rollmodel.reconcile.drift.gather import DriftGatherer
from rollmodel.reconcile.drift.kind import drift_policies
from rollmodel.reconcile.effects.notify import NotifyHandlers
from rollmodel.reconcile.execute import Executor
from rollmodel.reconcile.reconciler import Parts, reconciler_of
from rollmodel.reconcile.references import References
from rollmodel.reconcile.result import Reconciler, Result
from rollmodel.serving.drift.counter import Counter
from rollmodel.serving.drift.exposition import DriftMetrics
from rollmodel.serving.drift.recorder import Recorder
from rollmodel.serving.drift.signals import GROUPS, signals_of

from tests.support.inmemory.kube import InMemoryKube
from tests.support.inmemory.neighbours import FixedClock, InMemoryRegistry
from tests.support.inmemory.receiver import Receiver

__all__ = ["DriftWorld", "rows_of"]

HOUR = 3600
Rows = tuple[pd.DataFrame, Any]


def rows_of(
    rng: np.random.Generator, rows: int, *, age: float = 40.0, missing: float = 0.0, unsure: bool = False
) -> Rows:
    """Rows as the model sees them, and its scores; ``age`` is the mean, ``missing`` the share of ages that are."""
    ages = rng.normal(age, 10.0, rows)
    ages[rng.random(rows) < missing] = np.nan
    plans = rng.choice(["basic", "gold"], rows, p=[0.7, 0.3]).astype(object)
    score = rng.beta(5.0, 5.0, rows) if unsure else rng.random(rows)
    return pd.DataFrame({"age": ages, "plan": plans, "visits": rng.poisson(3, rows)}), score


@dataclass
class DriftWorld:
    """``traffic(rng, hour)`` gives the rows of each hour. ``broken`` is raised by Prometheus while it is set."""

    traffic: Callable[[np.random.Generator, int], Rows | None] = lambda rng, _: rows_of(rng, 600)
    kube: InMemoryKube = field(default_factory=InMemoryKube)
    clock: FixedClock = field(default_factory=FixedClock)
    broken: RollmodelError | None = None
    tried: Callable[[np.random.Generator, int], Rows | None] | None = None
    """The rows of the candidate, which counts them into ``tried_profile``."""
    uncounted: bool = False
    """Requests are answered and rows are not counted."""
    receiver: Receiver = field(default_factory=Receiver)
    asked: list[tuple[str, float, float]] = field(default_factory=list)
    woken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start: datetime = self.clock.now()
        self.retrained()
        self.kube.create(_object("ModelDeployment", "churn", {"model": {}}))
        self.promote("rev1", "1")
        self.kube.create(
            _object(
                "TrainingJob", "churn-train", {"template": {"image": "trainer:1"}, "schedule": {"cron": "0 0 * * *"}}
            )
        )

    # --- what people and others do

    def promote(self, revision: str, version: str) -> None:
        """A revision becomes stable."""
        ref = Ref("rollmodel.dev/v1alpha1", "ModelDeployment", "team", "churn")
        stable = {"revision": revision, "modelVersion": version, "weightSince": self.clock.now().isoformat()}
        self.kube.edit(ref, lambda obj: obj.update(status={"stable": stable}))

    def retrained(self, age: float = 40.0) -> None:
        """The model that serves was trained on people of this age: its profile says so."""
        rng = np.random.default_rng(1)
        data, score = rows_of(rng, 20_000, age=age)
        self.profile: Profile = build_profile(dict(data), score=score, target=(rng.random(20_000) < score).astype(int))
        self.tried_profile = self.profile
        self._hours: dict[tuple[str, int], np.ndarray | None] = {}

    def candidate(self, revision: str, version: str) -> None:
        """A revision is tried beside the stable one."""
        ref = Ref("rollmodel.dev/v1alpha1", "ModelDeployment", "team", "churn")
        tried = {"revision": revision, "modelVersion": version, "started": self.clock.now().isoformat()}
        self.kube.edit(ref, lambda obj: obj["status"].update(candidate=tried))

    def reject(self, revision: str, version: str) -> None:
        """A candidate is taken back."""
        ref = Ref("rollmodel.dev/v1alpha1", "ModelDeployment", "team", "churn")
        why = {"reason": "Harmful", "message": "errors", "time": self.clock.now().isoformat()}
        rejected = {"revision": revision, "modelVersion": version, **why}
        self.kube.edit(ref, lambda obj: obj["status"].update(rejected=rejected))

    def policy(self, name: str = "watch", **spec: Any) -> Ref:
        """A person creates a policy, with short windows."""
        given = {
            "modelDeploymentRef": {"name": "churn"},
            "windowSeconds": [HOUR, 6 * HOUR],
            "dependence": {"quietWindows": 10},
            "holdOff": {"afterRolloutSeconds": 0},
            **spec,
        }
        return Ref.of(self.kube.create(_object("DriftPolicy", name, given)))

    def operator(self) -> Reconciler:
        """One more process."""
        gatherer = DriftGatherer(
            kube=self.kube, metrics=self, clock=self.clock, defaults=DriftDefaults(), counted_from=counted_from
        )
        connections = Connections(self.kube, default=None, read_secrets=False)
        executor = Executor(
            self.kube,
            InMemoryRegistry(),
            clock=lambda: self.clock.now().timestamp(),
            news=NotifyHandlers(self.kube, self.receiver, self.woken.append),
        )
        parts = Parts(executor, connections, References(self.woken.append), self.clock)
        return reconciler_of(drift_policies(gatherer, decide=decide), parts)

    async def settle(self, operator: Reconciler, ref: Ref) -> Result:
        """Passes until one writes nothing."""
        for _ in range(10):
            result = await operator.reconcile(self.kube.objects[ref])
            if not result.wrote:
                return result
        raise AssertionError("ten passes, and each wrote something")

    async def hours(self, operator: Reconciler, ref: Ref, count: int) -> list[str]:
        """So many hours; what was said after each."""
        said = []
        for _ in range(count):
            self.clock.forward(HOUR)
            await self.settle(operator, ref)
            said.append(self.condition(ref, "Ready")["reason"])
        return said

    def status(self, ref: Ref) -> dict[str, Any]:
        """The status of a policy."""
        found: dict[str, Any] = self.kube.objects[ref].get("status", {})
        return found

    def condition(self, ref: Ref, kind: str) -> dict[str, Any]:
        """A condition of a policy."""
        return next((one for one in self.status(ref)["conditions"] if one["type"] == kind), {})

    def trainings(self) -> list[dict[str, Any]]:
        """TrainingJobs that a policy created."""
        return [one for one in self.kube.of_kind("TrainingJob") if one["metadata"].get("ownerReferences")]

    def end_training(self, name: str, succeeded: str, version: str | None = None) -> None:
        """A training comes to its end."""
        conditions = [{"type": "Succeeded", "status": succeeded, "reason": "Ended", "message": ""}]
        status = {"conditions": conditions, **({"modelVersion": version} if version else {})}
        self.kube.edit(
            Ref("rollmodel.dev/v1alpha1", "TrainingJob", "team", name), lambda obj: obj.update(status=status)
        )

    # --- rollmodel.ports.Metrics

    async def query_range(self, query: str, *, start: float, end: float, step: float) -> Sequence[Series]:
        """Both queries of the plan."""
        self.asked.append((query, start, end))
        if self.broken is not None:
            raise self.broken
        status = next(iter(self.kube.of_kind("ModelDeployment"))).get("status") or {}
        tried = f'"{(status.get("candidate") or {}).get("revision", "?")}"' in query and self.tried is not None
        profile, traffic = (self.tried_profile, self.tried) if tried else (self.profile, self.traffic)
        assert traffic is not None
        if "rollmodel_profile_rows" in query:
            return list(_shown(profile, end))
        found: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
        for moment in np.arange(start, end + 1, step):
            for labels, value in self._hour(float(moment), profile, traffic, "tried" if tried else "stable"):
                found.setdefault(tuple(labels.items()), []).append((float(moment), value))
        return [Series(dict(labels), points) for labels, points in found.items()]

    def _hour(
        self, end: float, profile: Profile, traffic: Callable[[np.random.Generator, int], Rows | None], arm: str
    ) -> Sequence[tuple[dict[str, str], float]]:
        """The series of the hour that ends then."""
        hour = round((end - self.start.timestamp()) / HOUR) - 1
        signals, _ = signals_of(profile)
        if (arm, hour) not in self._hours:
            counts = np.zeros(sum(signal.bins + len(GROUPS) for signal in signals), dtype=np.int64)
            rows = traffic(np.random.default_rng([hour + 10, *([1] if arm == "tried" else [])]), hour)
            if rows is not None:
                Counter(signals, counts).count([rows])
            self._hours[arm, hour] = None if rows is None else counts
        counted = self._hours[arm, hour]
        if counted is None:
            return []
        cells = np.zeros_like(counted) if self.uncounted else counted
        found = [({"group": "requests"}, float(counted.max()))]
        for signal in signals:
            own = signal.cells(cells)
            numeric = signal.column.kind == "numeric"
            bins = np.cumsum(own[: signal.bins]) if numeric else own[: signal.bins]
            label, names = ("le", signal.bounds()) if numeric else ("category", signal.categories())
            found += [({"signal": signal.name, label: name}, float(v)) for name, v in zip(names, bins, strict=True)]
            groups = zip(GROUPS, own[signal.bins :], strict=True)
            found += [({"signal": signal.name, "group": name}, float(value)) for name, value in groups]
        return found


def _shown(profile: Profile, moment: float) -> Sequence[Series]:
    """What the server shows of its profile, as the query of the plan gives it."""
    registry, (signals, _) = CollectorRegistry(), signals_of(profile)
    registry.register(DriftMetrics(profile, signals, Recorder(signals)))
    found = []
    for family in registry.collect():
        for sample in family.samples:
            if sample.name.startswith("rollmodel_profile_"):
                what = sample.name.removeprefix("rollmodel_profile_")
                labels = {name: value for name, value in sample.labels.items() if value}
                found.append(Series({**labels, "what": what}, [(moment, sample.value)]))
    return found


def _object(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "rollmodel.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "team"},
        "spec": spec,
    }
