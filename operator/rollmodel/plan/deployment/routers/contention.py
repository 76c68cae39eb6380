"""Somebody else writes a rule back each time that its backends become ours: how long we go on, and what is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rollmodel.api.modeldeployment import RoutedRule
from rollmodel.plan.deployment.routers.traffic import ObservedTraffic
from rollmodel.plan.times import seconds_since

__all__ = ["FREE_REPAIRS", "at_peace", "contended", "pause"]

#: So many times a rule is put right at once; children are, too.
FREE_REPAIRS = 3
#: The first pause after that; each next one is twice as long.
_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 60.0, 900.0
#: A rule that was left alone for so long after the pause is no longer fought about.
_PEACE_SECONDS = 300.0


def pause(rule: RoutedRule, now: datetime) -> float:
    """Seconds for which it is left as it is; 0 or less: it may be put right."""
    return _length(rule) - seconds_since(rule.repaired_at, now) if rule.repaired_at is not None else 0.0


def at_peace(rule: RoutedRule, now: datetime) -> bool:
    """Whether it has been left alone for so long after the pause that what was is forgotten."""
    return rule.repaired_at is not None and seconds_since(rule.repaired_at, now) > _length(rule) + _PEACE_SECONDS


def _length(rule: RoutedRule) -> float:
    late = rule.repairs - FREE_REPAIRS
    return 0.0 if late < 0 else min(_PAUSE_SECONDS * 2.0 ** min(late, 8), _LONGEST_PAUSE_SECONDS)


def contended(traffic: ObservedTraffic, rule: RoutedRule | None) -> ObservedTraffic:
    """What is observed; a person is needed where somebody goes on writing the rule back."""
    if rule is None or rule.repairs < FREE_REPAIRS or rule.in_force is not None:
        return traffic
    message = (
        f"rule {rule.rule} of HTTPRoute {rule.route} was changed by somebody else {rule.repairs} times while its"
        " backends were ours: let GitOps ignore the difference (docs/concepts/traffic.md); until then it is put right"
        " ever more rarely"
    )
    return replace(traffic, status="False", reason="RouteContended", message=message, needs_person=True, waits=False)
