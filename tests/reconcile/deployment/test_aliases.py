"""Two ModelDeployments that move the same champion alias: the younger is told, until one of them moves another."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reconcile.conftest import Bench


def moving(alias: str | None, model: str = "churn") -> dict[str, Any]:
    """A model whose promotions move an alias."""
    registry = {"name": model, "alias": "challenger", **({"championAlias": alias} if alias else {})}
    return {"registry": registry}


async def test_the_younger_is_told_and_both_go_on(bench: Bench) -> None:
    operator = bench.operator()
    older = bench.create(name="a", model=moving("champion"))
    bench.clock.forward(5)
    younger = bench.create(name="b", model=moving("champion"))
    for ref in (younger, older, younger):
        await bench.settle(operator, ref)
        bench.make_ready()
        await bench.settle(operator, ref)
    assert bench.conditions(younger)["AliasShared"] == ("True", "ChampionAliasShared")
    (shared,) = [one for one in bench.status(younger)["conditions"] if one["type"] == "AliasShared"]
    assert "ModelDeployment team/a is older and moves alias 'champion' of 'churn' too" in shared["message"]
    assert "AliasShared" not in bench.conditions(older)
    assert bench.conditions(younger)["Ready"] == ("True", "Serving")
    bench.woken.clear()
    operator.forget(bench.kube.objects[older]["metadata"]["uid"])
    assert bench.kube.objects[younger]["metadata"]["uid"] in bench.woken
    await bench.settle(operator, younger)
    assert bench.conditions(younger)["AliasShared"] == ("False", "OneOwner")


@pytest.mark.parametrize("other", [moving("best"), moving(None), moving("champion", "other")])
async def test_other_aliases_are_no_conflict(bench: Bench, other: dict[str, Any]) -> None:
    operator = bench.operator()
    for name, model in (("a", moving("champion")), ("b", other)):
        ref = bench.create(name=name, model=model)
        await bench.settle(operator, ref)
    assert "AliasShared" not in bench.conditions(ref)
