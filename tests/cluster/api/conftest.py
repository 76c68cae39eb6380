"""The generated CRDs on the API server of the local cluster."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import client, config

from localcluster import Cluster
from tests.support.apiserver import Api

CRDS = Path(__file__).parents[3] / "crds"


@pytest.fixture(scope="session")
def crds(cluster: Cluster) -> Path:
    """The folder of the CRDs, once the API server has established them."""
    cluster.kubectl("apply", "--server-side", "-f", str(CRDS))
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRDS))
    return CRDS


@pytest.fixture(scope="session")
def custom_objects(cluster: Cluster, crds: Path) -> Iterator[client.CustomObjectsApi]:
    with config.new_client_from_config(str(cluster.kubeconfig)) as connection:
        yield client.CustomObjectsApi(connection)


@pytest.fixture
def api(custom_objects: client.CustomObjectsApi, namespace: str) -> Api:
    """For tests that store something."""
    return Api(custom_objects, namespace)


@pytest.fixture
def dry_api(custom_objects: client.CustomObjectsApi) -> Api:
    """For tests that only try things out."""
    return Api(custom_objects, "default")
