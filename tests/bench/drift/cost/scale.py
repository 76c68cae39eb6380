"""What DriftPolicies cost an operator: queries, CPU and memory of each, as hours go by; then what a restart costs.

    python -m tests.bench.drift.cost.scale [--policies 20] [--hours 175]

Each has a model with 30 features and a score, hourly steps and the default windows. All parts of the operator are the
real ones, but for the API server, which is in memory, and Prometheus, whose answers are read from their JSON. The time
that these two take is not counted. Policies share nothing, so 300 of them take 300 times as much.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from rollmodel.adapters.prometheus.answer import read_matrix
from rollmodel.plan.decision import Ref
from rollmodel.plan.drift.decide import counted_from, decide
from rollmodel.plan.drift.observed import DriftDefaults
from rollmodel.ports.prometheus import Series
from rollmodel.profile import build_profile
from rollmodel.reconcile.connections import Connections
from rollmodel.reconcile.drift.gather import DriftGatherer
from rollmodel.reconcile.drift.kind import drift_policies
from rollmodel.reconcile.execute import Executor
from rollmodel.reconcile.reconciler import Parts, reconciler_of
from rollmodel.reconcile.references import References
from rollmodel.reconcile.result import Reconciler
from rollmodel.serving.drift.exposition import DriftMetrics
from rollmodel.serving.drift.recorder import Recorder
from rollmodel.serving.drift.signals import GROUPS, signals_of

from tests.support.inmemory.kube import InMemoryKube
from tests.support.inmemory.neighbours import FixedClock, InMemoryRegistry

FEATURES, ROWS, HOUR, REVISION = 30, 500, 3600, "rev1"
_API = "rollmodel.dev/v1alpha1"
SPEC: dict[str, Any] = {
    "modelDeploymentRef": {"name": "churn"},
    "signals": [
        {"name": "features", "kind": "Feature"},
        {"name": "prediction", "kind": "Prediction"},
        {"name": "quality", "kind": "Quality"},
        {"name": "accuracy", "kind": "EstimatedPerformance", "metric": "accuracy", "maxDrop": "0.02"},
    ],
}


@dataclass
class Prometheus:
    """Answers with hours in which nothing changes. ``seconds`` of CPU it took itself; ``bytes`` of its answers."""

    asked: int = 0
    seconds: float = 0.0
    bytes: int = 0
    _hours: dict[int, Sequence[tuple[dict[str, str], float]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(1)
        columns: dict[str, Any] = {f"f{index}": rng.normal(size=10_000) for index in range(FEATURES)}
        score = rng.random(10_000)
        self._profile = build_profile(columns, score=score, target=(rng.random(10_000) < score).astype(int))
        self._signals, _ = signals_of(self._profile)
        self._shown = list(self._of_profile())

    def prepare(self, first: int, hours: int) -> None:
        """Make up so many hours now, so that they are no part of what is measured."""
        for hour in range(hours):
            self._hour(first + hour * HOUR)

    async def query_range(self, query: str, *, start: float, end: float, step: float) -> Sequence[Series]:
        """Both queries of a look."""
        begun = time.process_time()
        moments = [end] if "rollmodel_profile_rows" in query else np.arange(start, end + 1, step).tolist()
        found: dict[str, dict[str, Any]] = {}
        for moment in moments:
            series = self._shown if "rollmodel_profile_rows" in query else self._hour(round(moment))
            for labels, value in series:
                entry = found.setdefault(str(labels), {"metric": labels, "values": []})
                entry["values"].append([moment, str(value)])
        answer = {"status": "success", "data": {"resultType": "matrix", "result": list(found.values())}}
        text = json.dumps(answer).encode()
        self.asked += 1
        self.bytes += len(text)
        self.seconds += time.process_time() - begun
        return read_matrix([text])

    def _of_profile(self) -> Iterator[tuple[dict[str, str], float]]:
        """As the query of the reference tells its series apart."""
        metrics = DriftMetrics(self._profile, self._signals, Recorder(self._signals))
        for one in (sample for family in metrics.collect() for sample in family.samples):
            what = one.name.removeprefix("rollmodel_profile_")
            if what != one.name:
                yield {**{name: value for name, value in one.labels.items() if value}, "what": what}, one.value

    def _hour(self, moment: int) -> Sequence[tuple[dict[str, str], float]]:
        if moment not in self._hours:
            rng, found = np.random.default_rng(moment), [({"group": "requests"}, float(ROWS))]
            for signal in self._signals:
                shares = np.array(signal.column.counts) / sum(signal.column.counts)
                below = np.cumsum(rng.multinomial(ROWS, shares)).tolist()
                found += [({"signal": signal.name, "le": le}, n) for le, n in zip(signal.bounds(), below, strict=True)]
                groups = zip(GROUPS, (0.0, 0.0, float(ROWS)), strict=True)
                found += [({"signal": signal.name, "group": group}, n) for group, n in groups]
            self._hours[moment] = found
        return self._hours[moment]


class Operator:
    """One process, as far as DriftPolicies need it."""

    def __init__(self, kube: InMemoryKube, prometheus: Prometheus, clock: FixedClock) -> None:
        gatherer = DriftGatherer(
            kube=kube, metrics=prometheus, clock=clock, defaults=DriftDefaults(), counted_from=counted_from
        )
        executor = Executor(kube, InMemoryRegistry(), clock=lambda: clock.now().timestamp())
        connections = Connections(kube, default=None, read_secrets=False)
        parts = Parts(executor, connections, References(lambda _: None), clock)
        self.reconciler: Reconciler = reconciler_of(drift_policies(gatherer, decide=decide), parts)
        self._kube = kube

    async def pass_over(self, refs: Sequence[Ref]) -> None:
        """Each policy until it writes nothing."""
        for ref in refs:
            while (await self.reconciler.reconcile(self._kube.objects[ref])).wrote:
                pass


async def measure(policies: int, hours: int) -> None:
    """Print one line for the hours and one for the restart."""
    kube, prometheus, clock = InMemoryKube(), Prometheus(), FixedClock()
    refs = [policy(kube, clock.now(), number) for number in range(policies)]
    operator = Operator(kube, prometheus, clock)
    await operator.pass_over(refs)
    prometheus.prepare(int(clock.now().timestamp()) // HOUR * HOUR, hours + 3)
    memory = resident()
    for hour in range(hours):
        clock.forward(HOUR)
        if hour == hours - 10:
            asked, size, own, cpu = prometheus.asked, prometheus.bytes, prometheus.seconds, time.process_time()
            writes = len(kube.writes)
        await operator.pass_over(refs)
    cpu = time.process_time() - cpu - (prometheus.seconds - own)
    looks = 10 * policies
    print(
        f"a look: {(prometheus.asked - asked) / looks:.1f} queries, {(prometheus.bytes - size) / looks / 1e3:.0f} kB of"
        f" answers, {1e3 * cpu / looks:.1f} ms of CPU, {(len(kube.writes) - writes) / looks:.1f} writes;"
        f" status {status_bytes(kube, refs[0])} bytes; memory {(resident() - memory) / policies / 1e3:.0f} kB a policy"
    )
    asked, begun, writes = prometheus.asked, time.process_time(), len(kube.writes)
    await operator.pass_over(refs)
    print(
        f"at rest: {prometheus.asked - asked} queries, {len(kube.writes) - writes} writes,"
        f" {1e3 * (time.process_time() - begun) / policies:.2f} ms of CPU a pass"
    )
    clock.forward(HOUR)
    again, own, begun = Operator(kube, prometheus, clock), prometheus.seconds, time.process_time()
    await again.pass_over(refs)
    cpu = time.process_time() - begun - (prometheus.seconds - own)
    print(f"first look after a restart: {1e3 * cpu / policies:.0f} ms of CPU a policy")


def policy(kube: InMemoryKube, since: datetime, number: int, **more: Any) -> Ref:
    """A policy of a namespace of its own, with a model that is stable since then."""
    namespace = f"team-{number}"
    deployment = kube.create(_object("ModelDeployment", namespace, {"model": {}}))
    stable = {"revision": REVISION, "modelVersion": "1", "weightSince": since.isoformat()}
    kube.edit(Ref.of(deployment), lambda obj: obj.update(status={"stable": stable}))
    return Ref.of(kube.create(_object("DriftPolicy", namespace, {**SPEC, **more})))


def _object(kind: str, namespace: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": _API, "kind": kind, "metadata": {"name": "churn", "namespace": namespace}, "spec": spec}


def status_bytes(kube: InMemoryKube, ref: Ref) -> int:
    """Bytes of a status as JSON."""
    return len(json.dumps(kube.objects[ref]["status"]))


def resident(process: int | str = "self") -> int:
    """Bytes of memory of a process."""
    pages = Path(f"/proc/{process}/statm").read_text(encoding="utf-8").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policies", type=int, default=20)
    parser.add_argument("--hours", type=int, default=175, help="so that the longest window is full")
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.policies, arguments.hours))


if __name__ == "__main__":
    main()
