"""The bench's clock of training runs, and what it makes of their moments."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from tests.bench.scale.measurements.training import Batch, Crowd, Training
from tests.bench.scale.rig.audit import Requests
from tests.bench.scale.rig.runs import Clock, Trial, manifests
from tests.bench.scale.rows import crowd_rows, training_rows

NAME = "some-0"


def seen(outcome: str | None = None, *, reconciling: bool = True, **status: Any) -> dict[str, Any]:
    """A TrainingJob as a watch shows it."""
    conditions = [{"type": "Reconciling", "status": str(reconciling)}]
    if outcome is not None:
        conditions.append({"type": "Succeeded", "status": outcome})
    return {"metadata": {"name": NAME}, "status": {"conditions": conditions, **status}}


@pytest.mark.parametrize(
    ("body", "moments"),
    [
        (seen(), set()),
        (seen(reconciling=False), set()),
        (seen("Unknown", modelVersion="1"), {"registered"}),
        (seen("True", modelVersion="1"), {"registered", "succeeded"}),
        (seen("True", modelVersion="1", reconciling=False), {"registered", "succeeded", "closed"}),
    ],
)
def test_a_moment_is_noted_when_the_status_first_says_so(body: dict[str, Any], moments: set[str]) -> None:
    clock = Clock({NAME: Trial(applied=1.0)})
    clock.run_changed(None, body)
    trial = clock.runs[NAME]
    assert {name for name in ("registered", "succeeded", "closed") if getattr(trial, name)} == moments
    first = (trial.registered, trial.succeeded, trial.closed)
    clock.run_changed(body, body)
    assert (trial.registered, trial.succeeded, trial.closed) == first


def test_what_is_not_measured_is_left_alone() -> None:
    clock = Clock()
    clock.run_changed(None, seen("False"))
    clock.run_changed(seen("False"), None)
    assert not clock.wrong


async def test_a_run_that_fails_ends_the_measurement() -> None:
    clock = Clock({NAME: Trial()})
    waiting = asyncio.create_task(clock.until(lambda trial: trial.succeeded, [NAME]))
    await asyncio.sleep(0)
    clock.run_changed(None, seen("False"))
    with pytest.raises(RuntimeError, match="some-0 failed"):
        await waiting


def test_each_run_registers_a_model_of_its_own() -> None:
    models = [one["spec"]["register"]["model"] for one in manifests("some", 3)]
    assert models == ["some-0", "some-1", "some-2"]


def batch(count: int) -> Batch:
    """Runs that begin a second apart: a Job after 0.4 s, its pod after 0.5 s, a version 0.25 s after the pod's end."""
    trials = [Trial(s, s + 0.4, s + 0.5, s + 1.0, s + 1.25, s + 2.0, s + 30.0) for s in map(float, range(count))]
    requests = Requests(others=Counter({("patch", "jobs"): 2 * count}))
    return Batch(trials, requests, Counter({"runs/get": 5 * count, "runs/create": 2 * count}), 0.25 * count, (1, 2, 3))


def test_figures_are_per_run() -> None:
    rows = {row.name: row.value for row in training_rows(Training(batch(5), batch(20), Crowd(batch(100), [2.0, 2.0])))}
    assert rows["20 at once: apply to pod created, p50 / p99"] == "500 ms / 500 ms"
    assert rows["20 at once: apply to Job created, p50 / p99"] == "400 ms / 400 ms"
    assert rows["2 Jobs at once, without an operator: Job to pod, p50 / p99"] == "2,000 ms / 2,000 ms"
    assert rows["5 runs, one after the other: pod finished to version registered, p50 / p99"] == "250 ms / 250 ms"
    assert (rows["API requests of one run, watches apart"], rows["MLflow requests of one run"]) == ("2.0", "7.0")
    assert "5.0 runs/get, 2.0 runs/create" in rows.values()
    assert rows["100 at once: first apply to all succeeded"] == "101 s"
    assert rows["CPU per run"] == "250 ms"


def test_a_crowd_says_how_fast_controllers_were_and_whether_the_pods_came_in_time() -> None:
    rows = {row.name: row for row in crowd_rows(Crowd(batch(100), [2.0, 2.0]), 100)}
    pods = rows["`--kube-api-qps=100`: 100 at once: apply to pod created, p50 / p99"]
    assert (pods.value, pods.target, pods.met) == ("500 ms / 500 ms", "p99 10 s", True)
    late = batch(100)
    late.trials[0].pod += 1000.0
    late.trials[1].pod += 1000.0
    assert not crowd_rows(Crowd(late, [2.0, 2.0]), 100)[1].met
