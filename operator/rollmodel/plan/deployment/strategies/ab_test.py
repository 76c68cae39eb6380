"""The A/B test: clients say by a header or a cookie which version they get, and one metric says which is better.

Both groups stay with their version for the whole horizon. Nobody wins before it is over, but proof of harm ends the
test at any time. The interval of the metric that decides holds at all times together, so looking earlier costs nothing.
"""

from __future__ import annotations

from rollmodel.api.modeldeployment import ABTestPolicy, ArmStatus, ModelDeploymentSpec, Step
from rollmodel.evidence.core.types import MetricReport, Outcome
from rollmodel.plan.deployment.analysis.labels import label_delay
from rollmodel.plan.deployment.analysis.signals import signal_of
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.routers.match import RequestMatch
from rollmodel.plan.deployment.routers.traffic import ADDRESS_TAKEN
from rollmodel.plan.deployment.strategies.canary import Canary
from rollmodel.plan.deployment.strategies.ends import transitions
from rollmodel.plan.deployment.strategies.goals import Comparison, Goal, Needs
from rollmodel.plan.deployment.strategies.steps import stages
from rollmodel.plan.deployment.strategies.steps.judged_step import hold, step_view, until_held

__all__ = ["ABTest"]

_CANARY = Canary()
NO_DIFFERENCE, BETTER = "NoDifference", "Better"


class ABTest:
    """One step, at the share that clients have by what they send."""

    needs = Needs(header_match=True)

    def step_count(self, spec: ModelDeploymentSpec) -> int:
        """One: the test."""
        del spec
        return 1

    def goal(self, spec: ModelDeploymentSpec, step: int) -> Goal:
        """The share of the clients in group B, and how they are known."""
        test = _test(spec)
        sized_for = test.percent
        return Goal(test.percent if step >= 0 else 0, sized_for=sized_for, match=_match(test) if step >= 0 else None)

    def limits(self, spec: ModelDeploymentSpec, step: int) -> Step | None:
        """The horizon, no shorter and no longer."""
        del step
        test = _test(spec)
        return Step(weight=test.percent, min_seconds=test.horizon_seconds, max_seconds=test.horizon_seconds)

    def planned_seconds(self, spec: ModelDeploymentSpec) -> int:
        """The horizon, in seconds: nobody wins before."""
        return _test(spec).horizon_seconds

    def comparison(self, stable: ArmStatus, candidate: ArmStatus) -> Comparison:
        """Group B against all others."""
        return _CANARY.comparison(stable, candidate)

    def entered(self, rollout: Rollout, step: int) -> Rollout:
        """An Event that says who gets it."""
        return rollout.with_event("Normal", "StepEntered", self.place(rollout, step))

    def advance(self, rollout: Rollout, step: int) -> Rollout:
        """Until the horizon is over and its labels have come; then what the deciding metric says."""
        traffic, limits = rollout.traffic, self.limits(rollout.spec, step)
        if traffic.status == "False" and traffic.needs_person and traffic.reason != ADDRESS_TAKEN:
            message = f"{traffic.reason}: {traffic.message}"
            return transitions.roll_back(rollout, reason="MatchRefused", message=message, by="gateway", blamed=False)
        waiting = until_held(rollout)
        if waiting is not None or limits is None:
            return rollout if waiting is None else waiting
        view = step_view(rollout, limits)
        if view.silent:
            return hold(rollout, limits)
        horizon = _test(rollout.spec).horizon_seconds
        if view.pause is not None or view.judged_seconds < horizon + label_delay(rollout.spec.analysis):
            return rollout
        return _ended(rollout, step)

    def place(self, rollout: Rollout, step: int) -> str:
        """Who gets it."""
        del step
        label = rollout.label(rollout.candidate.revision) if rollout.candidate is not None else "nothing"
        return f"{label} has all clients with {_match(_test(rollout.spec))}"


def _ended(rollout: Rollout, step: int) -> Rollout:
    """Better: it takes over. No difference that could be proven: what the policy says."""
    report, policy = _deciding(rollout), _test(rollout.spec).on_no_difference
    if report is not None and _is_better(rollout, report):
        return stages.enter(rollout, step + 1, BETTER)
    message = f"the test is over, and no difference is proven{_numbers(report)}"
    safe = rollout.analysis.assessment is not None and rollout.analysis.assessment.outcome is Outcome.SAFE
    if policy == "Promote" and safe:
        return stages.enter(rollout, step + 1, NO_DIFFERENCE)
    if policy == "RollBack":
        return transitions.roll_back(rollout, reason=NO_DIFFERENCE, message=message, by="deadline", blamed=False)
    return stages.pause(rollout, f"Undecided: {message}")


def _deciding(rollout: Rollout) -> MetricReport | None:
    """What the first metric says."""
    assessment, metrics = rollout.analysis.assessment, rollout.spec.analysis.metrics
    reports = assessment.metrics if assessment is not None else ()
    return next((report for report in reports if metrics and report.name == metrics[0].name), None)


def _is_better(rollout: Rollout, report: MetricReport) -> bool:
    """Whether its whole interval lies on the better side of equality."""
    if report.low is None or report.high is None:
        return False
    metric = rollout.spec.analysis.metrics[0]
    worse_is_more = signal_of(metric).plan(metric).higher_is_worse
    return report.high < 1 if worse_is_more else report.low > 1


def _numbers(report: MetricReport | None) -> str:
    if report is None or report.ratio is None or report.low is None or report.high is None:
        return ""
    return f": {report.name}, candidate over stable, {report.ratio:.4g} ({report.low:.4g} .. {report.high:.4g})"


def _test(spec: ModelDeploymentSpec) -> ABTestPolicy:
    return spec.rollout.ab_test or ABTestPolicy()


def _match(test: ABTestPolicy) -> RequestMatch:
    found = test.cookie or test.header
    return RequestMatch(found.name, found.value, cookie=test.cookie is not None) if found else RequestMatch("", "")
