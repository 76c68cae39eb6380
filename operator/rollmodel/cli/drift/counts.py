"""What the last look of a policy saw in the ConfigMap that a Job writes; Prometheus has nothing of it."""

from __future__ import annotations

from rollmodel.adapters.kubernetes.kinds import resource_of
from rollmodel.cli.common.cluster import Session
from rollmodel.cli.drift.past import with_history
from rollmodel.cli.drift.report import PolicyReport, seconds_of
from rollmodel.errors import Invalid
from rollmodel.plan.drift.evaluation.history import History
from rollmodel.plan.drift.evaluation.queries import span
from rollmodel.plan.drift.profile.counts_file import history_of
from rollmodel.plan.problem import Problem

__all__ = ["with_counts"]


async def with_counts(report: PolicyReport, session: Session) -> PolicyReport:
    """With windows and distributions, where it has looked. Raises errors of ours where the counts cannot be read."""
    counts, profile = report.spec.source.counts, report.status.profile
    at = seconds_of(report.status.last_evaluation_time)
    if counts is None or profile is None or at is None:
        return report
    name, spec = counts.config_map_ref.name, report.spec
    manifest = await session.get(resource_of("v1", "ConfigMap"), name)
    since = at - span(spec) - (spec.outcomes.delay_seconds if spec.outcomes is not None else 0)

    def read(revision: str) -> History:
        found = history_of(manifest, name, revision, step=counts.step_seconds, at=at, since=since)
        if isinstance(found, Problem):
            raise Invalid(f"{found.reason}: {found.message}")
        return found

    stable = read(profile.compared_with) if profile.compared_with is not None else None
    history = read(profile.revision)
    if history.layout.digest != profile.digest:
        raise Invalid("the counts are of another profile than the policy has looked at")
    return with_history(report, history, stable)
