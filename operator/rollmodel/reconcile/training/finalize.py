"""What is owed to the run of a TrainingJob when the object goes: a run that is still open ends as KILLED."""

from __future__ import annotations

import logging

from pydantic import ValidationError

from rollmodel.api.trainingjob import TrainingJobSpec, TrainingJobStatus
from rollmodel.errors import RollmodelError
from rollmodel.plan.decision import SetRunStatus
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.training.names import FINAL_STATES, experiment
from rollmodel.ports.tracking import Tracking
from rollmodel.reconcile.connections import Connections

__all__ = ["RunCloser"]

_log = logging.getLogger(__name__)


class RunCloser:
    """Ends runs in the tracking server."""

    def __init__(self, tracking: Tracking, connections: Connections) -> None:
        self._tracking = tracking
        self._connections = connections

    def owes(self, body: Manifest) -> bool:
        """Whether its run is open, or may be opened (again, for the next attempt) by a pass that begins now."""
        status = body.get("status", {})
        begun = status.get("runId") is not None or status.get("claim") is not None
        if begun and status.get("runStatus") not in FINAL_STATES:
            return True
        conditions = {one["type"]: one["status"] for one in status.get("conditions", ())}
        return conditions.get("Succeeded", "Unknown") == "Unknown" and "schedule" not in body["spec"]

    async def finalize(self, body: Manifest) -> None:
        """The object is being deleted. Never raises errors of ours."""
        try:
            await self._kill_run(body)
        except (RollmodelError, ValidationError) as error:
            meta = body["metadata"]
            _log.warning("TrainingJob %s/%s: its run stays open: %s", meta["namespace"], meta["name"], error)

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
