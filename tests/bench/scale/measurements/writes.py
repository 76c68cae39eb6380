"""What a whole rollout writes, by strategy: counted in the simulated world, where all decisions are the operator's own.

Most of it is status: one for each window of the analysis (``intervalSeconds``, 10 s), since what the judge has learned
must outlive the operator. The rest does not depend on how long a rollout takes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from rollmodel.plan.decision import ApplyObject, Decision, DeleteObject, EmitEvent

from tests.support.simulation.rollouts import TICK, Cluster, spec

__all__ = ["POLICIES", "Written", "measure"]

_QUICK = {"warmUpSeconds": 30, "drainSeconds": 30}
_MARK = {"header": {"name": "x-group", "value": "b"}, "horizonSeconds": 3600, "onNoDifference": "Promote"}
#: ``spec.rollout`` of each strategy, with what is our default as far as there is one.
POLICIES: Mapping[str, dict[str, Any]] = {
    "Canary": {**_QUICK},
    "BlueGreen": {**_QUICK, "strategy": "BlueGreen", "blueGreen": {"previewSeconds": 600}, "bakeSeconds": 600},
    "Shadow": {**_QUICK, "strategy": "Shadow", "shadow": {"percent": 20, "then": "Promote"}},
    "ABTest": {**_QUICK, "strategy": "ABTest", "abTest": _MARK},
    "Swap": {**_QUICK, "strategy": "Swap"},
}

#: Nobody is compared in a preview and a bake, so only a ceiling can take the traffic back.
_CEILING = {"metrics": [{"name": "errors", "preset": "Errors", "ceiling": "0.2"}]}
_REPLICAS, _RATE = 4, 200.0
_LONGEST, _AFTERWARDS = 6 * 3600, 600


@dataclass(frozen=True, slots=True)
class Written:
    """One rollout: how long it took in seconds, what was written by kind, and in the hour after it."""

    seconds: float
    verdict: str
    writes: Counter[str]
    at_rest: int


def measure(strategy: str, bad: float, *, past: int = 1800, rest: int = 3600) -> Written:
    """A rollout to a version that fails in ``bad`` of the requests, beside one that does in 5 %.

    ``past`` and ``rest``: for how many seconds the old version has served, and all is left alone at the end.
    """
    cluster = _serving(strategy, past)
    before = len(cluster.status["history"])
    cluster.try_version("2", bad=bad)
    begun, written = cluster.now, Counter[str]()
    while len(cluster.status["history"]) == before or not cluster.over():
        assert (cluster.now - begun).total_seconds() < _LONGEST, f"{strategy} does not end"
        written += _moment(cluster)
    seconds, verdict = (cluster.now - begun).total_seconds(), str(cluster.status["history"][-1]["verdict"])
    written += _while(cluster, _AFTERWARDS)  # pods that go, and what is told of them
    return Written(seconds, verdict, written, _while(cluster, rest).total())


def _serving(strategy: str, past: int) -> Cluster:
    """Version 1 serves, and has a past."""
    more = {"analysis": _CEILING} if strategy == "BlueGreen" else {}
    asked = spec(scale={"replicas": _REPLICAS}, rollout=deepcopy(POLICIES[strategy]), **more)
    cluster = Cluster(asked, rate=_RATE)
    cluster.behave("1", bad=0.05)
    assert cluster.run(600, lambda: cluster.condition("Ready")["status"] == "True")
    for _ in range(0, past, TICK):
        cluster.advance()
    cluster.pass_until_quiet()
    return cluster


def _while(cluster: Cluster, seconds: int) -> Counter[str]:
    written = Counter[str]()
    for _ in range(0, seconds, TICK):
        written += _moment(cluster)
    return written


def _moment(cluster: Cluster) -> Counter[str]:
    """What is written at one moment; then time passes."""
    written = _passes(cluster)
    cluster.advance()
    return written


def _passes(cluster: Cluster) -> Counter[str]:
    """Passes of one moment, until one writes nothing."""
    total = Counter[str]()
    for _ in range(20):
        status, children = cluster.status, set(cluster.children)
        wrote = _writes(cluster.reconcile(), children)
        wrote["status"] += cluster.status != status
        total += wrote
        if not wrote.total():
            return total
    raise AssertionError("passes do not come to rest")


def _writes(decision: Decision, children: set[tuple[str, str]]) -> Counter[str]:
    applied = [(one.manifest["kind"], one.manifest["metadata"]["name"]) for one in decision.of(ApplyObject)]
    return Counter(
        {
            "created": sum(address not in children for address in applied),
            "changed": sum(address in children for address in applied),
            "deleted": len(decision.of(DeleteObject)),
            "Events": len(decision.of(EmitEvent)),
        }
    )
