"""The real control plane for tests: one cluster per session, one namespace per test.

``cluster`` has the control plane only; a test that needs more asks for it: ``cluster.ensure("mlflow", "prometheus")``.
What was started stays until the worker has no more rooms that share it, so a test that stops a part starts it again.
"""

import os
import secrets
import signal
import time
from collections.abc import Callable, Generator, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol

import pytest
from kubernetes import client, config
from kubernetes.client import ApiException

from localcluster import Cluster
from tests.support.binaries import needs_binaries
from tests.support.eventually import PATIENCE_SECONDS
from tests.support.live.operator_process import Operators
from tests.support.running.rooms import needs_cluster

CRDS = Path(__file__).parents[2] / "crds"


SHARED = pytest.StashKey[Cluster]()


class WaitUntil(Protocol):
    """Waits until a condition holds, and fails the test if it does not within ``seconds``."""

    def __call__(self, condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None: ...


def start(request: pytest.FixtureRequest, directory: Path, **options: Any) -> Cluster:
    """Start a cluster with an audit log. Skips, with the reason, where its binaries cannot be had; fails under CI."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    # The first start may build for minutes: show it.
    with needs_binaries(os.environ), capture.global_and_fixture_disabled():
        return Cluster.start(directory, audit=True, **options)


def serve_kinds(cluster: Cluster) -> Path:
    """Install our CRDs, and wait until the API server has established them; their folder."""
    cluster.kubectl("apply", "--server-side", "-f", str(CRDS))
    cluster.kubectl("wait", "--for=condition=Established", f"--timeout={PATIENCE_SECONDS:.0f}s", "-f", str(CRDS))
    return CRDS


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The cluster of all tests that need none of their own."""
    with start(request, tmp_path_factory.mktemp("cluster")) as started:
        request.config.stash[SHARED] = started
        yield started


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """End the cluster after the last test that shares it: at rest it takes a sixteenth of a core from the others."""
    result = yield
    if nextitem is not None and not needs_cluster(nextitem.nodeid):
        shared = item.config.stash.get(SHARED, None)
        if shared is not None:
            del item.config.stash[SHARED]
            shared.stop()
    return result


@pytest.fixture(scope="session")
def operators() -> Operators:
    """Which operator works in all namespaces."""
    return Operators()


@pytest.fixture(scope="session")
def crds(cluster: Cluster) -> Path:
    """The folder of the CRDs, which are served."""
    return serve_kinds(cluster)


@pytest.fixture(scope="session")
def custom_objects(cluster: Cluster, crds: Path) -> Iterator[client.CustomObjectsApi]:
    """A client of our kinds, as cluster administrator."""
    with config.new_client_from_config(str(cluster.kubeconfig)) as connection:
        yield client.CustomObjectsApi(connection)


@pytest.fixture(scope="session")
def core(cluster: Cluster) -> Iterator[client.CoreV1Api]:
    """A client of what each cluster has, as its administrator: no process for each request, as kubectl is."""
    with config.new_client_from_config(str(cluster.kubeconfig)) as connection:
        yield client.CoreV1Api(connection)


@pytest.fixture
def namespace(core: client.CoreV1Api, wait_until: WaitUntil) -> Iterator[str]:
    """The name of a new namespace that enforces Pod Security "restricted". It is deleted after the test."""
    name = f"test-{secrets.token_hex(4)}"
    core.create_namespace({"metadata": {"name": name, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}})
    # Pods are refused until the controller manager has made the service account that they run as.
    wait_until(lambda: _exists(core.read_namespaced_service_account, "default", name))
    yield name
    _exists(core.delete_namespace, name)


def _exists(ask: Callable[..., object], *names: str) -> bool:
    """Ask about an object; whether there is one."""
    try:
        ask(*names)
    except ApiException as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return False
    return True


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Processes started here obey SIGINT, also where these tests run in the background of a shell, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def wait_until() -> WaitUntil:
    """How tests wait: on a condition, never for a time."""

    def wait(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not true after {seconds:g} s"
            time.sleep(0.1)

    return wait
