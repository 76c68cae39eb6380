"""The whole stack for rollouts: local cluster, gateway, Prometheus, MLflow, and the operator with its own rights."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from rollmodel.adapters.kubernetes.apiserver import ApiServer
from rollmodel.errors import NotFound

from demo.traffic import Traffic
from localcluster import Cluster
from tests.cluster.conftest import serve_kinds
from tests.support.live.light_models import LightRegistry
from tests.support.live.objects import NamespaceObjects
from tests.support.live.operator_process import OperatorProcess, Operators
from tests.support.live.rollout import LiveRollout
from tests.support.live.secrets import found, readable, stored

REPOSITORY = Path(__file__).parents[3]
ACCOUNT = "system:serviceaccount:rollmodel-system:rollmodel"

#: The operator's own logins, at its registry and at Prometheus; nobody else may ever see them.
OPERATOR_USER, OPERATOR_PASSWORD = "operator-of-the-house", "canary-7f1c9e-operator"
PROMETHEUS_TOKEN = "canary-50e2b8-prometheus"
OPERATOR_LOGINS = [(OPERATOR_USER, OPERATOR_PASSWORD), ("", PROMETHEUS_TOKEN)]

Send = Callable[..., Awaitable[Traffic]]
Rollout = Callable[[str], LiveRollout]
Connection = Callable[..., Awaitable[None]]

__all__ = [
    "OPERATOR_LOGINS",
    "OPERATOR_PASSWORD",
    "OPERATOR_USER",
    "PROMETHEUS_TOKEN",
    "REPOSITORY",
    "Connection",
    "Rollout",
    "Send",
]


@pytest.fixture(scope="session")
def stack(cluster: Cluster) -> Cluster:
    """The cluster with all its parts and our kinds."""
    cluster.ensure("node", "gateway", "prometheus", "mlflow")
    serve_kinds(cluster)
    return cluster


@pytest.fixture(scope="session")
def operator_kubeconfig(stack: Cluster) -> Path:
    """What the operator may do: the rights that we ship, and no more."""
    for name in ("namespace", "rbac"):
        stack.kubectl("apply", "--server-side", "-f", str(REPOSITORY / "config" / f"{name}.yaml"))
    return stack.kubeconfig_for(ACCOUNT, ["system:serviceaccounts", "system:authenticated"])


@pytest.fixture(scope="session")
def operator_settings(stack: Cluster) -> dict[str, str]:
    """``ROLLMODEL_*``, without the prefix."""
    return {
        "OPERATOR_IMAGE": "localhost/rollmodel/operator:dev",
        "SERVER_IMAGE": "localhost/rollmodel/server:dev",
        "REGISTRY_URL": stack.mlflow_url,
        "REGISTRY_USERNAME": OPERATOR_USER,
        "REGISTRY_PASSWORD": OPERATOR_PASSWORD,
        "REGISTRY_POLL_SECONDS": "1",
        "PROMETHEUS_URL": stack.prometheus_url,
        "PROMETHEUS_TOKEN": PROMETHEUS_TOKEN,
        "PROMETHEUS_DELAY_SECONDS": "2",
        "STARTING_SECONDS": "3",
        "RETRY_SECONDS": "4",
        "LOG_FORMAT": "text",
        "LOG_LEVEL": "DEBUG",
    }


@pytest.fixture(scope="session")
def operator_process(
    stack: Cluster,
    operator_kubeconfig: Path,
    operator_settings: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[OperatorProcess]:
    """One operator for all tests; it works in all namespaces, so no other operator may meet it."""
    log = tmp_path_factory.mktemp("operator") / "log"
    process = OperatorProcess(stack, operator_kubeconfig, log, operator_settings)
    yield process
    process.stop()


@pytest.fixture
async def operator(operators: Operators, operator_process: OperatorProcess) -> OperatorProcess:
    """The operator, ready and with its usual settings, whatever the test before did to it."""
    await operators.only(operator_process)
    return operator_process


@pytest.fixture
async def second(operator: OperatorProcess, tmp_path: Path) -> AsyncIterator[OperatorProcess]:
    """A second operator, which knows nothing of the first."""
    process = operator.twin(tmp_path / "second.log")
    process.ensure()
    await process.ready()
    yield process
    process.stop()
    assert found(process.log(), OPERATOR_LOGINS) == []


@pytest.fixture(scope="session")
async def api(stack: Cluster) -> AsyncIterator[ApiServer]:
    """The API server, as its administrator sees it."""
    connection = await ApiServer.connect(str(stack.kubeconfig))
    yield connection
    await connection.close()


@pytest.fixture(scope="session")
def registry(stack: Cluster) -> LightRegistry:
    """The real MLflow."""
    return LightRegistry(stack.mlflow_url)


@pytest.fixture
async def rollout(api: ApiServer, namespace: str, operator: OperatorProcess) -> AsyncIterator[Rollout]:
    """Gives ModelDeployments of the test's namespace, by name; there is a Gateway ``public`` for them.

    Whatever the test does, nothing that can be read after it gives a password away.
    """
    everything = NamespaceObjects(api, namespace)
    listener = {"name": "http", "port": 80, "protocol": "HTTP"}
    spec = {"gatewayClassName": "rollmodel-local", "listeners": [listener]}
    await everything.make("Gateway", {"metadata": {"name": "public"}, "spec": spec})
    yield lambda name: LiveRollout(api, namespace, name)
    kept, shown = [*OPERATOR_LOGINS, *await stored(everything)], await readable(everything)
    operator.ensure()  # whatever the test did to it: only the operator lets go of a ModelDeployment
    left = [LiveRollout(api, namespace, one["metadata"]["name"]) for one in await everything.list("ModelDeployment")]
    for one in left:
        await one.delete()
    for one in left:
        await one.until_absent()
    assert found(shown + operator.log(), kept) == []


@pytest.fixture
async def connection(stack: Cluster, api: ApiServer, namespace: str) -> Connection:
    """Makes the Secret ``mlflow``, if it is given any data, and the Role that lets the operator read it.

    In the test's namespace, or in another one that exists.
    """

    async def connect(where: str = namespace, **data: str) -> None:
        if data:
            secret = {"metadata": {"name": "mlflow"}, "stringData": data}
            await NamespaceObjects(api, where).make("Secret", secret)
        role = str(REPOSITORY / "config" / "examples" / "connection-secrets.yaml")
        await asyncio.to_thread(stack.kubectl, "apply", "-n", where, "-f", role)

    return connect


@pytest.fixture
async def elsewhere(api: ApiServer) -> AsyncIterator[str]:
    """Another namespace, which the test may delete."""
    name = f"test-{secrets.token_hex(4)}"
    everything = NamespaceObjects(api, name)
    await everything.make("Namespace", {"metadata": {"name": name}})
    yield name
    with suppress(NotFound):
        await everything.delete("Namespace", name)


@pytest.fixture
async def send(stack: Cluster) -> AsyncIterator[Send]:
    """Starts steady traffic to a ModelDeployment, until the test ends."""
    tasks: list[asyncio.Task[None]] = []

    async def start(to: LiveRollout, rate: float = 20.0, bodies: Sequence[str] = ("{}",), **headers: str) -> Traffic:
        traffic = Traffic(stack.gateway_url, to.host, bodies, rate=rate, headers=headers)
        tasks.append(asyncio.create_task(traffic.run()))
        return traffic

    yield start
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
