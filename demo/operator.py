"""The operator as a process of this machine, with the rights of the ServiceAccount that we ship."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from demo.stack import Stack
from localcluster.network import LOOPBACK, free_port
from localcluster.processes.reaper import ID_VARIABLE

__all__ = ["environment", "running"]

STOP_SECONDS = 10


@contextmanager
def running(stack: Stack, log: Path, *, keep: bool) -> Iterator[Callable[[], bool]]:
    """Run ``rollmodel run`` beside the cluster while the block lasts; with ``keep`` as long as the cluster lives.

    Gives a function that tells whether it still runs; an operator inside the cluster is Kubernetes' business.
    """
    if stack.operator_kubeconfig is None:
        yield lambda: True
        return
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "rollmodel", "run"],
            env=environment(stack),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    finished = False
    try:
        yield lambda: process.poll() is None
        finished = True
    finally:
        if not (keep and finished):
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            process.kill()
            process.wait()


def environment(stack: Stack) -> dict[str, str]:
    """What the shipped Deployment sets, for this machine; the cluster's mark lets the operator end with the cluster."""
    ours = {
        "KUBECONFIG": str(stack.operator_kubeconfig),
        "ROLLMODEL_REGISTRY_URL": stack.mlflow_url,
        "ROLLMODEL_PROMETHEUS_URL": stack.prometheus_url,
        "ROLLMODEL_REGISTRY_POLL_SECONDS": "2",
        "ROLLMODEL_PROMETHEUS_DELAY_SECONDS": "2",
        "ROLLMODEL_HEALTH_ADDRESS": f"{LOOPBACK}:{free_port()}",
        "ROLLMODEL_METRICS_ADDRESS": f"{LOOPBACK}:{free_port()}",
        "ROLLMODEL_LOG_FORMAT": "text",
    }
    if stack.cluster is not None:
        ours[ID_VARIABLE] = stack.cluster.id
    return {**os.environ, **ours}
