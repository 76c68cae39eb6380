"""What a training run asks MLflow for, and what it does not."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from rollmodel.plan.times import parse
from rollmodel.plan.training.context import closed
from rollmodel.plan.training.decide import decide
from rollmodel.plan.training.observed import ReadSet
from rollmodel.plan.training.read_set import read_set

from tests.support.inmemory.training import TrainingBench
from tests.support.simulation.trainings.specs import DEFAULTS, observed


async def test_at_rest_nothing_is_asked_or_written(bench: TrainingBench) -> None:
    ref = bench.create()
    operator = bench.operator()
    await bench.finish(ref, operator)
    body, before = bench.kube.objects[ref], bench.requests()
    for one in (operator, bench.operator()):
        result = await bench.a_pass(one, ref)
        assert not result.wrote
        assert result.requeue_after is not None  # the Job has a time to live
    assert bench.requests() == before
    assert bench.kube.objects[ref] == body


async def test_a_new_run_is_not_searched_for_and_its_version_is_found_once(bench: TrainingBench) -> None:
    ref, operator = bench.create(), bench.operator()
    await bench.a_pass(operator, ref)
    assert bench.tracking.calls == ["model_owner", "create_run"]
    await bench.finish(ref, operator)
    counts = Counter(bench.tracking.calls)
    assert (counts["find_run"], counts["find_rerun"], counts["version_of"]) == (0, 1, 2)


async def test_another_operator_searches_for_the_run(bench: TrainingBench) -> None:
    ref = bench.create()
    await bench.a_pass(bench.operator(), ref)
    await bench.finish(ref)
    assert bench.tracking.calls.count("find_run") == 1
    assert len(bench.tracking.runs) == 1


async def test_until_the_alias_is_looked_at_once_more_nothing_is_asked(bench: TrainingBench) -> None:
    ref, operator = bench.create(), bench.operator()
    await bench.until(ref, lambda: bench.condition(ref, "Succeeded")[0] == "True", operator)
    await bench.until(ref, lambda: bench.status(ref).run_status == "FINISHED", operator)
    before = len(bench.tracking.calls)
    result = await bench.a_pass(operator, ref)
    assert (result.wrote, bench.tracking.calls[before:]) == (False, [])
    assert bench.condition(ref, "Reconciling") == ("True", "ClosingRun")
    bench.clock.forward(result.requeue_after or 0)
    await bench.a_pass(operator, ref)
    assert bench.tracking.calls[before:] == ["get_run", "version_at"]
    assert closed(bench.status(ref))


async def test_an_alias_that_was_not_looked_at_in_time_is_looked_at_in_the_next_pass(bench: TrainingBench) -> None:
    """The wait for it ended between what a pass wanted to read and what it decided."""
    ref, operator = bench.create(), bench.operator()
    await bench.until(ref, lambda: bench.status(ref).run_status == "FINISHED", operator)
    status, end = bench.kube.objects[ref]["status"], bench.status(ref).completion_time
    before = observed(status=status, run=None, now=parse(end or "") + timedelta(seconds=DEFAULTS.timing.claim - 0.1))
    wanted = read_set(before)
    late = replace(before, read_set=wanted, now=before.now + timedelta(seconds=1))
    decision = decide(late)
    assert (wanted, decision.requeue_after, decision.effects) == (ReadSet(), 1.0, ())
    assert read_set(late).version
