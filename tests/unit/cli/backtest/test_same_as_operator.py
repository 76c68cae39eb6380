"""A backtest says of a recorded rollout what the operator decided while it ran: same verdict, same window, same reason.

Both read the same simulated Prometheus. Traffic is split by replicas, one pod each, so that the weight is the same at
every step: replayed traffic does not change with the steps either.
"""

from __future__ import annotations

import asyncio
import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, event, example, given, settings
from hypothesis import strategies as st
from rollmodel.cli.backtest.recording import Pair, read
from rollmodel.cli.backtest.steps import replay
from rollmodel.plan.deployment.analysis.policy import judge_plan
from rollmodel.plan.deployment.analysis.signals.signal import MetricQuery
from rollmodel.plan.deployment.observed import Answer
from rollmodel.ports.prometheus import Series

from tests.support.simulation.past import let_serve
from tests.support.simulation.rollouts import TICK, Cluster, spec

Script = list[tuple[tuple[int, int], tuple[int, int]]]

WINDOWS = 24
#: What the operator calls a verdict's reason, in the words of a backtest.
WORDS = {"LimitBroken": "CeilingBroken"}


@dataclass
class Scripted(Cluster):
    """A cluster where each window has the counts of a script: (requests, failures) of candidate and stable."""

    script: Script = field(default_factory=list)
    candidate: str = ""

    def _serve(self) -> None:
        if not self.served.get(self.candidate) or not self.script:
            super()._serve()
            return
        counts = dict(zip((True, False), self.script.pop(0), strict=True))
        for pod in self.pods:
            total, failed = counts[pod.revision == self.candidate]
            pod.total, pod.failed = pod.total + total, pod.failed + failed
            pod.points.append((self.now.timestamp() + TICK, pod.total, pod.failed))

    async def query_range(self, query: str, *, start: float, end: float, step: float) -> list[Series]:
        """The same Prometheus, asked afterwards."""
        answer = self._answer(MetricQuery(query, start, end, step))
        assert isinstance(answer, Answer)
        return [Series(dict(labels), list(points)) for labels, points in answer.series]


@pytest.fixture(scope="module")
def at_rest() -> Scripted:
    """Version 1 serves and has a past: 5 % of its requests fail."""
    cluster = Scripted(spec(traffic=None, scale={"replicas": 1}), rate=100)
    cluster.behave("1", bad=0.05)
    let_serve(cluster, ticks=190)
    cluster.pass_until_quiet()
    return cluster


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    steps = []
    for weight in (10, 25, 50)[: draw(st.integers(1, 3))]:
        least = draw(st.sampled_from([None, 0, 60, 100]))
        most = draw(st.sampled_from([None, 40, 60, 120]))
        step = {"weight": weight, "minSeconds": least, "minRequests": draw(st.sampled_from([None, 600, 6000]))}
        if most is not None and most >= (least or 0):
            step["maxSeconds"] = most
        steps.append({key: value for key, value in step.items() if value is not None})
    return {
        "steps": steps,
        "onFailure": draw(st.sampled_from(["RollBack", "Pause"])),
        "onUndecided": draw(st.sampled_from(["RollBack", "Pause", "Promote"])),
        "warmUpSeconds": 0,
        "drainSeconds": 0,
    }


@dataclass(frozen=True)
class Record:
    """The traffic of a rollout: requests of the candidate in a window, failing rates, windows without requests."""

    requests: int = 2000
    rate: float = 0.05
    stable_rate: float = 0.05
    quiet: range = range(0)
    seed: int = 0

    def script(self) -> Script:
        rng = np.random.default_rng(self.seed)
        totals = [0 if window in self.quiet else int(rng.poisson(self.requests)) for window in range(WINDOWS)]
        return [
            ((n, int(rng.binomial(n, self.rate))), (2000, int(rng.binomial(2000, self.stable_rate)))) for n in totals
        ]


RECORDS = st.builds(
    Record,
    requests=st.sampled_from([20, 200, 2000]),
    rate=st.sampled_from([0.0, 0.04, 0.05, 0.1, 0.3]),
    stable_rate=st.sampled_from([0.05, 0.05, 0.3]),
    quiet=st.builds(range, st.integers(0, WINDOWS), st.integers(0, WINDOWS)),
    seed=st.integers(0, 2**32),
)
SHORT = {"steps": [{"weight": 10, "maxSeconds": 60}], "warmUpSeconds": 0, "drainSeconds": 0}


def decided_by_operator(cluster: Scripted) -> tuple[str, float, str]:
    """Verdict, seconds since the first step, and reason, after at most so many windows."""
    assert cluster.run(120, lambda: cluster.step == 0)
    began = cluster.now
    for _ in range(WINDOWS):
        cluster.advance()
        cluster.pass_until_quiet()
        seconds = (cluster.now - began).total_seconds()
        if cluster.status.get("rejected"):
            return "RollBack", seconds, cluster.status["rejected"]["reason"]
        if "Promoting" in cluster.reasons():
            return "Promote", seconds, (cluster.status.get("candidate") or cluster.status["history"][-1])["reason"]
    paused = cluster.status.get("paused", "").split(": ")
    reason = paused[1] if paused[0] == "Failure" else paused[0]
    return "Undecided", seconds, f"Paused, {WORDS.get(reason, reason)}" if reason else ""


@settings(
    max_examples=10,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a rollout takes a second: too long to look for smaller ones
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(policies(), RECORDS, st.sampled_from([None, "0.2"]))
@example(SHORT, Record(rate=0.3), None)
@example(SHORT, Record(rate=0.3), "0.2")
@example({**SHORT, "onFailure": "Pause"}, Record(rate=0.3), "0.2")
@example({**SHORT, "onUndecided": "RollBack"}, Record(requests=20), None)
@example({**SHORT, "onUndecided": "Promote"}, Record(requests=200, rate=0.0), None)
@example(SHORT, Record(quiet=range(3, 20)), None)
@example({**SHORT, "onUndecided": "RollBack"}, Record(quiet=range(2, 23)), None)
def test_both_decide_the_same(at_rest: Scripted, policy: Any, record: Record, ceiling: str | None) -> None:
    cluster = copy.deepcopy(at_rest)
    cluster.script = record.script()
    metric = {"name": "errors", "preset": "Errors"}
    cluster.edit(rollout=policy, analysis={"metrics": [{**metric, "ceiling": ceiling} if ceiling else metric]})
    cluster.candidate = cluster.try_version("2")
    verdict, seconds, reason = decided_by_operator(cluster)
    event(f"{verdict} {reason}")

    end = cluster.now.timestamp()
    pair = Pair("prod", "churn", cluster.revision_of("1"), cluster.candidate)
    start = end - seconds
    recording = asyncio.run(read(cluster.spec, judge_plan(cluster.spec), pair, cluster, start=start, end=end))
    (result,) = replay(recording, cluster.spec.rollout)
    assert (result.verdict, result.seconds) == (verdict, seconds)
    if reason:
        assert result.reason.partition(": ")[0] == WORDS.get(reason, reason)
    else:
        assert not result.reason.startswith("Paused")
