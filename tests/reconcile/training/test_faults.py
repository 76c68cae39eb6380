"""Killed at any write, two operators at once, MLflow away at any request: a run ends as it would have ended alone."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from rollmodel.errors import Conflict, Unavailable
from rollmodel.plan.decision import Ref
from rollmodel.plan.training.context import closed

from tests.support.inmemory.training import Behaviour, TrainingBench
from tests.support.running.effort import effort

WRITES = {"create_run", "log_run", "set_run_status", "create_version", "set_alias", "apply", "delete", "patch_status"}
RUNS: list[tuple[Behaviour, ...]] = [("good",), ("fail", "good"), ("evict", "fail", "fail")]

runs = pytest.mark.parametrize("attempts", RUNS, ids="-".join)


class KilledError(Exception):
    """The operator dies here."""


@dataclass
class Fate:
    """Counts writes and kills the operator at one of them, before or after it took effect."""

    at: int = -1
    after: bool = False
    seen: int = 0

    def watch(self, bench: TrainingBench) -> None:
        """From now on."""
        before, after = (self._ignore, self._strike) if self.after else (self._strike, self._ignore)
        bench.kube.fault, bench.kube.aftermath = (lambda verb, _: before(verb)), (lambda verb, _: after(verb))
        bench.tracking.fault, bench.tracking.aftermath = before, after

    def _strike(self, what: str) -> None:
        if what in WRITES:
            self.seen += 1
            if self.seen == self.at:
                raise KilledError(f"write {self.at}: {what}")

    @staticmethod
    def _ignore(what: str) -> None:
        """Not the moment."""


def bench_of(attempts: tuple[Behaviour, ...]) -> tuple[TrainingBench, Ref]:
    bench = TrainingBench(attempts=attempts)
    return bench, bench.create()


async def undisturbed(attempts: tuple[Behaviour, ...]) -> tuple[dict[str, Any], Fate, TrainingBench]:
    """How it ends where nothing happens."""
    bench, ref = bench_of(attempts)
    fate = Fate()
    fate.watch(bench)
    await bench.finish(ref)
    return bench.outcome(ref), fate, bench


@runs
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_killed_at_any_write(attempts: tuple[Behaviour, ...], after: bool) -> None:
    alone, counted, _ = await undisturbed(attempts)
    assert counted.seen > 10
    for number in range(1, counted.seen + 1):
        bench, ref = bench_of(attempts)
        Fate(number, after).watch(bench)
        with pytest.raises(KilledError) as death:
            await bench.finish(ref)
        await bench.finish(ref)  # another operator, which remembers nothing
        assert bench.outcome(ref) == alone, death.value


@runs
async def test_mlflow_away_at_any_request(attempts: tuple[Behaviour, ...]) -> None:
    """For longer than a claim lives; pods that run go on, and what could not be said is said later."""
    alone, _, calm = await undisturbed(attempts)
    for number in range(1, len(calm.tracking.calls) + 1):
        bench, ref = bench_of(attempts)
        bench.tracking.fault = away(bench, number)
        await bench.finish(ref)
        assert bench.outcome(ref) == alone, f"away from request {number} on"


@runs
async def test_an_answer_of_mlflow_is_lost(attempts: tuple[Behaviour, ...]) -> None:
    """The write took effect, and the operator hears that MLflow did not answer."""
    alone, _, calm = await undisturbed(attempts)
    for number in range(1, sum(call in WRITES for call in calm.tracking.calls) + 1):
        bench, ref = bench_of(attempts)
        bench.tracking.aftermath = lost(number)
        await bench.finish(ref)
        assert bench.outcome(ref) == alone, f"the answer to write {number} was lost"


@runs
@pytest.mark.parametrize("seed", range(effort(6, 25)))
async def test_two_operators(attempts: tuple[Behaviour, ...], seed: int) -> None:
    """Their requests meet in any order; each acts on what it has just read, or not at all."""
    alone, _, _ = await undisturbed(attempts)
    bench, ref = bench_of(attempts)
    dice = random.Random(seed)  # noqa: S311
    operators = [bench.operator(dice), bench.operator(dice)]

    async def turn(number: int) -> None:
        with suppress(Conflict):
            await bench.a_pass(operators[number], ref)

    for _ in range(300):
        await asyncio.gather(turn(0), turn(1))
        bench.advance()
        if closed(bench.status(ref)):
            break
    assert bench.outcome(ref) == alone
    asked = bench.tracking.calls
    assert (asked.count("create_run"), asked.count("create_version")) == (1, len(bench.tracking.versions))


async def test_no_pod_without_its_run() -> None:
    """MLflow is down from the beginning: said, waited for, and nothing is started."""
    bench, ref = bench_of(("good",))
    bench.tracking.down = Unavailable("MLflow did not answer")
    await bench.until(ref, lambda: bench.passes == 100)
    assert bench.kube.of_kind("Job") == []
    assert bench.condition(ref, "Succeeded") == ("Unknown", "TrackingUnavailable")
    assert len([event for event in bench.kube.events if event.reason == "TrackingWriteFailed"]) == 0
    bench.tracking.down = None
    await bench.finish(ref)
    assert bench.condition(ref, "Succeeded") == ("True", "Registered")


async def test_training_does_not_need_mlflow_once_it_runs() -> None:
    """MLflow goes when the pods run: they are let be, and the run is closed when it is back."""
    bench, ref = bench_of(("good",))
    await bench.until(ref, lambda: bench.condition(ref, "Running")[0] == "True")
    bench.tracking.down = Unavailable("MLflow did not answer")
    await bench.until(ref, lambda: bench.condition(ref, "Running")[1] == "Trained")
    started = bench.status(ref).attempts
    assert started is not None
    assert started.started == 1
    assert [run.status for run in bench.tracking.runs.values()] == ["RUNNING"]
    bench.tracking.down = None
    await bench.finish(ref)
    assert bench.condition(ref, "Succeeded") == ("True", "Registered")
    assert [run.status for run in bench.tracking.runs.values()] == ["FINISHED"]


async def test_two_runs_that_register_at_once() -> None:
    """In any order: two versions, and the alias at the higher."""
    for seed in range(effort(8, 25)):
        bench, dice = TrainingBench(), random.Random(seed)  # noqa: S311
        refs = [bench.create(name) for name in ("one", "two")]
        operators = [bench.operator(dice), bench.operator(dice)]
        for _ in range(300):
            await asyncio.gather(*(bench.a_pass(one, ref) for one, ref in zip(operators, refs, strict=True)))
            bench.advance(dice.choice([1, 1, 1, 5]))
            if all(closed(bench.status(ref)) for ref in refs):
                break
        versions = {bench.status(ref).model_version for ref in refs}
        assert versions == {"1", "2"}, seed
        assert bench.tracking.aliases == {("churn", "challenger"): "2"}, seed


async def test_a_scheduled_run_is_created_once_whatever_is_killed() -> None:
    async def play(fate: Fate) -> tuple[TrainingBench, list[str]]:
        bench = TrainingBench()
        parent = bench.create(schedule={"cron": "*/5 * * * *"})
        fate.watch(bench)
        operator = bench.operator()
        for _ in range(400):
            try:
                await bench.a_pass(operator, parent)
            except KilledError:
                operator = bench.operator()
            bench.advance()
        return bench, sorted(ref.name for ref in bench.kube.objects if ref.kind == "TrainingJob" and ref != parent)

    calm = Fate()
    _, alone = await play(calm)
    assert len(alone) == 1
    assert calm.seen >= 3
    for number in range(1, calm.seen + 1):
        for after in (False, True):
            fate = Fate(number, after)
            bench, children = await play(fate)
            assert fate.seen >= number
            assert children == alone
            assert [verb for verb, ref in bench.kube.writes if verb == "apply"].count("apply") <= 2


def away(bench: TrainingBench, number: int) -> Callable[[str], None]:
    """MLflow does not answer for 60 s from this request on."""
    seen, back = 0, None

    def fault(_: str) -> None:
        nonlocal seen, back
        seen += 1
        if seen == number:
            back = bench.clock.moment.timestamp() + 60
        if back is not None and bench.clock.moment.timestamp() < back:
            raise Unavailable("MLflow did not answer")

    return fault


def lost(number: int) -> Callable[[str], None]:
    """The answer to this write is lost."""
    seen = 0

    def aftermath(what: str) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            raise Unavailable(f"the answer to {what} was lost")

    return aftermath
