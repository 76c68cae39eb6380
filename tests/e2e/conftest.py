"""End to end on any cluster: KUBECONFIG says which, MLFLOW_URL, PROMETHEUS_URL and GATEWAY_URL where its parts are."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from localcluster.binaries import locate

VARIABLES = ("KUBECONFIG", "MLFLOW_URL", "PROMETHEUS_URL", "GATEWAY_URL")


@dataclass(frozen=True)
class Target:
    """The cluster under test, as this machine reaches it."""

    kubectl: Path
    kubeconfig: str
    mlflow_url: str
    prometheus_url: str
    gateway_url: str


@pytest.fixture(scope="session")
def target() -> Target:
    """The cluster that the variables name; skips and says what is missing."""
    if os.environ.get("ROLLMODEL_E2E") != "1":
        pytest.skip("end-to-end tests change the cluster of KUBECONFIG: `make e2e` runs them")
    missing = [name for name in VARIABLES if not os.environ.get(name)]
    if missing:
        pytest.skip(f"set {', '.join(missing)}; `make cluster` prints all of them for a local cluster")
    return Target(locate(["kubectl"])["kubectl"], *(os.environ[name] for name in VARIABLES))
