"""``rollmodel verify-training`` with a real MLflow; what the rerun came to is written by the tests."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from localcluster import Cluster
from localcluster.network import LOOPBACK, free_port
from tests.cluster.cli.conftest import Run
from tests.cluster.conftest import WaitUntil
from tests.support.apiserver import Api
from tests.support.simulation.trainings.statuses import SPEC, running, status

pytestmark = pytest.mark.cluster

MODEL = {"MLmodel": "made: now", "model.pkl": "weights", "data/vocabulary.txt": "a b c"}
VERIFIED = "verified: the rerun came to the same"
METRICS = {"f1": 0.81, "loss": 0.32}


@dataclass
class World:
    """A tracking server and our kinds, with a trained TrainingJob ``churn``."""

    url: str
    api: Api
    folder: Path
    wait_until: WaitUntil

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(tracking_uri=self.url, registry_uri=self.url)

    def run(self, metrics: Mapping[str, float], files: Mapping[str, str]) -> dict[str, str]:
        """A finished run that logged these; what status says about it."""
        client, name = self.client, f"test/{self.api.namespace}"
        known = client.get_experiment_by_name(name)
        experiment = known.experiment_id if known else client.create_experiment(name)
        run = client.create_run(experiment).info.run_id
        for metric, value in metrics.items():
            client.log_metric(run, metric, value)
        if files:
            model = client.create_logged_model(experiment, name="model", source_run_id=run)
            client.log_model_artifacts(model.model_id, str(self._files(run, files)))
            client.finalize_logged_model(model.model_id, "READY")
        client.set_terminated(run)
        return {"runId": run, "experimentId": experiment}

    def first(self, metrics: Mapping[str, float] = METRICS, files: Mapping[str, str] = MODEL) -> dict[str, str]:
        """The TrainingJob that is to be verified."""
        told = self.run(metrics, files)
        self.api.create("TrainingJob", dict(SPEC))
        self.api.patch_status("TrainingJob", status("True", "Registered", modelVersion="4", **told))
        return told

    def rerun(self, metrics: Mapping[str, float] = METRICS, files: Mapping[str, str] = MODEL, **more: Any) -> None:
        """What the operator would do about the rerun once it is there."""
        self.wait_until(lambda: bool(self.api.find("TrainingJob", "churn-verify-1")))
        told = self.run(metrics, files)
        self.api.patch_status("TrainingJob", running(10, **told), "churn-verify-1")
        ended = {**status("True", "Trained", **told), **more}
        self.api.patch_status("TrainingJob", ended, "churn-verify-1")

    def _files(self, run: str, files: Mapping[str, str]) -> Path:
        folder = self.folder / run
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        return folder


@pytest.fixture
def world(cluster: Cluster, api: Api, tmp_path: Path, wait_until: WaitUntil, monkeypatch: Any) -> World:
    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    cluster.ensure("mlflow")
    return World(cluster.mlflow_url, api, tmp_path, wait_until)


@pytest.fixture
def meanwhile() -> Iterator[Callable[..., Future[None]]]:
    """Does something in a thread; what goes wrong there fails the test."""
    with ThreadPoolExecutor(1) as pool:
        started: list[Future[None]] = []

        def start(work: Callable[..., None], *arguments: Any, **options: Any) -> Future[None]:
            started.append(pool.submit(work, *arguments, **options))
            return started[-1]

        yield start
        for future in started:
            future.result(timeout=60)


Meanwhile = Callable[..., Future[None]]
Verifying = Callable[..., tuple[int, str, str]]


@pytest.fixture
def verifying(world: World, meanwhile: Meanwhile, run: Run) -> Verifying:
    """Runs the command on a TrainingJob whose rerun comes to this."""

    def verify(rerun: dict[str, Any], *options: str) -> tuple[int, str, str]:
        world.first()
        meanwhile(world.rerun, **rerun)
        return run("verify-training", "churn", "--mlflow-url", world.url, *options)

    return verify


def test_the_same_again(world: World, meanwhile: Meanwhile, run: Run) -> None:
    first = world.first()
    meanwhile(world.rerun, files={**MODEL, "MLmodel": "made: later"})
    code, out, err = run("verify-training", "churn", "--mlflow-url", world.url, "--require-identical-artifacts")
    assert (code, err) == (0, "")
    assert "created tjob/churn-verify-1" in out
    assert re.search(r"reproducibility hash +Same", out)
    assert re.search(r"f1 +0.81 +0.81 +0 +0 +Same", out)
    assert re.search(r"MLmodel .* Expected to differ", out)
    assert re.search(r"data/vocabulary.txt .* Same", out)
    assert "verified: the rerun came to the same" in out
    rerun = world.api.find("TrainingJob", "churn-verify-1")
    assert rerun["metadata"]["annotations"]["rollmodel.dev/verifies"] == "churn"
    assert "register" not in rerun["spec"]
    tags = world.client.get_run(rerun["status"]["runId"]).data.tags
    assert tags["rollmodel.dev/verifies"] == first["runId"]


@pytest.mark.parametrize(
    ("rerun", "option", "said"),
    [
        ({"metrics": {**METRICS, "f1": 0.8}}, "", "not the same metrics: f1"),
        ({"metrics": {**METRICS, "f1": 0.8}}, "--tolerance=f1=0.01", VERIFIED),
        ({"metrics": {**METRICS, "f1": 0.8}}, "--tolerance=loss=0.01", "not the same metrics: f1"),
        ({"metrics": {"f1": 0.81}}, "--tolerance=1", "not the same metrics: loss"),
        ({"files": {**MODEL, "model.pkl": "other"}}, "", VERIFIED),
        ({"files": {**MODEL, "model.pkl": "other"}}, "--require-identical-artifacts", "not the same files: model.pkl"),
        ({"files": {}}, "--require-identical-artifacts", "not the same files"),
        ({"reproducibility": {"hash": "sha256:other"}}, "", "reproducibility hash is not the same"),
    ],
)
def test_what_holds(rerun: dict[str, Any], option: str, said: str, verifying: Verifying) -> None:
    code, out, err = verifying(rerun, *filter(None, [option]))
    assert (code, err) == (0 if said == VERIFIED else 1, "")
    assert said in out


def test_a_rerun_that_fails(world: World, meanwhile: Meanwhile, run: Run) -> None:
    world.first()
    meanwhile(world.rerun, **status("False", "TooManyFailures", "OOMKilled"))
    code, _, err = run("verify-training", "churn", "--mlflow-url", world.url)
    assert code == 1
    assert "the rerun did not succeed: TooManyFailures: OOMKilled; `rollmodel describe tjob churn-verify-1`" in err


def test_nothing_is_trained_where_mlflow_is_not(world: World, run: Run) -> None:
    world.first()
    for url, why in ((f"http://{LOOPBACK}:{free_port()}", "did not answer"), ("", "where is MLflow?")):
        code, out, err = run("verify-training", "churn", "--mlflow-url", url)
        assert (code, out) == (1, "")
        assert why in err
    assert not world.api.find("TrainingJob", "churn-verify-1")


def test_a_run_that_goes_on(world: World, run: Run) -> None:
    world.api.create("TrainingJob", dict(SPEC))
    world.api.patch_status("TrainingJob", running())
    code, _, err = run("verify-training", "churn", "--mlflow-url", world.url)
    assert code == 1
    assert "no training that ended well" in err


def test_numbers_go_on(world: World, meanwhile: Meanwhile, run: Run) -> None:
    world.first()
    world.api.create("TrainingJob", dict(SPEC), "churn-verify-1")
    world.api.patch_status("TrainingJob", status("False", "TooManyFailures"), "churn-verify-1")
    meanwhile(_fail, world, "churn-verify-2")
    code, out, _ = run("verify-training", "churn", "--mlflow-url", world.url)
    assert code == 1
    assert "created tjob/churn-verify-2" in out


def _fail(world: World, name: str) -> None:
    world.wait_until(lambda: bool(world.api.find("TrainingJob", name)))
    world.api.patch_status("TrainingJob", status("False", "TooManyFailures"), name)
