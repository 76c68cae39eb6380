"""The adapters against a real MLflow and a real Prometheus."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from mlflow import MlflowClient
from rollmodel.adapters.mlflow.registry import Mlflow
from rollmodel.adapters.prometheus.client import Prometheus
from rollmodel.api.fields.digest import tree_digest
from rollmodel.errors import Invalid, NotFound, Unavailable
from rollmodel.ports.registry import Connection
from rollmodel.settings import Settings

from localcluster import Cluster
from tests.support.live.mlflow_client import configure

pytestmark = pytest.mark.cluster

FILES = {"MLmodel": "flavors: {}\n", "data/weights.bin": "\x01" * 5000, "data/a b.txt": ""}
DIGEST = tree_digest({path: hashlib.sha256(text.encode()).hexdigest() for path, text in FILES.items()})


@pytest.fixture(scope="module")
def connection(cluster: Cluster) -> Iterator[Connection]:
    cluster.ensure("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        configure(patch, Settings())
        yield Connection(cluster.mlflow_url)


@pytest.fixture(scope="module")
def client(connection: Connection) -> MlflowClient:
    return MlflowClient(connection.url)


@pytest.fixture(scope="module")
def model(client: MlflowClient, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A registered model with one version, logged as MLflow 3 does it: its source is ``models:/m-<id>``."""
    folder = tmp_path_factory.mktemp("model")
    for path, text in FILES.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    logged = client.create_logged_model(client.create_experiment("adapters"), name="churn")
    client.log_model_artifacts(logged.model_id, str(folder))
    client.finalize_logged_model(logged.model_id, "READY")
    client.create_registered_model("adapters-churn")
    client.create_model_version("adapters-churn", f"models:/{logged.model_id}", model_id=logged.model_id)
    client.set_registered_model_alias("adapters-churn", "challenger", "1")
    return "adapters-churn"


@pytest.fixture
async def registry() -> AsyncIterator[Mlflow]:
    registry = Mlflow()
    yield registry
    registry.close()


@pytest.fixture
async def prometheus(cluster: Cluster) -> AsyncIterator[Prometheus]:
    cluster.ensure("prometheus")
    prometheus = Prometheus(cluster.prometheus_url)
    yield prometheus
    prometheus.close()


async def test_an_alias_is_pinned_with_the_digest_of_its_files(
    registry: Mlflow, connection: Connection, model: str
) -> None:
    found = await registry.resolve(connection, model, version=None, alias="challenger")
    assert (found.version, found.digest) == ("1", DIGEST)
    assert found.source.startswith("models:/m-")
    assert found.size_bytes == sum(map(len, FILES.values()))


@pytest.mark.parametrize(
    ("name", "version", "alias"),
    [("adapters-churn", None, "nobody"), ("adapters-churn", "99", None), ("unknown", None, "challenger")],
)
async def test_what_does_not_exist_is_not_found(  # noqa: PLR0917
    registry: Mlflow, connection: Connection, model: str, name: str, version: str | None, alias: str | None
) -> None:
    with pytest.raises(NotFound):
        await registry.resolve(connection, name, version=version, alias=alias)


async def test_verdicts_are_written(registry: Mlflow, connection: Connection, client: MlflowClient, model: str) -> None:
    for _ in range(2):
        await registry.set_tags(connection, model, "1", {"rollmodel.dev/verdict": "Promoted"})
        await registry.set_alias(connection, model, "champion", "1")
    version = client.get_model_version_by_alias(model, "champion")
    assert (version.version, version.tags["rollmodel.dev/verdict"]) == ("1", "Promoted")


async def test_a_tag_for_a_version_that_does_not_exist_is_not_found(
    registry: Mlflow, connection: Connection, model: str
) -> None:
    with pytest.raises(NotFound):
        await registry.set_tags(connection, model, "99", {"a": "b"})


async def test_an_mlflow_that_is_down_is_unavailable(registry: Mlflow) -> None:
    with pytest.raises(Unavailable):
        await registry.resolve(Connection("http://127.0.0.1:1"), "churn", version="1", alias=None)


async def test_numbers_come_on_the_grid_that_was_asked_for(prometheus: Prometheus) -> None:
    end = time.time() // 10 * 10
    (series,) = await prometheus.query_range("vector(7)", start=end - 60, end=end, step=10.0)
    assert [moment for moment, _ in series.points] == [end - 60 + 10 * step for step in range(7)]
    assert {value for _, value in series.points} == {7.0}


async def test_no_series_is_an_answer(prometheus: Prometheus) -> None:
    assert await prometheus.query_range("nothing_at_all", start=0, end=10, step=10) == []


@pytest.mark.parametrize("query", ["rate(", "sum by (", '{a="b"} + on() group_left() {c="d"}['])
async def test_a_wrong_query_is_explained(prometheus: Prometheus, query: str) -> None:
    with pytest.raises(Invalid, match="parse error"):
        await prometheus.query_range(query, start=0, end=10, step=10)


async def test_too_many_points_are_refused_with_prometheus_own_words(prometheus: Prometheus) -> None:
    with pytest.raises(Invalid, match="exceeded maximum resolution"):
        await prometheus.query_range("up", start=0, end=1_000_000, step=1)
