"""A training run to its end, with the real reconciler: what it writes, what it asks, and what it leaves."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from rollmodel.errors import Forbidden, NotFound, Unavailable
from rollmodel.plan.decision import Ref
from rollmodel.plan.training.context import closed, outcome_known
from rollmodel.reconcile.result import Finalizer

from tests.support.inmemory.training import Behaviour, TrainingBench

DOWN = Unavailable("MLflow did not answer")


def running(bench: TrainingBench, ref: Ref) -> bool:
    return bench.condition(ref, "Running")[0] == "True"


async def test_a_run_ends_in_a_registered_version(bench: TrainingBench) -> None:
    ref = bench.create()
    await bench.finish(ref)
    status = bench.status(ref)
    assert bench.condition(ref, "Succeeded") == ("True", "Registered")
    assert (status.run_id, status.run_status, status.model_version) == ("run-1", "FINISHED", "1")
    [run] = bench.tracking.runs.values()
    assert run.params == {"depth": "3"}
    assert run.tags["rollmodel.dev/model-version"] == "1"
    assert run.tags["rollmodel.dev/gate/auc/Min"] == "asked >= 0.8, seen 0.9, Passed"
    [version] = bench.tracking.versions.values()
    assert version.tags["rollmodel.dev/run-id"] == version.run_id == run.id
    assert bench.tracking.aliases == {("churn", "challenger"): "1"}
    assert status.attempts is not None
    assert (status.attempts.started, status.attempts.failures) == (1, 0)


async def test_the_time_to_live_takes_the_job_and_leaves_the_status(bench: TrainingBench) -> None:
    ref = bench.create(ttlSecondsAfterFinished=120)
    operator = bench.operator()
    await bench.finish(ref, operator)
    before = bench.status(ref)
    bench.clock.forward(120)
    await bench.a_pass(operator, ref)
    assert bench.kube.of_kind("Job") == []
    before_next, asked = bench.status(ref), bench.requests()
    assert before_next == before
    result = await bench.a_pass(operator, ref)
    assert (result.wrote, result.requeue_after, bench.requests()) == (False, None, asked)


@pytest.mark.parametrize(
    ("metrics", "verdict", "word"),
    [
        ({"auc": 0.7}, "Failed", "0.7"),
        ({"auc": float("nan")}, "NotEvaluated", "nan"),
        ({"loss": 0.1}, "NotEvaluated", "auc"),
        ({}, "NotEvaluated", "auc"),
    ],
)
async def test_a_gate_that_does_not_hold(
    bench: TrainingBench, metrics: dict[str, float], verdict: str, word: str
) -> None:
    bench.metrics = metrics
    ref = bench.create()
    await bench.finish(ref)
    [gate] = bench.status(ref).gates
    assert gate.verdict == verdict
    assert word in f"{gate.seen} {gate.message}".lower()
    assert bench.condition(ref, "Succeeded") == ("False", "GatesFailed")
    assert not bench.tracking.versions
    assert not bench.tracking.aliases
    assert bench.tracking.runs["run-1"].tags["rollmodel.dev/gates"] == "Failed"
    assert bench.tracking.runs["run-1"].status == "FINISHED"


@pytest.mark.parametrize(
    ("attempts", "outcome", "counts", "state"),
    [
        (("fail", "good"), ("True", "Registered"), (2, 1, 0), "FINISHED"),
        (("evict", "evict", "good"), ("True", "Registered"), (3, 0, 2), "FINISHED"),
        (("fail", "evict", "fail"), ("False", "TooManyFailures"), (3, 2, 1), "FAILED"),
        (("evict",), ("False", "TooManyDisruptions"), (3, 0, 3), "FAILED"),
    ],
)
async def test_budgets(
    bench: TrainingBench,
    attempts: tuple[Behaviour, ...],
    outcome: tuple[str, str],
    counts: tuple[int, int, int],
    state: str,
) -> None:
    bench.attempts = attempts
    ref = bench.create()
    await bench.finish(ref)
    counted = bench.status(ref).attempts
    assert counted is not None
    assert (counted.started, counted.failures, counted.disruptions) == counts
    assert bench.condition(ref, "Succeeded") == outcome
    assert [run.status for run in bench.tracking.runs.values()] == [state]


async def test_a_rerun_is_recognised(bench: TrainingBench) -> None:
    first = bench.create("first", tracking={"experiment": "churn"})
    await bench.finish(first)
    second, other = (
        bench.create(name, tracking={"experiment": "churn"}, seed=seed) for name, seed in (("second", 7), ("other", 8))
    )
    for ref in (second, other):
        await bench.finish(ref)
    facts = [bench.status(ref).reproducibility for ref in (first, second, other)]
    assert [one.rerun_of if one else "" for one in facts] == [None, "run-1", None]
    hashes = [one.hash if one else "" for one in facts]
    assert hashes[0] == hashes[1] != hashes[2]
    assert bench.tracking.aliases == {("churn", "challenger"): "3"}


@pytest.mark.parametrize("stage", ["before its run", "with a claim only", "while it trains"])
@pytest.mark.parametrize("error", [None, DOWN, NotFound("no such run"), Forbidden("no")])
async def test_deleted_while_it_goes_on(bench: TrainingBench, stage: str, error: Any) -> None:
    """Its run is killed, and whatever MLflow says, the object is let go."""
    ref = bench.create()
    operator = bench.operator()
    if stage != "before its run":
        await bench.until(ref, lambda: bench.tracking.runs, operator)
    if stage == "while it trains":
        await bench.until(ref, lambda: running(bench, ref), operator)
    bench.tracking.down = error
    await bench.finalize(ref)
    expected = {"before its run": [], "with a claim only": ["KILLED"], "while it trains": ["KILLED"]}[stage]
    states = [run.status for run in bench.tracking.runs.values()]
    assert states == (expected if error is None else ["RUNNING"] * len(expected))


async def test_deleted_after_its_end(bench: TrainingBench) -> None:
    ref = bench.create()
    await bench.finish(ref)
    before = len(bench.tracking.calls)
    await bench.finalize(ref)
    assert len(bench.tracking.calls) == before
    assert bench.tracking.runs["run-1"].status == "FINISHED"


async def test_it_is_held_from_its_first_pass_until_its_run_is_closed(bench: TrainingBench) -> None:
    """At each moment in between it may be deleted, and an open run would stay."""
    ref, operator = bench.create(), bench.operator()
    assert isinstance(operator, Finalizer)

    def seen_open() -> bool:
        status = bench.status(ref)
        ended = status.run_status == "FINISHED" and outcome_known(status)
        assert operator.owes(bench.kube.objects[ref]) == (not ended)
        return closed(status)

    await bench.until(ref, seen_open, operator)
    assert not operator.owes(bench.kube.objects[ref])


class TestSchedule:
    """A parent that runs nothing itself."""

    @staticmethod
    def children(bench: TrainingBench) -> list[Ref]:
        found = [one for one in bench.kube.of_kind("TrainingJob") if one["metadata"].get("ownerReferences")]
        return sorted((Ref.of(one) for one in found), key=lambda ref: ref.name)

    def started(self, bench: TrainingBench, number: int) -> bool:
        return len(self.children(bench)) == number

    @staticmethod
    def idle(bench: TrainingBench, parent: Ref) -> bool:
        schedule = bench.status(parent).schedule
        return schedule is not None and not schedule.active

    async def test_each_run_is_a_training_job(self, bench: TrainingBench) -> None:
        parent = bench.create(schedule={"cron": "*/5 * * * *"})
        operator = bench.operator()
        for number in range(1, 4):
            await bench.until(parent, partial(self.started, bench, number), operator)
            await bench.finish(self.children(bench)[-1], operator)
        assert len(self.children(bench)) == 3
        assert sorted(bench.tracking.aliases.values()) == ["3"]
        await bench.until(parent, lambda: self.idle(bench, parent), operator)
        schedule = bench.status(parent).schedule
        assert schedule is not None
        assert schedule.last_successful_time is not None
        assert bench.status(parent).run_id is None
        assert not outcome_known(bench.status(parent))
        assert isinstance(operator, Finalizer)
        assert not operator.owes(bench.kube.objects[parent])

    async def test_a_clock_that_jumps_starts_one_run(self, bench: TrainingBench) -> None:
        parent = bench.create(schedule={"cron": "*/5 * * * *"})
        operator = bench.operator()
        await bench.a_pass(operator, parent)
        bench.clock.moment += timedelta(days=1, seconds=30)
        await bench.until(parent, lambda: self.children(bench), operator)
        assert [child.name for child in self.children(bench)] == [
            f"churn-{int(bench.clock.moment.replace(minute=0, second=0).timestamp() // 60)}"
        ]
        [missed] = [event for event in bench.kube.events if event.reason == "RunsMissed"]
        assert missed.message.startswith("100 or more times before 2026-01-02T00:00:00Z were missed")

    async def test_a_clock_that_goes_back_starts_nothing_twice(self, bench: TrainingBench) -> None:
        parent = bench.create(schedule={"cron": "*/5 * * * *", "concurrencyPolicy": "Allow"})
        operator = bench.operator()
        await bench.until(parent, lambda: self.children(bench), operator)
        bench.clock.moment -= timedelta(minutes=3)
        for _ in range(200):
            await bench.a_pass(operator, parent)
            bench.clock.forward(1)
        assert len(self.children(bench)) == 1

    async def test_a_line_that_never_fires(self, bench: TrainingBench) -> None:
        parent = bench.create(schedule={"cron": "0 0 30 2 *"})
        operator = bench.operator()
        for _ in range(3):
            result = await bench.a_pass(operator, parent)
        assert bench.condition(parent, "Stalled")[0] == "True"
        assert not result.wrote
        assert self.children(bench) == []


async def test_a_webhook_is_told_how_a_run_ends(bench: TrainingBench) -> None:
    bench.kube.secrets["ml", "chat"] = {"url": "https://hooks.example.com/x", "signingKey": "k"}
    ref = bench.create(notify={"webhookRef": {"name": "chat"}})
    await bench.finish(ref)
    told = [event["data"]["reason"] for event in bench.receiver.got]
    assert told[-1] == "Registered"
    assert len({event["id"] for event in bench.receiver.got}) == len(told) > 2
    last = bench.receiver.got[-1]
    assert (last["type"], last["data"]["modelVersion"]) == ("dev.rollmodel.trainingjob.registered", "1")
    assert bench.status(ref).notifications is None
    asked = bench.requests()
    assert not (await bench.a_pass(bench.operator(), ref)).wrote
    assert (bench.requests(), bench.receiver.tries) == (asked, len(told)), "at rest nothing is sent"


async def test_a_receiver_that_is_away_stops_no_run(bench: TrainingBench) -> None:
    bench.kube.secrets["ml", "chat"] = {"url": "https://hooks.example.com/x"}
    bench.receiver.broken = Unavailable("the webhook at hooks.example.com answered 503")
    ref = bench.create(notify={"webhookRef": {"name": "chat"}, "format": "Slack"})
    operator = bench.operator()
    await bench.until(ref, lambda: outcome_known(bench.status(ref)), operator)
    assert bench.condition(ref, "Succeeded") == ("True", "Registered")
    assert bench.receiver.got == []
    bench.receiver.broken = None
    await bench.a_pass(bench.operator(), ref)
    assert bench.receiver.got[-1]["text"].startswith("*Registered* TrainingJob ml/churn: ")


async def test_the_container_is_told_which_data_to_learn_from(bench: TrainingBench) -> None:
    window = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-08T00:00:00Z"}
    ref = bench.create(dataWindow=window)
    await bench.finish(ref)
    [run] = bench.tracking.runs.values()
    assert (run.tags["rollmodel.dev/data-since"], run.tags["rollmodel.dev/data-until"]) == tuple(window.values())
    [job] = bench.kube.of_kind("Job")
    variables = {one["name"]: one.get("value") for one in job["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert variables["ROLLMODEL_DATA_SINCE"] == window["since"]
    assert variables["ROLLMODEL_DATA_UNTIL"] == window["until"]


async def test_the_run_keeps_the_alarm_that_asked_for_it() -> None:
    """Of a DriftPolicy that controls it; what anybody writes into annotations is no alarm."""
    notes = {"rollmodel.dev/drift-episode": "3", "rollmodel.dev/drift-trigger": "features/age"}
    owner = {"apiVersion": "rollmodel.dev/v1alpha1", "kind": "DriftPolicy", "name": "watch", "uid": "u1"}
    for owners, found in (
        ([{**owner, "controller": True}], {**notes, "rollmodel.dev/drift-policy": "watch"}),
        ([], {}),
    ):
        world = TrainingBench()
        ref = world.create()
        world.kube.edit(ref, lambda obj: obj["metadata"].update(annotations=notes, ownerReferences=owners))  # noqa: B023
        await world.finish(ref)
        [run] = world.tracking.runs.values()
        assert {key: value for key, value in run.tags.items() if "/drift-" in key} == found


@pytest.mark.parametrize(
    ("owner", "believed"),
    [
        ({}, True),
        (None, False),
        ({"uid": "another"}, False),
        ({"kind": "ReplicaSet", "apiVersion": "apps/v1"}, False),
        ({"controller": False}, False),
    ],
)
async def test_a_pod_says_what_the_inputs_were_only_if_the_job_controls_it(
    bench: TrainingBench, owner: dict[str, Any] | None, believed: bool
) -> None:
    """Else whoever may create pods could pin another version of the data, or make the record of a run false."""
    ref, operator = bench.create(inputs=[{"name": "data", "uri": "s3://bucket/data"}]), bench.operator()
    await bench.until(ref, lambda: bench.kube.of_kind("Pod"), operator)
    [own] = bench.kube.of_kind("Pod")
    message = json.dumps({"name": "data", "digest": f"sha256:{'e' * 64}", "version": "v7"})
    ended = {"name": "input-data", "state": {"terminated": {"exitCode": 0, "message": message}}}
    owners = [] if owner is None else [{**own["metadata"]["ownerReferences"][0], **owner}]
    meta = {"name": "stranger", "namespace": "ml", "labels": own["metadata"]["labels"], "ownerReferences": owners}
    bench.kube.create({**own, "metadata": meta, "status": {"initContainerStatuses": [ended]}})
    await bench.finish(ref, operator)
    assert ("e" * 64 in json.dumps(bench.kube.objects[ref]["status"])) is believed
