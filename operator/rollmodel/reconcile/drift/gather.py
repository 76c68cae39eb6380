"""Read the world for one pass over a DriftPolicy. Between two looks that is one object, and nothing of Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from rollmodel.api.base import GROUP, VERSION
from rollmodel.api.driftpolicy import DriftPolicySpec, DriftPolicyStatus
from rollmodel.errors import RollmodelError
from rollmodel.plan.decision import Ref
from rollmodel.plan.drift.evaluation.history import History
from rollmodel.plan.drift.evaluation.queries import Query, counts_query, is_due, look_at, profile_query, span
from rollmodel.plan.drift.observed import DriftDefaults, Observed
from rollmodel.plan.drift.profile.layout import Layout
from rollmodel.plan.drift.reaction.retrain import needs_template
from rollmodel.plan.problem import Problem
from rollmodel.ports import Clock, Kube, Manifest, Metrics, Series

__all__ = ["DriftGatherer"]


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
    ) -> None:
        self._kube = kube
        self._metrics = metrics
        self._clock = clock
        self._defaults = defaults
        self._counted_from = counted_from
        self._histories: dict[str, tuple[str, History]] = {}

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
        return observed

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._histories.pop(uid, None)

    async def _read(self, kind: str, namespace: str, name: str) -> Manifest | None:
        return await self._kube.get(Ref(f"{GROUP}/{VERSION}", kind, namespace, name))

    async def _ask(self, observed: Observed) -> Observed:
        """The profile, and the counts of the steps that are not known yet."""
        profile = await self._query(profile_query(observed))
        if isinstance(profile, Problem):
            return replace(observed, layout=profile)
        layout = Layout.of((one.labels, one.points) for one in profile)
        if isinstance(layout, Problem):
            return replace(observed, layout=layout)
        history, after = self._known(observed, layout)
        counts = await self._query(counts_query(observed, after))
        if isinstance(counts, Problem):
            return replace(observed, layout=layout, history=counts)
        history = history.with_answer((one.labels, one.points) for one in counts)
        self._histories[observed.uid] = observed.revision or "", history
        return replace(observed, layout=layout, history=history)

    def _known(self, observed: Observed, layout: Layout) -> tuple[History, float]:
        """What is remembered of this revision and profile, and the time after which nothing is."""
        first = max(look_at(observed) - span(observed.spec), self._counted_from(observed))
        revision, history = self._histories.get(observed.uid, ("", History(layout)))
        if revision != observed.revision or history.layout.digest != layout.digest or not history.steps:
            return History(layout), first
        return replace(history.since(first), layout=layout), float(max(history.steps))

    async def _query(self, query: Query) -> Sequence[Series] | Problem:
        if self._metrics is None:
            return Problem("NoPrometheus", "the operator knows no Prometheus: set ROLLMODEL_PROMETHEUS_URL")
        try:
            return await self._metrics.query_range(query.text, start=query.start, end=query.end, step=query.step)
        except RollmodelError as error:
            return Problem.of(error)
