"""The false-alarm budget of a period: what evaluations have used of it."""

from __future__ import annotations

from rollmodel.api.driftpolicy import BudgetStatus
from rollmodel.plan.drift.draft import Draft
from rollmodel.plan.times import parse

__all__ = ["budget_after"]


def budget_after(draft: Draft, used: float) -> BudgetStatus:
    """The budget after an evaluation that used so much of it; a new one where the period is over."""
    spec, before = draft.observed.spec.false_alarms, draft.status.budget
    whole, period = float(spec.budget), spec.period_days * 86_400
    if before is None or (draft.observed.now - parse(before.period_start_time)).total_seconds() >= period:
        before = BudgetStatus(spent="0", remaining="", period_start_time=draft.now)
    spent = min(whole, float(before.spent) + used)
    return BudgetStatus(
        spent=f"{spent:.6f}", remaining=f"{whole - spent:.6f}", period_start_time=before.period_start_time
    )
