"""``rollmodel lineage``: the chain of a version, from objects as the simulated loop leaves them."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from rollmodel.cli.lineage import command
from rollmodel.cli.lineage.chain import Chain, Objects, chains, matching
from rollmodel.cli.lineage.registry import links_of_run
from rollmodel.plan.decision import Ref

from tests.support.simulation.drifting import DriftWorld, rows_of
from tests.support.simulation.trainings.statuses import GATES

TIME = "2026-01-02T00:00:00Z"
AUTO = {"mode": "Auto", "trainingJobRef": {"name": "churn-train"}, "when": ["Feature"]}


async def loop() -> Objects:
    """An alarm has led to a training, its version 2 was promoted, and version 3 of another run was taken back."""
    world = DriftWorld(lambda rng, hour: rows_of(rng, 600, age=40.0 if hour < 11 else 46.0))
    ref = world.policy(retrain=AUTO, windowSeconds=[3600])
    operator = world.operator()
    await world.hours(operator, ref, 16)
    (training,) = world.trainings()
    world.end_training(training["metadata"]["name"], "True", version="2")
    await world.hours(operator, ref, 1)
    world.promote("rev2", "2")
    await world.hours(operator, ref, 1)
    history = [
        {"time": TIME, "verdict": "Promoted", "fromVersion": "1", "toVersion": "2", "fromRevision": "rev1"}
        | {"toRevision": "rev2", "reason": "all safe", "evidence": "errors: safe", "by": "evidence"},
        {"time": TIME, "verdict": "RolledBack", "toVersion": "3", "toRevision": "rev3", "reason": "errors: harmful"},
    ]
    deployment = world.kube.objects[Ref("rollmodel.dev/v1alpha1", "ModelDeployment", "team", "churn")]
    rejected = {"revision": "rev3", "modelVersion": "3", "reason": "Harmful", "message": "errors", "time": TIME}
    deployment["status"] |= {"history": history, "rejected": rejected}
    deployment["status"]["stable"]["weight"] = 100
    deployment["spec"]["model"] = {"registry": {"name": "churn-model", "alias": "challenger"}}
    training = world.kube.objects[Ref.of(training)]
    training["spec"]["register"] = {"model": "churn-model"}
    inputs = [{"name": "train", "uri": "s3://data/churn", "digest": "sha256:aa"}]
    training["status"] |= {"runId": "run7", "runStatus": "FINISHED", "gates": list(GATES)[:1], "inputs": inputs}
    training["status"]["conditions"] = []
    training["status"] |= {"reproducibility": {"hash": "sha256:cc", "gitCommit": "abc123", "seed": 42}}
    return Objects([deployment], [training], world.kube.of_kind("DriftPolicy"))


@pytest.fixture(scope="module")
def found() -> list[Chain]:
    return chains(asyncio.run(loop()))


def test_the_chain_of_a_version_that_an_alarm_asked_for(found: list[Chain]) -> None:
    newest, two, *_ = found
    assert (newest.version, two.version) == ("3", "2")
    assert [link.what for link in two.links] == [
        "alarm",
        "training",
        "data",
        "data",
        "run",
        "gate",
        "version",
        "decision",
    ]
    alarm, training, window, data, run, gate, version, decision = two.links
    assert window.name == "window"
    assert window.outcome.endswith(f" to {alarm.time}")
    assert (alarm.name, alarm.outcome) == ("watch, episode 1", "Promoted")
    assert alarm.why == "features/age of revision rev1"
    assert training.by == "DriftPolicy watch"
    assert (data.name, data.outcome, data.why) == ("train", "sha256:aa", "s3://data/churn")
    assert (run.name, run.why) == ("run7", "code abc123, seed 42")
    assert (gate.name, gate.outcome, gate.why) == ("f1 Min", "Passed", "asked 0.8, seen 0.83")
    assert (version.name, version.why) == ("2", "alias challenger")
    assert (decision.name, decision.outcome, decision.by) == ("churn, instead of version 1", "Promoted", "evidence")
    assert decision.why == "all safe (errors: safe)"
    assert two.now == "stable of churn, 100 %"


def test_what_lost_is_told_and_what_is_not_known_is_not_guessed(found: list[Chain]) -> None:
    three = found[0]
    assert [(link.what, link.outcome, link.by) for link in three.links] == [("decision", "RolledBack", "the operator")]
    assert three.run is None
    assert three.now == "rejected by churn: Harmful"


@pytest.mark.parametrize(
    ("word", "versions"),
    [
        ("churn-model", ["3", "2"]),
        ("churn", ["3", "2"]),
        ("churn-model/2", ["2"]),
        ("churn/3", ["3"]),
        ("rev2", ["2"]),
        ("run7", ["2"]),
        ("other", []),
    ],
)
def test_it_is_found_by_each_of_its_names(found: list[Chain], word: str, versions: list[str]) -> None:
    assert [one.version for one in matching(found, word)] == versions


def test_table_page_and_data(found: list[Chain]) -> None:
    found = matching(found, "churn-model/2")
    console = Console(width=200, color_system=None)
    with console.capture() as captured:
        for part in command.parts(found):
            console.print(part)
    text = captured.get()
    assert "churn-model 2  stable of churn, 100 %" in text
    assert "features/age of revision rev1" in text
    page = command.render(found, "<b>word", made="today")
    assert "&lt;b&gt;word" in page
    assert page.count("<li ") == len(found[0].links)
    assert "<script" not in page
    data = json.loads(json.dumps([command._plain(one) for one in found]))
    assert data[0]["links"][0]["what"] == "alarm"


def test_a_run_of_the_registry_tells_the_same() -> None:
    tags = {
        "rollmodel.dev/trainingjob": "team/churn-train",
        "rollmodel.dev/image": "trainer:1",
        "rollmodel.dev/git-commit": "abc",
        "rollmodel.dev/data-until": "2026-01-01T00:00:00Z",
        "rollmodel.dev/drift-policy": "watch",
        "rollmodel.dev/drift-episode": "3",
        "rollmodel.dev/drift-trigger": "features/age",
        "rollmodel.dev/drift-revision": "5f3c",
        "rollmodel.dev/gate/f1/Min": "asked 0.8, seen 0.83, Passed",
        "mlflow.user": "alice",
    }
    data = SimpleNamespace(name="train", digest="sha256:aa", source="s3://data")
    run: Any = SimpleNamespace(
        info=SimpleNamespace(run_id="run7", status="FINISHED", start_time=1_767_225_600_000, end_time=None),
        data=SimpleNamespace(tags=tags),
        inputs=SimpleNamespace(dataset_inputs=[SimpleNamespace(dataset=data)]),
    )
    alarm, training, window, given, ran, gate = links_of_run(run)
    assert (alarm.name, alarm.why) == ("watch, episode 3", "features/age of revision 5f3c")
    assert (window.name, window.outcome) == ("window", "the beginning to 2026-01-01T00:00:00Z")
    assert (training.name, training.time) == ("team/churn-train", "2026-01-01T00:00:00Z")
    assert (given.outcome, given.why) == ("sha256:aa", "s3://data")
    assert (ran.name, ran.why, ran.by) == ("run7", "code abc", "alice")
    assert (gate.name, gate.outcome, gate.why) == ("f1 Min", "Passed", "asked 0.8, seen 0.83")


def test_versions_are_ordered_as_numbers() -> None:
    deployment = {
        "metadata": {"name": "m"},
        "spec": {},
        "status": {
            "history": [
                {"time": TIME, "verdict": "Installed", "toVersion": version, "toRevision": f"r{version}", "reason": "x"}
                for version in ("9", "10", "2")
            ]
        },
    }
    assert [one.version for one in chains(Objects([deployment]))] == ["10", "9", "2"]
