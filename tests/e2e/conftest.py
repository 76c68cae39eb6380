"""End to end on any cluster: KUBECONFIG says which, MLFLOW_URL, PROMETHEUS_URL and GATEWAY_URL where its parts are.

Without KUBECONFIG a kind cluster is made for the session, where a Docker engine runs.
"""

import os
from collections.abc import Iterator

import pytest

from localcluster.binaries import locate
from tests.e2e.kindcluster import docker_problem, kind_cluster
from tests.e2e.target import Target

VARIABLES = ("KUBECONFIG", "MLFLOW_URL", "PROMETHEUS_URL", "GATEWAY_URL")


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """The cluster that the variables name, or a new one; skips and says what is missing."""
    if os.environ.get("ROLLMODEL_E2E") != "1":
        pytest.skip("end-to-end tests change the cluster of KUBECONFIG: `make e2e` runs them")
    if os.environ.get("KUBECONFIG"):
        missing = [name for name in VARIABLES if not os.environ.get(name)]
        if missing:
            pytest.skip(f"set {', '.join(missing)}; `make cluster` prints all of them for a local cluster")
        yield Target(locate(["kubectl"])["kubectl"], *(os.environ[name] for name in VARIABLES))
        return
    problem = docker_problem()
    if problem is not None:
        pytest.skip(f"set KUBECONFIG, or start Docker for a kind cluster: {problem}")
    with kind_cluster(tmp_path_factory.mktemp("kind")) as made:
        yield made
