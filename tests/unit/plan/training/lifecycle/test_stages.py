"""Tables for single stages: how a Job ended, what inputs report, what is refused, the queue, progress, the pod."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from rollmodel.api.trainingjob import InputStatus
from rollmodel.plan.decision import ApplyObject, CreateRun, TrackingWrite
from rollmodel.plan.timing import Timing
from rollmodel.plan.training.decide import decide
from rollmodel.plan.training.inputs import pins
from rollmodel.plan.training.inputs.reproducibility import reproducibility
from rollmodel.plan.training.lifecycle.pods.job_outcome import job_end
from rollmodel.plan.training.lifecycle.validation import refusals
from rollmodel.plan.training.lifecycle.waits.queue import queue
from rollmodel.plan.training.objects.job import attempt_job
from rollmodel.plan.training.observed import MetricPoint, ReadSet, TrackedRun
from rollmodel.plan.training.progress import TOTAL_STEPS_TAG, progress

from tests.support.simulation.trainings.specs import DIGEST, START, job, observed, pod, spec

LATER = START + timedelta(hours=1)
POLICY = "Container validate-data for pod ml/x failed with exit code 3 matching FailJob rule at index {}"


def ended(name: str, **state: Any) -> dict[str, Any]:
    return {"name": name, "state": {"terminated": {"exitCode": 1, **state}}}


@pytest.mark.parametrize(
    ("failed", "containers", "expected"),
    [
        ({"reason": "BackoffLimitExceeded"}, [ended("train", message="a\nKeyError: x")], ("Failure", "PodFailed")),
        ({"reason": "BackoffLimitExceeded"}, [ended("train", reason="OOMKilled")], ("Failure", "OutOfMemory")),
        ({"reason": "BackoffLimitExceeded"}, [ended("input-data", message="no")], ("Failure", "InputFailed")),
        ({"reason": "BackoffLimitExceeded"}, [], ("Failure", "PodFailed")),
        ({"reason": "PodFailurePolicy", "message": POLICY.format(0)}, [], ("Disruption", "PodDisrupted")),
        ({"reason": "PodFailurePolicy", "message": POLICY.format(1)}, [], ("BadData", "DataInvalid")),
        ({"reason": "DeadlineExceeded"}, [ended("train")], ("Deadline", "DeadlineExceeded")),
    ],
)
def test_the_end_of_a_job_is_sorted(
    failed: dict[str, str], containers: list[dict[str, Any]], expected: tuple[str, str]
) -> None:
    end = job_end(job(Failed=failed), [pod(containerStatuses=containers)], LATER)
    assert end is not None
    assert (end.kind, end.reason) == expected


def test_data_are_refused_by_a_code_that_speaks_of_data() -> None:
    """Not where they could not be checked now, or the check was killed."""
    manifest = attempt_job(observed(spec(dataValidation={})), 1, run_id="r", experiment_id="1", seconds_left=None)
    rule = manifest["spec"]["podFailurePolicy"]["rules"][1]
    assert rule == {
        "action": "FailJob",
        "onExitCodes": {"containerName": "validate-data", "operator": "NotIn", "values": [0, 75, 137, 143]},
    }


def test_a_job_that_goes_on_has_no_end() -> None:
    assert job_end(job(active=1), [], LATER) is None


def report(name: str = "data", container: str = "input-data", text: str | None = None, **said: Any) -> dict[str, Any]:
    line = json.dumps({"name": name, "uri": "s3://b/k", "version": None, "digest": DIGEST, **said})
    state = {"terminated": {"exitCode": 0, "message": line if text is None else text}}
    return pod(initContainerStatuses=[{"name": container, "state": state}])


READS = spec(inputs=[{"name": "data", "uri": "s3://b/k"}])


def test_the_first_report_is_recorded_and_pins_the_next_attempt() -> None:
    recorded = pins.merged(READS, [], pins.reports([report(version="v3")]))
    assert recorded == [InputStatus(name="data", uri="s3://b/k", version="v3", digest=DIGEST)]
    status = {"inputs": [entry.to_wire() for entry in recorded], "runId": "r", "experimentId": "1"}
    manifest = attempt_job(observed(READS, status), 2, run_id="r", experiment_id="1", seconds_left=None)
    arguments = manifest["spec"]["template"]["spec"]["initContainers"][0]["args"]
    assert arguments[arguments.index("--version") + 1] == "v3"
    assert arguments[arguments.index("--digest") + 1] == DIGEST


@pytest.mark.parametrize(
    "strange",
    [
        report(text="not json"),
        report(text="[1]"),
        report(text="[" * 3000),
        report(text=" "),
        report(name="other"),
        report(digest="sha256:short", version="two words"),
        report(digest=7, version=["x"]),
        report(container="input-nobody", name="nobody"),
    ],
)
def test_a_report_that_is_not_understood_is_left_out(strange: dict[str, Any]) -> None:
    assert pins.merged(READS, [], pins.reports([strange])) == []


def test_pods_that_read_something_else_disagree() -> None:
    pods = [report(), report(digest=f"sha256:{'b' * 64}")]
    assert isinstance(pins.merged(READS, [], pins.reports(pods)), pins.Disagreement)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"inputs": [{"name": "d", "uri": "dvc://r/d"}]}, "`digest`"),
        ({"inputs": [{"name": "d", "uri": "https://h/d", "version": "1"}]}, "only s3 and models"),
        ({"parameters": [{"name": f"p{i}", "value": "x" * 6000} for i in range(20)]}, "100000"),
        ({"checkpoint": {"claimName": "c", "mountPath": "/mnt/inputs/d"}}, "used by the operator"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_created(changes: dict[str, Any], word: str) -> None:
    decision = decide(observed(spec(**changes), read_set=ReadSet()))
    stalled = next(one for one in decision.status["conditions"] if one["type"] == "Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "InvalidSpec")
    assert word in stalled["message"]
    assert not decision.of(ApplyObject)
    assert not [write for write in decision.effects if isinstance(write, TrackingWrite)]


def test_pinned_inputs_are_not_refused() -> None:
    assert list(refusals(spec(inputs=[{"name": "d", "uri": "dvc://r/d", "version": "abc"}]))) == []


@pytest.mark.parametrize(("age", "creates"), [(None, True), (0, False), (29, False), (31, True), (-3600, True)])
def test_a_young_claim_is_respected(age: int | None, creates: bool) -> None:
    since = (START - timedelta(seconds=age or 0)).strftime("%Y-%m-%dT%H:%M:%SZ")
    status = {} if age is None else {"claim": {"what": "Run", "since": since}}
    decision = decide(observed(status=status, read_set=ReadSet(run=True)))
    writes = [type(write) for write in decision.effects if isinstance(write, TrackingWrite)]
    assert writes == ([CreateRun] if creates else [])
    assert decision.requeue_after is not None


@pytest.mark.parametrize(("age", "creates"), [(9, False), (11, True)])
def test_a_claim_is_as_long_as_the_operator_is_patient(age: int, creates: bool) -> None:
    since = (START - timedelta(seconds=age)).strftime("%Y-%m-%dT%H:%M:%SZ")
    look = observed(status={"claim": {"what": "Run", "since": since}}, read_set=ReadSet(run=True))
    decision = decide(replace(look, defaults=replace(look.defaults, timing=Timing(claim=10))))
    writes = [type(write) for write in decision.effects if isinstance(write, TrackingWrite)]
    assert writes == ([CreateRun] if creates else [])


def workload(name: str, uid: str, priority: int, created: str, *, reserved: str = "False") -> dict[str, Any]:
    condition = {"type": "QuotaReserved", "status": reserved, "reason": "Pending", "message": "no quota left"}
    return {
        "metadata": {"name": name, "creationTimestamp": created, "ownerReferences": [{"uid": uid}]},
        "spec": {"queueName": "team", "priority": priority},
        "status": {"conditions": [condition]},
    }


def test_the_place_in_the_queue_is_by_priority_then_age() -> None:
    ours = job(suspend=True)
    workloads = [
        workload("ours", ours["metadata"]["uid"], 1, "2026-01-01T00:00:05Z"),
        workload("older", "a", 1, "2026-01-01T00:00:01Z"),
        workload("higher", "b", 9, "2026-01-01T00:00:09Z"),
        workload("lower", "c", 0, "2026-01-01T00:00:00Z"),
        workload("admitted", "d", 9, "2026-01-01T00:00:00Z", reserved="True"),
    ]
    waits = queue(observed(spec(queueName="team"), workloads=workloads), ours)
    assert waits is not None
    assert (waits.position, waits.reason, waits.message) == (2, "Pending", "no quota left")


def test_progress_tells_the_pace() -> None:
    point = MetricPoint(0.25, 100, START.timestamp() + 50)
    going = TrackedRun("r", "1", "RUNNING", START.timestamp(), tags={TOTAL_STEPS_TAG: "300"}, metrics={"loss": point})
    told = progress(going, START + timedelta(seconds=50))
    assert told is not None
    assert told.step == 100
    assert told.estimated_completion_time == "2026-01-01T00:02:30Z"


@pytest.mark.parametrize("total", ["", "many", "-1", "9" * 40, "50"])
def test_no_estimate_from_a_strange_total(total: str) -> None:
    point = MetricPoint(float("nan"), 100, START.timestamp() + 50)
    going = TrackedRun("r", "1", "RUNNING", START.timestamp(), tags={TOTAL_STEPS_TAG: total}, metrics={"loss": point})
    told = progress(going, START)
    assert told is not None
    assert told.estimated_completion_time is None


@pytest.mark.parametrize(
    "changes",
    [{"seed": 8}, {"parameters": []}, {"nodes": 2}, {"template": {"image": "b:1"}}],
)
def test_the_hash_depends_on_what_the_result_depends_on(changes: dict[str, Any]) -> None:
    before, after = (reproducibility(one, (), None, None).hash for one in (spec(), spec(**changes)))
    assert before != after
    assert reproducibility(spec(budget={"gpuHours": "1"}), (), None, None).hash == before


def pod_of(**changes: Any) -> dict[str, Any]:
    manifest = attempt_job(observed(spec(**changes)), 1, run_id="r", experiment_id="1", seconds_left=60)
    found: dict[str, Any] = manifest["spec"]["template"]["spec"]
    return found


def test_many_nodes_meet_at_the_first() -> None:
    variables = {one["name"]: one.get("value") for one in pod_of(nodes=3)["containers"][0]["env"]}
    assert variables["MASTER_ADDR"] == "churn-1-0.churn-1"
    assert variables["WORLD_SIZE"] == variables["PET_NNODES"] == variables["JAX_NUM_PROCESSES"] == "3"
    assert pod_of(nodes=3)["subdomain"] == "churn-1"


def test_pods_are_restricted_and_have_no_token() -> None:
    built = pod_of(inputs=[{"name": "d", "uri": "pvc://claim/a", "claim": "InPlace"}], dataValidation={})
    assert built["automountServiceAccountToken"] is False
    assert built["securityContext"]["runAsNonRoot"] is True
    for container in [*built["initContainers"], *built["containers"]]:
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
    mounts = [
        one for container in built["initContainers"][:1] + built["containers"] for one in container["volumeMounts"]
    ]
    claims = [one for one in mounts if one["name"] == "claim-d"]
    assert len(claims) == 2
    assert all(one["readOnly"] for one in claims)


def test_parameters_never_pull_in_other_variables() -> None:
    built = pod_of(parameters=[{"name": "p", "value": "$(MLFLOW_TRACKING_TOKEN)"}])
    variables = {one["name"]: one.get("value") for one in built["containers"][0]["env"]}
    assert variables["ROLLMODEL_PARAMETERS"] == '{"p": "$$(MLFLOW_TRACKING_TOKEN)"}'
