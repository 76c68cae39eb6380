"""The operator's own metrics."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
from prometheus_client import generate_latest
from rollmodel.errors import Conflict, Unavailable
from rollmodel.runtime.metrics.operator import Instruments

from tests.support.simulation.past import let_serve
from tests.support.simulation.rollouts import Cluster, spec

WHERE = {"namespace": "team", "name": "churn"}


@pytest.fixture
def instruments() -> Instruments:
    return Instruments()


def deployment(**status: Any) -> dict[str, Any]:
    return {"kind": "ModelDeployment", "metadata": {"namespace": "team", "name": "churn"}, "status": status}


def _raise(error: Exception | None) -> None:
    if error is not None:
        raise error


def value(instruments: Instruments, metric: str, /, **labels: str) -> float | None:
    return instruments.registry.get_sample_value(metric, labels)


@pytest.mark.parametrize(
    ("error", "result"),
    [(None, "success"), (Conflict("x"), "conflict"), (Unavailable("x"), "error"), (KeyError("x"), "crash")],
)
def test_passes_are_counted_by_how_they_end(instruments: Instruments, error: Exception | None, result: str) -> None:
    with pytest.raises(type(error)) if error else nullcontext(), instruments.pass_over("ModelDeployment"):
        _raise(error)
    assert value(instruments, "rollmodel_reconcile_total", kind="ModelDeployment", result=result) == 1
    assert value(instruments, "rollmodel_reconcile_seconds_count", kind="ModelDeployment") == 1


def test_weights_and_steps_are_those_of_the_status(instruments: Instruments) -> None:
    status = {"stable": {"weight": 75}, "candidate": {"weight": 25, "step": 1}}
    instruments.on_pass("uid", deployment(), deployment(**status))
    assert value(instruments, "rollmodel_traffic_weight_ratio", **WHERE, track="stable") == 0.75
    assert value(instruments, "rollmodel_traffic_weight_ratio", **WHERE, track="candidate") == 0.25
    assert value(instruments, "rollmodel_rollout_step", **WHERE) == 1


def test_without_a_candidate_there_is_no_step(instruments: Instruments) -> None:
    instruments.on_pass("uid", deployment(), deployment(stable={"weight": 100}))
    assert value(instruments, "rollmodel_rollout_step", **WHERE) is None


def test_the_age_of_samples_is_that_of_the_last_question_of_a_rollout(instruments: Instruments) -> None:
    trying = deployment(candidate={"weight": 25, "step": 1})
    instruments.on_pass("uid", trying, trying, sample_age=40.0)
    instruments.on_pass("uid", trying, trying)
    assert value(instruments, "rollmodel_sample_age_seconds", **WHERE) == 40
    instruments.on_pass("uid", trying, deployment(stable={"weight": 100}))
    assert value(instruments, "rollmodel_sample_age_seconds", **WHERE) is None


def test_conditions_are_one_or_zero(instruments: Instruments) -> None:
    conditions = [{"type": "Ready", "status": "True"}, {"type": "Stalled", "status": "Unknown"}]
    instruments.on_pass("uid", deployment(), deployment(conditions=conditions))
    assert value(instruments, "rollmodel_condition", **WHERE, type="Ready") == 1
    assert value(instruments, "rollmodel_condition", **WHERE, type="Stalled") == 0


def test_a_verdict_is_counted_once_by_its_cause(instruments: Instruments) -> None:
    """The history that the code itself writes: its text names a pod, and would be a new series each time."""
    cluster = Cluster(spec(), rate=1000)
    let_serve(cluster)
    before = deployment(**cluster.status)
    cluster.try_version("2", pods="crash")
    assert cluster.run(900, cluster.over)
    after = deployment(**cluster.status)
    assert "CrashLoop: pod " in after["status"]["history"][-1]["reason"]
    instruments.on_pass("uid", before, after)
    instruments.on_pass("uid", after, after)
    assert value(instruments, "rollmodel_verdicts_total", verdict="RolledBack", reason="CrashLoop") == 1
    assert value(instruments, "rollmodel_verdicts_total", verdict="Installed", reason="FirstRevision") is None


def test_causes_are_bounded_whatever_words_come(instruments: Instruments) -> None:
    """Some are words of others; an entry of an earlier release has none."""
    entries = [{"verdict": "RolledBack", "reason": "x", "cause": f"Word{number}"} for number in range(1000)]
    instruments.on_pass("uid", deployment(), deployment(history=[{"verdict": "Promoted", "reason": "x"}]))
    instruments.on_pass("uid", deployment(), deployment(history=entries))
    families = {family.name: family for family in instruments.registry.collect()}
    reasons = {sample.labels["reason"] for sample in families["rollmodel_verdicts"].samples}
    assert {"Word0", "Other"} < reasons
    assert len(reasons) <= 65
    assert value(instruments, "rollmodel_verdicts_total", verdict="Promoted", reason="Other") == 1


def test_who_leads_is_asked_at_each_scrape(instruments: Instruments) -> None:
    assert value(instruments, "rollmodel_leader") == 1
    leads = False
    instruments.ask_who_leads(lambda: leads)
    assert value(instruments, "rollmodel_leader") == 0
    leads = True
    assert value(instruments, "rollmodel_leader") == 1


def test_series_go_with_their_object(instruments: Instruments) -> None:
    instruments.on_pass("uid", deployment(), deployment(stable={"weight": 100}))
    instruments.forget("uid")
    instruments.forget("uid")
    assert b"churn" not in generate_latest(instruments.registry)


def test_nothing_is_labelled_by_version_or_digest(instruments: Instruments) -> None:
    arm = {"weight": 100, "revision": "bcdfghjk", "modelVersion": "77", "digest": "sha256:abc"}
    instruments.on_pass("uid", deployment(), deployment(stable=arm))
    page = generate_latest(instruments.registry)
    assert not any(text in page for text in (b"bcdfghjk", b'"77"', b"sha256"))


def test_calls_to_neighbours_are_timed_and_their_errors_counted(instruments: Instruments) -> None:
    with instruments.call("prometheus"):
        pass
    with pytest.raises(Unavailable), instruments.call("prometheus"):
        raise Unavailable("down")
    assert value(instruments, "rollmodel_neighbour_request_seconds_count", neighbour="prometheus") == 2
    assert value(instruments, "rollmodel_neighbour_errors_total", neighbour="prometheus", reason="Unavailable") == 1


def test_trainings_are_counted_once_by_how_they_end(instruments: Instruments) -> None:
    job = {"kind": "TrainingJob", "metadata": {"namespace": "team", "name": "train"}}

    def at(status: str, reason: str) -> dict[str, Any]:
        return {**job, "status": {"conditions": [{"type": "Succeeded", "status": status, "reason": reason}]}}

    running, failed = at("Unknown", "Running"), at("False", "GatesFailed")
    for before, after in ((job, running), (running, failed), (failed, failed), (running, at("True", "GatesHeld"))):
        instruments.on_pass("uid", before, after)
    assert value(instruments, "rollmodel_trainings_total", outcome="GatesFailed") == 1
    assert value(instruments, "rollmodel_trainings_total", outcome="Succeeded") == 1
