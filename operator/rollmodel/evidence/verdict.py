"""From the state of a judge to its opinion: which outcome comes first, and in which words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from rollmodel.evidence.opinion import Opinion
from rollmodel.evidence.state import JudgeState
from rollmodel.evidence.types import Assessment, MetricReport, Outcome

__all__ = ["assess"]

#: Intervals without evidence after which a metric is silent.
GRACE = 3.0


def assess(state: JudgeState) -> Assessment:
    """The opinion after the last window; the first of these that holds.

    Ceiling broken by the candidate alone; harm proven (both latched); ceiling broken by both arms; a metric silent for
    more than :data:`GRACE` intervals; a split of traffic that is not the one asked for; every metric proven safe.
    """
    opinions = [opinion for part in state.parts for opinion in part.opinions()]
    outcome, reason, message, blamed = _outcome(state, opinions)
    by_name = {opinion.report.name: opinion for opinion in opinions}
    return Assessment(
        outcome=outcome,
        reason=reason,
        message=message,
        blamed=blamed,
        metrics=tuple(_report(state, by_name[m.name]) for m in state.plan.metrics),
        ticks=state.ticks,
        upper_limit_below_margin=bool(opinions) and all(o.below_margin for o in opinions),
    )


def _outcome(state: JudgeState, opinions: Sequence[Opinion]) -> tuple[Outcome, str, str, tuple[str, ...]]:
    if state.breached:
        return Outcome.CEILING, "CeilingBroken", f"{_names(state.breached)} broke the absolute limit", state.breached
    if state.harmful:
        return Outcome.HARM, "ProvenHarmful", _harm_message(state, opinions), state.harmful
    if shared := _who(o for o in opinions if o.shared):
        return (
            Outcome.SHARED_INCIDENT,
            "SharedIncident",
            f"{_names(shared)}: the stable arm breaks the limit too",
            shared,
        )
    if silent := _who(o for o in opinions if _is_silent(state, o)):
        return Outcome.NO_DATA, "NoEvidence", _silence(state, silent), silent
    if opinions and all(o.proven_safe for o in opinions):
        return Outcome.SAFE, "ProvenSafe", "every metric is proven to be within its margin", ()
    waiting = _who(o for o in opinions if not o.proven_safe)
    return Outcome.UNDECIDED, "NotEnoughEvidence", f"{_names(waiting)}: neither harm nor safety is proven yet", ()


def _who(opinions: Iterable[Opinion]) -> tuple[str, ...]:
    return tuple(o.report.name for o in opinions)


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _is_silent(state: JudgeState, opinion: Opinion) -> bool:
    return opinion.silent > GRACE * state.plan.interval


def _silence(state: JudgeState, silent: Sequence[str]) -> str:
    note = state.notes.get(silent[0])
    return f"no evidence from {_names(silent)}" + (f": {note.reason} {note.message}".rstrip() if note else "")


def _harm_message(state: JudgeState, opinions: Sequence[Opinion]) -> str:
    worst = next(o.report for o in opinions if o.report.name == state.harmful[0])
    ratio = "" if worst.ratio is None else f", {worst.ratio:.2g} times the stable one"
    return f"{_names(state.harmful)}: proven worse than the tolerance{ratio}"


def _report(state: JudgeState, opinion: Opinion) -> MetricReport:
    """The metric's own report with what the rollout knows: blame, silence, and why the last window gave nothing."""
    report = opinion.report
    note = state.notes.get(report.name)
    verdict = report.verdict
    if report.name in state.breached:
        verdict = "Breached"
    elif report.name in state.harmful:
        verdict = "Harmful"
    elif _is_silent(state, opinion):
        verdict = "NoData"
    return replace(report, verdict=verdict, message=f"{note.reason}: {note.message}" if note else report.message)
