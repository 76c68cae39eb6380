"""The pod of an attempt, in other people's clusters."""

from __future__ import annotations

from typing import Any

from rollmodel.plan.training.objects.job import attempt_job

from tests.support.simulation.trainings.specs import observed, spec

INPUT = {"name": "data", "uri": "s3://bucket/key"}
OWN = {
    "labels": {"team": "risk"},
    "annotations": {"sidecar.istio.io/inject": "false"},
    "runtimeClassName": "nvidia",
    "securityContext": {"runAsUser": 1001, "fsGroup": 1003},
}


def job(**template: Any) -> dict[str, Any]:
    asked = spec(template={"image": "registry.example.com/churn:1", **template}, inputs=[INPUT])
    return attempt_job(observed(asked), 1, run_id="r", experiment_id="1", seconds_left=60)


def test_labels_and_annotations_reach_the_job_and_its_pods() -> None:
    made = job(**OWN)
    for meta in (made["metadata"], made["spec"]["template"]["metadata"]):
        assert meta["labels"]["team"] == "risk"
        assert meta["labels"]["rollmodel.dev/training-job"] == "churn"
        assert meta["annotations"]["sidecar.istio.io/inject"] == "false"


def test_pods_run_as_whom_the_template_says() -> None:
    pod = job(**OWN)["spec"]["template"]["spec"]
    assert pod["runtimeClassName"] == "nvidia"
    context = pod["securityContext"]
    assert (context["runAsUser"], context["fsGroup"], context["runAsNonRoot"]) == (1001, 1003, True)


def test_what_fetches_has_the_limit_on_cpu_that_a_quota_asks_for() -> None:
    pod = job(resources={"limits": {"cpu": "2", "memory": "512Mi"}})["spec"]["template"]["spec"]
    assert pod["initContainers"][0]["resources"]["limits"] == {"cpu": "2", "memory": "512Mi"}


def claimed(**source: Any) -> dict[str, Any]:
    asked = spec(template={"image": "churn:1"}, inputs=[{"name": "data", "uri": "pvc://disk/train", **source}])
    made = attempt_job(observed(asked), 1, run_id="r", experiment_id="1", seconds_left=60)
    pod: dict[str, Any] = made["spec"]["template"]["spec"]
    return pod


def test_the_training_reads_a_copy_of_a_claim_and_never_mounts_it() -> None:
    pod = claimed()
    [fetch], [train] = pod["initContainers"], pod["containers"]
    assert fetch["args"][-4:] == ["--mounted", "/mnt/claim", "--dest", "/mnt/inputs/data"]
    assert {mount["name"]: mount.get("readOnly", False) for mount in fetch["volumeMounts"]} == {
        "tmp": False,
        "claim-data": True,
        "inputs": False,
    }
    assert {"name": "inputs", "mountPath": "/mnt/inputs/data", "subPath": "data", "readOnly": True} in train[
        "volumeMounts"
    ]
    assert "claim-data" not in [mount["name"] for mount in train["volumeMounts"]]
    assert {"name": "inputs", "emptyDir": {}} in pod["volumes"]


def test_a_claim_that_stays_in_place_is_mounted_read_only() -> None:
    pod = claimed(claim="InPlace")
    [fetch], [train] = pod["initContainers"], pod["containers"]
    assert fetch["args"][-2:] == ["--mounted", "/mnt/claim"]
    assert [mount for mount in train["volumeMounts"] if mount["name"] == "claim-data"] == [
        {"name": "claim-data", "mountPath": "/mnt/inputs/data", "readOnly": True, "subPath": "train"}
    ]
    assert [volume["name"] for volume in pod["volumes"]] == ["tmp", "claim-data"]
