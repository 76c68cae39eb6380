"""What ``rollmodel.ports.Kube`` promises, as tests that run against the real adapter and against the one in memory.

A test module provides the fixture ``kube`` and ``world`` and inherits from :class:`KubeContract`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from rollmodel.errors import Conflict, Invalid, NotFound, Unavailable
from rollmodel.plan.decision import Event, Ref
from rollmodel.ports.kubernetes import Kube

__all__ = ["KubeContract", "World", "model_deployment", "service"]


@dataclass(frozen=True)
class World:
    """What the contract needs beside the port: ``create`` stores an object as somebody else would, in ``namespace``."""

    namespace: str
    create: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


def model_deployment(namespace: str, name: str = "churn") -> dict[str, Any]:
    """A small ModelDeployment."""
    return {
        "apiVersion": "rollmodel.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"model": {"registry": {"name": "churn", "alias": "challenger"}}},
    }


def service(owner: dict[str, Any], name: str = "churn", **labels: str) -> dict[str, Any]:
    """A Service that the owner controls."""
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
    }
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": name,
            "namespace": owner["metadata"]["namespace"],
            "labels": {"rollmodel.dev/managed-by": "rollmodel", **labels},
            "ownerReferences": [reference],
        },
        "spec": {"ports": [{"name": "http", "port": 80}], "selector": {"app": name}},
    }


class KubeContract:
    """The promises. The fixtures come from the module that inherits."""

    async def test_what_was_applied_is_a_child_at_once(self, kube: Kube, world: World) -> None:
        owner = await world.create(model_deployment(world.namespace))
        stored = await kube.apply(service(owner))
        assert [child["metadata"]["uid"] for child in kube.children(owner)] == [stored["metadata"]["uid"]]

    async def test_children_say_what_they_are(self, kube: Kube, world: World) -> None:
        owner = await world.create(model_deployment(world.namespace))
        await kube.apply(service(owner))
        assert [Ref.of(child) for child in kube.children(owner)] == [Ref.of(service(owner))]

    async def test_applying_the_same_changes_nothing(self, kube: Kube, world: World) -> None:
        owner = await world.create(model_deployment(world.namespace))
        first = await kube.apply(service(owner))
        second = await kube.apply(service(owner))
        assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]

    async def test_what_is_no_longer_applied_is_taken_away(self, kube: Kube, world: World) -> None:
        owner = await world.create(model_deployment(world.namespace))
        await kube.apply(service(owner, colour="blue"))
        stored = await kube.apply(service(owner))
        assert "colour" not in stored["metadata"]["labels"]

    async def test_an_object_that_nobody_controls_is_not_taken_over(self, kube: Kube, world: World) -> None:
        owner = await world.create(model_deployment(world.namespace))
        theirs = service(owner)
        del theirs["metadata"]["ownerReferences"]
        before = await world.create(theirs)
        with pytest.raises(Invalid) as refused:
            await kube.apply(service(owner, stolen="yes"))
        assert refused.value.reason == "NameTaken"
        assert await kube.get(Ref.of(theirs)) == before

    async def test_an_object_of_another_owner_is_not_taken_over(self, kube: Kube, world: World) -> None:
        owner = await world.create(model_deployment(world.namespace))
        other = await world.create(model_deployment(world.namespace, "other"))
        await kube.apply(service(other, "shared"))
        with pytest.raises(Invalid, match="not controlled by this object"):
            await kube.apply(service(owner, "shared"))

    async def test_what_the_object_of_this_name_before_left_is_no_name_taken(self, kube: Kube, world: World) -> None:
        """It is waited for, unless the garbage collector has been there already."""
        owner = await world.create(model_deployment(world.namespace))
        former = {**owner, "metadata": {**owner["metadata"], "uid": "00000000-0000-4000-8000-000000000000"}}
        await world.create(service(former))
        with suppress(Conflict, Unavailable):
            stored = await kube.apply(service(owner))
            assert stored["metadata"]["ownerReferences"][0]["uid"] == owner["metadata"]["uid"]

    async def test_finalizers_are_replaced(self, kube: Kube, world: World) -> None:
        owner = await world.create(model_deployment(world.namespace))
        held = await _hold(kube, owner, "example.com/one", "example.com/two")
        assert held["metadata"]["finalizers"] == ["example.com/one", "example.com/two"]
        assert held["metadata"]["generation"] == owner["metadata"]["generation"]
        free = await _hold(kube, held)
        assert not free["metadata"].get("finalizers")

    async def test_stale_finalizers_are_a_conflict(self, kube: Kube, world: World) -> None:
        owner = await world.create(model_deployment(world.namespace))
        await _hold(kube, owner, "example.com/one")
        with pytest.raises(Conflict):
            await _hold(kube, owner, "example.com/two")

    async def test_finalizers_of_what_does_not_exist_are_not_found(self, kube: Kube, world: World) -> None:
        ghost = Ref("rollmodel.dev/v1alpha1", "ModelDeployment", world.namespace, "nothing")
        with pytest.raises(NotFound):
            await kube.patch_finalizers(ghost, ["example.com/one"], resource_version="1")

    async def test_one_that_is_being_deleted_can_still_be_changed(self, kube: Kube, world: World) -> None:
        """A route whose deletion somebody holds up still routes."""
        owner = await world.create(model_deployment(world.namespace))
        stored = await kube.apply(_held(service(owner)))
        await kube.delete(Ref.of(stored), uid=stored["metadata"]["uid"])
        changed = await kube.apply(_held(service(owner, colour="blue")))
        assert changed["metadata"]["deletionTimestamp"]
        assert changed["metadata"]["labels"]["colour"] == "blue"
        await kube.apply(service(owner))
        assert await kube.get(Ref.of(stored)) is None

    async def test_one_of_another_owner_that_is_being_deleted_is_waited_for(self, kube: Kube, world: World) -> None:
        """As what a deployment of this name has left, that was deleted a moment ago."""
        owner = await world.create(model_deployment(world.namespace))
        other = await world.create(model_deployment(world.namespace, "other"))
        stored = await kube.apply(_held(service(other, "shared")))
        await kube.delete(Ref.of(stored), uid=stored["metadata"]["uid"])
        with pytest.raises(Unavailable, match="being deleted"):
            await kube.apply(service(owner, "shared"))
        await kube.apply(service(other, "shared"))
        assert await kube.get(Ref.of(stored)) is None

    async def test_a_delete_spares_an_object_with_another_uid(self, kube: Kube, world: World) -> None:
        owner = await world.create(model_deployment(world.namespace))
        stored = await kube.apply(service(owner))
        await kube.delete(Ref.of(stored), uid="00000000-0000-4000-8000-000000000000")
        assert await kube.get(Ref.of(stored)) is not None

    async def test_a_delete_is_idempotent(self, kube: Kube, world: World) -> None:
        owner = await world.create(model_deployment(world.namespace))
        stored = await kube.apply(service(owner))
        for _ in range(2):
            await kube.delete(Ref.of(stored), uid=stored["metadata"]["uid"])
        assert await kube.get(Ref.of(stored)) is None

    async def test_a_status_is_replaced_as_a_whole(self, kube: Kube, world: World) -> None:
        owner = await world.create(model_deployment(world.namespace))
        first = await _write(kube, owner, {"observedGeneration": 1, "paused": "because"})
        second = await _write(kube, first, {"observedGeneration": 1})
        assert second["status"] == {"observedGeneration": 1}

    async def test_a_stale_status_is_a_conflict(self, kube: Kube, world: World) -> None:
        owner = await world.create(model_deployment(world.namespace))
        await _write(kube, owner, {"observedGeneration": 1})
        with pytest.raises(Conflict):
            await _write(kube, owner, {"observedGeneration": 2})
        live = await kube.get(Ref.of(owner))
        assert live is not None
        assert live["status"] == {"observedGeneration": 1}

    async def test_a_status_does_not_change_the_generation(self, kube: Kube, world: World) -> None:
        owner = await world.create(model_deployment(world.namespace))
        stored = await _write(kube, owner, {"observedGeneration": 1})
        assert stored["metadata"]["generation"] == owner["metadata"]["generation"]

    async def test_what_does_not_exist_is_none(self, kube: Kube, world: World) -> None:
        assert await kube.get(Ref("v1", "Service", world.namespace, "nothing")) is None

    async def test_a_secret_that_does_not_exist_is_not_found(self, kube: Kube, world: World) -> None:
        with pytest.raises(NotFound):
            await kube.read_secret(world.namespace, "nothing")

    async def test_secrets_differ_by_their_version(self, kube: Kube, world: World) -> None:
        for name in ("first", "second"):
            metadata = {"name": name, "namespace": world.namespace}
            await world.create(
                {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"key": "aHVzaA=="}}
            )
        versions = [await kube.secret_version(world.namespace, name) for name in ("first", "second", "first")]
        assert versions[0] == versions[2] != versions[1]
        with pytest.raises(NotFound):
            await kube.secret_version(world.namespace, "nothing")

    async def test_an_event_is_posted(self, kube: Kube, world: World) -> None:
        owner = await world.create(model_deployment(world.namespace))
        await kube.event(owner, Event("Normal", "Tested", "it works"))


def _held(manifest: dict[str, Any]) -> dict[str, Any]:
    """With a finalizer, so that it is not gone at once when it is deleted."""
    return {**manifest, "metadata": {**manifest["metadata"], "finalizers": ["example.com/held"]}}


async def _write(kube: Kube, body: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
    return await kube.patch_status(Ref.of(body), status, resource_version=body["metadata"]["resourceVersion"])


async def _hold(kube: Kube, body: dict[str, Any], *finalizers: str) -> dict[str, Any]:
    return await kube.patch_finalizers(Ref.of(body), finalizers, resource_version=body["metadata"]["resourceVersion"])
