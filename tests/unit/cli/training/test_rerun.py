"""What a rerun is pinned to, and what it leaves out."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.api.trainingjob import TrainingJobSpec, TrainingJobStatus
from rollmodel.cli.training.rerun import next_name, rerun_of, trained
from rollmodel.errors import Invalid
from rollmodel.plan.training.inputs.reproducibility import reproducibility

from tests.support.simulation.trainings.statuses import GATES, SPEC, running, status

DIGEST = f"sha256:{'ef' * 32}"


def tjob(state: dict[str, Any], **spec: Any) -> dict[str, Any]:
    metadata = {"name": "churn", "namespace": "prod", "uid": "u", "resourceVersion": "7", "labels": {"team": "a"}}
    known = {"apiVersion": "rollmodel.dev/v1alpha1", "kind": "TrainingJob"}
    return {**known, "metadata": metadata, "spec": {**SPEC, **spec}, "status": state}


def done(**more: Any) -> dict[str, Any]:
    return status("True", "Registered", **more)


def test_everything_is_pinned_and_nothing_registered() -> None:
    first = tjob(
        done(reproducibility={"hash": "h", "imageDigest": DIGEST}),
        suspend="Suspended",
        checkpoint={"claimName": "state"},
    )
    rerun = rerun_of(first, "churn-verify-1")
    assert rerun["metadata"] == {
        "name": "churn-verify-1",
        "namespace": "prod",
        "annotations": {"rollmodel.dev/verifies": "churn"},
    }
    spec = rerun["spec"]
    assert not {"register", "gates", "schedule", "suspend"} & set(spec)
    assert spec["template"]["image"] == f"registry.example.com/churn@{DIGEST}"
    digest = f"sha256:{'ab' * 32}"
    assert spec["inputs"] == [{"name": "train", "uri": "models:/features/7", "version": "7", "digest": digest}]
    assert spec["tracking"] == {"experiment": "prod/churn"}
    assert spec["checkpoint"] == {"claimName": "state", "resume": "Never"}
    assert first["spec"]["inputs"] == SPEC["inputs"]


@pytest.mark.parametrize("digest", [None, DIGEST])
def test_the_hash_stays_the_same(digest: str | None) -> None:
    first = tjob(done(reproducibility={"hash": "h", **({"imageDigest": digest} if digest else {})}))
    inputs = TrainingJobStatus.model_validate(first["status"]).inputs
    before, after = (
        reproducibility(TrainingJobSpec.model_validate(one["spec"]), inputs, digest, None)
        for one in (first, rerun_of(first, "again"))
    )
    assert before.hash == after.hash


def test_an_experiment_of_ones_own_stays() -> None:
    first = tjob(done(), tracking={"experiment": "trees", "connectionRef": {"name": "mlflow"}})
    tracking = rerun_of(first, "again")["spec"]["tracking"]
    assert tracking == {"experiment": "trees", "connectionRef": {"name": "mlflow"}}


@pytest.mark.parametrize(
    ("image", "pinned"),
    [
        ("churn", f"churn@{DIGEST}"),
        ("churn:1", f"churn@{DIGEST}"),
        ("localhost:5000/churn", f"localhost:5000/churn@{DIGEST}"),
        ("localhost:5000/team/churn:1.2", f"localhost:5000/team/churn@{DIGEST}"),
        (f"churn@sha256:{'00' * 32}", f"churn@sha256:{'00' * 32}"),
    ],
)
def test_images(image: str, pinned: str) -> None:
    first = tjob(done(reproducibility={"hash": "h", "imageDigest": DIGEST}), template={"image": image})
    assert rerun_of(first, "again")["spec"]["template"]["image"] == pinned


def test_a_version_that_no_spec_can_hold_is_left_to_the_digest() -> None:
    digest = f"sha256:{'ab' * 32}"
    found = {"name": "train", "uri": "https://data.example.com/x", "version": '"etag"', "digest": digest}
    first = tjob(done(inputs=[found]), inputs=[{"name": "train", "uri": "https://data.example.com/x"}])
    spec = rerun_of(first, "again")["spec"]
    assert spec["inputs"] == [{"name": "train", "uri": "https://data.example.com/x", "digest": digest}]


@pytest.mark.parametrize(
    ("taken", "name"),
    [
        ([], "churn-verify-1"),
        (["churn", "churn-verify-1", "churn-verify-9", "churn-verify-x"], "churn-verify-10"),
        (["other-verify-3", "churn-verify-1-verify-4"], "churn-verify-1"),
    ],
)
def test_names(taken: list[str], name: str) -> None:
    assert next_name("churn", taken) == name


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        (tjob(running()), "no training that ended well"),
        (tjob(status("False", "TooManyFailures")), "no training that ended well"),
        (tjob(done(runId=None)), "no training that ended well"),
        (tjob(done(), schedule={"cron": "@daily"}), "is a schedule: name one of its runs"),
    ],
)
def test_what_cannot_be_verified(manifest: dict[str, Any], why: str) -> None:
    with pytest.raises(Invalid, match=why):
        trained(manifest, TrainingJobStatus.model_validate(manifest["status"]))


def test_a_run_that_failed_its_gates_can() -> None:
    manifest = tjob(status("False", "GatesFailed", gates=list(GATES)))
    trained(manifest, TrainingJobStatus.model_validate(manifest["status"]))
