"""Counts of a log instead of Prometheus: the same decisions, and labels that show what scores cannot."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from rollmodel.plan.decision import Ref
from rollmodel.serving.predictions.count_log.counting import StepCounts
from rollmodel.serving.predictions.count_log.counts_file import counts_files
from rollmodel.serving.predictions.count_log.labels import Labels
from rollmodel.serving.predictions.records import Record

from tests.support.simulation.drifting import HOUR, DriftWorld, Rows, rows_of

MAP = Ref("v1", "ConfigMap", "team", "churn-counts")
COUNTS = {"counts": {"configMapRef": {"name": "churn-counts"}, "delaySeconds": 0}}
ACCURACY = {"kind": "Performance", "name": "true-accuracy", "metric": "accuracy", "maxDrop": "0.05"}
ESTIMATED = {"kind": "EstimatedPerformance", "name": "estimated", "metric": "accuracy", "maxDrop": "0.05"}


@dataclass
class Job:
    """Counts what the model was asked, each hour anew. ``flips``: from this hour on the truth is the reverse."""

    world: DriftWorld
    labels_after: float = 0.0
    flips: int = 10_000
    records: list[Record] = field(default_factory=list)
    truth: dict[str, tuple[float, bool]] = field(default_factory=dict)
    step: int = HOUR
    counted: StepCounts | None = None

    def run(self, hour: int) -> None:
        """Write the counts until now."""
        now = self.world.clock.now().timestamp()
        rows = self.world.traffic(np.random.default_rng([hour + 10]), hour)
        assert rows is not None
        table, scores = rows
        luck = np.random.default_rng([hour, 7]).random(len(scores))
        for index, (features, score) in enumerate(zip(table.to_dict("records"), scores.tolist(), strict=True)):
            name = f"{hour}-{index}"
            row = {str(column): value for column, value in features.items()}
            self.records.append(Record(name, now - 60.0, "rev1", score, row))
            self.truth[name] = now, bool((luck[index] < score) != (hour >= self.flips))
        if self.counted is None or self.labels_after:
            self.counted = StepCounts(self.world.profile, step=self.step, since=0.0, until=now)
        counted, counted._until = self.counted, now
        labels = Labels()
        for name, (moment, meaning) in self.truth.items():
            if now - moment >= self.labels_after:
                labels.add(name, meaning)
        counted.add(self.records, labels)
        if not self.labels_after:
            self.records, self.truth = [], {}
        files = counts_files({"rev1": counted}, model="churn", labels=labels.tally, most_steps=1500)
        data = {f"{name}.json.gz": base64.b64encode(content).decode() for name, content in files.items()}
        self.write(data)

    def write(self, data: dict[str, str]) -> None:
        """Replace what is in the ConfigMap."""
        if MAP not in self.world.kube.objects:
            self.world.kube.create(
                {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": MAP.name, "namespace": "team"}}
            )
        self.world.kube.edit(MAP, lambda one: one.update(binaryData=data))


async def hours(world: DriftWorld, job: Job, ref: Ref, operator: Any, count: int) -> list[str]:
    """So many hours, with a Job in each."""
    said = []
    for _ in range(count):
        world.clock.forward(HOUR)
        job.run(round((world.clock.now() - world.start).total_seconds() / HOUR) - 1)
        await world.settle(operator, ref)
        said.append(world.condition(ref, "Ready")["reason"])
    return said


def older(rng: np.random.Generator, hour: int) -> Rows:
    """From hour 14 on people are older, and some ages are missing."""
    return rows_of(rng, 400, age=40.0 if hour < 14 else 46.0, missing=0.0 if hour < 14 else 0.1)


async def test_counts_of_a_log_lead_to_the_same_decisions_as_prometheus() -> None:
    signals = [{"name": kind.lower(), "kind": kind} for kind in ("Feature", "Prediction", "Quality")] + [ESTIMATED]
    world, other = DriftWorld(older), DriftWorld(older)
    ref, operator = world.policy(signals=signals), world.operator()
    counted, job = other.policy(signals=signals, source=COUNTS), Job(other)
    said = await world.hours(operator, ref, 18)
    assert await hours(other, job, counted, other.operator(), 18) == said
    assert said[-1] == "Drifted"
    mine, theirs = world.status(ref), other.status(counted)
    for part in ("signals", "profile", "learnt", "budget", "episode", "watchedSince"):
        assert theirs[part] == mine[part], part
    assert not other.asked, "Prometheus is not asked"


@pytest.mark.parametrize("metric", ["accuracy", "auc"])
async def test_labels_show_a_truth_that_scores_cannot(metric: str) -> None:
    world = DriftWorld(lambda rng, _: rows_of(rng, 300))
    signals = [{**ACCURACY, "metric": metric}, ESTIMATED]
    outcomes = {"delaySeconds": 2 * HOUR}
    ref = world.policy(source=COUNTS, signals=signals, outcomes=outcomes, windowSeconds=[HOUR, 3 * HOUR])
    job, operator = Job(world, labels_after=2 * HOUR, flips=14), world.operator()
    said = await hours(world, job, ref, operator, 16)
    assert said[9:] == ["Stable"] * 7, "labels of hour 14 come two hours later"
    said = await hours(world, job, ref, operator, 4)
    assert said[-1] == "Drifted"
    [worst, *_] = world.status(ref)["signals"]
    assert (worst["name"], worst["kind"], worst["verdict"]) == ("true-accuracy", "Performance", "Drifted")
    assert re.match(rf"{metric} 0\.\d+ measured, 0\.\d+ in training, may drop by 0\.05", worst["message"])
    assert world.condition(ref, "PerformanceDegraded")["status"] == "True"
    assert all(one["verdict"] == "Stable" for one in world.status(ref)["signals"][1:])


async def test_few_labels_say_nothing() -> None:
    world = DriftWorld(lambda rng, _: rows_of(rng, 300))
    ref = world.policy(source=COUNTS, signals=[ACCURACY], outcomes={"delaySeconds": 0})
    job = Job(world, labels_after=30 * HOUR, flips=0)
    await hours(world, job, ref, world.operator(), 12)
    assert world.condition(ref, "PerformanceDegraded")["status"] == "Unknown"
    assert "0% of the rows of a window have a label" in world.condition(ref, "PerformanceDegraded")["message"]


async def test_a_training_waits_for_labels_that_are_new() -> None:
    world = DriftWorld(lambda rng, hour: rows_of(rng, 200, age=40.0 if hour < 12 else 50.0))
    retrain = {
        "mode": "Auto",
        "trainingJobRef": {"name": "churn-train"},
        "when": ["Feature"],
        "minNewLabelledRows": 3300,
        "cooldownSeconds": 60,
    }
    ref = world.policy(source=COUNTS, retrain=retrain, windowSeconds=[HOUR])
    job, operator = Job(world), world.operator()
    await hours(world, job, ref, operator, 15)
    assert world.condition(ref, "Ready")["reason"] == "Drifted"
    blocked = world.condition(ref, "RetrainBlocked")
    assert (blocked["status"], blocked["reason"]) == ("True", "TooFewLabels")
    assert blocked["message"] == "3000 labelled rows are new since the last training: 300 more are wanted"
    assert world.trainings() == []
    await hours(world, job, ref, operator, 2)
    [training] = world.trainings()
    assert world.status(ref)["retrains"][0]["labelledRows"] == 3400

    world.end_training(training["metadata"]["name"], "False")
    world.kube.edit(ref, lambda obj: obj["status"]["episode"].update(number=2))  # as after another alarm
    await hours(world, job, ref, operator, 1)
    assert world.condition(ref, "RetrainBlocked")["message"].startswith("200 labelled rows are new")
    world.kube.edit(ref, lambda obj: obj["metadata"].update(annotations={"rollmodel.dev/command": "retrain 2 now"}))
    await world.settle(operator, ref)
    assert len(world.trainings()) == 2, "a person need not wait"


async def test_labels_of_all_steps_count_and_windows_read_their_own() -> None:
    """The ConfigMap reaches back further than the windows do."""
    world = DriftWorld(lambda rng, _: rows_of(rng, 50))
    ref = world.policy(source=COUNTS, retrain={"minNewLabelledRows": 10}, windowSeconds=[HOUR])
    job = Job(world)
    await hours(world, job, ref, world.operator(), 25)
    assert world.status(ref)["labelledRows"] == 25 * 50


def changed(**fields: Any) -> Callable[[str], str]:
    """The file with other content."""

    def change(packed: str) -> str:
        content = {**json.loads(gzip.decompress(base64.b64decode(packed))), **fields}
        return base64.b64encode(gzip.compress(json.dumps(content).encode())).decode()

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda _: "%%", "CountsInvalid"),
        (lambda packed: packed[: len(packed) // 8 * 4], "CountsInvalid"),
        (lambda _: base64.b64encode(gzip.compress(b" " * 2_000_000)).decode(), "CountsTooLarge"),
        (lambda _: base64.b64encode(gzip.compress(b"[" * 100_000)).decode(), "CountsInvalid"),
        (changed(counts=[[{"signal": "x"}, [1]]]), "CountsInvalid"),
        (changed(ends=["soon"]), "CountsInvalid"),
        (changed(reference=[[7, 1]]), "CountsInvalid"),
        (changed(format="rollmodel-counts/2"), "CountsVersion"),
        (changed(stepSeconds=60), "CountsStep"),
        (changed(ends=[], counts=[], outcomes=[]), "CountsStale"),
        (None, "CountsMissing"),
    ],
)
async def test_counts_that_cannot_be_read_are_blind(
    change: Callable[[str], str] | None, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollmodel.plan.drift.profile.counts_file._MOST_BYTES", 1_000_000)
    world = DriftWorld(lambda rng, _: rows_of(rng, 300))
    ref, job, operator = world.policy(source=COUNTS), Job(world), world.operator()
    await hours(world, job, ref, operator, 2)
    world.clock.forward(HOUR)
    job.run(2)
    packed = world.kube.objects[MAP]["binaryData"]["rev1.json.gz"]
    job.write({} if change is None else {"rev1.json.gz": change(packed)})
    await world.settle(operator, ref)
    assert world.condition(ref, "Ready")["reason"] == "Blind"
    assert world.condition(ref, "DataFresh")["reason"] == reason
    job.write({"rev1.json.gz": packed})
    world.clock.forward(60)
    await world.settle(operator, ref)
    assert world.condition(ref, "Ready")["reason"] == "Learning"


async def test_a_job_that_does_not_run_and_a_map_that_is_not_there() -> None:
    world = DriftWorld(lambda rng, _: rows_of(rng, 300))
    ref, job, operator = world.policy(source=COUNTS), Job(world), world.operator()
    await world.hours(operator, ref, 1)
    assert world.condition(ref, "DataFresh")["reason"] == "CountsMissing"
    await hours(world, job, ref, operator, 2)
    await world.hours(operator, ref, 1)
    assert world.condition(ref, "DataFresh")["reason"] == "CountsStale"
    assert "did its Job run?" in world.condition(ref, "DataFresh")["message"]
