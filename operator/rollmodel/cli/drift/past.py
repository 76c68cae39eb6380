"""What the last look of a policy saw, asked of Prometheus again and computed by the operator's own functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from rollmodel.cli.drift.report import Bin, Distribution, PolicyReport, WindowView, seconds_of
from rollmodel.errors import Invalid
from rollmodel.plan.drift.evaluation.evaluate import Evaluation, evaluate
from rollmodel.plan.drift.evaluation.history import History
from rollmodel.plan.drift.evaluation.learning import dispersion_of
from rollmodel.plan.drift.evaluation.queries import Query, counts_query, profile_query
from rollmodel.plan.drift.observed import DriftDefaults, Observed
from rollmodel.plan.drift.profile.concurrent import Concurrent
from rollmodel.plan.drift.profile.layout import Layout
from rollmodel.plan.drift.profile.signal import GROUPS, Signal
from rollmodel.plan.problem import Problem
from rollmodel.ports.prometheus import Metrics, Series

__all__ = ["with_history", "with_last_look"]

#: Columns that are drawn: those that changed, then those that changed most.
_DRAWN = 24


async def with_last_look(report: PolicyReport, metrics: Metrics, *, matchers: str = "") -> PolicyReport:
    """With windows and distributions. Raises Invalid where it has not looked yet, and what ``metrics`` raises."""
    status = report.status
    at, since = seconds_of(status.last_evaluation_time), seconds_of(status.watched_since)
    if at is None or since is None or status.profile is None:
        raise Invalid(f"DriftPolicy {report.name!r} has not looked yet: there is nothing to draw")
    observed = _observed(report, at, matchers)
    layout = Layout.of(_points(await _asked(metrics, profile_query(observed))))
    if isinstance(layout, Problem):
        raise Invalid(f"{layout.reason}: {layout.message}")
    if layout.digest != status.profile.digest:
        raise Invalid("the model server shows another profile than the policy has looked at")
    first = max(since, at - max(report.spec.windows))
    history = History(layout).with_answer(_points(await _asked(metrics, counts_query(observed, first))))
    return with_history(report, history, await _stable(metrics, observed, first))


def with_history(report: PolicyReport, history: History, stable: History | None = None) -> PolicyReport:
    """With windows and distributions of these counts, of a policy that has looked; ``stable`` beside a candidate."""
    status, spec = report.status, report.spec
    at, since = seconds_of(status.last_evaluation_time) or 0.0, seconds_of(status.watched_since) or 0.0
    dispersion = dispersion_of(status.learnt, len(history.layout.signals))
    look = evaluate(
        spec,
        history,
        status.signals,
        at=at,
        watched_since=since,
        dispersion=np.ones(len(history.layout.signals)) if dispersion is None else dispersion,
        now=status.last_evaluation_time or "",
        stable=stable,
    )
    windows = [
        WindowView(width, rows, enough, visible, since + width)
        for width, rows, enough, visible in zip(look.windows, look.rows, look.enough, look.visible, strict=True)
    ]
    history = history if stable is None else _beside(history, stable, max(since, at - max(spec.windows)), at)
    drawn = sorted(_distributions(report, history, look, at, since), key=lambda one: (not one.drifted, -one.psi))
    return replace(report, windows=windows, distributions=drawn[:_DRAWN])


def _observed(report: PolicyReport, at: float, matchers: str) -> Observed:
    """The pass that looked, as far as its queries need it."""
    profile = report.status.profile
    revision = profile.revision if profile is not None else ""
    other = profile.compared_with if profile is not None else None
    return Observed(
        namespace=report.namespace,
        name=report.name,
        uid="",
        generation=0,
        spec=report.spec,
        status=report.status,
        now=datetime.fromtimestamp(at, UTC),
        defaults=DriftDefaults(prometheus_matchers=matchers),
        deployment={"status": {"stable": {"revision": other or revision}, "candidate": {"revision": revision}}},
    )


async def _stable(metrics: Metrics, observed: Observed, first: float) -> History | None:
    """The counts of the stable revision, which a candidate is compared with; None where it is watched itself."""
    if not observed.watches_candidate:
        return None
    revision = observed.stable_revision
    layout = Layout.of(_points(await _asked(metrics, profile_query(observed, revision))))
    if isinstance(layout, Problem):
        raise Invalid(f"{layout.reason}: {layout.message}")
    return History(layout).with_answer(_points(await _asked(metrics, counts_query(observed, first, revision))))


async def _asked(metrics: Metrics, query: Query) -> Sequence[Series]:
    return await metrics.query_range(query.text, start=query.start, end=query.end, step=query.step)


def _points(series: Sequence[Series]) -> Iterator[tuple[dict[str, str], Sequence[tuple[float, float]]]]:
    return ((dict(one.labels), one.points) for one in series)


def _beside(history: History, stable: History, begin: float, end: float) -> History:
    """With what the stable revision counted in place of the training; signals with other bins there are not drawn."""
    cells = dict(zip(stable.layout.keys, stable.total(begin, end), strict=True))
    pair, signals = Concurrent(history, stable), []
    for index, signal in enumerate(history.layout.signals):
        if pair.same_bins(index):
            counts = np.array([cells[key] for key in signal.bins])
            nulls, unseen, rows = (cells[signal.name, "group", group] for group in GROUPS)
            counts = np.maximum(np.diff(counts, prepend=0.0), 0.0) if signal.cumulative else counts
            signals.append(replace(signal, reference=tuple(counts), nulls=nulls, unseen=unseen, rows=rows))
        else:
            signals.append(replace(signal, reference=()))
    return replace(history, layout=replace(history.layout, signals=tuple(signals)))


def _distributions(
    report: PolicyReport, history: History, look: Evaluation, at: float, since: float
) -> Iterator[Distribution]:
    """Of each column, in the window where it changed most, or else in the longest that has enough rows."""
    able = [width for width, enough in zip(look.windows, look.enough, strict=True) if enough]
    widest = max(able, default=max(look.windows))
    changed = {one.name.rpartition("/")[2]: one for one in reversed(report.status.signals) if one.verdict == "Drifted"}
    totals: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    for index, signal in enumerate(history.layout.signals):
        if not signal.reference:
            continue
        width = changed[signal.column].window_seconds if signal.column in changed else widest
        if width not in totals:
            cells = history.total(max(at - width, since), at)
            totals[width] = history.bins(cells), history.groups(cells)
        bins, groups = totals[width]
        yield _distribution(signal, width, bins[index], groups[index], drifted=signal.column in changed)


def _distribution(signal: Signal, width: int, counts: np.ndarray, groups: np.ndarray, *, drifted: bool) -> Distribution:
    before, live = np.array(signal.reference), counts[: len(signal.bins)]
    p, q = live / max(1.0, live.sum()), before / max(1.0, before.sum())
    smoothed = (live + 0.5) / (live.sum() + 0.5 * len(live)), (before + 0.5) / (before.sum() + 0.5 * len(before))
    nulls, unseen, rows = groups
    return Distribution(
        column=signal.column,
        window_seconds=width,
        rows=int(rows),
        bins=[Bin(*one) for one in zip(_labels(signal), q.tolist(), p.tolist(), strict=True)],
        nulls=(signal.nulls / max(1.0, signal.rows), nulls / max(1.0, rows)),
        unseen=(signal.unseen / max(1.0, signal.rows), unseen / max(1.0, rows)),
        psi=float(((smoothed[0] - smoothed[1]) * np.log(smoothed[0] / smoothed[1])).sum()),
        drifted=drifted,
    )


def _labels(signal: Signal) -> Iterator[str]:
    """Of numbers up to which bound a bin reaches, of categories their names."""
    lower = "-inf"
    for _, kind, value in signal.bins:
        if kind != "le":
            yield value
        elif value == "+Inf":
            yield f"above {lower}"
        else:
            lower = f"{float(value):.4g}"
            yield f"to {lower}"
