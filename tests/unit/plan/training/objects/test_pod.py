"""The pod of an attempt, in other people's clusters."""

from __future__ import annotations

from typing import Any

from rollmodel.plan.training.objects.job import attempt_job

from tests.support.simulation.training_specs import observed, spec

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
