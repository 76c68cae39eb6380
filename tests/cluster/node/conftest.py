"""A node for the tests."""

import pytest

from localcluster import Cluster
from tests.support.pods import Kube


@pytest.fixture
def kube(cluster: Cluster, namespace: str) -> Kube:
    cluster.ensure("node")
    return Kube(cluster, namespace)
