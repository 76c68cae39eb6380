"""Somebody who may write ControllerRevisions writes one with a pod template of theirs: it says nothing."""

import json
from copy import deepcopy
from typing import Any

import pytest
from rollmodel.api.modeldeployment import ModelDeploymentStatus
from rollmodel.plan.canonical import canonical_hash
from rollmodel.plan.deployment.objects.revision import content_hash

from tests.support.simulation.rollouts import Cluster, spec

EVIL = "registry.example/evil:1"


@pytest.fixture
def serving() -> Cluster:
    """v2 serves; v1, which it replaced, has a record still."""
    cluster = Cluster(
        spec(analysis={"metrics": []}, rollout={"steps": [{"weight": 50}], "drainSeconds": 0, "warmUpSeconds": 0})
    )
    cluster.run(60)
    cluster.try_version("2")
    assert cluster.run(600, lambda: cluster.over() and cluster.arm("stable") == "2")
    return cluster


def record_of(cluster: Cluster, version: str) -> dict[str, Any]:
    return cluster.children["ControllerRevision", f"churn-{cluster.revision_of(version)}"]


def replace_record(cluster: Cluster, version: str) -> None:
    """Data of a ControllerRevision cannot be changed: it is deleted, and written with another template."""
    record = deepcopy(record_of(cluster, version))
    record["data"]["template"]["spec"]["containers"][0]["image"] = EVIL
    record["metadata"]["uid"] += "-evil"
    cluster.children["ControllerRevision", record["metadata"]["name"]] = record


def runs(cluster: Cluster) -> str:
    return json.dumps([child for (kind, _), child in cluster.children.items() if kind != "ControllerRevision"])


def test_a_record_of_the_stable_revision_is_put_right(serving: Cluster) -> None:
    before = deepcopy(record_of(serving, "2"))
    replace_record(serving, "2")
    serving.reconcile()
    condition = serving.condition("RecordChanged")
    assert (condition["status"], condition["reason"]) == ("True", "RecordIgnored")
    assert before["metadata"]["name"] in condition["message"]
    assert "RecordIgnored" in serving.reasons()
    serving.run(60)
    assert EVIL not in runs(serving)
    assert record_of(serving, "2")["data"] == before["data"]
    assert serving.condition("RecordChanged")["status"] == "False"


def test_a_deleted_deployment_comes_back_as_it_was_judged(serving: Cluster) -> None:
    name = f"churn-{serving.revision_of('2')}"
    replace_record(serving, "2")
    serving.remove("Deployment", name)
    serving.pass_until_quiet()
    assert ("Deployment", name) in serving.children
    assert EVIL not in runs(serving)


def test_undo_does_not_bring_back_what_somebody_wrote(serving: Cluster) -> None:
    replace_record(serving, "1")
    serving.command("undo", serving.revision_of("2"))
    serving.run(60)
    assert EVIL not in runs(serving)
    assert serving.arm("stable") == "2"
    assert "is gone" in serving.status["lastCommand"]["message"]


def test_a_record_of_a_revision_that_never_was_is_removed(serving: Cluster) -> None:
    record = deepcopy(record_of(serving, "2"))
    record["metadata"] |= {"name": "churn-zzzzzzzz", "uid": "uid-evil"}
    record["metadata"]["labels"]["rollmodel.dev/revision"] = "zzzzzzzz"
    serving.children["ControllerRevision", "churn-zzzzzzzz"] = record
    serving.pass_until_quiet()
    assert ("ControllerRevision", "churn-zzzzzzzz") not in serving.children


def test_a_status_of_the_last_release_believes_what_it_finds_once(serving: Cluster) -> None:
    expected = serving.status["records"]
    del serving.status["records"]
    serving.pass_until_quiet()
    assert serving.status["records"] == expected
    assert {one["revision"] for one in expected} == {serving.revision_of("1"), serving.revision_of("2")}
    replace_record(serving, "2")
    serving.pass_until_quiet()
    assert EVIL not in json.dumps(list(serving.children.values()))


def test_a_record_says_the_same_after_the_api_server_has_written_it() -> None:
    def said(number: float) -> str:
        return content_hash({"data": {"template": {"a": [{"cpu": number}]}, "model": {"b": None, "c": True}}})

    assert said(1.0) == said(1)
    assert said(1.5e22) == said(15 * 10**21)
    assert said(1e22) == said(10**22)
    assert said(1.5) != said(1)


def test_a_text_that_looks_like_such_a_number_stays_as_it_is() -> None:
    assert content_hash({"data": {"a": ["x:1.0,", 2.0]}}) == canonical_hash({"a": ["x:1.0,", 2]})


def test_hashes_are_kept_for_records_that_are_there_only(serving: Cluster) -> None:
    for version in map(str, range(3, 9)):
        serving.try_version(version)
        serving.run(60)
        assert serving.run(600, serving.over)
        assert serving.arm("stable") == version
    kept = {one.revision for one in ModelDeploymentStatus.model_validate(serving.status).records or ()}
    there = {name.removeprefix("churn-") for kind, name in serving.children if kind == "ControllerRevision"}
    assert kept == there
