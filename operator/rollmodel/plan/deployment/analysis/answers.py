"""The answers of Prometheus, read once: which of them are counters, and up to where all samples have arrived."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from rollmodel.api.modeldeployment import Metric
from rollmodel.evidence.core.increments import Grid
from rollmodel.plan.deployment.analysis.missing.arrival import complete_until, scrape_seconds, window_seconds
from rollmodel.plan.deployment.analysis.missing.lateness import asked_for
from rollmodel.plan.deployment.analysis.signals import signal_of
from rollmodel.plan.deployment.analysis.signals.signal import Arms, MetricQuery, UnexpectedAnswer
from rollmodel.plan.deployment.observed import Answer
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.problem import Problem

__all__ = ["complete_questions", "counters", "past_in_windows", "read_answers", "window_seconds_of"]

T = TypeVar("T")


def read_answers(
    rollout: Rollout,
    asked: dict[str, MetricQuery],
    reader: Callable[[Metric, Answer, MetricQuery, Arms], T],
    arms: Arms,
) -> tuple[dict[str, T], list[Problem]]:
    """What the reader makes of each answer, and the answers that it could not make anything of."""
    found: dict[str, T] = {}
    problems: list[Problem] = []
    for metric in rollout.spec.analysis.metrics:
        query = asked.get(metric.name)
        answer = asked_for(rollout.observed, metric.name, query) if query is not None else None
        if query is None or not isinstance(answer, Answer):
            continue
        try:
            found[metric.name] = reader(metric, answer, query, arms)
        except UnexpectedAnswer as error:
            message = f"metric '{metric.name}': {error}; the query was: {query.query}"
            problems.append(Problem("UnexpectedAnswer", message))
    return found, problems


def counters(rollout: Rollout, asked: dict[str, MetricQuery]) -> tuple[Grid | None, list[Answer]]:
    """The answers that are counters, and the grid that all of them were asked on; no grid where there are none."""
    answers = [
        answer
        for metric in rollout.spec.analysis.metrics
        if metric.name in asked and signal_of(metric).learns_from_history
        if isinstance(answer := asked_for(rollout.observed, metric.name, asked[metric.name]), Answer)
    ]
    query = min(asked.values(), key=lambda query: query.start, default=None)
    return (Grid(query.start, query.end, query.step) if query is not None and answers else None), answers


def complete_questions(rollout: Rollout, asked: dict[str, MetricQuery]) -> dict[str, MetricQuery]:
    """The questions up to where all samples have arrived; what is later is asked again."""
    grid, answers = counters(rollout, asked)
    end = complete_until(answers, grid) if grid is not None else None
    return asked if end is None else {name: replace(query, end=end) for name, query in asked.items()}


def window_seconds_of(rollout: Rollout, asked: dict[str, MetricQuery]) -> float:
    """The length of the windows that the samples of the past allow."""
    grid, answers = counters(rollout, asked)
    return window_seconds(
        float(rollout.spec.analysis.interval_seconds), scrape_seconds(answers, grid) if grid is not None else None
    )


def past_in_windows(asked: dict[str, MetricQuery], interval: float) -> dict[str, MetricQuery]:
    """The questions about the past as if they had been asked in this step."""
    return {
        name: replace(
            query,
            start=math.ceil(query.start / interval) * interval,
            end=max(math.floor(query.end / interval), math.ceil(query.start / interval)) * interval,
            step=interval,
        )
        for name, query in asked.items()
    }
