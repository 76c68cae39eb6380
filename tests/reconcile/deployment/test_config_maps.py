"""A ConfigMap that changes under a revision: pods that start then read it, and somebody is told."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.errors import Forbidden
from rollmodel.plan.decision import Ref
from rollmodel.plan.deployment.strategies.commands import ANNOTATION

from tests.reconcile.conftest import Bench

FLAGS = Ref("v1", "ConfigMap", "team", "flags")


def reading(name: str = "flags") -> dict[str, Any]:
    """A server that reads a variable from a ConfigMap."""
    return {"env": [{"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": name, "key": "mode"}}}]}


def config_map(bench: Bench, mode: str) -> None:
    """Somebody writes the ConfigMap."""
    if bench.kube.objects.get(FLAGS) is None:
        metadata = {"name": FLAGS.name, "namespace": FLAGS.namespace}
        bench.kube.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"mode": mode}})
    else:
        bench.kube.edit(FLAGS, lambda one: one.update(data={"mode": mode}))


def lose_a_pod(bench: Bench) -> None:
    """A pod of each Deployment starts anew."""
    for deployment in bench.kube.of_kind("Deployment"):
        bench.kube.edit(Ref.of(deployment), lambda one: one["status"].update(readyReplicas=0))


async def served(bench: Bench, runtime: dict[str, Any]) -> Ref:
    """A model that serves with this runtime."""
    ref, operator = bench.create(runtime=runtime), bench.operator()
    await bench.settle(operator, ref)
    bench.make_ready()
    await bench.settle(operator, ref)
    assert bench.conditions(ref)["Ready"] == ("True", "Serving")
    return ref


async def restarted(bench: Bench, ref: Ref) -> dict[str, tuple[str, str]]:
    """Conditions once a pod has started anew; another operator looks, since a restart forgets nothing."""
    operator = bench.operator()
    bench.clock.forward(60)
    lose_a_pod(bench)
    await bench.settle(operator, ref)
    bench.make_ready()
    await bench.settle(operator, ref)
    return bench.conditions(ref)


async def test_a_change_is_told_when_a_pod_reads_it(bench: Bench) -> None:
    config_map(bench, "fast")
    ref = await served(bench, reading())
    assert "ConfigChanged" not in await restarted(bench, ref)
    config_map(bench, "slow")
    assert (await restarted(bench, ref))["ConfigChanged"] == ("True", "ConfigMapChanged")
    (told,) = [one["message"] for one in bench.status(ref)["conditions"] if one["type"] == "ConfigChanged"]
    assert told.startswith("ConfigMap flags has changed since ")
    assert "slow" not in str(bench.status(ref))
    warned = [event for event in bench.kube.events if event.reason == "ConfigMapChanged"]
    assert [event.type for event in warned] == ["Warning"]
    config_map(bench, "fast")
    assert (await restarted(bench, ref))["ConfigChanged"] == ("False", "AsBegun")


async def test_at_rest_it_is_not_read(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    config_map(bench, "fast")
    ref = await served(bench, reading())
    config_map(bench, "slow")
    asked: list[Ref] = []
    get = bench.kube.get

    async def watched(wanted: Ref) -> Any:
        asked.append(wanted)
        return await get(wanted)

    monkeypatch.setattr(bench.kube, "get", watched)
    bench.clock.forward(600)
    await bench.settle(bench.operator(), ref)
    assert FLAGS not in asked
    assert "ConfigChanged" not in bench.conditions(ref)


async def test_one_that_is_missing_or_may_not_be_read_holds_nothing_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = await served(bench, reading("absent"))
    assert "ConfigChanged" not in await restarted(bench, ref)
    get = bench.kube.get

    async def refused(wanted: Ref) -> Any:
        if wanted.kind == "ConfigMap":
            raise Forbidden("configmaps is forbidden")
        return await get(wanted)

    monkeypatch.setattr(bench.kube, "get", refused)
    assert (await restarted(bench, ref))["Ready"] == ("True", "Serving")


async def test_another_revision_that_reads_none_ends_it(bench: Bench) -> None:
    config_map(bench, "fast")
    ref = await served(bench, {**reading(), "resources": {}})
    config_map(bench, "slow")
    assert (await restarted(bench, ref))["ConfigChanged"] == ("True", "ConfigMapChanged")
    operator = bench.operator()
    bench.kube.edit(ref, lambda one: one["spec"].update(runtime={}))
    await bench.settle(operator, ref)
    bench.make_ready()
    revision = bench.status(ref)["candidate"]["revision"]
    command = {"annotations": {ANNOTATION: f"promote {revision} 1"}}
    bench.kube.edit(ref, lambda one: one["metadata"].update(command))
    for _ in range(6):
        await bench.settle(operator, ref)
        bench.make_ready()
        bench.clock.forward(60)
    assert bench.status(ref)["stable"]["revision"] == revision
    assert bench.conditions(ref)["ConfigChanged"] == ("False", "AsBegun")
