"""How a candidate's story can end, and what each ending leaves behind: history, Event, tags in the registry."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from rollmodel.api.modeldeployment import ArmStatus, HistoryEntry, RejectedRevision
from rollmodel.plan.deployment.context import Look
from rollmodel.plan.deployment.state import Memory, change
from rollmodel.plan.deployment.strategies import outbox
from rollmodel.plan.times import stamp

__all__ = ["begin", "install", "promote", "roll_back", "supersede"]

Verdict = Literal["Installed", "Promoted", "RolledBack", "Superseded", "Aborted"]
Retirement = Literal["Promoted", "RolledBack", "Superseded"]


def begin(memory: Memory, look: Look, revision: str) -> Memory:
    """A new candidate; one that was being retired comes back with the pods it still has."""
    known = look.revision(revision)
    returning = next((arm for arm in memory.retiring if arm.revision == revision), ArmStatus(revision=revision))
    candidate = change(
        returning,
        model_version=known.model_version if known else None,
        digest=known.digest if known else None,
        step=-1,
        since=stamp(look.now),
        started=stamp(look.now),
        ready_since=None,
        requests=0,
        retiring=None,
        reason=None,
    )
    message = f"{look.label(revision)} (revision {revision}) is started"
    return replace(
        memory,
        candidate=candidate,
        retiring=tuple(arm for arm in memory.retiring if arm.revision != revision),
        rejected=None,
        judge=None,
        evidence=(),
        paused=None,
    ).saying("Normal", "RolloutStarted" if memory.stable else "InstallStarted", message)


def install(memory: Memory, look: Look) -> Memory:
    """The first revision answers: there is nothing to compare it with, so it serves."""
    candidate = _candidate(memory)
    entry = _entry(memory, look, candidate, "Installed", "FirstRevision", by="readiness")
    message = f"{look.label(candidate.revision)} answers and takes all traffic; there was no revision before it"
    installed = replace(memory, stable=_settled(candidate), candidate=None, paused=None)
    return installed.recording(entry).saying("Normal", "Installed", message)


def promote(memory: Memory, look: Look, *, reason: str, by: str) -> Memory:
    """The candidate carries all traffic: it is the stable revision now, and the old one is drained."""
    candidate, stable = _candidate(memory), memory.stable
    assert stable is not None  # noqa: S101 - a candidate without a stable revision is installed, not promoted
    entry = _entry(memory, look, candidate, "Promoted", reason, by=by)
    winner, loser = look.label(candidate.revision), look.label(stable.revision)
    posted = outbox.posted(
        memory.outbox,
        outbox.verdict(look, stable.revision, "Replaced", f"{winner} was promoted"),
        outbox.verdict(look, candidate.revision, "Promoted", reason),
        outbox.champion(look, candidate.revision),
    )
    promoted = replace(
        memory,
        stable=_settled(candidate),
        candidate=None,
        retiring=(*memory.retiring, _retired(look, stable, "Promoted", f"{winner} was promoted")),
        judge=None,
        paused=None,
        outbox=posted,
    )
    return promoted.recording(entry).saying("Normal", "Promoted", f"{winner} replaces {loser}: {reason}")


def roll_back(
    memory: Memory,
    look: Look,
    *,
    reason: str,
    message: str,
    by: str,
    verdict: Literal["RolledBack", "Aborted"] = "RolledBack",
) -> Memory:
    """The candidate lost: its weight goes, then its pods, and it is not tried again until something new is said."""
    candidate = _candidate(memory)
    label = look.label(candidate.revision)
    rejected = RejectedRevision(
        revision=candidate.revision,
        model_version=candidate.model_version,
        reason=reason,
        message=message,
        time=stamp(look.now),
    )
    back = replace(
        memory,
        candidate=None,
        retiring=(*memory.retiring, _retired(look, candidate, "RolledBack", message)),
        rejected=rejected,
        judge=None,
        paused=None,
        outbox=outbox.posted(memory.outbox, _blame(memory, look, candidate, verdict, f"{reason}: {message}")),
    )
    entry = _entry(memory, look, candidate, verdict, f"{reason}: {message}", by=by)
    return back.recording(entry).saying("Warning", verdict, f"{label} is taken back: {reason}: {message}")


def supersede(memory: Memory, look: Look, reason: str) -> Memory:
    """Something else is wanted before the candidate was judged: it says nothing about its quality."""
    candidate = _candidate(memory)
    entry = _entry(memory, look, candidate, "Superseded", reason, by="spec")
    gone = replace(
        memory,
        candidate=None,
        retiring=(*memory.retiring, _retired(look, candidate, "Superseded", reason)),
        judge=None,
        evidence=(),
        paused=None,
    )
    return gone.recording(entry).saying("Normal", "Superseded", f"{look.label(candidate.revision)}: {reason}")


def _blame(memory: Memory, look: Look, candidate: ArmStatus, verdict: str, reason: str) -> outbox.Outbox:
    """A tag for the loser, unless the stable revision serves the same model version: then the model is not to blame."""
    stable = memory.stable
    if stable is not None and stable.model_version == candidate.model_version:
        return ()
    return outbox.verdict(look, candidate.revision, verdict, reason)


def _candidate(memory: Memory) -> ArmStatus:
    assert memory.candidate is not None  # noqa: S101 - endings are reached from states that have a candidate
    return memory.candidate


def _settled(arm: ArmStatus) -> ArmStatus:
    """A candidate that became stable: what belongs to the rollout is forgotten."""
    return change(arm, step=None, since=None, ready_since=None, requests=0, reason=None)


def _retired(look: Look, arm: ArmStatus, why: Retirement, reason: str) -> ArmStatus:
    return change(arm, step=None, since=stamp(look.now), ready_since=None, requests=0, retiring=why, reason=reason)


def _entry(memory: Memory, look: Look, arm: ArmStatus, verdict: Verdict, reason: str, *, by: str) -> HistoryEntry:
    stable = memory.stable
    return HistoryEntry(
        time=stamp(look.now),
        verdict=verdict,
        from_revision=stable.revision if stable else None,
        to_revision=arm.revision,
        from_version=stable.model_version if stable else None,
        to_version=arm.model_version,
        reason=reason,
        evidence=_evidence(memory),
        by=by,
    )


def _evidence(memory: Memory) -> str | None:
    """The evidence in one line."""
    lines = [
        f"{line.metric}: {line.verdict}" + "".join(f", {part}" for part in (line.ratio, line.samples) if part)
        for line in memory.evidence
    ]
    return "; ".join(lines) or None
