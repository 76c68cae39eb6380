"""Two teams, one operator, one login: what a team tries with what belongs to the other."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.plan.access.admission import Admission
from rollmodel.plan.access.tenancy import Grant, Tenancy
from rollmodel.plan.decision import Ref

from tests.reconcile.conftest import Bench
from tests.support.inmemory.training import TrainingBench

MAPPED = Tenancy({"*": Grant(models=("{namespace}.*",), experiments=("{namespace}/*",))})


def in_team(bench: TrainingBench, namespace: str, **spec: Any) -> Ref:
    """A TrainingJob of this team that registers into ``churn``."""
    return bench.create(namespace=namespace, **spec)


@pytest.fixture
def training() -> TrainingBench:
    return TrainingBench()


async def stalled(training: TrainingBench, ref: Ref) -> str:
    """The condition that says what a person has to do."""
    operator = training.operator()
    await training.until(ref, lambda: training.condition(ref, "Stalled")[0] == "True", operator)
    [told] = [one for one in training.status(ref).conditions if one.type == "Stalled"]
    return f"{told.reason}: {told.message}"


async def test_a_training_does_not_register_into_the_model_of_another_team(training: TrainingBench) -> None:
    await training.finish(in_team(training, "team-a"))
    thief = in_team(training, "team-b", name="thief")
    told = await stalled(training, thief)
    assert told.startswith("OwnedByAnother: ")
    assert "model 'churn' belongs to namespace 'team-a'" in told
    assert list(training.tracking.versions) == [("churn", 1)]
    assert training.kube.of_kind("Job")[1:] == [], "nothing is trained for what would be refused"


async def test_a_training_does_not_move_the_alias_of_another_team(training: TrainingBench) -> None:
    """The model itself was made by a person, so that anybody may register."""
    await training.finish(in_team(training, "team-a"))
    del training.tracking.owners["model 'churn'"]
    thief = in_team(training, "team-b", name="thief")
    told = await stalled(training, thief)
    assert "alias 'challenger' of model 'churn' belongs to namespace 'team-a'" in told
    assert training.tracking.aliases == {("churn", "challenger"): "1"}


async def test_a_training_does_not_write_into_the_experiment_of_another_team(training: TrainingBench) -> None:
    await training.finish(in_team(training, "team-a"))
    elsewhere = {"tracking": {"experiment": "team-a/churn"}, "register": None}
    thief = in_team(training, "team-b", name="thief", **elsewhere)
    told = await stalled(training, thief)
    assert "experiment 'team-a/churn' belongs to namespace 'team-a'" in told
    assert len(training.tracking.runs) == 1


async def test_a_mapping_is_asked_before_anything_is_read(training: TrainingBench) -> None:
    thief = in_team(training, "team-b", register={"model": "team-a.churn"})
    training.tenancy = MAPPED
    told = await stalled(training, thief)
    assert told.startswith("NotGranted: ")
    assert "namespace 'team-b' may not use model 'team-a.churn'" in told
    assert training.tracking.calls == []


async def test_what_is_mapped_is_as_before(training: TrainingBench) -> None:
    training.tenancy = MAPPED
    ref = in_team(training, "team-b", register={"model": "team-b.churn", "alias": "challenger"})
    await training.finish(ref)
    assert training.tracking.aliases == {("team-b.churn", "challenger"): "1"}
    assert training.tracking.owners == {}


async def test_in_one_trust_domain_teams_share(training: TrainingBench) -> None:
    training.tenancy = Tenancy(trusted=True)
    for team in ("team-a", "team-b"):
        await training.finish(in_team(training, team, name=team))
    assert training.tracking.aliases == {("churn", "challenger"): "2"}


def champion(alias: str) -> dict[str, Any]:
    return {"registry": {"name": "churn", "alias": "challenger", "championAlias": alias}}


async def promoted(bench: Bench, ref: Ref, alias: str) -> None:
    """A pass in which the verdict that moves the champion's alias is waiting."""
    move = {"key": f"alias/churn/{alias}", "model": "churn", "version": "2", "alias": alias}
    bench.kube.edit(ref, lambda obj: obj.setdefault("status", {}).update(outbox=[move]))
    operator = bench.operator()
    for _ in range(3):
        await bench.a_pass(operator, ref)


@pytest.fixture
def two(bench: Bench) -> Bench:
    """Version 2 exists, and nobody points to it."""
    bench.registry.publish("2")
    return bench


async def test_a_deployment_does_not_move_the_alias_of_another_team(two: Bench) -> None:
    bench = two
    bench.registry.owners["churn", "challenger"] = "research"
    ref = bench.create(model=champion("challenger"))
    await promoted(bench, ref, "challenger")
    assert bench.registry.aliases == {("churn", "challenger"): "1"}
    assert bench.conditions(ref)["Stalled"] == ("True", "Refused")
    [told] = [one for one in bench.status(ref)["conditions"] if one["type"] == "Stalled"]
    assert "alias 'challenger' of model 'churn' belongs to namespace 'research'" in told["message"]


async def test_research_registers_what_prod_promotes(two: Bench) -> None:
    bench = two
    bench.registry.owners["churn", "challenger"] = "research"
    ref = bench.create(model=champion("champion"))
    await promoted(bench, ref, "champion")
    assert bench.registry.aliases["churn", "champion"] == "2"
    assert bench.registry.owners["churn", "champion"] == "team"


async def test_an_alias_that_nobody_wants_any_more_is_not_moved(two: Bench) -> None:
    bench = two
    bench.registry.owners["churn", "champion"] = "research"
    ref = bench.create(model=champion("champion"))
    await promoted(bench, ref, "champion")
    bench.kube.edit(ref, lambda obj: obj["spec"]["model"]["registry"].pop("championAlias"))
    await bench.settle(bench.operator(), ref)
    assert bench.conditions(ref)["Stalled"][0] == "False"
    assert not [entry for entry in bench.status(ref).get("outbox", ()) if entry.get("alias")]


async def test_a_model_that_is_not_mapped_is_neither_read_nor_followed(bench: Bench) -> None:
    ref = bench.create()
    await bench.a_pass(bench.operator(tenancy=MAPPED), ref)
    assert bench.conditions(ref)["ModelResolved"] == ("False", "NotGranted")
    assert (bench.registry.asked_by, bench.registry.followers) == ([], [])


async def test_in_a_namespace_that_is_left_alone_nothing_is_made(bench: Bench) -> None:
    ref = bench.create()
    operator = bench.operator(admission=Admission(frozenset({"team"})))
    await bench.settle(operator, ref)
    assert bench.conditions(ref)["Stalled"] == ("True", "NamespaceForbidden")
    assert [verb for verb, _ in bench.kube.writes] == ["patch_status"]
    assert bench.registry.asked_by == []


async def test_a_route_for_the_host_of_another_team_is_not_made(bench: Bench) -> None:
    ref = bench.create(traffic={"parentRefs": [{"name": "public"}], "hostnames": ["shop.example.com"]})
    operator = bench.operator(admission=Admission(hosts={"team": ["*.team.example.com"]}))
    await bench.settle(operator, ref)
    assert bench.conditions(ref)["Stalled"] == ("True", "HostForbidden")
    assert {ref.kind for ref in bench.kube.objects} == {"ModelDeployment"}
