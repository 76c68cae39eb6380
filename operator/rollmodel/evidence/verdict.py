"""From the state of a judge to its opinion: which outcome comes first, and in which words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from rollmodel.evidence import sample_ratio
from rollmodel.evidence.core.opinion import MetricOpinion
from rollmodel.evidence.core.types import Assessment, JudgePlan, MetricReport, Outcome
from rollmodel.evidence.core.words import ratio
from rollmodel.evidence.state import JudgeState

__all__ = ["assess", "patience", "seconds_without_data"]

#: Intervals without evidence after which a metric has no data.
GRACE = 3.0


class Finding(NamedTuple):
    """An outcome with its words, and the metrics that it is about."""

    outcome: Outcome
    reason: str
    message: str
    names: tuple[str, ...] = ()


def assess(state: JudgeState) -> Assessment:
    """The opinion after the last window: the first of ``RULES`` that applies."""
    opinions = [opinion for part in state.parts for opinion in part.opinions()]
    found = next(finding for rule in RULES if (finding := rule(state, opinions)) is not None)
    by_name = {opinion.report.name: opinion for opinion in opinions}
    return Assessment(
        outcome=found.outcome,
        reason=found.reason,
        message=found.message,
        blamed=found.names,
        metrics=tuple(_report(state, by_name[m.name]) for m in state.plan.metrics),
        ticks=state.ticks,
        upper_limit_below_margin=bool(opinions) and all(o.below_margin for o in opinions),
    )


def seconds_without_data(state: JudgeState) -> float:
    """For how long no metric at all has given evidence, up to the end of the last window."""
    opinions = [opinion for part in state.parts for opinion in part.opinions()]
    return min((opinion.seconds_without_data for opinion in opinions), default=0.0)


def patience(plan: JudgePlan, name: str) -> float:
    """Seconds without evidence after which a metric has no data: its labels may still arrive."""
    return GRACE * plan.interval + next(m.delay for m in plan.metrics if m.name == name)


def _ceiling(state: JudgeState, opinions: Sequence[MetricOpinion]) -> Finding | None:
    """Latched: the candidate broke an absolute limit, and the stable arm did not."""
    del opinions
    if not state.breached:
        return None
    message = f"{_listed(state.breached)}: the candidate broke the absolute limit"
    return Finding(Outcome.CEILING, "LimitBroken", message, state.breached)


def _harm(state: JudgeState, opinions: Sequence[MetricOpinion]) -> Finding | None:
    """Latched: the metrics together prove that the candidate is worse than tolerated."""
    if not state.harmful:
        return None
    worst = next(o.report for o in opinions if o.report.name == state.harmful[0])
    compared = "what may differ" if worst.unit == "pairs" else "the stable value"
    times = "" if worst.ratio is None else f", {ratio(worst.ratio)} times {compared}"
    early = ", so glaring that it was found while the noise is still learnt" if worst.guard == "Caught" else ""
    message = f"{_listed(state.harmful)}: proven worse than tolerated{times}{early}"
    return Finding(Outcome.HARM, "ProvenHarmful", message, state.harmful)


def _shared(state: JudgeState, opinions: Sequence[MetricOpinion]) -> Finding | None:
    """The stable arm breaks the limit as well: rolling back would not help."""
    del state
    names = _names(o for o in opinions if o.shared)
    message = f"{_listed(names)}: the stable arm breaks the absolute limit too"
    return Finding(Outcome.SHARED_INCIDENT, "SharedIncident", message, names) if names else None


def _no_data(state: JudgeState, opinions: Sequence[MetricOpinion]) -> Finding | None:
    """A metric gave no evidence for longer than its patience."""
    names = _names(o for o in opinions if _has_no_data(state, o))
    if not names:
        return None
    note = state.notes.get(names[0])
    why = f": {note.reason} {note.message}".rstrip() if note else ""
    return Finding(Outcome.NO_DATA, "NoEvidence", f"no evidence from {_listed(names)}{why}", names)


def _biased(state: JudgeState, opinions: Sequence[MetricOpinion]) -> Finding | None:
    """The split of traffic is not the one asked for."""
    del opinions
    wrong, share = sample_ratio.alarm(state.share), state.share
    if wrong is None:
        return None
    message = f"the candidate gets {wrong} traffic than its weight"
    if share.since_n > 0:
        message += f", {100 * share.since_k / share.since_n:.1f} % of what was counted since the last change"
    return Finding(Outcome.BIASED_SPLIT, "BiasedSplit", message)


def _safe(state: JudgeState, opinions: Sequence[MetricOpinion]) -> Finding | None:
    """Every metric is proven safe."""
    del state
    proven = bool(opinions) and all(o.proven_safe for o in opinions)
    return Finding(Outcome.SAFE, "ProvenSafe", "every metric is proven within its margin") if proven else None


def _undecided(state: JudgeState, opinions: Sequence[MetricOpinion]) -> Finding | None:
    """Neither harm nor safety is proven."""
    del state
    open_still = _listed(_names(o for o in opinions if not o.proven_safe))
    message = f"{open_still}: neither harm nor safety is proven yet" if open_still else "no metric is judged"
    return Finding(Outcome.UNDECIDED, "NotEnoughEvidence", message)


#: In order of precedence; the last one always applies.
RULES: Sequence[Callable[[JudgeState, Sequence[MetricOpinion]], Finding | None]] = (
    _ceiling,
    _harm,
    _shared,
    _no_data,
    _biased,
    _safe,
    _undecided,
)


def _names(opinions: Iterable[MetricOpinion]) -> tuple[str, ...]:
    return tuple(o.report.name for o in opinions)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _has_no_data(state: JudgeState, opinion: MetricOpinion) -> bool:
    return opinion.seconds_without_data > patience(state.plan, opinion.report.name)


def _report(state: JudgeState, opinion: MetricOpinion) -> MetricReport:
    """The metric's own report with what the rollout knows: blame, missing data, why the last window gave nothing."""
    report, note = opinion.report, state.notes.get(opinion.report.name)
    verdict = report.verdict
    if report.name in state.breached:
        verdict = "Breached"
    elif report.name in state.harmful:
        verdict = "Harmful"
    elif _has_no_data(state, opinion):
        verdict = "NoData"
    message = f"{note.reason}: {note.message}" if note else report.message
    to_safe = None if _seems_worse(state.plan, report) else report.seconds_to_safe
    return replace(report, verdict=verdict, message=message, seconds_to_safe=to_safe)


def _seems_worse(plan: JudgePlan, report: MetricReport) -> bool:
    """Whether the interval excludes what the time until safety takes for granted: that there is no difference."""
    metric = next(m for m in plan.metrics if m.name == report.name)
    if report.low is None or report.high is None:
        return False
    return report.low > 1 if metric.higher_is_worse else report.high < 1
