"""The whole stack for trainings: a cluster with a node and MLflow, and the operator with the rights that we ship."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

import pytest
from rollmodel.adapters.kubernetes.apiserver import ApiServer
from rollmodel.errors import NotFound

from localcluster import Cluster
from tests.cluster.conftest import serve_kinds
from tests.support.live.operator_process import OperatorProcess, Operators
from tests.support.live.secrets import found
from tests.support.live.training import LiveTraining

REPOSITORY = Path(__file__).parents[3]
ACCOUNT = "system:serviceaccount:rollmodel-system:rollmodel"

#: The operator's own login at its MLflow; no user's pod may ever see it.
OPERATOR_USER, OPERATOR_PASSWORD = "operator-of-the-house", "canary-41d0ab-operator"

Training = Callable[[str], LiveTraining]
Without = Callable[[], AbstractAsyncContextManager[None]]
Allow = Callable[[], Awaitable[None]]

__all__ = ["ACCOUNT", "OPERATOR_PASSWORD", "OPERATOR_USER", "REPOSITORY", "Allow", "Training", "Without"]


@pytest.fixture(scope="session")
def kinds(cluster: Cluster) -> Cluster:
    """The cluster with our kinds and the rights of the operator."""
    cluster.ensure("node", "mlflow")
    serve_kinds(cluster)
    for name in ("namespace", "rbac"):
        cluster.kubectl("apply", "--server-side", "-f", str(REPOSITORY / "config" / f"{name}.yaml"))
    return cluster


@pytest.fixture(scope="session")
def operator_process(kinds: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorProcess]:
    """One operator for all tests; it works in all namespaces."""
    kubeconfig = kinds.kubeconfig_for(ACCOUNT, ["system:serviceaccounts", "system:authenticated"])
    settings = {
        "OPERATOR_IMAGE": "localhost/rollmodel/operator:dev",
        "REGISTRY_URL": kinds.mlflow_url,
        "REGISTRY_USERNAME": OPERATOR_USER,
        "REGISTRY_PASSWORD": OPERATOR_PASSWORD,
        "REGISTRY_POLL_SECONDS": "1",
        "CLAIM_SECONDS": "12",
        "RETRY_SECONDS": "2",
        "MISSING_SECONDS": "4",
        "GRACE_SECONDS": "5",
        "LOG_FORMAT": "text",
        "LOG_LEVEL": "DEBUG",
    }
    process = OperatorProcess(kinds, kubeconfig, tmp_path_factory.mktemp("operator") / "log", settings)
    yield process
    process.stop()


@pytest.fixture
async def operator(operators: Operators, operator_process: OperatorProcess) -> AsyncIterator[OperatorProcess]:
    """The operator, ready, whatever the test before did to it. It never fails by itself."""
    await operators.only(operator_process)
    yield operator_process
    assert found(operator_process.log(), [(OPERATOR_USER, OPERATOR_PASSWORD)]) == []
    assert "Traceback" not in operator_process.log()


@pytest.fixture(scope="session")
async def api(kinds: Cluster) -> AsyncIterator[ApiServer]:
    """The API server, as its administrator sees it."""
    connection = await ApiServer.connect(str(kinds.kubeconfig))
    yield connection
    await connection.close()
    await asyncio.sleep(0)  # let the transports close


@pytest.fixture
async def training(
    api: ApiServer, cluster: Cluster, namespace: str, operator: OperatorProcess
) -> AsyncIterator[Training]:
    """Gives TrainingJobs of the test's namespace, by name; they are deleted after the test."""
    everything = LiveTraining(api, namespace, cluster, "")
    yield lambda name: LiveTraining(api, namespace, cluster, name)
    operator.ensure()  # only the operator lets go of a TrainingJob
    left = [one["metadata"]["name"] for one in await everything.list("TrainingJob")]
    for name in left:
        with suppress(NotFound):  # a run of a schedule goes with its parent
            await everything.delete(name=name)
    for name in left:
        await everything.until_absent(name=name)


@pytest.fixture
def model() -> str:
    """A name for a registered model that nobody has used."""
    return f"light-{secrets.token_hex(4)}"


@pytest.fixture
def without_mlflow(cluster: Cluster) -> Without:
    """The time in which MLflow is down."""

    @asynccontextmanager
    async def without() -> AsyncIterator[None]:
        await asyncio.to_thread(cluster.stop_part, "mlflow")
        try:
            yield
        finally:
            await asyncio.to_thread(cluster.restart_part, "mlflow")

    return without


@pytest.fixture
def allow(cluster: Cluster, namespace: str) -> Allow:
    """Lets the operator read the Secret ``mlflow`` of the namespace."""

    async def bind() -> None:
        role = str(REPOSITORY / "config" / "examples" / "connection-secrets.yaml")
        await asyncio.to_thread(cluster.kubectl, "apply", "-n", namespace, "-f", role)

    return bind
