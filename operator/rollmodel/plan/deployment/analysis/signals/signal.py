"""What a signal must answer: its query, its plan for the judge, and how an answer of Prometheus is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from rollmodel.api.modeldeployment import Metric, Runtime
from rollmodel.evidence.core.samples import PodSeries, Sample, Window
from rollmodel.evidence.core.types import MetricHistory, MetricPlan
from rollmodel.plan.deployment.analysis.promql import REVISION_LABEL
from rollmodel.plan.deployment.observed import Answer

__all__ = ["Arms", "MetricQuery", "Sampled", "Signal", "UnexpectedAnswer", "alone", "pod_series"]

Sampled = Sequence[tuple[Window, Sample]]
Arms = Mapping[str, str]
"""Revision to arm (``candidate`` or ``stable``)."""


class UnexpectedAnswer(Exception):
    """An answer whose series are not what was asked for; the text says which."""


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """A question: ``query``, evaluated at start, start + step, .. end (unix seconds, multiples of step).

    ``before``: seconds before ``start`` from which on it is asked; what lies there is no sample.
    """

    query: str
    start: float
    end: float
    step: float
    before: float = 0.0


class Signal(Protocol):
    """One way of measuring. Stateless: everything is in the metric of the spec and in the answer."""

    learns_from_history: ClassVar[bool]
    """Whether the judge wants to know the stable revision's past."""
    series_per_pod: ClassVar[int]
    """About how many series of a pod are in an answer."""

    def measures(self, metric: Metric) -> bool:
        """Whether a metric asks for this signal."""
        ...

    def query(self, metric: Metric, runtime: Runtime, words: Mapping[str, str]) -> str:
        """The PromQL, for both arms in one answer; ``words``: see ``promql.scope``. Raises Invalid."""
        ...

    def plan(self, metric: Metric) -> MetricPlan:
        """What the judge must know, with the default margins."""
        ...

    def delay_seconds(self, metric: Metric) -> int:
        """Seconds within which labels have come."""
        ...

    def samples(self, answer: Answer, query: MetricQuery, arms: Arms) -> Sampled:
        """The sample of each complete window, oldest first. Raises UnexpectedAnswer."""
        ...

    def history(self, answer: Answer, query: MetricQuery, arms: Arms) -> MetricHistory:
        """What the stable revision did before. Raises UnexpectedAnswer."""
        ...


def pod_series(answer: Answer, arms: Arms) -> list[PodSeries]:
    """The series of an answer by arm, pod and role (label ``role`` or ``le``). Raises UnexpectedAnswer."""
    found: dict[tuple[str, str, str], PodSeries] = {}
    for labels, points in answer.series:
        arm, role = arms.get(labels.get(REVISION_LABEL, "")), labels.get("role") or labels.get("le")
        if arm is None:
            raise UnexpectedAnswer(f"a series is of neither revision: {_written(labels)}")
        if role is None:
            raise UnexpectedAnswer(f"a series has neither `role` nor `le`: {_written(labels)}")
        key = (arm, labels.get("pod", ""), role)
        if key in found:
            raise UnexpectedAnswer(f"several series where one was expected: {_written(labels)}; sum by pod")
        found[key] = PodSeries("candidate" if arm == "candidate" else "stable", key[1], role, points)
    return list(found.values())


def alone(arms: Arms) -> bool:
    """Whether there is no stable arm: what the candidate is asked for differs, or it serves all."""
    return "stable" not in arms.values()


def _written(labels: Mapping[str, str]) -> str:
    return "{" + ", ".join(f'{key}="{value}"' for key, value in sorted(labels.items())[:6]) + "}"
