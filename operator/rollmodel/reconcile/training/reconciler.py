"""One pass over a TrainingJob: gather, decide, act; and what is owed to the run when the object goes."""

from __future__ import annotations

import logging
from collections.abc import Callable

from pydantic import ValidationError

from rollmodel.api.trainingjob import TrainingJobSpec, TrainingJobStatus
from rollmodel.errors import RollmodelError
from rollmodel.plan.decision import Decision, SetRunStatus
from rollmodel.plan.training.names import FINAL_STATES, experiment
from rollmodel.plan.training.observed import Observed
from rollmodel.ports import Clock, Connection, Manifest, Tracking
from rollmodel.reconcile.connections import Connections
from rollmodel.reconcile.execute import Executor, no_connection
from rollmodel.reconcile.rejections import Rejections, soonest
from rollmodel.reconcile.result import Result
from rollmodel.reconcile.stalled import explain, stalled
from rollmodel.reconcile.training.gather import TrainingGatherer

__all__ = ["TrainingReconciler"]

_log = logging.getLogger(__name__)


class TrainingReconciler:
    """Brings a training run to its one outcome. All is decided by ``decide``, which is pure."""

    def __init__(
        self,
        *,
        gatherer: TrainingGatherer,
        executor: Executor,
        tracking: Tracking,
        connections: Connections,
        clock: Clock,
        decide: Callable[[Observed], Decision],
    ) -> None:
        self._gatherer = gatherer
        self._executor = executor
        self._tracking = tracking
        self._connections = connections
        self._clock = clock
        self._decide = decide
        self._rejections = Rejections()

    async def reconcile(self, body: Manifest) -> Result:
        """One pass. An invalid spec (stored before a rule existed, or by a newer release) stops everything else."""
        uid, namespace = body["metadata"]["uid"], body["metadata"]["namespace"]
        try:
            observed = await self._gatherer.gather(body, self._rejections.of(uid))
            decision = self._decide(observed)
        except ValidationError as error:
            decision = stalled(body, "InvalidSpec", explain(error), now=self._clock.now(), unknown="Succeeded")
            execution = await self._executor.execute(body, decision, no_connection)
            return Result(execution.body, wrote=execution.wrote)

        async def connect() -> Connection:
            return await self._connections.find(namespace, observed.spec.tracking.connection_ref)

        execution = await self._executor.execute(body, decision, connect)
        news = self._rejections.remember(uid, execution.refused, self._clock.now())
        return Result(
            execution.body,
            wrote=execution.wrote or news,
            requeue_after=soonest(execution.refused, decision.requeue_after, execution.retry_after),
        )

    async def finalize(self, body: Manifest) -> None:
        """The object is being deleted: a run that is still open ends as KILLED. Never raises errors of ours."""
        try:
            await self._kill_run(body)
        except (RollmodelError, ValidationError) as error:
            meta = body["metadata"]
            _log.warning("TrainingJob %s/%s: its run stays open: %s", meta["namespace"], meta["name"], error)

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._rejections.forget(uid)
        self._executor.forget(uid)

    async def _kill_run(self, body: Manifest) -> None:
        status = TrainingJobStatus.model_validate(body.get("status", {}))
        if status.run_status in FINAL_STATES or (status.run_id is None and status.claim is None):
            return
        meta, spec = body["metadata"], TrainingJobSpec.model_validate(body["spec"])
        connection = await self._connections.find(meta["namespace"], spec.tracking.connection_ref)
        name = experiment(meta["namespace"], meta["name"], spec)
        run = (
            await self._tracking.get_run(connection, status.run_id)
            if status.run_id is not None
            else await self._tracking.find_run(connection, name, meta["uid"])
        )
        if run is not None and run.status not in FINAL_STATES:
            await self._tracking.set_run_status(connection, SetRunStatus(run.id, "KILLED"))
