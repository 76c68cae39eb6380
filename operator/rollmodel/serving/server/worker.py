"""One serving process: load the model, try it, then listen; on SIGTERM turn unready, drain, finish, end."""

from __future__ import annotations

import importlib.metadata
import platform
import signal
import socket
import time
from pathlib import Path
from types import FrameType

import uvicorn
from mlflow.environment_variables import MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT
from mlflow.pyfunc import scoring_server

from rollmodel.serving.drift.start import start_counting
from rollmodel.serving.pairs.start import start_pairs
from rollmodel.serving.predictions.start import start_logging
from rollmodel.serving.server.app import Readiness, ServerApp
from rollmodel.serving.server.metrics import ServerMetrics
from rollmodel.serving.server.scoring import Observers, Scorer, load

__all__ = ["run"]


class DrainingServer(uvicorn.Server):
    """A uvicorn server that goes on serving for a while after it was told to end.

    Kubernetes takes a pod out of the load balancers at the same time as it sends SIGTERM, not before: requests
    still arrive for some seconds. A second signal ends the wait.
    """

    def __init__(self, config: uvicorn.Config, readiness: Readiness, drain_seconds: float) -> None:
        super().__init__(config)
        self._readiness = readiness
        self._drain_seconds = drain_seconds
        self._end: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002  a signal handler
        """Begin to drain; at once if asked a second time, or by Ctrl-C."""
        hurry = self._readiness.draining or sig == signal.SIGINT
        self._readiness.draining = True
        self._end = time.monotonic() + (0 if hurry else self._drain_seconds)

    async def on_tick(self, counter: int) -> bool:
        """Whether to stop listening and finish what is in flight; asked ten times a second."""
        over = self._end is not None and time.monotonic() >= self._end
        return await super().on_tick(counter) or over


def run(model: Path, listener: socket.socket, *, drain_seconds: float, max_bytes: int) -> None:
    """Serve a model folder on a bound socket until told to end. Raises Terminal where the model cannot be served."""
    scorer, tried = load(model)
    counting = start_counting(model)
    logging = start_logging(model)
    metrics = ServerMetrics(_labels(scorer), counting.metrics, *([logging.metrics] if logging is not None else []))
    pairs = start_pairs(metrics.registry)
    scorer.watch(Observers.of(counting.recorder, logging.log if logging is not None else None, pairs))
    readiness = Readiness(tried=tried)
    app = ServerApp(
        scorer,
        scoring_server.init(scorer.model),
        metrics,
        readiness,
        timeout=MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT.get(),
        max_bytes=max_bytes,
        names_predictions=logging is not None,
        pairs=pairs,
    )
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
    DrainingServer(config, readiness, drain_seconds).run(sockets=[listener])
    if logging is not None:
        logging.log.close()


def _labels(scorer: Scorer) -> dict[str, str]:
    metadata = scorer.model.metadata
    return {
        "model_id": str(metadata.model_id or metadata.model_uuid or ""),
        "run_id": str(metadata.run_id or ""),
        "mlflow_version": importlib.metadata.version("mlflow"),
        "python_version": platform.python_version(),
    }
