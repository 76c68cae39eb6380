"""After the last word: the run is closed in MLflow, and what is not needed any more is deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rollmodel.api.conditions import find
from rollmodel.plan.conditions import Line
from rollmodel.plan.decision import Delete, Ref, RunStatus, SetRunStatus
from rollmodel.plan.training.builder import Draft
from rollmodel.plan.training.context import TRAINED, Live, Look, closed, outcome_known, trained
from rollmodel.plan.training.lifecycle.create_lock import CLAIM_SECONDS, RETRY_SECONDS
from rollmodel.plan.training.lifecycle.job_outcome import job_condition
from rollmodel.plan.training.lifecycle.retry import KILLED_REASONS
from rollmodel.plan.training.observed import Problem, TrackedRun
from rollmodel.plan.training.registration.register import alias_write

__all__ = ["clean", "close", "confirm_alias"]


def close(look: Look, draft: Draft) -> Draft:
    """The state of the run follows the outcome; it is looked at until it says so. Tags come first."""
    if not _over(look, draft) or closed(look.status):
        return draft
    run = look.observed.run
    if isinstance(run, Problem):
        line = None if run.transient else Line("True", run.reason, f"the run cannot be closed: {run.message}")
        unread = replace(draft, open_run=run.message, stalled=draft.stalled or line)
        return unread.looking_again(RETRY_SECONDS if run.transient else 4 * RETRY_SECONDS)
    if not isinstance(run, TrackedRun):
        return draft if draft.status.run_id is None else replace(draft, open_run="not looked at").looking_again(1.0)
    draft = draft.noting(run_status=run.status)
    final = _final_state(look, draft)
    if run.status != final:
        draft = draft.telling(SetRunStatus(run.id, final))
    if draft.tracking:
        return replace(draft, open_run=f"run {run.id} is being closed").looking_again(1.0)
    return draft


def confirm_alias(look: Look, draft: Draft) -> Draft:
    """Look at the alias once more when no request of another run can be on its way: the newest version owns it."""
    status = look.status
    if not outcome_known(status) or closed(status) or status.model_version is None or look.spec.registration is None:
        return draft
    waited = look.seconds_since(status.completion_time)
    if waited < CLAIM_SECONDS:
        text = "the alias is looked at once more"
        return replace(draft, open_run=draft.open_run or text).looking_again(CLAIM_SECONDS - waited)
    if isinstance(look.observed.alias_version, Problem):
        return replace(draft, open_run=look.observed.alias_version.message).looking_again(RETRY_SECONDS)
    write = alias_write(look, status.model_version) if look.observed.wants.version else None
    if write is None:
        return draft
    return replace(draft, registry=(write,), open_run="moving the alias").looking_again(1.0)


def clean(look: Look, draft: Draft) -> Draft:
    """Delete Jobs that should not run; after the time to live all that is left. Status stays."""
    over = _over(look, draft)
    current = None if over else draft.status.job_name
    leaving = [child for child in _staying(look) if child["metadata"]["name"] != current and _is_idle(child)]
    if over:
        left = look.spec.ttl_seconds_after_finished - look.seconds_since(draft.status.completion_time)
        if outcome_known(look.status) and left <= 0:
            leaving = list(_staying(look))
        elif any(_staying(look)):
            draft = draft.looking_again(max(1.0, left))
    return draft.deleting(*(_delete(child) for child in leaving))


def _over(look: Look, draft: Draft) -> bool:
    return draft.outcome is not None or outcome_known(look.status)


def _final_state(look: Look, draft: Draft) -> RunStatus:
    known = find(look.status.conditions, "Succeeded")
    line = draft.outcome
    status, reason = (line.status, line.reason) if line else (known.status, known.reason) if known else ("", "")
    done = trained(look.status) or (draft.running is not None and draft.running.reason == TRAINED)
    if status == "True" or done:
        return "FINISHED"
    return "KILLED" if reason in KILLED_REASONS else "FAILED"


def _staying(look: Look) -> Iterator[Live]:
    for child in look.observed.children:
        if child["kind"] in ("Job", "Service") and not child["metadata"].get("deletionTimestamp"):
            yield child


def _is_idle(child: Live) -> bool:
    """Nothing is lost with it: a Job that ended is kept for its logs."""
    return child["kind"] == "Service" or not (job_condition(child, "Complete") or job_condition(child, "Failed"))


def _delete(child: Live) -> Delete:
    return Delete(Ref.of(child), child["metadata"]["uid"])
