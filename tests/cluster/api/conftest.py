"""The generated CRDs on the API server of the local cluster."""

import pytest
from kubernetes import client

from tests.support.apiserver import Api


@pytest.fixture
def api(custom_objects: client.CustomObjectsApi, namespace: str) -> Api:
    """For tests that store something."""
    return Api(custom_objects, namespace)


@pytest.fixture
def dry_api(custom_objects: client.CustomObjectsApi) -> Api:
    """For tests that only try things out."""
    return Api(custom_objects, "default")
