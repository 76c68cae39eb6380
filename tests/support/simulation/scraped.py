"""A Prometheus in memory: it has the raw counters of simulated pods, and shows them late, in part, or not at all."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from rollmodel.plan.deployment.analysis.signals.signal import MetricQuery
from rollmodel.plan.deployment.observed import Answer
from rollmodel.plan.problem import Problem

from tests.support.simulation.pods import Behaviour, Pod, differences_of, series_of

__all__ = ["START", "TICK", "ScrapedPods"]

START = datetime(2026, 1, 1, tzinfo=UTC)
TICK = 10

#: Seconds for which Prometheus repeats the last sample.
LOOK_BACK = 300
_KEPT = 10


@dataclass(kw_only=True)
class ScrapedPods:
    """``metrics`` says what Prometheus does. Time is ``now``."""

    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    metrics: Literal["good", "missing", "down", "strange", "hanging", "trickling"] = "good"
    """Whether queries are answered; ``hanging``: none in time, ``trickling``: every second one."""
    targets: Literal["up", "down", "unlabelled", "none"] = "up"
    """Whether Prometheus scrapes the pods: with success, in vain, without their labels, not at all."""
    lag: float = 0.0
    """Seconds until Prometheus has a sample; until then it repeats the last one."""
    lag_of: Callable[[Pod], float] | None = None
    """Where it is set, by how much the samples of a pod come later than ``lag``, in seconds."""
    latency_offset: float = 0.0
    """Points younger than this repeat the last older point of the answer, as VictoriaMetrics has it."""
    scrape: int = TICK
    """Seconds between samples."""
    skew: float = 0.0
    """How far Prometheus' clock is ahead of the operator's, in seconds; negative: behind."""
    now: datetime = START
    pods: list[Pod] = field(default_factory=list)
    gone: list[Pod] = field(default_factory=list)
    baselines: dict[str, str] = field(default_factory=dict)
    """Revisions of baselines, and whose pods they are: they behave as those."""
    values: dict[str, float | Problem] = field(default_factory=dict)
    """Answers to queries for plain values; a Problem: what Prometheus says against the query."""
    seen: set[str] = field(default_factory=set)
    """Revisions whose requests Prometheus has counted and shown."""
    asked: int = 0
    """Queries so far."""
    turns: tuple[datetime, dict[str, bool]] = field(default_factory=lambda: (START, {}))
    """While answers trickle: a moment, and for each query that was asked at it whether it fails."""
    last_questions: list[str] = field(default_factory=list)

    @property
    def delay(self) -> float:
        """How long after the end of a window its samples are complete, in seconds: what the operator may be told."""
        seldom = self.scrape if self.scrape != TICK else 0
        return self.lag + self.latency_offset + max(0.0, -self.skew) + seldom

    def _behaviour(self, revision: str) -> Behaviour:
        return self.behaviours.get(revision) or self.behaviours.get(self.baselines.get(revision, ""), Behaviour())

    def _answer(self, query: MetricQuery) -> Answer | Problem:
        query = replace(query, start=query.start - query.before)
        if self.metrics == "good":
            self.seen |= {pod.revision for pod in self.pods if len(pod.points) > 1}
        if (failure := self._failure(query)) is not None:
            return failure
        if query.query.startswith("up{"):
            return Answer(self._targets(query))
        if self.metrics == "missing" or self.targets != "up":
            return Answer([])
        known = self.values.get(query.query)
        if isinstance(known, float):
            grid_points = range(round(query.start), round(query.end) + 1, round(query.step))
            return Answer([({}, [(float(moment), known) for moment in grid_points])])
        pods = [*self.pods, *self.gone]
        return Answer([one for pod in pods if pod.revision in query.query for one in self._series(pod, query)])

    def _series(self, pod: Pod, query: MetricQuery) -> Iterator[tuple[dict[str, str], list[tuple[float, float]]]]:
        """What a query gets of a pod."""
        labels = {"pod": pod.name, "rollmodel_dev_revision": pod.revision}
        if self.metrics == "strange":
            labels["rollmodel_dev_revision"] = "unknown"
        behaviour, text, points = self._behaviour(pod.revision), query.query, self._shown(pod, query)
        if "rollmodel_server_pairs" in text:  # of one revision, and never late
            points = pod.pairs if f'rollmodel_dev_revision="{pod.revision}"' in text else []
            if "rollmodel_server_pairs_mean" in text:
                yield from (({**labels, **role}, found) for role, found in differences_of(points, behaviour, query))
                return
            text = ""
        shown = replace(pod, points=points)
        for role, found in series_of(shown, behaviour, text, start=query.start, end=query.end, step=query.step):
            yield {**labels, **role}, found

    def _failure(self, query: MetricQuery) -> Problem | None:
        """Why a query has no answer."""
        self.asked += 1
        self.last_questions = [*self.last_questions[-_KEPT:], query.query]
        if self.metrics == "down":
            return Problem("Unavailable", "connection refused", transient=True)
        if self.metrics == "hanging" or (self.metrics == "trickling" and self._trickles(query.query)):
            return Problem("Unavailable", "Prometheus' answer took too long", transient=True)
        known = self.values.get(query.query)
        return known if isinstance(known, Problem) else None

    def _trickles(self, query: str) -> bool:
        """Whether it is this query's turn to fail: however often it is asked at one moment, it is answered alike."""
        moment, turns = self.turns
        if moment != self.now:
            turns = {}
            self.turns = self.now, turns
        return turns.setdefault(query, bool(self.asked % 2))

    def _targets(self, query: MetricQuery) -> list[tuple[dict[str, str], list[tuple[float, float]]]]:
        """The scrapes of the pods that a query asks for, at its end."""
        pods = [pod for pod in self.pods if pod.revision in query.query and self.targets != "none"]
        labels = {} if self.targets == "unlabelled" else {"rollmodel_dev_model_deployment": "churn"}
        value = float(self.targets != "down")
        return [
            (
                {"pod": pod.name, **labels, **({"rollmodel_dev_revision": pod.revision} if labels else {})},
                [(query.end, value)],
            )
            for pod in pods
        ]

    def _shown(self, pod: Pod, query: MetricQuery) -> list[tuple[float, float, float]]:
        """The pod's counters as Prometheus has them now on the grid of a query."""
        lag = self.lag + (self.lag_of(pod) if self.lag_of is not None else 0.0)
        if not (lag or self.latency_offset or self.skew or self.scrape != TICK):
            return pod.points
        now = self.now.timestamp()
        phase = TICK * int(pod.name.rpartition("-")[2]) % self.scrape  # each pod has its own moments
        taken = [point for point in pod.points if point[0] % self.scrape == phase]
        scraped = [(time + self.skew, *counts) for time, *counts in taken if time <= now - lag]
        times = [time for time, *_ in scraped]
        shown: list[tuple[float, float, float]] = []
        for moment in range(round(query.start), round(query.end) + 1, round(query.step)):
            if moment > now + self.skew - self.latency_offset:
                shown += [(float(moment), *shown[-1][1:])] if shown else []
                continue
            known = bisect_right(times, moment)
            if known and times[known - 1] > moment - LOOK_BACK:
                shown.append((float(moment), scraped[known - 1][1], scraped[known - 1][2]))
        return shown
