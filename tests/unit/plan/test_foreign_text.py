"""Whatever pods, MLflow and other writers say: a pass ends in a decision, and nothing of it acts in status."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.api.modeldeployment import ModelDeploymentStatus
from rollmodel.api.modeldeployment.status import ArmStatus
from rollmodel.plan.problem import Problem
from rollmodel.plan.training.decide import decide
from rollmodel.plan.training.lifecycle.pods.job_outcome import job_end
from rollmodel.plan.training.observed import MetricPoint, ReadSet, TrackedRun
from rollmodel.text import plain

from tests.support.simulation.trainings.specs import RUN_ID, START, job, observed, pod

FOREIGN = st.one_of(
    st.sampled_from(
        ["\x1b]52;c;aGk=\x07", "[/red]", "a\u202eb", "\n\n", "", "x" * 5000, '{"name": []}', "Reason: \x1b[2J"]
    ),
    st.text(st.characters(codec=None), max_size=40),
)
NUMBER = st.one_of(st.floats(), st.just(2.0**70))
READ = ReadSet(run=True, pods=True)
FAILED = job(Failed={"reason": "BackoffLimitExceeded", "message": "limit"})

few = settings(max_examples=40, deadline=None)


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from texts(part)
    elif isinstance(value, str):
        yield value


def acting(status: Any) -> list[str]:
    return [text for text in texts(status) if text != plain(text)]


def ended(name: str, message: str, reason: str) -> dict[str, Any]:
    end = {"exitCode": 1, "message": message, "reason": reason}
    return {"name": name, "restartCount": 3, "image": message, "state": {"terminated": end}}


@few
@given(name=FOREIGN, message=FOREIGN, tag=FOREIGN, value=NUMBER, step=st.integers(-(2**70), 2**70), time=NUMBER)
def test_a_training_run(name: str, message: str, tag: str, value: float, step: int, time: float) -> None:  # noqa: PLR0917
    tags = {tag: message, "rollmodel.dev/total-steps": tag, "rollmodel.dev/git-commit": message}
    run = TrackedRun(
        RUN_ID, "1", "RUNNING", START.timestamp(), tags=tags, metrics={name: MetricPoint(value, step, time)}
    )
    pods = [
        pod(containerStatuses=[ended("train", message, name)], initContainerStatuses=[ended("input-a", message, tag)])
    ]
    status = {"runId": RUN_ID, "jobName": FAILED["metadata"]["name"], "attempts": {"started": 1}}
    seen = observed(status=status, children=[FAILED], run=run, pods=pods, read_set=READ)
    assert acting(decide(seen).status) == []
    for problem in (Problem("Invalid", message), Problem(name, message, transient=True)):
        assert acting(decide(replace(seen, run=problem)).status) == []


@few
@given(message=FOREIGN, reason=FOREIGN)
def test_the_end_of_a_job(message: str, reason: str) -> None:
    end = job_end(FAILED, [pod(containerStatuses=[ended("train", message, reason)])], START)
    assert end is not None
    assert "exit code 1" in end.message


def test_the_last_line_is_left_out_where_that_is_set() -> None:
    pods = [pod(containerStatuses=[ended("train", "KeyError: customer Smith", "Error")])]
    shown, hidden = (job_end(FAILED, pods, START, messages=told) for told in (True, False))
    assert shown is not None
    assert hidden is not None
    assert "Smith" in shown.message
    assert "Smith" not in hidden.message


@few
@given(message=FOREIGN, by=FOREIGN)
def test_a_status_that_somebody_wrote(message: str, by: str) -> None:
    wire = {
        "paused": message,
        "history": [
            {"time": "2026-01-01T00:00:00Z", "verdict": "Promoted", "toRevision": by, "reason": message, "by": by}
        ],
        "evidence": [{"metric": "errors", "verdict": "NoData", "message": message}],
    }
    assert acting(ModelDeploymentStatus.model_validate(wire).to_wire()) == []
    assert ArmStatus(revision=by, reason=message).model_copy(update={"reason": "plain"}).reason == "plain"
