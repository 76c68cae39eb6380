"""The operator's judge over many recorded rollouts at once.

The judge of a count metric is written for arrays: its metrics are one batch. Here the batch are rollouts instead, so
that a thousand of them cost little more than one. It is the same code, and gives the same answers as feeding
``judge.observe`` one rollout after another (tests compare both).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from math import log
from typing import Any

import numpy as np

from rollmodel.cli.backtest.counts import Counts, History
from rollmodel.cli.backtest.steps import SAMPLES_LATE
from rollmodel.evidence.core.arrays import Array, Mask, stack, take
from rollmodel.evidence.core.opinion import Step
from rollmodel.evidence.core.samples import CountSample, Sample
from rollmodel.evidence.core.types import JudgePlan, MetricHistory, MetricReport, Outcome
from rollmodel.evidence.counts import guardrail
from rollmodel.evidence.counts import model as counts
from rollmodel.evidence.counts.judge import CountJudge
from rollmodel.evidence.expected_harm import expected_harm
from rollmodel.evidence.verdict import patience

__all__ = ["Batch"]

#: Windows from whose volume the candidate's share is taken: the split of a recorded rollout is what it was.
_FIRST_WINDOWS = 30


class Batch:
    """Judges of R recorded rollouts under one policy with one count metric; see ``steps.Judges``."""

    def __init__(self, names: Sequence[str], plan: JudgePlan, recorded: Counts) -> None:
        self.names, self.interval, self.delay = names, recorded.interval, plan.metrics[0].delay
        self._plan, self._counts = replace(plan, interval=recorded.interval), recorded
        metric = plan.metrics[0]
        parts = [
            CountJudge.begin(replace(self._plan, candidate_share=share), [metric], {metric.name: _history(history)})
            for share, history in zip(_shares(recorded), recorded.history, strict=True)
        ]
        self._part, self._window, self._limited = _merged(parts), 0, metric.ceiling is not None
        self._reports: Sequence[MetricReport] | None = None
        self._harmful, self._breached = np.zeros(len(names), bool), np.zeros(len(names), bool)

    def observe(self, active: Mask) -> float | None:
        """Judge the next window of these rollouts."""
        if self._window == self._counts.total.shape[2]:
            return None
        total, bad = (x[:, :, self._window] for x in (self._counts.total, self._counts.bad))
        final = self._window * self.interval >= self.delay
        samples: dict[str, Sample] = {
            str(i): CountSample(total[0, i], bad[0, i], total[1, i], bad[1, i]) for i in np.flatnonzero(active & final)
        }
        self._part = self._part.observe(samples, Step(self.interval, self.interval, moved=False))
        self._harmful |= counts.log_harm(self._part.state) >= -log(self._plan.alpha_harm)
        self._breached |= self._limited & guardrail.breached(self._part.ceilings, self._part.ceiling)
        self._window, self._reports = self._window + 1, None
        return self._window * self.interval

    def outcomes(self) -> list[Outcome]:
        """What each judge says now, in the judge's order of precedence."""
        found: dict[Outcome, Mask] = {
            Outcome.CEILING: self._breached,
            Outcome.HARM: self._harmful,
            Outcome.SHARED_INCIDENT: self._limited & guardrail.shared(self._part.ceilings, self._part.ceiling),
            Outcome.NO_DATA: self._part.seconds_without_data > patience(self._plan, self._plan.metrics[0].name),
            Outcome.SAFE: self._part.proven > 0,
        }
        order = [*found, Outcome.UNDECIDED]
        return [order[i] for i in np.select(list(found.values()), range(len(found)), len(found))]

    def requests(self) -> Array:
        """Requests of both arms in the last window."""
        return np.asarray(self._counts.total[:, :, self._window - 1])

    def over(self) -> Mask:
        """Whose record ended with the last window."""
        return self._counts.last <= self._window

    def below_margin(self, run: int) -> bool:
        """Whether the interval of the ratio lies below the safe margin."""
        return bool(self._part.opinions()[run].below_margin)

    def harm(self, run: int, share: float) -> float:
        """By the metric that was counted."""
        if self._reports is None:
            self._reports = [opinion.report for opinion in self._part.opinions()]
        plan = replace(self._plan, metrics=(self._part.metrics[run],))
        return expected_harm(plan, [self._reports[run]], share=share, late=SAMPLES_LATE)

    def seen(self, run: int) -> str:
        """What was counted in one rollout so far."""
        state = self._part.state
        na, ka, nb, kb = (float(x[run]) for x in (state.na, state.ka, state.nb, state.kb))
        return f"candidate {_share(ka, na)} bad, stable {_share(kb, nb)}"


def _share(bad: float, total: float) -> str:
    return f"{bad:.0f} of {total:.0f}" + (f" ({100 * bad / total:.2g} %)" if total else "")


def _history(history: History) -> MetricHistory:
    pods = np.stack([history.total, history.bad], axis=-1)
    return MetricHistory(pods={str(i): pod for i, pod in enumerate(pods)})


def _shares(recorded: Counts) -> Array:
    first = recorded.total[:, :, :_FIRST_WINDOWS].sum(axis=2)
    return np.asarray(np.clip(first[0] / np.maximum(first.sum(axis=0), 1.0), 0.001, 0.99))


def _merged(parts: Sequence[CountJudge]) -> CountJudge:
    """One judge whose metrics are the rollouts, by their number."""
    names = tuple(replace(part.metrics[0], name=str(i)) for i, part in enumerate(parts))
    arrays = [f.name for f in fields(CountJudge) if f.name not in {"metrics", "plan"}]
    merged: dict[str, Any] = {name: _column([getattr(part, name) for part in parts]) for name in arrays}
    return replace(parts[0], metrics=names, **merged)


def _column(values: list[Any]) -> Any:
    """Arrays or records [1, ...] of each rollout as [R, ...]."""
    first = (slice(None), 0)
    return np.stack(values)[first] if isinstance(values[0], np.ndarray) else take(stack(values), first)
