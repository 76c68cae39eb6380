"""Rules of rollouts over passes: who waits says so, who may begin is woken, and a restart forgets nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rollmodel.api.coordination import KEY
from rollmodel.errors import Unavailable
from rollmodel.plan.coordination.rule_book import RuleBook
from rollmodel.plan.decision import Ref
from rollmodel.reconcile.deployment.coordination import Coordinator
from rollmodel.reconcile.result import Reconciler

from tests.reconcile.conftest import Bench

ONE_AT_A_TIME = {"limits": [{"maxRollouts": 1}]}
FROZEN = {"freezes": [{"reason": "year-end close"}]}


def book(**rules: Any) -> RuleBook:
    return RuleBook().changed("", {KEY: json.dumps(rules)})


class Fleet:
    """Objects that serve version 1, and the operator that drives them."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.refs = bench, dict[str, Ref]()
        self.restart()

    def restart(self, rules: RuleBook | None = None) -> None:
        """Another process, which knows nothing."""
        self.coordinator = Coordinator(self.bench.kube, self.bench.clock, self.bench.woken.append)
        self.operator: Reconciler = self.bench.operator(coordinator=self.coordinator)
        if rules is not None:
            self.coordinator.change(rules)

    async def serve(self, *names: str, **spec: Any) -> None:
        for name in names:
            self.bench.registry.publish("1", "challenger", name=name)
            model = {"registry": {"name": name, "alias": "challenger"}}
            self.refs[name] = self.bench.create(name=name, model=model, **spec)
        for _ in range(3):
            await self.settle(*names)
            self.bench.make_ready()
            self.bench.clock.forward(60)
        await self.settle(*names)

    async def settle(self, *names: str) -> None:
        for name in names:
            await self.bench.settle(self.operator, self.refs[name])

    async def wants(self, name: str, version: str = "2", after: float = 10) -> None:
        """The alias moves."""
        self.bench.clock.forward(after)
        self.bench.registry.publish(version, "challenger", name=name)
        await self.settle(name)

    async def ends(self, name: str) -> None:
        """The rollout of this one is aborted, and another version is not wanted."""
        candidate = self.bench.status(self.refs[name])["candidate"]["revision"]
        self.bench.kube.edit(
            self.refs[name],
            lambda obj: (
                obj["metadata"].setdefault("annotations", {}).update({"rollmodel.dev/command": f"abort {candidate} 1"})
            ),
        )
        await self.settle(name)

    def runs(self) -> list[str]:
        found = {name: self.bench.status(ref) for name, ref in self.refs.items()}
        return sorted(name for name, status in found.items() if status.get("candidate") and status.get("stable"))

    def waits(self, name: str) -> tuple[str, str]:
        """Status and reason of the condition."""
        return self.bench.conditions(self.refs[name])["Waiting"]

    def message(self, name: str) -> str:
        conditions = self.bench.status(self.refs[name])["conditions"]
        return str(next(one["message"] for one in conditions if one["type"] == "Waiting"))

    def woken(self) -> list[str]:
        """Names of those that were woken since this was asked last."""
        names = {self.bench.kube.objects[ref]["metadata"]["uid"]: name for name, ref in self.refs.items()}
        found = [names[uid] for uid in self.bench.woken if uid in names]
        self.bench.woken.clear()
        return found


@pytest.fixture
def fleet(bench: Bench) -> Fleet:
    return Fleet(bench)


async def test_without_rules_nothing_is_asked_and_nothing_said(fleet: Fleet) -> None:
    await fleet.serve("a")
    await fleet.wants("a")
    assert fleet.runs() == ["a"]
    assert "Waiting" not in fleet.bench.conditions(fleet.refs["a"])
    assert not [verb for verb, ref in fleet.bench.kube.reads if ref.kind == "ModelDeployment" and verb == "list"]


async def test_one_at_a_time_and_the_oldest_is_next(fleet: Fleet) -> None:
    await fleet.serve("a", "b", "c")
    fleet.coordinator.change(book(**ONE_AT_A_TIME))
    for name in ("a", "c", "b"):
        await fleet.wants(name)
    assert fleet.runs() == ["a"]
    assert fleet.waits("c") == fleet.waits("b") == ("True", "TooManyRollouts")
    assert fleet.message("c") == "v2 waits: 1 of 1 rollouts at once run or go first (the cluster): team/a"
    assert fleet.bench.conditions(fleet.refs["b"])["Ready"] == ("Unknown", "Waiting")
    assert [event.reason for event in fleet.bench.kube.events].count("RolloutWaiting") == 2
    fleet.woken()
    await fleet.ends("a")
    assert fleet.woken() == ["c"]  # and b is left alone
    await fleet.settle("b")
    assert fleet.waits("b")[0] == "True"
    await fleet.settle("c")
    assert fleet.runs() == ["c"]
    assert fleet.waits("c") == ("False", "MayBegin")


async def test_at_rest_rules_cost_no_request(fleet: Fleet) -> None:
    await fleet.serve("a", "b", "c")
    fleet.coordinator.change(book(**ONE_AT_A_TIME))
    await fleet.wants("a")
    await fleet.wants("b")
    fleet.bench.kube.reads.clear()
    fleet.bench.kube.writes.clear()
    for name in ("b", "c"):
        await fleet.operator.reconcile(fleet.bench.kube.objects[fleet.refs[name]])
    assert (fleet.bench.kube.reads, fleet.bench.kube.writes) == ([], [])


async def test_two_passes_at_once_begin_one_rollout(fleet: Fleet) -> None:
    """Neither has written its status when the other one asks."""
    await fleet.serve("a", "b")
    fleet.coordinator.change(book(**ONE_AT_A_TIME))
    for name in ("a", "b"):
        fleet.bench.registry.publish("2", "challenger", name=name)
    bodies = [await fleet.bench.kube.get(fleet.refs[name]) for name in ("a", "b")]
    fleet.bench.kube.fault = _lost_once()
    for body in bodies:
        assert body is not None
        try:
            await fleet.operator.reconcile(body)
        except Unavailable:
            continue
    assert fleet.runs() == []
    await fleet.settle("b", "a")
    assert fleet.runs() == ["a"]


def _lost_once() -> Any:
    lost: list[Ref] = []

    def fault(verb: str, ref: Ref) -> None:
        if verb == "patch_status" and not lost:
            lost.append(ref)
            raise Unavailable("no answer")

    return fault


async def test_a_restart_forgets_neither_who_runs_nor_who_waits(fleet: Fleet) -> None:
    await fleet.serve("a", "b", "c")
    rules = book(**ONE_AT_A_TIME)
    fleet.coordinator.change(rules)
    for name in ("c", "b", "a"):
        await fleet.wants(name)
    fleet.restart(rules)
    await fleet.settle("a", "b")  # c, which runs, has had no pass
    assert fleet.runs() == ["c"]
    await fleet.settle("c")
    fleet.woken()
    await fleet.ends("c")
    assert fleet.woken() == ["b"]


async def test_what_was_deleted_while_nobody_looked_does_not_keep_its_place(fleet: Fleet) -> None:
    await fleet.serve("a", "b")
    rules = book(**ONE_AT_A_TIME)
    fleet.coordinator.change(rules)
    await fleet.wants("a")
    fleet.restart(rules)
    await fleet.wants("b")
    assert fleet.waits("b")[0] == "True"
    fleet.bench.kube.remove(fleet.refs.pop("a"))  # before any pass over it
    fleet.bench.clock.forward(61)
    await fleet.settle("b")
    assert fleet.runs() == ["b"]


async def test_who_was_let_and_is_deleted_gives_its_place_back(fleet: Fleet) -> None:
    await fleet.serve("a", "b")
    fleet.coordinator.change(book(**ONE_AT_A_TIME))
    await fleet.wants("a")
    await fleet.wants("b")
    fleet.woken()
    fleet.operator.forget(fleet.bench.kube.objects[fleet.refs["a"]]["metadata"]["uid"])
    assert fleet.woken() == ["b"]


async def test_others_that_cannot_be_counted_let_nothing_begin(fleet: Fleet) -> None:
    await fleet.serve("a")
    fleet.coordinator.change(book(**ONE_AT_A_TIME))

    def down(verb: str, ref: Ref) -> None:
        if verb == "list":
            raise Unavailable("etcd is electing a leader")

    fleet.bench.kube.fault = down
    await fleet.wants("a")
    assert fleet.waits("a") == ("True", "NotCounted")
    fleet.bench.kube.fault = lambda verb, ref: None
    await fleet.settle("a")
    assert fleet.runs() == ["a"]


async def test_a_freeze_holds_up_begins_and_nothing_else(fleet: Fleet) -> None:
    await fleet.serve("runs", "waits")
    await fleet.wants("runs")
    fleet.coordinator.change(book(**FROZEN))
    await fleet.wants("waits")
    assert fleet.waits("waits") == ("True", "Frozen")
    await fleet.settle("runs")
    assert fleet.runs() == ["runs"]
    await fleet.serve("new")  # an installation: nothing serves that could be harmed
    assert fleet.bench.conditions(fleet.refs["new"])["Ready"] == ("True", "Serving")
    fleet.woken()
    fleet.coordinator.change(RuleBook())
    assert "waits" in fleet.woken()
    await fleet.settle("waits")
    assert fleet.runs() == ["runs", "waits"]


async def test_a_version_that_replaces_a_candidate_waits_too(fleet: Fleet) -> None:
    await fleet.serve("a")
    await fleet.wants("a", "2")
    fleet.coordinator.change(book(**FROZEN))
    await fleet.wants("a", "3")
    assert fleet.runs() == []
    assert fleet.bench.status(fleet.refs["a"])["stable"]["modelVersion"] == "1"
    assert fleet.waits("a") == ("True", "Frozen")


async def test_the_way_back_is_always_free(fleet: Fleet) -> None:
    await fleet.serve("a")
    await fleet.wants("a", "2")
    candidate = fleet.bench.status(fleet.refs["a"])["candidate"]["revision"]
    command = {"rollmodel.dev/command": f"promote {candidate} 1"}
    fleet.bench.kube.edit(fleet.refs["a"], lambda obj: obj["metadata"].update(annotations=command))
    for _ in range(4):
        await fleet.settle("a")
        fleet.bench.make_ready()
        fleet.bench.clock.forward(60)
    await fleet.settle("a")
    assert fleet.bench.status(fleet.refs["a"])["stable"]["modelVersion"] == "2"
    fleet.coordinator.change(book(**FROZEN))
    await fleet.wants("a", "3")
    assert fleet.waits("a") == ("True", "Frozen")
    fleet.bench.registry.move("challenger", "1", name="a")
    await fleet.settle("a")
    assert fleet.bench.status(fleet.refs["a"])["candidate"]["modelVersion"] == "1"
    assert fleet.waits("a") == ("False", "MayBegin")


async def test_what_mends_an_outage_does_not_wait(fleet: Fleet) -> None:
    await fleet.serve("a")
    fleet.coordinator.change(book(**FROZEN))
    for deployment in fleet.bench.kube.of_kind("Deployment"):
        fleet.bench.kube.edit(Ref.of(deployment), lambda obj: obj["status"].update(readyReplicas=0))
    await fleet.wants("a")
    assert fleet.waits("a") == ("True", "Frozen")
    fleet.bench.clock.forward(90)
    await fleet.settle("a")
    assert fleet.runs() == ["a"]


async def test_an_outage_of_the_registry_does_not_cost_the_place(fleet: Fleet) -> None:
    await fleet.serve("a")
    fleet.coordinator.change(book(**FROZEN))
    await fleet.wants("a")
    since = fleet.bench.status(fleet.refs["a"])["conditions"]
    fleet.bench.registry.down = Unavailable("MLflow did not answer")
    fleet.bench.clock.forward(60)
    await fleet.settle("a")
    assert fleet.waits("a") == ("True", "Frozen")
    fleet.bench.registry.down = None
    await fleet.settle("a")
    times = [
        one["lastTransitionTime"]
        for some in (since, fleet.bench.status(fleet.refs["a"])["conditions"])
        for one in some
        if one["type"] == "Waiting"
    ]
    assert len({*times}) == 1


async def test_newer_rules_that_are_not_understood_are_told_to_those_who_wait(fleet: Fleet) -> None:
    await fleet.serve("a")
    fleet.coordinator.change(book(**FROZEN).changed("", {KEY: "freez: []"}))
    await fleet.wants("a")
    assert fleet.waits("a") == ("True", "Frozen")
    assert "the newest rules of the cluster are not understood, so those before hold: `freez`" in fleet.message("a")


async def test_the_next_look_is_when_the_freeze_ends(fleet: Fleet) -> None:
    await fleet.serve("a")
    fleet.coordinator.change(book(freezes=[{"reason": "audit", "until": "2026-01-01T01:00:00Z"}]))
    await fleet.wants("a")
    result = await fleet.bench.a_pass(fleet.operator, fleet.refs["a"])
    left = 3600 - (fleet.bench.clock.now().timestamp() % 3600)
    assert result.requeue_after == pytest.approx(left)
    fleet.bench.clock.forward(left)
    await fleet.settle("a")
    assert fleet.runs() == ["a"]
