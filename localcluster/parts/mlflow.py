"""MLflow: the real tracking server and model registry, on SQLite and a local folder of artifacts."""

from __future__ import annotations

import sys

from localcluster.network import http_ok
from localcluster.processes.process import ProcessSpec
from localcluster.site import Site

__all__ = ["mlflow"]


def mlflow(site: Site) -> ProcessSpec:
    """One process; clients read and write artifacts through it."""
    address = site.address("mlflow")
    folder = site.folder("mlflow")
    host, port = address.split(":")
    options = {
        "--backend-store-uri": f"sqlite:///{folder / 'mlflow.db'}",
        "--artifacts-destination": str(folder / "artifacts"),
        "--host": host,
        "--port": port,
        "--workers": "1",
    }
    arguments = [word for option in options.items() for word in option]
    environment = {
        # Without its job runner and the runner's seven helpers the server needs a third of the memory.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    return ProcessSpec(
        "mlflow",
        (sys.executable, "-m", "localcluster.parts.mlflow_server", "server", *arguments, "--serve-artifacts"),
        (address,),
        lambda: http_ok(f"http://{address}/health"),
        environment,
    )
