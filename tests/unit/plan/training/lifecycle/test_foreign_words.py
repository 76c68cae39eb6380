"""Whatever Kueue and MLflow may legally say of a run, a pass ends with a status that the API server takes."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rollmodel.api.trainingjob import TrainingJobStatus
from rollmodel.plan.problem import Problem
from rollmodel.plan.training.decide import decide
from rollmodel.plan.training.observed import GateFacts, MetricPoint, Observed, TrackedRun, TrackedVersion

from tests.support.running.effort import effort
from tests.support.simulation.trainings.specs import START, UID, spec
from tests.support.simulation.trainings.world import World

#: As metav1.Condition has it.
REASONS = st.one_of(
    st.from_regex(r"\A[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?\Z"),
    st.sampled_from(["Pending", "Inadmissible_1:a,b", "X" * 1024]),
)
TEXTS = st.one_of(st.text(max_size=40), st.just("x" * 32768), st.just("a\nb\tc"))
CONDITIONS = st.lists(
    st.fixed_dictionaries(
        {
            "type": st.one_of(st.sampled_from(["Evicted", "QuotaReserved", "Admitted", "Finished"]), REASONS),
            "status": st.sampled_from(["True", "False", "Unknown"]),
            "reason": REASONS,
            "message": TEXTS,
        }
    ),
    max_size=4,
)
NUMBERS = st.one_of(st.floats(), st.sampled_from([1e308, -0.0, math.nan, math.inf]))
METRICS = st.dictionaries(
    st.one_of(st.sampled_from(["auc", "f1/north", "f1/south"]), st.text(max_size=300)),
    st.builds(MetricPoint, NUMBERS, st.integers(-(2**63), 2**63 - 1), st.floats(0, 4e9)),
    max_size=6,
)
WORDS = st.dictionaries(st.one_of(st.text(max_size=40), st.just("mlflow.source.name")), TEXTS, max_size=4)
RUNS = st.builds(
    TrackedRun,
    st.text(min_size=1, max_size=64),
    st.text(min_size=1, max_size=64),
    st.sampled_from(["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]),
    st.floats(0, 4e9),
    params=WORDS,
    tags=WORDS,
    metrics=METRICS,
)
PROBLEMS = st.builds(Problem, st.sampled_from(["Unavailable", "Forbidden", "NotFound"]), TEXTS, transient=st.booleans())
VERSIONS = st.builds(TrackedVersion, st.just("churn"), st.integers(1, 2**31).map(str), st.text(max_size=64), WORDS)
FACTS = st.builds(
    GateFacts,
    st.dictionaries(st.sampled_from(["auc/fold", "auc/bootstrap"]), st.lists(NUMBERS, max_size=5)),
    st.one_of(st.none(), PROBLEMS),
    st.one_of(st.just(frozenset[str]()), PROBLEMS),
)
LOOKS = settings(max_examples=effort(40, 300), deadline=None, suppress_health_check=[HealthCheck.too_slow])


def decided(look: Observed) -> None:
    """A pass ends; what it says survives the way through JSON and the schema."""
    decision = decide(look)
    status = json.loads(json.dumps(dict(decision.status), allow_nan=False))
    assert TrainingJobStatus.model_validate(status).to_wire() == status
    assert len(json.dumps(status)) < 64 * 1024


def life(**changes: Any) -> list[Observed]:
    """All looks at a run from its beginning to its end."""
    world, looks = World(spec(**changes)), []
    for _ in range(60):
        looks.append(world.observe())
        world.reconcile()
        world.advance()
    return looks


@pytest.fixture(scope="module")
def looks() -> list[Observed]:
    """Of one run, each with another status; nobody changes them."""
    different = {json.dumps(look.status.to_wire(), sort_keys=True): look for look in life()}
    assert len(different) >= 5
    return list(different.values())


@pytest.fixture(scope="module")
def queued() -> Observed:
    """A run whose Job waits for Kueue."""
    look = life(queueName="gpus")[-1]
    assert [child["spec"]["suspend"] for child in look.children if child["kind"] == "Job"] == [True]
    return look


@LOOKS
@given(data=st.data())
def test_any_workloads_of_kueue_are_decided_on(queued: Observed, data: st.DataObject) -> None:
    [job] = [child for child in queued.children if child["kind"] == "Job"]
    workloads = []
    for number in range(data.draw(st.integers(0, 3))):
        owner = {"uid": job["metadata"]["uid"]} if number == 0 else {"uid": "another"}
        fields: dict[str, Any] = {"queueName": "gpus", "priority": data.draw(st.integers(-(2**31), 2**31 - 1))}
        fields |= data.draw(st.sampled_from([{}, {"active": False}, {"active": True}]))
        status = {"conditions": data.draw(CONDITIONS)}
        workloads.append(
            {"metadata": {"name": f"w{number}", "ownerReferences": [owner]}, "spec": fields, "status": status}
        )
    decided(replace(queued, workloads=data.draw(st.sampled_from([None, workloads]))))


@LOOKS
@given(
    number=st.integers(0, 1000),
    run=st.one_of(st.none(), PROBLEMS, RUNS),
    version=st.one_of(st.none(), PROBLEMS, VERSIONS),
    facts=FACTS,
    later=st.integers(0, 10**6),
)
def test_any_data_of_a_run_are_decided_on(
    *, looks: list[Observed], number: int, run: Any, version: Any, facts: GateFacts, later: int
) -> None:
    look = copy.deepcopy(looks[number % len(looks)])
    asked = look.read_set
    if isinstance(run, TrackedRun):
        run = replace(run, tags={**run.tags, "rollmodel.dev/owner": UID})
    decided(
        replace(
            look,
            now=START + timedelta(seconds=later),
            read_set=asked,
            run=run if asked.run else None,
            gates=facts if asked.gates and isinstance(run, TrackedRun) else None,
            version=version if asked.version else None,
            alias_version=version if asked.version else None,
        )
    )


def test_looks_of_a_run_ask_for_all_that_is_made_up_here(looks: list[Observed]) -> None:
    asked = [look.read_set for look in looks]
    assert any(one.run for one in asked)
    assert any(one.gates for one in asked)
    assert any(one.version for one in asked)
