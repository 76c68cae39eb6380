"""What a pass sees, and what it costs to look."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from rollmodel.errors import Unavailable, Untrustworthy
from rollmodel.plan.decision import Decision
from rollmodel.plan.deployment.analysis.signals.signal import MetricQuery
from rollmodel.plan.deployment.observed import Answer, Observed
from rollmodel.plan.problem import Problem
from rollmodel.ports.prometheus import Series

from tests.reconcile.conftest import Bench
from tests.support.contracts.kube import service

#: How long pods may take to start, as the operator has it by itself.
STARTING_SECONDS = 10.0
LAST = {"text": "pause bbbbbbbb 1", "result": "Done", "time": "2026-01-01T00:00:00Z"}


@dataclass
class Spy:
    """A ``decide`` that changes nothing and remembers what it was shown."""

    seen: list[Observed] = field(default_factory=list)
    decision: Decision | None = None

    def __call__(self, observed: Observed) -> Decision:
        self.seen.append(observed)
        return self.decision or Decision({})


def ask(observed: Observed) -> dict[str, MetricQuery]:
    """Queries to begin with."""
    return {"errors": MetricQuery("bad", 0.0, 60.0, 10.0), "latency": MetricQuery("slow", 0.0, 60.0, 10.0)}


@pytest.fixture
def spy() -> Spy:
    return Spy()


def pod(name: str, revision: str) -> dict[str, Any]:
    """As a ReplicaSet of the revision's Deployment makes it."""
    labels = {"rollmodel.dev/model-deployment": "churn", "rollmodel.dev/revision": revision, "pod-template-hash": "5f"}
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"churn-{revision}-5f", "uid": "1"}
    meta = {"name": name, "namespace": "team", "labels": labels, "ownerReferences": [{**owner, "controller": True}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta}


def deployment(owner: dict[str, Any], revision: str, *, ready: int) -> dict[str, Any]:
    manifest = service(owner, f"churn-{revision}", **{"rollmodel.dev/revision": revision})
    status = {"observedGeneration": 1, "replicas": 2, "readyReplicas": ready}
    return {**manifest, "apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 2}, "status": status}


async def test_an_object_at_rest_costs_no_request(bench: Bench, spy: Spy) -> None:
    operator = bench.operator(decide=spy, queries=lambda observed: {})
    ref = bench.create()
    bench.kube.create(deployment(bench.kube.objects[ref], "bbbbbbbb", ready=2))
    body = bench.kube.objects[ref]
    bench.kube.reads.clear()
    await operator.reconcile(body)
    assert (bench.kube.reads, bench.kube.writes) == ([], [])
    assert spy.seen[0].pods == []


async def test_pods_are_read_of_all_revisions_while_one_is_not_ready(bench: Bench, spy: Spy) -> None:
    operator = bench.operator(decide=spy, queries=lambda observed: {})
    ref = bench.create()
    bench.kube.create(deployment(bench.kube.objects[ref], "bbbbbbbb", ready=2))
    bench.kube.create(deployment(bench.kube.objects[ref], "cccccccc", ready=1))
    for name, revision in (("good", "bbbbbbbb"), ("slow", "cccccccc")):
        bench.kube.create(pod(name, revision))
    bench.clock.forward(STARTING_SECONDS)
    await bench.a_pass(operator, ref)
    assert [one["metadata"]["name"] for one in spy.seen[0].pods] == ["good", "slow"]


async def test_pods_that_only_start_are_not_read(bench: Bench, spy: Spy) -> None:
    operator = bench.operator(decide=spy, queries=lambda observed: {})
    ref = bench.create()
    bench.kube.create(deployment(bench.kube.objects[ref], "cccccccc", ready=1))
    bench.kube.create(pod("starting", "cccccccc"))
    bench.clock.forward(STARTING_SECONDS - 1)
    await bench.a_pass(operator, ref)
    assert spy.seen[0].pods == []


async def test_pods_that_nobody_made_yet_are_not_read(bench: Bench, spy: Spy) -> None:
    """A busy controller manager takes its time, and a list of nothing tells nothing; a refusal is a condition."""
    operator = bench.operator(decide=spy, queries=lambda observed: {})
    ref = bench.create()
    waiting = deployment(bench.kube.objects[ref], "cccccccc", ready=0)
    del waiting["status"]["replicas"]
    bench.kube.create(waiting)
    bench.clock.forward(STARTING_SECONDS + 60)
    bench.kube.reads.clear()
    await operator.reconcile(bench.kube.objects[ref])
    assert [verb for verb, target in bench.kube.reads if target.kind == "Pod"] == []


@pytest.mark.parametrize(
    "condition",
    [
        {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"},
        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"},
        {"type": "Progressing", "status": "True", "lastUpdateTime": "2036-01-01T00:00:00Z"},
    ],
)
async def test_pods_are_read_at_once_where_something_failed_or_clocks_differ(
    bench: Bench, spy: Spy, condition: dict[str, str]
) -> None:
    operator = bench.operator(decide=spy, queries=lambda observed: {})
    ref = bench.create()
    failing = deployment(bench.kube.objects[ref], "cccccccc", ready=1)
    failing["status"]["conditions"] = [condition]
    bench.kube.create(failing)
    bench.kube.create(pod("refused", "cccccccc"))
    await bench.a_pass(operator, ref)
    assert [one["metadata"]["name"] for one in spy.seen[0].pods] == ["refused"]


async def test_answers_come_by_name_and_problems_stay_problems(bench: Bench, spy: Spy) -> None:
    series = Series({"pod": "a"}, [(0.0, 1.0), (10.0, float("nan"))])
    bench.metrics.answers = {"bad": [series], "slow": Untrustworthy("Prometheus warns: partial answer")}
    await bench.a_pass(bench.operator(decide=spy, queries=ask), bench.create())
    answers = spy.seen[0].answers
    assert answers["errors"] == Answer([(series.labels, series.points)])
    assert answers["latency"] == Problem("Untrustworthy", "Prometheus warns: partial answer", transient=False)
    assert bench.metrics.asked == [("bad", 0.0, 60.0, 10.0), ("slow", 0.0, 60.0, 10.0)]


async def test_queries_see_what_was_gathered_but_no_answers(bench: Bench, spy: Spy) -> None:
    shown: list[Observed] = []

    def queries(observed: Observed) -> dict[str, MetricQuery]:
        shown.append(observed)
        return {}

    await bench.a_pass(bench.operator(decide=spy, queries=queries), bench.create())
    assert shown == spy.seen


async def test_who_wrote_a_command_is_read_while_it_is_new(bench: Bench, spy: Spy) -> None:
    operator = bench.operator(decide=spy, queries=lambda observed: {})
    ref = bench.create()
    writers = [{"manager": "kubectl-annotate"}]
    annotations = {"rollmodel.dev/command": "pause bbbbbbbb 1"}
    bench.kube.edit(ref, lambda obj: obj["metadata"].update(annotations=annotations, managedFields=writers))
    await bench.a_pass(operator, ref)
    bench.kube.edit(ref, lambda obj: obj.update(status={"lastCommand": LAST}))
    await bench.a_pass(operator, ref)
    assert [observed.managed_fields for observed in spy.seen] == [writers, []]


async def test_a_model_that_cannot_be_pinned_is_looked_up_again(bench: Bench, spy: Spy) -> None:
    bench.registry.down = Unavailable("MLflow did not answer")
    result = await bench.a_pass(bench.operator(decide=spy, queries=lambda observed: {}), bench.create())
    assert isinstance(spy.seen[0].model, Problem)
    assert result.requeue_after == 30.0


async def test_the_gateway_is_seen(bench: Bench, spy: Spy) -> None:
    bench.kube.gateway_available = False
    await bench.a_pass(bench.operator(decide=spy, queries=lambda observed: {}), bench.create())
    assert spy.seen[0].gateway_available is False


async def test_the_registry_is_told_what_status_says_and_since_when(bench: Bench) -> None:
    """Any write to the object may be another operator's, who may know more than we have heard."""
    operator, ref = bench.operator(), bench.create()
    await bench.settle(operator, ref)
    assert bench.registry.held is not None
    first = bench.registry.held
    assert first.version == "1"
    await bench.a_pass(operator, ref)
    assert bench.registry.held == first
    bench.kube.edit(ref, lambda body: body["metadata"].update(labels={"touched": "yes"}))
    await bench.a_pass(operator, ref)
    assert bench.registry.held.since > first.since


async def test_a_pod_with_the_right_labels_is_not_believed(bench: Bench, spy: Spy) -> None:
    """Else whoever may create pods could roll back a revision, or keep it from being promoted."""
    operator = bench.operator(decide=spy, queries=lambda observed: {})
    ref = bench.create()
    bench.kube.create(deployment(bench.kube.objects[ref], "cccccccc", ready=1))
    alone, alien = pod("alone", "cccccccc"), pod("alien", "cccccccc")
    del alone["metadata"]["ownerReferences"]
    alien["metadata"]["ownerReferences"][0]["name"] = "another-cccccccc-5f"
    for one in (alone, alien, pod("own", "cccccccc")):
        bench.kube.create(one)
    bench.clock.forward(STARTING_SECONDS)
    await bench.a_pass(operator, ref)
    assert [one["metadata"]["name"] for one in spy.seen[0].pods] == ["own"]


async def test_a_wish_has_the_registry_read_after_it(bench: Bench, spy: Spy) -> None:
    operator = bench.operator(decide=spy, queries=lambda observed: {})
    ref = bench.create()
    await operator.reconcile(bench.kube.objects[ref])
    assert bench.registry.not_before == 0.0
    before = time.monotonic()
    body = copy.deepcopy(bench.kube.objects[ref])
    body["metadata"].setdefault("annotations", {})["rollmodel.dev/refresh"] = "now"
    await operator.reconcile(body)
    first = bench.registry.not_before
    assert before <= first <= time.monotonic()
    await operator.reconcile(body)
    assert bench.registry.not_before == first  # one wish, one look
    assert spy.seen[-1].registry_read
    body.setdefault("status", {})["refreshed"] = "now"
    await operator.reconcile(body)
    assert bench.registry.not_before == 0.0


async def test_a_registry_that_is_away_was_not_read(bench: Bench, spy: Spy) -> None:
    operator = bench.operator(decide=spy, queries=lambda observed: {})
    ref = bench.create()
    await operator.reconcile(bench.kube.objects[ref])
    body = copy.deepcopy(bench.kube.objects[ref])
    body["metadata"].setdefault("annotations", {})["rollmodel.dev/refresh"] = "now"
    bench.registry.down = Unavailable("MLflow did not answer")
    await operator.reconcile(body)
    assert not spy.seen[-1].registry_read


@pytest.mark.parametrize(("wanted", "least", "used"), [(1, 30, 30), (60, 30, 60), (10, 1, 10)])
async def test_intervals_have_a_floor_of_the_operators_owner(bench: Bench, wanted: int, least: int, used: int) -> None:
    spy, ref = Spy(), bench.create(analysis={"intervalSeconds": wanted})
    await bench.a_pass(bench.operator(decide=spy, least_interval=least), ref)
    assert spy.seen[0].spec.analysis.interval_seconds == used
    body = await bench.kube.get(ref)
    assert body is not None
    assert body["spec"]["analysis"] == {"intervalSeconds": wanted}
