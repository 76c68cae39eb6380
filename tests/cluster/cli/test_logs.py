"""``rollmodel logs`` on pods of Jobs that really run."""

from __future__ import annotations

import re
from typing import Any

import pytest

from localcluster import Cluster
from tests.cluster.cli.conftest import Run
from tests.cluster.conftest import WaitUntil
from tests.support.apiserver import Api
from tests.support.pods import Kube, pod_spec, shell
from tests.support.simulation.trainings.statuses import SPEC, running, status

pytestmark = pytest.mark.cluster


@pytest.fixture
def kube(cluster: Cluster, namespace: str) -> Kube:
    cluster.ensure("node")
    return Kube(cluster, namespace)


@pytest.fixture
def training(kube: Kube, api: Api) -> Any:
    """Starts the Job of an attempt whose nodes run this script, and the TrainingJob that it belongs to."""

    def start(script: str, nodes: int = 1) -> None:
        check = shell("echo the data are good", name="validate-data")
        spec = pod_spec(shell(script, name="train"), initContainers=[check], restartPolicy="Never")
        job = {
            "backoffLimit": 0,
            "completions": nodes,
            "parallelism": nodes,
            "completionMode": "Indexed",
            "template": {"spec": spec},
        }
        kube.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "churn-2"}, "spec": job})
        api.create("TrainingJob", {**SPEC, "nodes": nodes})
        api.patch_status("TrainingJob", running())

    return start


def test_the_train_container_by_default(training: Any, kube: Kube, run: Run) -> None:
    training("echo one; printf 'two, unfinished'")
    kube.run("wait", "--for=condition=Complete", "job/churn-2", "--timeout=240s")
    assert run("logs", "churn") == (0, "one\ntwo, unfinished\n", "")
    assert run("logs", "churn", "-c", "validate-data") == (0, "the data are good\n", "")
    assert run("logs", "churn", "--tail", "1") == (0, "two, unfinished\n", "")


def test_between_two_attempts_it_is_the_last(training: Any, kube: Kube, api: Api, run: Run) -> None:
    training("echo once")
    kube.run("wait", "--for=condition=Complete", "job/churn-2", "--timeout=240s")
    api.patch_status("TrainingJob", {"jobName": None})
    assert run("logs", "churn") == (0, "once\n", "")


def test_a_container_that_is_not_there(training: Any, kube: Kube, run: Run) -> None:
    training("true")
    kube.run("wait", "--for=condition=Complete", "job/churn-2", "--timeout=240s")
    code, out, err = run("logs", "churn", "-c", "model")
    assert (code, out) == (1, "")
    assert "its containers: validate-data, train" in err


def test_nodes_are_told_apart(training: Any, kube: Kube, run: Run) -> None:
    training('echo "rank $JOB_COMPLETION_INDEX"', nodes=2)
    kube.run("wait", "--for=condition=Complete", "job/churn-2", "--timeout=240s")
    assert run("logs", "churn") == (0, "[0] rank 0\n[1] rank 1\n", "")
    assert run("logs", "churn", "--rank", "1") == (0, "[1] rank 1\n", "")
    code, _, err = run("logs", "churn", "--rank", "2")
    assert code == 1
    assert "there is no rank 2: ranks are 0 to 1" in err


def test_following_waits_for_the_pods_and_ends_with_them(training: Any, run: Run) -> None:
    training("for i in 1 2 3; do echo $i; sleep 0.2; done", nodes=2)
    code, out, _ = run("logs", "-f", "churn")
    assert code == 0
    for rank in (0, 1):
        assert re.findall(rf"\[{rank}\] (\d)", out) == ["1", "2", "3"]


def test_pods_that_are_gone(api: Api, run: Run) -> None:
    api.create("TrainingJob", dict(SPEC))
    api.patch_status("TrainingJob", status("False", "TooManyFailures"))
    code, out, err = run("logs", "churn", "-f", "--mlflow-url", "http://mlflow.example.com")
    assert (code, out) == (1, "")
    assert "the pods of churn-2 are gone" in err
    assert "keeps them for 86400 s: `ttlSecondsAfterFinished`" in err
    assert "in MLflow, run http://mlflow.example.com/#/experiments/3/runs/" in err
    assert "the last failure was OOMKilled" in err


@pytest.mark.parametrize(
    ("spec", "why"),
    [(SPEC, "has no attempt yet: -f waits for one"), ({**SPEC, "schedule": {"cron": "@daily"}}, "lists its runs")],
)
def test_before_any_pod(spec: dict[str, Any], why: str, api: Api, run: Run) -> None:
    api.create("TrainingJob", dict(spec))
    code, out, err = run("logs", "churn")
    assert (code, out) == (1, "")
    assert why in err


def test_pods_of_a_deployment(kube: Kube, api: Api, run: Run, wait_until: WaitUntil) -> None:
    api.create("ModelDeployment", {"model": {"registry": {"name": "churn", "alias": "challenger"}}}, "shop")
    code, _, err = run("logs", "shop")
    assert code == 1
    assert "has no pods" in err
    kube.pod("shop-1", shell("echo serving", name="model"), restartPolicy="Never")
    kube.run("label", "pod", "shop-1", "rollmodel.dev/model-deployment=shop")
    wait_until(lambda: kube.status("shop-1").get("phase") == "Succeeded")
    assert run("logs", "shop") == (0, "[shop-1] serving\n", "")
