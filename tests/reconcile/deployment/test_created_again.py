"""Deleted and applied again: what the registry knows of the versions decides what is installed."""

from __future__ import annotations

from rollmodel.errors import Unavailable
from rollmodel.plan.decision import Ref
from rollmodel.ports.registry import Connection

from tests.reconcile.conftest import Bench

MODEL = {"registry": {"name": "churn", "alias": "challenger", "championAlias": "champion"}}
TAGS = {"verdict": "RolledBack", "reason": "Harmful: errors", "deployment": "team/churn"}


async def lost_before(bench: Bench) -> None:
    """The challenger is version 3, which this deployment has taken back in its former life."""
    bench.registry.publish("3", "challenger")
    tags = {f"rollmodel.dev/{key}": value for key, value in TAGS.items()}
    await bench.registry.set_tags(Connection("http://mlflow"), "churn", "3", tags)


async def settled(bench: Bench, ref: Ref) -> None:
    operator = bench.operator()
    for _ in range(3):
        await bench.settle(operator, ref)
        bench.make_ready()
        bench.clock.forward(60)
    await bench.settle(operator, ref)


async def test_the_champion_is_installed_first_and_the_challenger_is_tried(bench: Bench) -> None:
    await lost_before(bench)
    bench.registry.publish("2", "champion")
    ref = bench.create(model=MODEL)
    await settled(bench, ref)
    status = bench.status(ref)
    assert [(one["verdict"], one["toVersion"]) for one in status["history"]] == [("Installed", "2")]
    assert (status["stable"]["modelVersion"], status["candidate"]["modelVersion"]) == ("2", "3")
    assert bench.registry.followers == [(Connection("http://mlflow"), "churn", "challenger")]


async def test_without_a_champion_it_waits_until_one_is_named(bench: Bench) -> None:
    await lost_before(bench)
    ref = bench.create(model=MODEL)
    await settled(bench, ref)
    assert bench.conditions(ref)["Stalled"] == ("True", "RolledBack")
    assert bench.conditions(ref)["Available"] == ("False", "NothingServes")
    bench.woken.clear()
    bench.registry.move("champion", "1")
    assert bench.woken
    await settled(bench, ref)
    assert bench.status(ref)["stable"]["modelVersion"] == "1"


async def test_nothing_is_installed_while_nobody_knows_the_champion(bench: Bench) -> None:
    bench.registry.publish("2", "champion")
    ref, operator = bench.create(model=MODEL), bench.operator()
    resolve = bench.registry.resolve

    async def without_champion(*args: object, alias: str | None, **options: object) -> object:
        if alias == "champion":
            raise Unavailable("it does not answer")
        return await resolve(*args, alias=alias, **options)  # type: ignore[arg-type]

    bench.registry.resolve = without_champion  # type: ignore[method-assign,assignment]
    await bench.settle(operator, ref)
    assert not bench.kube.of_kind("Deployment")
    assert bench.conditions(ref)["ModelResolved"] == ("False", "Unavailable")


async def test_a_status_that_was_lost_is_no_installation(bench: Bench) -> None:
    ref = bench.create(model=MODEL)
    await settled(bench, ref)
    bench.registry.publish("2", "champion")
    bench.kube.edit(ref, lambda obj: obj.pop("status"))
    await settled(bench, ref)
    assert bench.status(ref)["stable"]["modelVersion"] == "1"
    assert "candidate" not in bench.status(ref)
