"""How a rollout begins and ends, and what each end writes: history, an Event, tags in the registry."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from rollmodel.api.modeldeployment import ArmStatus, EvidenceStatus, HistoryEntry, RejectedRevision
from rollmodel.evidence import judge
from rollmodel.plan.conditions import word
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.deployment.routers.router import leads_to
from rollmodel.plan.deployment.state import change
from rollmodel.plan.deployment.strategies.ends import outbox
from rollmodel.plan.times import stamp

__all__ = ["begin", "bring_back", "install", "promote", "refuse", "retired", "roll_back", "supersede"]

Verdict = Literal["Installed", "Promoted", "RolledBack", "Superseded", "Aborted"]
#: A candidate that something else than the model stopped is tried again after this, then after twice as long, ...
_RETRY, _RETRY_MOST = timedelta(minutes=5), timedelta(hours=1)
#: A version is not installed that lost here before.
_REFUSED = "RolledBackBefore"
_HEARD: Mapping[str, Any] = {"silent_since": None, "stable_requests": None}
Retirement = Literal["Promoted", "RolledBack", "Superseded"]


def begin(rollout: Rollout, revision: str) -> Rollout:
    """A new candidate; one that was being retired comes back with the pods it still has."""
    known = rollout.revision(revision)
    returning = next((arm for arm in rollout.retiring if arm.revision == revision), ArmStatus(revision=revision))
    candidate = change(
        returning,
        model_version=known.model_version if known else None,
        digest=known.digest if known else None,
        step=-1,
        since=stamp(rollout.now),
        started=stamp(rollout.now),
        ready_since=None,
        requests=0,
        retiring=None,
        reason=None,
        **_HEARD,
    )
    message = f"{rollout.label(revision)} (revision {revision}) is started"
    return rollout.with_state(
        candidate=candidate,
        retiring=tuple(arm for arm in rollout.retiring if arm.revision != revision),
        rejected=None,
        judge=None,
        evidence=(),
        paused=None,
    ).with_event("Normal", "RolloutStarted" if rollout.stable else "InstallStarted", message)


def refuse(rollout: Rollout, revision: str, why: str) -> Rollout:
    """Nothing serves, and what is wanted was taken back here before: it is not installed without a word."""
    known = rollout.revision(revision)
    message = (
        f"it was taken back here before ({why}), and nothing else serves. Move the alias to another version"
        f" (where `championAlias` names one, that is installed first), or say `rollmodel retry {rollout.observed.name}`"
    )
    rejected = RejectedRevision(
        revision=revision,
        model_version=known.model_version if known else None,
        reason=_REFUSED,
        message=message,
        time=stamp(rollout.now),
    )
    refused = rollout.with_state(rejected=rejected)
    return refused.with_event("Warning", _REFUSED, f"{rollout.label(revision)} is not installed: {message}")


def install(rollout: Rollout) -> Rollout:
    """The first revision answers: there is nothing to compare it with, so it serves."""
    candidate = _candidate(rollout)
    entry = _entry(rollout, candidate, "Installed", "FirstRevision", cause="FirstRevision", by="readiness")
    answers = "answers" if rollout.full_size else "is installed without pods, for `scale.replicas` is 0"
    message = f"{rollout.label(candidate.revision)} {answers}; there was no revision before it"
    installed = rollout.with_state(stable=_settled(candidate), candidate=None, paused=None)
    return installed.with_history(entry).with_event("Normal", "Installed", message)


def promote(rollout: Rollout, *, reason: str, by: str) -> Rollout:
    """The candidate carries all traffic: it is the stable revision now, and the old one is drained."""
    candidate, stable = _candidate(rollout), rollout.stable
    assert stable is not None  # noqa: S101 - a candidate without a stable revision is installed, not promoted
    entry = _entry(rollout, candidate, "Promoted", reason, cause=reason, by=by)
    winner, loser = rollout.label(candidate.revision), rollout.label(stable.revision)
    posted = outbox.posted(
        rollout.state.outbox,
        outbox.verdict(rollout.context, stable.revision, "Replaced", f"{winner} was promoted"),
        outbox.verdict(rollout.context, candidate.revision, "Promoted", reason),
        outbox.champion(rollout.context, candidate.revision),
    )
    promoted = rollout.with_state(
        stable=_settled(candidate),
        candidate=None,
        evidence=_closed(rollout),
        retiring=(*rollout.retiring, retired(rollout, stable, "Promoted", f"{winner} was promoted")),
        judge=None,
        paused=None,
        outbox=posted,
    )
    return promoted.with_history(entry).with_event("Normal", "Promoted", f"{winner} replaces {loser}: {reason}")


def bring_back(rollout: Rollout, *, by: str) -> Rollout:
    """The candidate was stable before, and carries all traffic again: what came after it is taken back."""
    candidate, stable = _candidate(rollout), rollout.stable
    assert stable is not None  # noqa: S101 - only what replaced a revision can be undone
    winner, loser = rollout.label(candidate.revision), rollout.label(stable.revision)
    message = f"{winner} was brought back by {by}"
    blame = outbox.verdict(rollout.context, stable.revision, "RolledBack", f"Undo: {message}")
    same_model = stable.model_version == candidate.model_version
    back = rollout.with_state(
        stable=_settled(candidate),
        candidate=None,
        evidence=(),
        retiring=(*rollout.retiring, retired(rollout, stable, "RolledBack", message)),
        rejected=RejectedRevision(
            revision=stable.revision,
            model_version=stable.model_version,
            reason="Undo",
            message=message,
            time=stamp(rollout.now),
        ),
        judge=None,
        paused=None,
        outbox=outbox.posted(
            rollout.state.outbox,
            () if same_model else blame,
            outbox.verdict(rollout.context, candidate.revision, "Promoted", f"Undo: {loser} was taken back by {by}"),
            outbox.champion(rollout.context, candidate.revision),
        ),
    )
    reason = f"Undo: {loser} was taken back"
    entry = _entry(rollout, candidate, "Promoted", reason, cause="Undo", by=by)
    return back.with_history(entry).with_event("Warning", "RolledBack", f"{loser} is taken back: {message}")


def roll_back(
    rollout: Rollout,
    *,
    reason: str,
    message: str,
    by: str,
    verdict: Literal["RolledBack", "Aborted"] = "RolledBack",
    blamed: bool = True,
    again: bool = False,
) -> Rollout:
    """The candidate lost: its weight goes, then its pods, and it is not tried again until something new is said.

    ``blamed``: the registry is told, because it says something about the model. ``again``: what stopped it may go away,
    so it is tried again by itself, in intervals that double.
    """
    candidate = _candidate(rollout)
    label = rollout.label(candidate.revision)
    attempts = _attempts(rollout, candidate, f"{reason}: ") if again else 1
    pause = min(_RETRY * 2 ** min(attempts - 1, 10), _RETRY_MOST) if again else None
    told = _blame(rollout, candidate, verdict, f"{reason}: {message}") if blamed else ()
    back = rollout.with_state(
        candidate=None,
        evidence=_closed(rollout),
        retiring=(*rollout.retiring, retired(rollout, candidate, "RolledBack", message)),
        rejected=_rejected(rollout, candidate, reason, message, pause),
        judge=None,
        paused=None,
        outbox=outbox.posted(rollout.state.outbox, told),
    )
    entry = _entry(rollout, candidate, verdict, f"{reason}: {message}", cause=reason, by=by)
    if attempts > 1:
        back = back.with_state(history=back.state.history[:-1])
        entry = entry.model_copy(update={"attempts": attempts})
    return back.with_history(entry).with_event("Warning", verdict, f"{label} is taken back: {reason}: {message}")


def _rejected(
    rollout: Rollout, candidate: ArmStatus, reason: str, message: str, pause: timedelta | None
) -> RejectedRevision:
    """What is remembered of a loser; ``pause``: until it is tried again by itself."""
    return RejectedRevision(
        revision=candidate.revision,
        model_version=candidate.model_version,
        reason=reason,
        message=message,
        time=stamp(rollout.now),
        retry_at=None if pause is None else stamp(rollout.now + pause),
    )


def supersede(rollout: Rollout, reason: str) -> Rollout:
    """Something else is wanted before the candidate was judged: it says nothing about its quality."""
    candidate = _candidate(rollout)
    entry = _entry(rollout, candidate, "Superseded", reason, cause="SpecChanged", by="spec")
    gone = rollout.with_state(
        candidate=None,
        retiring=(*rollout.retiring, retired(rollout, candidate, "Superseded", reason)),
        judge=None,
        evidence=(),
        paused=None,
    )
    return gone.with_history(entry).with_event("Normal", "Superseded", f"{rollout.label(candidate.revision)}: {reason}")


def _attempts(rollout: Rollout, candidate: ArmStatus, cause: str) -> int:
    """How often this revision was stopped by this, this time included, with nothing else in between."""
    last = rollout.state.history[-1] if rollout.state.history else None
    if last is None or (last.to_revision, last.verdict) != (candidate.revision, "RolledBack"):
        return 1
    return (last.attempts or 1) + 1 if last.reason.startswith(cause) else 1


def _blame(rollout: Rollout, candidate: ArmStatus, verdict: str, reason: str) -> outbox.Outbox:
    """A tag for the loser, unless the stable revision serves the same model version: then the model is not to blame."""
    stable = rollout.stable
    if stable is not None and stable.model_version == candidate.model_version:
        return ()
    return outbox.verdict(rollout.context, candidate.revision, verdict, reason)


def _candidate(rollout: Rollout) -> ArmStatus:
    assert rollout.candidate is not None  # noqa: S101 - endings are reached from states that have a candidate
    return rollout.candidate


def _settled(arm: ArmStatus) -> ArmStatus:
    """A candidate that became stable: fields that are about the rollout are cleared."""
    return change(arm, step=None, since=None, ready_since=None, requests=0, reason=None, **_HEARD)


def retired(rollout: Rollout, arm: ArmStatus, why: Retirement, reason: str) -> ArmStatus:
    """The arm as one that loses its weight, then its pods. Weight that nobody has told yet is lost from now on."""
    untold = not arm.weight and leads_to(arm.revision, rollout.router, rollout.live, rollout.owner)
    since = stamp(rollout.now)
    cleared = change(arm, step=None, since=since, ready_since=None, requests=0, **_HEARD)
    return change(cleared, retiring=why, reason=reason, weight_since=since if untold else arm.weight_since)


def _entry(rollout: Rollout, arm: ArmStatus, verdict: Verdict, reason: str, *, cause: str, by: str) -> HistoryEntry:
    stable = rollout.stable
    return HistoryEntry(
        time=stamp(rollout.now),
        verdict=verdict,
        from_revision=stable.revision if stable else None,
        to_revision=arm.revision,
        from_version=stable.model_version if stable else None,
        to_version=arm.model_version,
        reason=reason,
        cause=word(cause),
        evidence=_evidence(rollout),
        baseline=rollout.baseline.revision if rollout.baseline is not None else None,
        begun=_begun(rollout),
        by=by,
    )


def _closed(rollout: Rollout) -> tuple[EvidenceStatus, ...]:
    """The evidence as it was when the verdict fell: nothing is expected of it any more."""
    return tuple(line.model_copy(update={"until_decision": None}) for line in rollout.state.evidence)


def _begun(rollout: Rollout) -> str | None:
    """When the judge began; None without one, or where the next release's judge has left its state."""
    if rollout.state.judge is None:
        return None
    try:
        return stamp(datetime.fromtimestamp(judge.load(rollout.state.judge).begun, UTC))
    except judge.StateError:
        return None


def _evidence(rollout: Rollout) -> str | None:
    """The evidence in one line."""
    lines = [
        f"{line.metric}: {line.verdict}" + "".join(f", {part}" for part in (line.ratio, line.samples) if part)
        for line in rollout.state.evidence
    ]
    return "; ".join(lines) or None
