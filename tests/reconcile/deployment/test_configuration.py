"""A ConfigMap or a Secret that changes under a revision: pods that start then read it, and somebody is told."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.errors import Forbidden
from rollmodel.plan.decision import Ref
from rollmodel.plan.deployment.strategies.commands import ANNOTATION

from tests.reconcile.conftest import Bench

FLAGS = Ref("v1", "ConfigMap", "team", "flags")
LOGIN = Ref("v1", "Secret", "team", "login")
WITH_SECRET = {"env": [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "login", "key": "token"}}}]}


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


def secret(bench: Bench, token: str) -> None:
    """Somebody writes the Secret."""
    if bench.kube.objects.get(LOGIN) is None:
        metadata = {"name": LOGIN.name, "namespace": LOGIN.namespace}
        bench.kube.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"token": token}})
    else:
        bench.kube.edit(LOGIN, lambda one: one.update(data={"token": token}))


def asked(bench: Bench) -> int:
    """How often the Secret was asked for."""
    return bench.kube.reads.count(("get", LOGIN))


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


async def test_a_secret_that_was_written_is_told_and_not_what_it_holds(bench: Bench) -> None:
    secret(bench, "hush-1")
    ref = await served(bench, WITH_SECRET)
    begun = bench.status(ref)["stable"]["secrets"]
    assert begun == {"login": bench.kube.objects[LOGIN]["metadata"]["resourceVersion"]}
    assert "ConfigChanged" not in await restarted(bench, ref)
    secret(bench, "hush-2")
    before = asked(bench)
    await bench.settle(bench.operator(), ref)
    assert asked(bench) == before, "at rest nothing is asked"
    assert (await restarted(bench, ref))["ConfigChanged"] == ("True", "SecretChanged")
    (told,) = [one["message"] for one in bench.status(ref)["conditions"] if one["type"] == "ConfigChanged"]
    assert told.startswith("Secret login was written since ")
    assert "hush" not in str((bench.status(ref), bench.kube.events))
    assert [event.type for event in bench.kube.events if event.reason == "SecretChanged"] == ["Warning"]


async def test_a_secret_that_may_not_be_read_is_asked_for_once_an_hour(bench: Bench) -> None:
    secret(bench, "hush")
    refused = 0

    def refuse(verb: str, ref: Ref) -> None:
        nonlocal refused
        if ref == LOGIN:
            refused += 1
            raise Forbidden("secrets is forbidden")

    bench.kube.fault = refuse
    ref, operator = await served(bench, WITH_SECRET), bench.operator()
    first = refused
    for _ in range(5):
        lose_a_pod(bench)
        bench.clock.forward(60)
        await bench.settle(operator, ref)
    assert refused == first + 1, "another operator asked once"
    bench.clock.forward(3600)
    lose_a_pod(bench)
    await bench.settle(operator, ref)
    assert refused == first + 2
    assert "secrets" not in bench.status(ref)["stable"]
    assert "ConfigChanged" not in bench.conditions(ref)


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
