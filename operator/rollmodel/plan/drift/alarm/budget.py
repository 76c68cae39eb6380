"""The false-alarm budget of a period: what evaluations have used of it."""

from __future__ import annotations

from rollmodel.api.driftpolicy import BudgetStatus
from rollmodel.plan.drift.builder import DecisionBuilder
from rollmodel.plan.times import parse

__all__ = ["budget_after"]


def budget_after(builder: DecisionBuilder, used: float) -> BudgetStatus:
    """The budget after an evaluation that used so much of it; a new one where the period is over."""
    spec, before = builder.observed.spec.false_alarms, builder.status.budget
    whole, period = float(spec.budget), spec.period_days * 86_400
    if before is None or (builder.observed.now - parse(before.period_start_time)).total_seconds() >= period:
        before = BudgetStatus(spent="0", remaining="", period_start_time=builder.now)
    spent = min(whole, float(before.spent) + used)
    return BudgetStatus(
        spent=f"{spent:.6f}", remaining=f"{whole - spent:.6f}", period_start_time=before.period_start_time
    )
