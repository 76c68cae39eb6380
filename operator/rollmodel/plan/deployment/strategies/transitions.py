"""How a candidate's story can end, and what each ending leaves behind: history, Event, tags in the registry."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from rollmodel.api.modeldeployment import ArmStatus, HistoryEntry, RejectedRevision
from rollmodel.plan.deployment.context import Context
from rollmodel.plan.deployment.state import RolloutState, change
from rollmodel.plan.deployment.strategies import outbox
from rollmodel.plan.times import stamp

__all__ = ["begin", "install", "promote", "roll_back", "supersede"]

Verdict = Literal["Installed", "Promoted", "RolledBack", "Superseded", "Aborted"]
Retirement = Literal["Promoted", "RolledBack", "Superseded"]


def begin(state: RolloutState, context: Context, revision: str) -> RolloutState:
    """A new candidate; one that was being retired comes back with the pods it still has."""
    known = context.revision(revision)
    returning = next((arm for arm in state.retiring if arm.revision == revision), ArmStatus(revision=revision))
    candidate = change(
        returning,
        model_version=known.model_version if known else None,
        digest=known.digest if known else None,
        step=-1,
        since=stamp(context.now),
        started=stamp(context.now),
        ready_since=None,
        requests=0,
        retiring=None,
        reason=None,
    )
    message = f"{context.label(revision)} (revision {revision}) is started"
    return replace(
        state,
        candidate=candidate,
        retiring=tuple(arm for arm in state.retiring if arm.revision != revision),
        rejected=None,
        judge=None,
        evidence=(),
        paused=None,
    ).with_event("Normal", "RolloutStarted" if state.stable else "InstallStarted", message)


def install(state: RolloutState, context: Context) -> RolloutState:
    """The first revision answers: there is nothing to compare it with, so it serves."""
    candidate = _candidate(state)
    entry = _entry(state, context, candidate, "Installed", "FirstRevision", by="readiness")
    message = f"{context.label(candidate.revision)} answers and takes all traffic; there was no revision before it"
    installed = replace(state, stable=_settled(candidate), candidate=None, paused=None)
    return installed.with_history(entry).with_event("Normal", "Installed", message)


def promote(state: RolloutState, context: Context, *, reason: str, by: str) -> RolloutState:
    """The candidate carries all traffic: it is the stable revision now, and the old one is drained."""
    candidate, stable = _candidate(state), state.stable
    assert stable is not None  # noqa: S101 - a candidate without a stable revision is installed, not promoted
    entry = _entry(state, context, candidate, "Promoted", reason, by=by)
    winner, loser = context.label(candidate.revision), context.label(stable.revision)
    posted = outbox.posted(
        state.outbox,
        outbox.verdict(context, stable.revision, "Replaced", f"{winner} was promoted"),
        outbox.verdict(context, candidate.revision, "Promoted", reason),
        outbox.champion(context, candidate.revision),
    )
    promoted = replace(
        state,
        stable=_settled(candidate),
        candidate=None,
        retiring=(*state.retiring, _retired(context, stable, "Promoted", f"{winner} was promoted")),
        judge=None,
        paused=None,
        outbox=posted,
    )
    return promoted.with_history(entry).with_event("Normal", "Promoted", f"{winner} replaces {loser}: {reason}")


def roll_back(
    state: RolloutState,
    context: Context,
    *,
    reason: str,
    message: str,
    by: str,
    verdict: Literal["RolledBack", "Aborted"] = "RolledBack",
) -> RolloutState:
    """The candidate lost: its weight goes, then its pods, and it is not tried again until something new is said."""
    candidate = _candidate(state)
    label = context.label(candidate.revision)
    rejected = RejectedRevision(
        revision=candidate.revision,
        model_version=candidate.model_version,
        reason=reason,
        message=message,
        time=stamp(context.now),
    )
    back = replace(
        state,
        candidate=None,
        retiring=(*state.retiring, _retired(context, candidate, "RolledBack", message)),
        rejected=rejected,
        judge=None,
        paused=None,
        outbox=outbox.posted(state.outbox, _blame(state, context, candidate, verdict, f"{reason}: {message}")),
    )
    entry = _entry(state, context, candidate, verdict, f"{reason}: {message}", by=by)
    return back.with_history(entry).with_event("Warning", verdict, f"{label} is taken back: {reason}: {message}")


def supersede(state: RolloutState, context: Context, reason: str) -> RolloutState:
    """Something else is wanted before the candidate was judged: it says nothing about its quality."""
    candidate = _candidate(state)
    entry = _entry(state, context, candidate, "Superseded", reason, by="spec")
    gone = replace(
        state,
        candidate=None,
        retiring=(*state.retiring, _retired(context, candidate, "Superseded", reason)),
        judge=None,
        evidence=(),
        paused=None,
    )
    return gone.with_history(entry).with_event("Normal", "Superseded", f"{context.label(candidate.revision)}: {reason}")


def _blame(state: RolloutState, context: Context, candidate: ArmStatus, verdict: str, reason: str) -> outbox.Outbox:
    """A tag for the loser, unless the stable revision serves the same model version: then the model is not to blame."""
    stable = state.stable
    if stable is not None and stable.model_version == candidate.model_version:
        return ()
    return outbox.verdict(context, candidate.revision, verdict, reason)


def _candidate(state: RolloutState) -> ArmStatus:
    assert state.candidate is not None  # noqa: S101 - endings are reached from states that have a candidate
    return state.candidate


def _settled(arm: ArmStatus) -> ArmStatus:
    """A candidate that became stable: what belongs to the rollout is forgotten."""
    return change(arm, step=None, since=None, ready_since=None, requests=0, reason=None)


def _retired(context: Context, arm: ArmStatus, why: Retirement, reason: str) -> ArmStatus:
    return change(arm, step=None, since=stamp(context.now), ready_since=None, requests=0, retiring=why, reason=reason)


def _entry(
    state: RolloutState, context: Context, arm: ArmStatus, verdict: Verdict, reason: str, *, by: str
) -> HistoryEntry:
    stable = state.stable
    return HistoryEntry(
        time=stamp(context.now),
        verdict=verdict,
        from_revision=stable.revision if stable else None,
        to_revision=arm.revision,
        from_version=stable.model_version if stable else None,
        to_version=arm.model_version,
        reason=reason,
        evidence=_evidence(state),
        by=by,
    )


def _evidence(state: RolloutState) -> str | None:
    """The evidence in one line."""
    lines = [
        f"{line.metric}: {line.verdict}" + "".join(f", {part}" for part in (line.ratio, line.samples) if part)
        for line in state.evidence
    ]
    return "; ".join(lines) or None
