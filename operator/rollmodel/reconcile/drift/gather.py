"""Read the world for one pass over a DriftPolicy. Between two looks that is one object, and nothing of Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from rollmodel.api.base import GROUP, VERSION
from rollmodel.api.driftpolicy import DriftPolicySpec, DriftPolicyStatus
from rollmodel.errors import Forbidden
from rollmodel.plan.decision import Ref
from rollmodel.plan.drift.evaluation.history import History, too_many
from rollmodel.plan.drift.evaluation.queries import Query, counts_query, is_due, look_at, profile_query, span
from rollmodel.plan.drift.observed import DriftDefaults, Observed
from rollmodel.plan.drift.profile.counts_file import history_of
from rollmodel.plan.drift.profile.layout import Layout, Points
from rollmodel.plan.drift.reaction.retrain import needs_others, needs_template
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.problem import Problem
from rollmodel.ports.kubernetes import Kube
from rollmodel.ports.process import Clock, Compute
from rollmodel.ports.prometheus import Metrics, Series
from rollmodel.reconcile.answered import answered
from rollmodel.reconcile.compute import Inline, computed
from rollmodel.reconcile.drift.histories import Histories

__all__ = ["DriftGatherer"]

T = TypeVar("T")


class DriftGatherer:
    """Puts together what :class:`Observed` holds, and keeps the counts of past steps."""

    def __init__(
        self,
        *,
        kube: Kube,
        metrics: Metrics | None,
        clock: Clock,
        defaults: DriftDefaults,
        counted_from: Callable[[Observed], float],
        compute: Compute | None = None,
    ) -> None:
        self._kube = kube
        self._metrics = metrics
        self._clock = clock
        self._defaults = defaults
        self._counted_from = counted_from
        self._compute = compute or Inline()
        self._histories = Histories()

    async def gather(
        self, body: Manifest, spec: DriftPolicySpec, status: DriftPolicyStatus, problems: Sequence[str]
    ) -> Observed:
        """One look at the world. ``problems`` are what the previous pass was refused."""
        meta = body["metadata"]
        observed = Observed(
            namespace=meta["namespace"],
            name=meta["name"],
            uid=meta["uid"],
            generation=meta["generation"],
            annotations=meta.get("annotations", {}),
            spec=spec,
            status=status,
            now=self._clock.now(),
            defaults=self._defaults,
            children=self._kube.children(body),
            problems=tuple(problems),
        )
        target = await self._read("ModelDeployment", meta["namespace"], spec.model_deployment_ref.name)
        observed = replace(observed, deployment=target)
        if is_due(observed):
            observed = await self._ask(observed)
        if spec.retrain.training_job_ref is not None and (observed.history is not None or needs_template(observed)):
            template = await self._read("TrainingJob", meta["namespace"], spec.retrain.training_job_ref.name)
            observed = replace(observed, template=template)
        if needs_others(observed):
            observed = replace(observed, others=await self._kube.list_drift_policies(observed.namespace))
        return observed

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._histories.forget(uid)

    async def _read(self, kind: str, namespace: str, name: str) -> Manifest | None:
        return await self._kube.get(Ref(f"{GROUP}/{VERSION}", kind, namespace, name))

    async def _ask(self, observed: Observed) -> Observed:
        """The profile, and the counts of the steps that are not known yet; with a candidate those of stable, too."""
        first = max(look_at(observed) - span(observed.spec), self._counted_from(observed))
        layout, history = await self._counted(observed, observed.revision or "", first)
        found = replace(observed, layout=layout, history=history)
        if not observed.watches_candidate or isinstance(history, Problem) or history is None:
            return found
        _, stable = await self._counted(
            observed, observed.stable_revision or "", look_at(observed) - span(observed.spec)
        )
        return replace(found, stable=stable)

    async def _counted(
        self, observed: Observed, revision: str, first: float
    ) -> tuple[Layout | Problem, History | Problem | None]:
        """The profile of a revision, and its counts after ``first``; None where the profile is a problem."""
        if observed.spec.source.counts is not None:
            return await self._read_counts(observed, revision)
        profile = await self._query(profile_query(observed, revision))
        layout = profile if isinstance(profile, Problem) else await self._computed(Layout.of, profile)
        if isinstance(layout, Problem):
            return layout, None
        track = "watched" if revision == observed.revision else "stable"
        known, history = self._histories.get((observed.uid, track)) or ("", History(layout))
        after = float(max(history.steps, default=0))
        if known != revision or history.layout.digest != layout.digest or not history.steps:
            history, after = History(layout), first
        else:
            history = replace(history.since(first), layout=layout)
        query = counts_query(observed, after, revision)
        if problem := too_many(layout, len(history.steps) + (query.end - query.start) / query.step + 1):
            return layout, problem
        counts = await self._query(query)
        if isinstance(counts, Problem):
            return layout, counts
        history = await self._computed(history.with_answer, counts)
        self._histories.keep(observed.namespace, (observed.uid, track), revision, history)
        return layout, history

    async def _computed(self, read: Callable[[Iterable[Points]], T], answer: Sequence[Series]) -> T:
        series = [(one.labels, one.points) for one in answer]
        return await computed(self._compute, partial(read, series), numbers=sum(len(points) for _, points in series))

    async def _read_counts(self, observed: Observed, revision: str) -> tuple[Layout | Problem, History | None]:
        """The same from a ConfigMap. All of it each time: labels that come late change the past."""
        counts = observed.spec.source.counts
        assert counts is not None  # noqa: S101  asked before
        name = counts.config_map_ref.name
        try:
            manifest = await self._kube.get(Ref("v1", "ConfigMap", observed.namespace, name))
        except Forbidden:
            told = f"the operator may not read ConfigMap {name!r}: its role needs `get` on configmaps"
            return Problem("CountsForbidden", told), None
        at, outcomes = look_at(observed), observed.spec.outcomes
        since = at - span(observed.spec) - (outcomes.delay_seconds if outcomes is not None else 0)
        labels = observed.spec.retrain.min_new_labelled_rows > 0
        read = partial(
            history_of, manifest, name, revision, step=counts.step_seconds, at=at, since=since, all_labels=labels
        )
        found = await computed(
            self._compute, read, numbers=sum(map(len, (manifest or {}).get("binaryData", {}).values()))
        )
        return (found, None) if isinstance(found, Problem) else (found.layout, found)

    async def _query(self, query: Query) -> Sequence[Series] | Problem:
        if self._metrics is None:
            return Problem("NoPrometheus", "the operator knows no Prometheus: set ROLLMODEL_PROMETHEUS_URL")
        return await answered(self._metrics.query_range(query.text, start=query.start, end=query.end, step=query.step))
