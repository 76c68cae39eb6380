"""Read the world for one pass over a ModelDeployment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from rollmodel.api.modeldeployment import ModelDeploymentSpec, ModelDeploymentStatus
from rollmodel.plan.decision import Ref
from rollmodel.plan.deployment.analysis.signals.signal import MetricQuery
from rollmodel.plan.deployment.observed import Answer, Defaults, Observed, PinnedModel
from rollmodel.plan.deployment.read_state import begin_request
from rollmodel.plan.deployment.strategies.commands import asked, refresh_asked
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.problem import Problem
from rollmodel.ports.kubernetes import Kube
from rollmodel.ports.process import Clock
from rollmodel.ports.prometheus import Metrics
from rollmodel.ports.registry import Held
from rollmodel.reconcile.answered import answered
from rollmodel.reconcile.deployment.addresses import Addresses
from rollmodel.reconcile.deployment.aliases import ChampionAliases
from rollmodel.reconcile.deployment.configuration import Configuration
from rollmodel.reconcile.deployment.coordination import Coordinator
from rollmodel.reconcile.deployment.other_routes import OtherRoutes
from rollmodel.reconcile.deployment.pinning.models import Models
from rollmodel.reconcile.deployment.pods import RevisionPods, of_revisions, short_of_ready
from rollmodel.reconcile.deployment.routed_rules import RuleKeeper

__all__ = ["Gatherer", "Queries"]

Queries = Callable[[Observed], Mapping[str, MetricQuery]]


class Gatherer:
    """Puts together what :class:`Observed` holds. At rest this costs no request at all."""

    def __init__(
        self,
        *,
        kube: Kube,
        metrics: Metrics | None,
        models: Models,
        clock: Clock,
        queries: Queries,
        defaults: Defaults,
        least_interval: int = 1,
        addresses: Addresses | None = None,
        coordinator: Coordinator | None = None,
        starting: float = 10.0,
        read_secrets: bool = True,
    ) -> None:
        """``least_interval``: how often an object may look at its metrics at most, in seconds.

        ``read_secrets``: whether it is asked which version the Secrets have that pods read.
        ``starting``: pods are asked why they are not ready once they had so many seconds to start.
        """
        self._kube = kube
        self._metrics = metrics
        self._models = models
        self._clock = clock
        self._queries = queries
        self._defaults = defaults
        self._least_interval = least_interval
        self._addresses = Addresses(lambda _: None) if addresses is None else addresses
        self._coordinator = Coordinator(kube, clock, self._addresses.wake) if coordinator is None else coordinator
        self._other_routes = OtherRoutes(kube, clock)
        self._aliases = ChampionAliases(self._addresses.wake)
        self.rules = RuleKeeper(kube)
        self._pods = RevisionPods(kube, clock, starting=starting)
        self._configuration = Configuration(kube, clock, read_secrets=read_secrets)
        self._seen: dict[str, tuple[str, float]] = {}
        self._refreshes: dict[str, tuple[str, float]] = {}

    async def gather(
        self, body: Manifest, spec: ModelDeploymentSpec, status: ModelDeploymentStatus, problems: Sequence[str]
    ) -> Observed:
        """One look at the world. ``problems`` are what the previous pass was refused."""
        meta = body["metadata"]
        asked_at = self._refresh_asked(meta["uid"], meta.get("annotations", {}), status)
        model = await self._model(body, spec, status, not_before=asked_at)
        children = self._kube.children(body)  # now: a registry may have taken its time
        configuration = await self._configuration.read(meta["uid"], meta["namespace"], short_of_ready(children))
        observed = Observed(
            namespace=meta["namespace"],
            name=meta["name"],
            uid=meta["uid"],
            generation=meta["generation"],
            annotations=meta.get("annotations", {}),
            managed_fields=await self._writers(body),
            spec=self._with_floor(spec),
            status=status,
            model=model,
            children=children,
            pods=await self._pods.list(meta["namespace"], meta["name"], children),
            answers={},
            defaults=self._defaults,
            now=self._clock.now(),
            gateway_available=self._kube.gateway_available,
            users_route=self._users_route(body, spec, status),
            missing_kinds=frozenset(kind for kind in ("GRPCRoute", "InferencePool") if not self._kube.serves(kind)),
            address_taken=self._addresses.claim(body, spec, children)
            or await self._other_routes.older(meta["uid"], children),
            routes_read=self._other_routes.are_read(meta["uid"]),
            alias_shared=self._aliases.claim(body, spec),
            changed_secret=self._models.changed_secret(meta["uid"]),
            config_maps=configuration.config_maps,
            secrets=configuration.secrets,
            problems=problems,
            registry_read=self._models.was_read(meta["uid"], asked_at),
        )
        hold = await self._coordinator.ask(body, partial(begin_request, observed))
        return replace(observed, hold=hold, answers=await self._answers(self._queries(observed)))

    async def _model(
        self, body: Manifest, spec: ModelDeploymentSpec, status: ModelDeploymentStatus, *, not_before: float
    ) -> PinnedModel | Problem:
        """What the spec asks for; where nothing serves yet the champion, if it names one."""
        uid, namespace = body["metadata"]["uid"], body["metadata"]["namespace"]
        model = await self._models.pin(uid, namespace, spec.model, self._held(body, status), not_before=not_before)
        if _nothing_serves(status, self._kube.children(body)):
            return await self._models.champion_first(uid, namespace, spec.model, model)
        self._models.follow_no_champion(uid)
        return model

    def _users_route(self, body: Manifest, spec: ModelDeploymentSpec, status: ModelDeploymentStatus) -> Manifest | None:
        """The route that the spec names, or one that is to be given back."""
        ref = spec.traffic.route_ref if spec.traffic is not None else None
        name = ref.name if ref is not None else status.routed_rule.route if status.routed_rule is not None else None
        return None if name is None else self._kube.users_route(body, name)

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._seen.pop(uid, None)
        self._addresses.forget(uid)
        self._coordinator.forget(uid)
        self._other_routes.forget(uid)
        self._aliases.forget(uid)
        self._configuration.forget(uid)
        self._refreshes.pop(uid, None)
        self._models.forget(uid)

    def _refresh_asked(self, uid: str, annotations: Mapping[str, str], status: ModelDeploymentStatus) -> float:
        """When we first saw that somebody wants the registry read now; 0 where nobody does, or it was done."""
        wish = refresh_asked(annotations)
        if not wish or wish == status.refreshed:
            self._refreshes.pop(uid, None)
            return 0.0
        if self._refreshes.get(uid, ("", 0.0))[0] != wish:
            self._refreshes[uid] = wish, time.monotonic()
        return self._refreshes[uid][1]

    def _with_floor(self, spec: ModelDeploymentSpec) -> ModelDeploymentSpec:
        """The spec as the operator's owner allows it."""
        if spec.analysis.interval_seconds >= self._least_interval:
            return spec
        analysis = spec.analysis.model_copy(update={"interval_seconds": self._least_interval})
        return spec.model_copy(update={"analysis": analysis})

    def _held(self, body: Manifest, status: ModelDeploymentStatus) -> Held | None:
        """What this body's status says about the model, and when we first saw it say so."""
        uid, written = body["metadata"]["uid"], body["metadata"]["resourceVersion"]
        if self._seen.get(uid, ("", 0.0))[0] != written:
            self._seen[uid] = written, time.monotonic()
        arm = status.candidate or status.rejected or status.stable
        return Held(arm.model_version, self._seen[uid][1]) if arm is not None and arm.model_version else None

    async def _writers(self, body: Manifest) -> Sequence[Mapping[str, Any]]:
        """Who wrote which field, read only where it is asked: when there is a command that was not consumed yet."""
        command = asked(body["metadata"].get("annotations", {}))
        if not command or command == (body.get("status", {}).get("lastCommand") or {}).get("text"):
            return []
        live = await self._kube.get(Ref.of(body))
        writers: Sequence[Mapping[str, Any]] = live["metadata"].get("managedFields", []) if live else []
        return writers

    async def _answers(self, queries: Mapping[str, MetricQuery]) -> dict[str, Answer | Problem]:
        answers = await asyncio.gather(*(self._ask(query) for query in queries.values()))
        return dict(zip(queries, answers, strict=True))

    async def _ask(self, query: MetricQuery) -> Answer | Problem:
        if self._metrics is None:
            return Problem("NoPrometheus", "the operator knows no Prometheus: set ROLLMODEL_PROMETHEUS_URL")
        start = query.start - query.before
        series = await answered(self._metrics.query_range(query.query, start=start, end=query.end, step=query.step))
        return series if isinstance(series, Problem) else Answer([(one.labels, one.points) for one in series])


def _nothing_serves(status: ModelDeploymentStatus, children: Sequence[Manifest]) -> bool:
    """Whether a first revision is about to be installed: none is stable, and none is there that could become it."""
    if status.stable is not None:
        return False
    ready = any(child.get("status", {}).get("readyReplicas") for child in of_revisions(children))
    return status.candidate is not None or not ready
