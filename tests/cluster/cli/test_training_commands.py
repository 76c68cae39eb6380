"""``rollmodel get``, ``describe`` and ``watch`` on TrainingJobs that the API server keeps."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localcluster import Cluster
from localcluster.processes.reaper import ID_VARIABLE
from tests.cluster.cli.conftest import Run
from tests.cluster.conftest import WaitUntil
from tests.support.apiserver import Api, spec_of
from tests.support.eventually import PATIENCE_SECONDS
from tests.support.simulation.trainings.statuses import GATES, SPEC, running, status

pytestmark = pytest.mark.cluster

OPERATOR = Path(__file__).parents[3] / "operator"


@pytest.fixture
def stored(api: Api) -> Callable[..., None]:
    """Stores a TrainingJob with a status."""

    def store(state: dict[str, Any], name: str = "churn") -> None:
        api.create("TrainingJob", dict(SPEC), name)
        api.patch_status("TrainingJob", state, name)

    return store


Stored = Callable[..., None]


def cells(out: str) -> list[dict[str, str]]:
    """The rows of a table by heading; columns are aligned with their headings."""
    header, *rows = out.splitlines()
    headings = list(re.finditer(r"\S+", header))
    ends = [heading.start() for heading in headings[1:]] + [None]
    return [
        {heading[0]: row[heading.start() : end].strip() for heading, end in zip(headings, ends, strict=True)}
        for row in rows
    ]


def test_one_table_for_both_kinds(stored: Stored, api: Api, run: Run) -> None:
    stored(running())
    api.create("ModelDeployment", spec_of("ModelDeployment"), "shop")
    code, out, err = run("get")
    assert (code, err) == (0, "")
    training, serving = cells(out)
    assert {key: training[key] for key in ("NAME", "STATE", "ATTEMPT", "STEP", "METRIC")} == {
        "NAME": "tjob/churn",
        "STATE": "Running",
        "ATTEMPT": "2",
        "STEP": "30",
        "METRIC": "f1 0.81",
    }
    assert (serving["NAME"], serving["STATE"]) == ("mdep/shop", "Pending")
    assert "QUEUE" not in training


@pytest.mark.parametrize("words", [("tjob",), ("trainingjobs",), ("tjob", "churn"), ("churn",), ("tjob/churn",)])
def test_ways_to_ask_for_it(words: tuple[str, ...], stored: Stored, run: Run) -> None:
    stored(running())
    code, out, _ = run("get", *words)
    assert code == 0
    assert [row["NAME"] for row in cells(out)] == ["tjob/churn"]


def test_the_objects_themselves(stored: Stored, api: Api, run: Run) -> None:
    stored(running())
    (manifest,) = json.loads(run("get", "tjob", "-o", "json")[1])["items"]
    assert (manifest["kind"], manifest["metadata"]["namespace"]) == ("TrainingJob", api.namespace)
    assert json.loads(run("get", "tjob", "churn", "-o", "json")[1]) == manifest
    assert run("get", "churn", "-o", "jsonpath={.kind}")[1] == "TrainingJob"
    assert run("get", "-o", "jsonpath={.items[*].metadata.name}")[1] == "churn"


def test_all_namespaces(stored: Stored, api: Api, run: Run) -> None:
    stored(running())
    code, out, _ = run("get", "-A")
    assert code == 0
    assert (api.namespace, "tjob/churn") in {(row["NAMESPACE"], row["NAME"]) for row in cells(out)}


def test_an_empty_namespace(api: Api, run: Run) -> None:
    code, out, err = run("get")
    assert (code, out) == (0, "")
    assert "-A looks in all namespaces" in err


def test_a_word_that_is_no_kind(run: Run) -> None:
    code, _, err = run("get", "pod", "churn")
    assert code == 1
    assert "'pod' is not a kind that can be shown: say one of tjob" in err


def test_two_of_one_name(stored: Stored, api: Api, run: Run) -> None:
    stored(running())
    api.create("ModelDeployment", spec_of("ModelDeployment"), "churn")
    code, _, err = run("describe", "churn")
    assert code == 1
    assert "a TrainingJob and a ModelDeployment called 'churn': say which" in err
    assert run("describe", "mdep", "churn")[0] == 0


def test_describe_says_everything(stored: Stored, api: Api, run: Run, cluster: Cluster) -> None:
    stored(status("False", "GatesFailed", "1 of 2 gates does not hold", gates=list(GATES)))
    uid = cluster.kubectl("get", "tjob", "churn", "-n", api.namespace, "-o", "jsonpath={.metadata.uid}")
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "churn.1"},
        "involvedObject": {"kind": "TrainingJob", "name": "churn", "namespace": api.namespace, "uid": uid},
        "type": "Warning",
        "reason": "GatesFailed",
        "message": "nothing was registered",
        "lastTimestamp": "2026-01-01T00:12:00Z",
        "count": 3,
    }
    cluster.kubectl("create", "-n", api.namespace, "-f", "-", stdin=json.dumps(event))
    code, out, err = run("describe", "tjob", "churn", "--mlflow-url", "http://mlflow.example.com/")
    assert (code, err) == (0, "")
    for text in (
        "GatesFailed: 1 of 2 gates does not hold",
        "http://mlflow.example.com/#/experiments/3/runs/0af7651916cd43dd8448eb211c80319c (FINISHED)",
        "2; failures 1 (retried up to 2), disruptions 0 (up to 10)",
        "OOMKilled: exit code 137",
        f"sha256:{'cd' * 32}",
    ):
        assert text in out
    assert re.search(r"took +12 min", out)
    assert re.search(rf"train +models:/features/7 +7 +sha256:{'ab' * 32}", out)
    assert re.search(r"recall +MaxGap +0.05 +0.11 +Failed +between slices", out)
    assert re.search(r"3 +Warning +GatesFailed +nothing was registered", out)


def test_describe_without_a_right_to_events(stored: Stored, reader: Path, run: Run) -> None:
    stored(running())
    code, out, _ = run("describe", "churn", user=reader)
    assert code == 0
    assert "Events may not be read with this login." in out


@pytest.mark.parametrize(("succeeded", "reason", "code"), [("True", "Succeeded", 0), ("False", "GatesFailed", 1)])
def test_watch_of_what_is_over(succeeded: str, reason: str, code: int, stored: Stored, run: Run) -> None:
    stored(status(succeeded, reason))
    ended, out, err = run("watch", "churn")
    assert (ended, err) == (code, "")
    assert re.search(rf"tjob/churn  {reason}  attempt 2  step 100  f1 0.81\n$", out)


class Watching:
    """``rollmodel watch churn`` as a process, with what it has said so far."""

    def __init__(self, cluster: Cluster, namespace: str, said: Path) -> None:
        command = [sys.executable, "-m", "rollmodel", "watch", "churn", "-n", namespace]
        self._said = said
        with said.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, "--kubeconfig", str(cluster.kubeconfig)],
                env={**os.environ, "PYTHONPATH": str(OPERATOR), ID_VARIABLE: cluster.id},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def lines(self) -> list[str]:
        return self._said.read_text().splitlines()


@pytest.fixture
def watching(
    cluster: Cluster, namespace: str, stored: Stored, tmp_path: Path, interruptible: None
) -> Iterator[Watching]:
    stored(running(30))
    started = Watching(cluster, namespace, tmp_path / "said")
    yield started
    started.process.kill()
    started.process.wait()


def test_watch_follows_until_the_end(watching: Watching, api: Api, wait_until: WaitUntil) -> None:
    wait_until(lambda: len(watching.lines()) == 1)
    api.patch_status("TrainingJob", running(60))
    wait_until(lambda: len(watching.lines()) == 2)
    api.patch_status("TrainingJob", status("True", "Registered", modelVersion="4"))
    assert watching.process.wait(PATIENCE_SECONDS) == 0
    assert [line.split("  ")[4] for line in watching.lines()] == ["step 30", "step 60", "step 100"]
    assert watching.lines()[-1].endswith("Succeeded  attempt 2  step 100  f1 0.81  version 4")


def test_watch_outlives_the_api_server(watching: Watching, api: Api, cluster: Cluster, wait_until: WaitUntil) -> None:
    wait_until(lambda: len(watching.lines()) == 1)
    cluster.restart_part("kube-apiserver")
    api.patch_status("TrainingJob", status("False", "TooManyFailures"))
    assert watching.process.wait(PATIENCE_SECONDS) == 1
    assert "TooManyFailures" in watching.lines()[-1]


def test_watch_of_what_is_deleted(watching: Watching, cluster: Cluster, namespace: str, wait_until: WaitUntil) -> None:
    wait_until(lambda: len(watching.lines()) == 1)
    cluster.kubectl("delete", "tjob", "churn", "-n", namespace)
    assert watching.process.wait(PATIENCE_SECONDS) == 1
    assert watching.lines()[-1] == "rollmodel watch: TrainingJob 'churn' was deleted"


def test_ctrl_c_ends_a_watch_quietly(watching: Watching, wait_until: WaitUntil) -> None:
    wait_until(lambda: len(watching.lines()) == 1)
    watching.process.send_signal(signal.SIGINT)
    assert watching.process.wait(PATIENCE_SECONDS) == 130
    assert len(watching.lines()) == 1
