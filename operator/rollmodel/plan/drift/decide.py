"""``decide``: from what was observed to what should be done about it. Pure: equal input gives an equal decision."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np

from rollmodel.api.driftpolicy import ProfileStatus
from rollmodel.evidence.core.arrays import Array
from rollmodel.plan.decision import Decision
from rollmodel.plan.drift.alarm.budget import budget_after
from rollmodel.plan.drift.alarm.episode import begin_episode, end_episode
from rollmodel.plan.drift.builder import DecisionBuilder
from rollmodel.plan.drift.evaluation.evaluate import Evaluation, evaluate
from rollmodel.plan.drift.evaluation.history import History
from rollmodel.plan.drift.evaluation.learning import (
    after_a_week,
    dispersion_of,
    for_candidate,
    learn_from,
    quiet_steps,
    too_much_to_learn,
)
from rollmodel.plan.drift.evaluation.queries import delay_of, is_due, look_at, step_of
from rollmodel.plan.drift.evaluation.watches import too_many_watches, unsupported
from rollmodel.plan.drift.observed import Observed
from rollmodel.plan.drift.profile.layout import Layout
from rollmodel.plan.drift.profile.reference import PERIODS
from rollmodel.plan.drift.reaction.notify import with_webhook_messages
from rollmodel.plan.drift.reaction.retrain import advance_retrain, follow_retrain, revision_changed
from rollmodel.plan.drift.status import conditions
from rollmodel.plan.problem import Problem
from rollmodel.plan.times import parse, stamp

__all__ = ["counted_from", "decide", "watched_from"]

#: When a neighbour is asked again that could not answer, in seconds; a step may be shorter.
RETRY_SECONDS = 60.0


def decide(observed: Observed) -> Decision:
    """What should be true next, and why."""
    builder = DecisionBuilder.of(observed)
    if missing := unsupported(observed.spec):
        builder = conditions.stalled(builder, "NotImplemented", f"not in this release: {'; '.join(missing)}")
        return with_webhook_messages(follow_retrain(builder))
    builder = conditions.healthy(builder)
    if observed.spec.suspend is not None:
        return with_webhook_messages(follow_retrain(conditions.learnt_or_given_up(conditions.suspended(builder))))
    builder = conditions.learnt_or_given_up(_look_if_due(builder))
    return with_webhook_messages(advance_retrain(builder))


def watched_from(observed: Observed) -> float:
    """From when on rows count (unix seconds, a multiple of the step): the revision is stable, and had its hold-off."""
    arm, hold_off = observed.arm, observed.spec.hold_off.after_rollout_seconds
    begun = arm.get("weightSince") or arm.get("started")
    if observed.watches_candidate:  # its weight changes at each step, and it has no time to lose
        begun, hold_off = arm.get("started"), 0
    moment = parse(begun).timestamp() if begun else observed.now.timestamp()
    step = step_of(observed.spec)
    return math.ceil((moment + hold_off) / step) * step


def counted_from(observed: Observed) -> float:
    """From when on rows of the revision count (unix seconds): what status says, once it does."""
    profile, since = observed.status.profile, observed.status.watched_since
    if profile is not None and profile.revision == observed.revision and since is not None:
        return parse(since).timestamp()
    return watched_from(observed)


def _look_if_due(builder: DecisionBuilder) -> DecisionBuilder:
    observed = builder.observed
    if (absent := _no_target(observed)) is not None:
        return conditions.blind(builder, absent.reason, absent.message)
    if observed.revision is None:
        builder = end_episode(builder, "the candidate is tried no more") if builder.alarmed else builder
        return conditions.no_candidate(builder.set(profile=None, watched_since=None, learnt=None, signals=[]))
    if not is_due(observed):
        return builder.requeue(_next_look(observed))
    for problem in (observed.layout, observed.history, observed.stable):
        if isinstance(problem, Problem):
            return conditions.blind(builder, problem.reason, problem.message).requeue(_retry(observed))
    if not isinstance(observed.layout, Layout) or not isinstance(observed.history, History):
        return builder.requeue(_retry(observed))
    builder = _watch(builder, observed.layout)
    return _look(builder, observed.history).requeue(_next_look(observed))


def _no_target(observed: Observed) -> Problem | None:
    target = observed.spec.model_deployment_ref.name
    if observed.deployment is None:
        return Problem("TargetMissing", f"there is no ModelDeployment {target!r} in this namespace")
    if observed.stable_revision is None:
        return Problem("NoStableRevision", f"ModelDeployment {target!r} has no stable revision yet")
    return None


def _next_look(observed: Observed) -> float:
    step, delay = step_of(observed.spec), delay_of(observed)
    return look_at(observed) + step + delay - observed.now.timestamp() + 0.1


def _retry(observed: Observed) -> float:
    return min(RETRY_SECONDS, float(step_of(observed.spec)))


def _watch(builder: DecisionBuilder, layout: Layout) -> DecisionBuilder:
    """Begin anew with another revision or another profile."""
    observed, profile = builder.observed, builder.status.profile
    if profile is not None and (profile.revision, profile.digest) == (observed.revision, layout.digest):
        return builder
    builder = revision_changed(builder) if profile is not None else builder
    if builder.alarmed:
        builder = end_episode(builder, "another revision or profile is watched")
    return builder.set(
        profile=ProfileStatus(
            revision=observed.revision or "",
            digest=layout.digest,
            rows=layout.rows,
            compared_with=observed.stable_revision if observed.watches_candidate else None,
        ),
        watched_since=stamp(datetime.fromtimestamp(watched_from(observed), UTC)),
        learnt=None,
        signals=[],
        last_evaluation_time=None,
        labelled_rows=None,
    ).read(())


def _look(builder: DecisionBuilder, history: History) -> DecisionBuilder:
    observed, at = builder.observed, look_at(builder.observed)
    since = parse(builder.status.watched_since or builder.now).timestamp()
    if problem := _unfit(observed, history.layout):
        return conditions.blind(builder, problem.reason, problem.message)
    for known in (history, observed.stable):
        if isinstance(known, History) and (asked := too_much_to_learn(observed.spec, known.layout)):
            return conditions.blind(builder, "TooManyCounts", asked)
    if problem := _silence(history, at):
        return conditions.blind(builder, problem.reason, problem.message)
    labelled = history.labelled_rows if observed.spec.retrain.min_new_labelled_rows else None
    builder = builder.set(last_evaluation_time=stamp(datetime.fromtimestamp(at, UTC)), labelled_rows=labelled)
    builder, dispersion = _dispersion(builder, history, at, since)
    stable = observed.stable if isinstance(observed.stable, History) else None
    if dispersion is None:
        begin, teacher = (since, history) if stable is None else (-math.inf, stable)
        found = len(quiet_steps(observed.spec, teacher, after=begin, until=at))
        return conditions.learning(builder, found)
    look = evaluate(
        observed.spec,
        history,
        builder.status.signals,
        at=at,
        watched_since=since,
        dispersion=dispersion,
        now=builder.now,
        stable=stable,
    )
    builder = builder.set(signals=list(look.signals), budget=budget_after(builder, look.spent)).read(look.readings)
    return _conclude(builder, look)


def _unfit(observed: Observed, layout: Layout) -> Problem | None:
    """Why this profile is no reference for what the policy asks."""
    spec = observed.spec
    minimum = spec.reference.training.min_rows if spec.reference.training is not None else 0
    if layout.rows < minimum:
        message = f"the profile rests on {layout.rows} rows, `reference.training.minRows` is {minimum}"
        return Problem("ProfileTooSmall", message)
    if spec.reference.training is not None and spec.season in PERIODS and layout.rhythm is None:
        message = (
            f"`season` is {spec.season}, and the profile has no counts by hours: build it with times of a week at"
            " least (`rollmodel profile --time`), or use `reference.window`"
        )
        return Problem("ProfileWithoutHours", message)
    asked = too_many_watches(spec, layout)
    return None if asked is None else Problem("TooManySignals", asked)


def _silence(history: History, at: float) -> Problem | None:
    """Why the last step says nothing, although there should be something to count."""
    cells = history.steps.get(round(at))
    if cells is None:
        return Problem("NoSeries", "Prometheus has no counts of the stable revision for the last step")
    rows, requests = history.groups(cells)[:, 2].max(), cells[-1]
    if rows < 0.5 and requests >= 1.0:
        message = f"{requests:.0f} requests in the last step, and no row was counted"
        return Problem("RowsNotCounted", message)
    return None


def _dispersion(
    builder: DecisionBuilder, history: History, at: float, since: float
) -> tuple[DecisionBuilder, Array | None]:
    """The dispersion of each signal, learnt now if it can be; None while it is not known."""
    spec, signals = builder.observed.spec, len(history.layout.signals)
    if spec.dependence.dispersion == "Ignore":
        return builder, np.ones(signals)
    known = dispersion_of(builder.status.learnt, signals)
    if known is not None and builder.status.learnt is not None:
        if builder.observed.watches_candidate:
            return builder, known
        return builder.set(learnt=after_a_week(spec, history, builder.status.learnt, since=since, at=at)), known
    stable = builder.observed.stable
    if isinstance(stable, History):  # a candidate is too young to teach: the stable revision's past does
        learnt = for_candidate(learn_from(spec, stable, after=-math.inf, until=at, now=builder.now), history, stable)
    else:
        learnt = learn_from(spec, history, after=since, until=at, now=builder.now)
    builder = builder.set(learnt=learnt)
    if learnt is None:
        return builder, None
    builder = builder.event("Normal", "Learnt", f"from {learnt.windows} quiet windows: looks count from now on")
    return builder, dispersion_of(learnt, signals)


def _conclude(builder: DecisionBuilder, look: Evaluation) -> DecisionBuilder:
    """The state, the episode, and the conditions."""
    drifted = [one for one in look.signals if one.verdict == "Drifted"]
    state = "Stable"
    if drifted:
        state = "Drifted"
    elif any(one.verdict == "Suspected" for one in look.signals):
        state = "Suspected"
    elif not any(look.enough):
        state = "Insufficient"
    if drifted and not builder.alarmed:
        builder = begin_episode(builder, drifted)
    elif not drifted and builder.alarmed:
        builder = end_episode(builder, "no signal shows a change any more")
    return conditions.looked(builder, look, state)
