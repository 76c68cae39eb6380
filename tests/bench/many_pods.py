"""How much memory a pass over a rollout with many pods takes beyond what the operator has at rest.

    python -m tests.bench.many_pods --pods 1000

Prometheus' answers are made up byte by byte and go through the adapter's parser and ``decide``: first those about the
past of the stable revision, then those of one tick with as many pods in both revisions.
"""

from __future__ import annotations

import argparse
import re
import tracemalloc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rollmodel.adapters.prometheus.answer import read_matrix
from rollmodel.api.modeldeployment import ModelDeploymentStatus
from rollmodel.plan.decision import Decision
from rollmodel.plan.deployment.analysis.queries import queries
from rollmodel.plan.deployment.analysis.signals.signal import MetricQuery
from rollmodel.plan.deployment.decide import decide
from rollmodel.plan.deployment.observed import Answer, Observed

from tests.support.simulation.rollouts import Cluster, spec

__all__ = ["Figures", "figures", "main"]

MEBIBYTE = 2**20
#: As many buckets as our own server has, and a few more.
_EDGES = (*(f"{0.005 * 1.6**i:.4f}" for i in range(16)), "+Inf")
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_POD = re.compile(r'pod=~"\.\+\[(\w+)\](\w?)"')
_REVISIONS = re.compile(r'rollmodel_dev_revision=~"([^"]*)"')


@dataclass(frozen=True)
class Figures:
    """What one pass took: peak of memory in MiB, size of all answers in MiB, and what the metrics say after it."""

    what: str
    memory: float
    answers: float
    available: str


def pods_of(revision: str, count: int) -> list[str]:
    """Names as Kubernetes gives them; every ending is as frequent."""
    size = len(_ALPHABET)
    return [f"churn-{revision}-{n}{_ALPHABET[n // size % size]}{_ALPHABET[n % size]}" for n in range(count)]


def body(query: MetricQuery, count: int) -> Iterator[bytes]:
    """Prometheus' answer: each pod has had 10 requests a second for a day, and 1 in 100 was bad or slow."""
    found, some = _REVISIONS.search(query.query), _POD.search(query.query)
    roles: list[tuple[str, str, float]] = [("role", "bad", 0.01), ("role", "total", 1.0)]
    if "_bucket" in query.query:
        roles = [("le", edge, 1 - 0.5 ** (i + 1)) for i, edge in enumerate(_EDGES)]
    yield b'{"status":"success","data":{"resultType":"matrix","result":['
    ticks = [query.start + n * query.step for n in range(round((query.end - query.start) / query.step) + 1)]
    begun, between = query.end - 86400, b""
    for revision in found.group(1).split("|") if found else ():
        for number, pod in enumerate(pods_of(revision, count)):
            if some and not (pod[-1 - len(some[2])] in some[1] and pod.endswith(some[2])):
                continue
            for label, role, part in roles:
                values = ",".join(f'[{t:.0f},"{int((t - begun) * 10 * part) + number}"]' for t in ticks)
                metric = f'{{"pod":"{pod}","rollmodel_dev_revision":"{revision}","{label}":"{role}"}}'
                yield between + f'{{"metric":{metric},"values":[{values}]}}'.encode()
                between = b","
    yield b"]}}"


def figures(pods: int) -> list[Figures]:
    """The pass that begins the judge, and the one after the first window."""
    cluster = Cluster(spec(analysis={}), rate=1000)
    cluster.run(600, lambda: cluster.condition("Ready")["status"] == "True")
    cluster.try_version()
    cluster.metrics = "missing"
    cluster.run(600, lambda: bool(queries(cluster.observe())))
    begins = _with_pods(cluster.observe(), pods)
    first, decision = _pass("begin", begins, pods)
    status: dict[str, Any] = {**decision.status}
    status["candidate"] = {**status["candidate"], "step": 0}
    for _ in range(2):
        cluster.advance()
    second, _ = _pass("tick", _with_pods(replace(cluster.observe(), status=_status(status)), pods), pods)
    return [first, second]


def _status(status: Mapping[str, Any]) -> ModelDeploymentStatus:
    return ModelDeploymentStatus.model_validate(status)


def _with_pods(observed: Observed, pods: int) -> Observed:
    """As if both revisions had so many."""
    status = observed.status.to_wire()
    for arm in ("stable", "candidate"):
        status[arm] = {**status[arm], "replicas": pods, "readyReplicas": pods}
    return replace(observed, status=_status(status))


def _pass(what: str, observed: Observed, pods: int) -> tuple[Figures, Decision]:
    asked, size = queries(observed), 0

    def counted(chunks: Iterator[bytes]) -> Iterator[bytes]:
        nonlocal size
        for chunk in chunks:
            size += len(chunk)
            yield chunk

    tracemalloc.start()
    try:
        answers = {
            name: Answer([(one.labels, one.points) for one in read_matrix(counted(body(query, pods)))])
            for name, query in asked.items()
        }
        decision = decide(replace(observed, answers=answers))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    condition = next(one for one in decision.status["conditions"] if one["type"] == "MetricsAvailable")
    return Figures(what, peak / MEBIBYTE, size / MEBIBYTE, f"{condition['status']} {condition['reason']}"), decision


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pods", type=int, nargs="*", default=[10, 85, 300, 1000])
    for pods in parser.parse_args().pods:
        for one in figures(pods):
            print(f"{pods:>5} pods, {one.what}: {one.memory:.0f} MiB, answers {one.answers:.1f} MiB, {one.available}")


if __name__ == "__main__":
    main()
