"""A program of the catalog that runs beside the cluster: KWOK, or another tool's controller."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from localcluster import Cluster
from localcluster.binaries import locate
from localcluster.processes.reaper import ID_VARIABLE

__all__ = ["program"]


@contextmanager
def program(cluster: Cluster, name: str, options: Mapping[str, object]) -> Iterator[int]:
    """It runs while the block lasts, which gets its process id. Its log is beside those of the cluster."""
    with (cluster.directory / "logs" / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [locate([name])[name], *(f"{option}={value}" for option, value in options.items())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, ID_VARIABLE: cluster.id},  # so that it ends with the cluster at the latest
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()
