"""What status says: conditions for programs (kstatus), in words for people.

``Reconciling`` is True while something moves, ``Stalled`` only where a person is needed. ``Ready`` is True when what is
wanted serves, Unknown while a rollout finds out whether it should, False when something is not as it should be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeGuard

from rollmodel.api.conditions import Condition, find
from rollmodel.api.modeldeployment import ArmStatus, ModelDeploymentStatus
from rollmodel.api.modeldeployment.status import MOST_RETIRING
from rollmodel.errors import NotAnsweredYet
from rollmodel.plan import naming
from rollmodel.plan.conditions import ConditionDraft, merge_conditions
from rollmodel.plan.decision import Event
from rollmodel.plan.deployment.beginning import waiting_condition
from rollmodel.plan.deployment.objects.traffic.falling_asleep import is_falling_asleep
from rollmodel.plan.deployment.observed import PinnedModel
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.status.baseline import BASELINE_READY, baseline_condition
from rollmodel.plan.deployment.status.builds import BUILDS_DIFFER, builds
from rollmodel.plan.deployment.status.configuration import CONFIG_CHANGED, changed_configuration
from rollmodel.plan.deployment.status.faults import beside, needs_person, rolled_back, troubled_pods
from rollmodel.plan.deployment.status.records import RECORD_CHANGED, believed_records, changed_records
from rollmodel.plan.deployment.status.shared_alias import ALIAS_SHARED, shared_alias
from rollmodel.plan.deployment.status.summary import Summary, pods, summary
from rollmodel.plan.deployment.strategies.commands import refresh_asked
from rollmodel.plan.deployment.strategies.split import pods_to_have
from rollmodel.plan.deployment.strategies.steps.stages import pause_reason

__all__ = ["build_status", "condition_events"]


def build_status(rollout: Rollout) -> ModelDeploymentStatus:
    """The whole new status."""
    conditions = merge_conditions(
        rollout.observed.status.conditions,
        _lines(rollout),
        generation=rollout.observed.generation,
        now=rollout.now,
    )
    fields = {
        "observed_generation": rollout.observed.generation,
        "conditions": conditions,
        "stable": rollout.stable,
        "candidate": rollout.candidate,
        "baseline": rollout.baseline,
        "retiring": _remembered(rollout.retiring),
        "replicas": sum(arm.replicas for arm in rollout.state.arms()),
        "selector": naming.selector_text(naming.owner_selector(rollout.observed.name)),
        "held_size": rollout.state.held_size,
        "routed_rule": rollout.state.routed_rule,
        "evidence": rollout.state.evidence,
        "judge": rollout.state.judge,
        "rejected": rollout.state.rejected,
        "paused": rollout.paused,
        "history": rollout.state.history,
        "last_command": rollout.state.last_command,
        "refreshed": _refreshed(rollout),
        "records": believed_records(rollout),
        "outbox": rollout.state.outbox,
    }
    return ModelDeploymentStatus.model_validate(fields)


def _refreshed(rollout: Rollout) -> str | None:
    """The wish for a look at the registry, once this pass has had that look."""
    observed = rollout.observed
    return (observed.registry_read and refresh_asked(observed.annotations)) or observed.status.refreshed


def _remembered(retiring: Sequence[ArmStatus]) -> list[ArmStatus]:
    """As many as status can hold: those with traffic, then the youngest. Whoever is left out has drained the longest.

    It is found again by its pods in the next pass, and then taken away.
    """
    places = sorted(range(len(retiring)), key=lambda place: (retiring[place].weight > 0, place))[-MOST_RETIRING:]
    return [retiring[place] for place in sorted(places)]


def condition_events(
    before: Sequence[Condition], after: Sequence[Condition], posted: Sequence[Event] = ()
) -> Iterator[Event]:
    """Events for conditions that turned bad or well; Events of the rollout itself are ``posted`` where it moves.

    A first revision is told once: ``Installed`` says that it answers, ``Available`` beside it would say nothing new.
    """
    installed = any(event.reason == "Installed" for event in posted)
    for kind, bad in {
        "ModelResolved": "False",
        "MetricsAvailable": "False",
        "Stalled": "True",
        "Available": "False",
        BASELINE_READY: "False",
        BUILDS_DIFFER: "True",
        CONFIG_CHANGED: "True",
        RECORD_CHANGED: "True",
        ALIAS_SHARED: "True",
    }.items():
        old, new = find(before, kind), find(after, kind)
        if new is None or (kind == "Available" and old is None) or new.reason == "RolledBack":
            continue
        was_bad = old is not None and old.status == bad
        if new.status == bad and (old is None or not was_bad or old.reason != new.reason):
            yield Event("Warning", new.reason, new.message)
        elif was_bad and new.status != bad and new.status == "True" and not (installed and kind == "Available"):
            yield Event("Normal", kind, new.message)


def _lines(rollout: Rollout) -> dict[str, ConditionDraft]:
    doing = summary(rollout)
    stalled = needs_person(rollout)
    ready = _ready(rollout, stalled, doing)
    return {
        "Ready": ready,
        "Reconciling": _reconciling(rollout, ready, stalled, doing),
        "Stalled": stalled or ConditionDraft("False", "NothingWrong", ""),
        "Available": _available(rollout),
        "Progressing": _progressing(rollout, doing),
        "Paused": _paused(rollout),
        "RolledBack": rolled_back(rollout),
        "ModelResolved": _model_resolved(rollout),
        "TrafficProgrammed": ConditionDraft(rollout.traffic.status, rollout.traffic.reason, rollout.traffic.message),
        **baseline_condition(rollout),
        **builds(rollout),
        **changed_configuration(rollout),
        **shared_alias(rollout),
        **waiting_condition(rollout),
        **changed_records(rollout),
        "MetricsAvailable": ConditionDraft(rollout.analysis.status, rollout.analysis.reason, rollout.analysis.message),
    }


def _ready(rollout: Rollout, stalled: ConditionDraft | None, doing: Summary | None) -> ConditionDraft:
    """The first of these that holds."""
    if stalled is not None:
        return beside(ConditionDraft("False", stalled.reason, stalled.message), troubled_pods(rollout))
    if rollout.context.problem is not None and not _was_ready(rollout):
        return ConditionDraft("Unknown", rollout.context.problem.reason, rollout.context.problem.message)
    return _not_serving(rollout, doing) or _rolling_out(rollout, doing) or _serving(rollout)


def _not_serving(rollout: Rollout, doing: Summary | None) -> ConditionDraft | None:
    if rollout.stable is None:
        return (
            ConditionDraft("False", doing.reason, doing.message)
            if doing
            else ConditionDraft("False", "Installing", "nothing serves yet")
        )
    if rollout.stable.ready_replicas < pods_to_have(rollout):
        return ConditionDraft("False", "PodsNotReady", pods(rollout, rollout.stable, pods_to_have(rollout)))
    return None


def _rolling_out(rollout: Rollout, doing: Summary | None) -> ConditionDraft | None:
    if rollout.candidate is not None and doing is not None:
        return ConditionDraft("Unknown", "RollingOut", doing.message)
    if doing is not None and doing.reason == "Waiting":
        return ConditionDraft("Unknown", "Waiting", doing.message)
    if rollout.stable is not None and rollout.wanted is not None and rollout.wanted.id != rollout.stable.revision:
        return ConditionDraft("Unknown", "RollingOut", f"{rollout.wanted.label} begins when nothing else has traffic")
    return None


def _serving(rollout: Rollout) -> ConditionDraft:
    if rollout.traffic.status != "True":
        return ConditionDraft("False", rollout.traffic.reason, rollout.traffic.message)
    serving = rollout.label(rollout.stable.revision) if rollout.stable is not None else "nothing"
    if is_falling_asleep(rollout):
        message = f"`scale.replicas` is 0; pods of {serving} stay until the holding page has their requests"
        return ConditionDraft("Unknown", "ScalingToZero", message)
    if rollout.full_size == 0:
        return ConditionDraft("True", "ScaledToZero", f"{serving} has no pods, for `scale.replicas` is 0")
    return ConditionDraft("True", "Serving", f"{serving} serves")


def _was_ready(rollout: Rollout) -> bool:
    """Ready stays what it was while the registry is away: nothing else was asked for since."""
    return _was(find(rollout.observed.status.conditions, "Ready"), rollout)


def _was(before: Condition | None, rollout: Rollout) -> TypeGuard[Condition]:
    """Whether this was true, and nothing else was asked for since."""
    same = rollout.observed.status.observed_generation == rollout.observed.generation
    return same and before is not None and before.status == "True"


def _reconciling(
    rollout: Rollout, ready: ConditionDraft, stalled: ConditionDraft | None, doing: Summary | None
) -> ConditionDraft:
    if stalled is not None or (ready.status == "True" and not rollout.retiring):
        return ConditionDraft("False", "Idle" if stalled is None else "WaitingForPerson", "")
    return (
        ConditionDraft("True", doing.reason, doing.message)
        if doing is not None
        else ConditionDraft("True", ready.reason, ready.message)
    )


def _available(rollout: Rollout) -> ConditionDraft:
    if rollout.stable is None:
        return ConditionDraft("False", "NothingServes", "no revision has been ready yet")
    if rollout.full_size == 0:
        return ConditionDraft("False", "ScaledToZero", "`scale.replicas` is 0")
    line = pods(rollout, rollout.stable, pods_to_have(rollout))
    stand_in = rollout.candidate
    if (
        not rollout.stable.ready_replicas
        and stand_in is not None
        and stand_in.weight == 100
        and stand_in.ready_replicas
    ):
        message = f"{rollout.label(stand_in.revision)} stands in with all traffic; {line}"
        return ConditionDraft("True", "CandidateServes", message)
    return (
        ConditionDraft("True", "Serving", line)
        if rollout.stable.ready_replicas > 0
        else ConditionDraft("False", "NoPodReady", line)
    )


def _progressing(rollout: Rollout, doing: Summary | None) -> ConditionDraft:
    if rollout.candidate is None or doing is None:
        return ConditionDraft("False", "Idle", "no rollout is in progress")
    return ConditionDraft("False" if rollout.paused else "True", doing.reason, doing.message)


def _paused(rollout: Rollout) -> ConditionDraft:
    reason = pause_reason(rollout)
    return ConditionDraft("True", reason, str(rollout.paused)) if reason else ConditionDraft("False", "NotPaused", "")


def _model_resolved(rollout: Rollout) -> ConditionDraft:
    if rollout.wanted is None:
        problem, before = rollout.context.problem, find(rollout.observed.status.conditions, "ModelResolved")
        if problem is not None and problem.reason == NotAnsweredYet.default_reason and _was(before, rollout):
            return ConditionDraft(before.status, before.reason, before.message)
        return ConditionDraft("False", problem.reason if problem else "Unknown", problem.message if problem else "")
    name = rollout.wanted.model_name or "the model"
    message = f"{name} is {rollout.wanted.label}, {rollout.wanted.digest[:19]}"
    model = rollout.observed.model
    if isinstance(model, PinnedModel) and model.tried_next is not None:
        message += f"; as the champion it is installed first, then v{model.tried_next} is tried"
    if isinstance(model, PinnedModel) and model.note is not None:
        message += f"; {model.note}"
    return ConditionDraft("True", "Pinned", message)
