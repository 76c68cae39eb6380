"""The tracking adapter keeps the promises of its port, on a real MLflow."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator

import pytest
from mlflow import MlflowClient
from rollmodel.adapters.mlflow.tracking import MlflowTracking
from rollmodel.errors import Forbidden
from rollmodel.plan.decision import CreateRun
from rollmodel.ports.registry import Connection
from rollmodel.settings import Settings

from localcluster import Cluster
from tests.support.contracts.tracking import TrackingCode, TrackingContract, owner
from tests.support.live.mlflow_client import configure

__all__ = ["owner"]

pytestmark = pytest.mark.cluster


class Code:
    """Works with MLflow's own client, as training code does."""

    def __init__(self, url: str) -> None:
        self.connection = Connection(url)
        self._client = MlflowClient(url)

    def log_metric(self, run_id: str, name: str, *values: float) -> None:
        for step, value in enumerate(values):
            self._client.log_metric(run_id, name, value, step=step)

    def log_file(self, run_id: str, *paths: str) -> None:
        for path in paths:
            self._client.log_text(run_id, "flavors: {}\n", path)

    def log_model(self, run_id: str, name: str = "model") -> None:
        experiment = self._client.get_run(run_id).info.experiment_id
        logged = self._client.create_logged_model(experiment, name=name, source_run_id=run_id)
        self._client.create_logged_model(experiment, name=name, source_run_id=run_id)  # is never finished
        self._client.finalize_logged_model(logged.model_id, "READY")

    def set_alias(self, model: str, alias: str, version: str) -> None:
        self._client.set_registered_model_alias(model, alias, version)

    def delete_experiment(self, name: str) -> None:
        experiment = self._client.get_experiment_by_name(name)
        assert experiment is not None
        self._client.delete_experiment(experiment.experiment_id)


@pytest.fixture(scope="module")
def code(cluster: Cluster) -> Iterator[TrackingCode]:
    cluster.ensure("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        configure(patch, Settings())
        yield Code(cluster.mlflow_url)


@pytest.fixture
async def tracking() -> AsyncIterator[MlflowTracking]:
    tracking = MlflowTracking()
    yield tracking
    tracking.close()


class TestMlflowTracking(TrackingContract):
    """The same promises."""


async def test_an_experiment_of_before_is_of_the_namespace_whose_run_was_there_first(
    tracking: MlflowTracking, code: TrackingCode
) -> None:
    name, tag = f"of-before-{secrets.token_hex(4)}", "rollmodel.dev/trainingjob"
    await tracking.create_run(code.connection, CreateRun(name, "churn", {tag: "team-a/churn"}))
    with pytest.raises(Forbidden, match="belongs to namespace 'team-a'"):
        await tracking.create_run(code.connection, CreateRun(name, "churn", {tag: "team-b/churn"}), owner="team-b")
    await tracking.create_run(code.connection, CreateRun(name, "churn", {tag: "team-a/churn"}), owner="team-a")
