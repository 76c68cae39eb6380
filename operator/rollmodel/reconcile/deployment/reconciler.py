"""One pass over a ModelDeployment: gather, decide, act."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import ValidationError

from rollmodel.plan.decision import Decision
from rollmodel.plan.deployment.observed import Observed
from rollmodel.plan.problem import Problem
from rollmodel.ports import Clock, Connection, Manifest
from rollmodel.reconcile.connections import Connections
from rollmodel.reconcile.deployment.gather import Gatherer
from rollmodel.reconcile.deployment.model import Models
from rollmodel.reconcile.execute import Executor, no_connection
from rollmodel.reconcile.rejections import Rejections, soonest
from rollmodel.reconcile.result import Result
from rollmodel.reconcile.stalled import explain, stalled

__all__ = ["DeploymentReconciler"]


class DeploymentReconciler:
    """Serves one model, and lets each new version earn its traffic. All is decided by ``decide``, which is pure."""

    def __init__(
        self,
        *,
        gatherer: Gatherer,
        executor: Executor,
        models: Models,
        connections: Connections,
        clock: Clock,
        decide: Callable[[Observed], Decision],
        model_retry: float,
    ) -> None:
        self._gatherer = gatherer
        self._executor = executor
        self._models = models
        self._connections = connections
        self._clock = clock
        self._decide = decide
        self._model_retry = model_retry
        self._rejections = Rejections()

    async def reconcile(self, body: Manifest) -> Result:
        """One pass. An invalid spec (stored before a rule existed, or by a newer release) stops everything else."""
        uid, namespace = body["metadata"]["uid"], body["metadata"]["namespace"]
        try:
            observed = await self._gatherer.gather(body, self._rejections.of(uid))
            decision = self._decide(observed)
        except ValidationError as error:
            decision = stalled(body, "InvalidSpec", explain(error), now=self._clock.now())
            execution = await self._executor.execute(body, decision, no_connection)
            return Result(execution.body, wrote=execution.wrote)

        async def connect() -> Connection:
            return await self._connections.find(namespace, observed.spec.model.connection_ref)

        execution = await self._executor.execute(body, decision, connect)
        news = self._rejections.remember(uid, execution.refused, self._clock.now())
        return Result(
            execution.body,
            wrote=execution.wrote or news,
            requeue_after=soonest(
                execution.refused,
                decision.requeue_after,
                execution.retry_after,
                self._model_retry if isinstance(observed.model, Problem) else None,
            ),
        )

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._gatherer.forget(uid)
        self._models.forget(uid)
        self._rejections.forget(uid)
