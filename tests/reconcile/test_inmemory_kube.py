"""The Kubernetes API in memory keeps the promises that the real one keeps."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.errors import Unavailable
from rollmodel.plan.decision import Ref

from tests.support.contracts.kube import KubeContract, World, model_deployment, service
from tests.support.inmemory.kube import InMemoryKube


@pytest.fixture
def kube() -> InMemoryKube:
    return InMemoryKube()


@pytest.fixture
def world(kube: InMemoryKube) -> World:
    async def create(manifest: dict[str, Any]) -> dict[str, Any]:
        return kube.create(manifest)

    return World("default", create)


class TestInMemoryKube(KubeContract):
    """The same promises."""


async def test_children_go_with_their_owner(kube: InMemoryKube) -> None:
    owner = kube.create(model_deployment("default"))
    await kube.apply(service(owner))
    kube.remove(Ref.of(owner))
    assert not kube.objects


async def test_a_finalizer_holds_an_object(kube: InMemoryKube) -> None:
    manifest = model_deployment("default")
    manifest["metadata"]["finalizers"] = ["rollmodel.dev/finalizer"]
    ref = Ref.of(kube.create(manifest))
    kube.remove(ref)
    assert kube.objects[ref]["metadata"]["deletionTimestamp"]
    kube.edit(ref, lambda obj: obj["metadata"].update(finalizers=[]))
    assert ref not in kube.objects


async def test_what_another_object_of_the_same_name_left_is_waited_for(kube: InMemoryKube) -> None:
    first = kube.create(model_deployment("default"))
    manifest = service(first)
    manifest["metadata"]["finalizers"] = ["example.com/one"]
    left = kube.create(manifest)
    kube.remove(Ref.of(first))
    second = kube.create(model_deployment("default"))
    with pytest.raises(Unavailable):
        await kube.apply(service(second))
    kube.edit(Ref.of(left), lambda obj: obj["metadata"].update(finalizers=[]))
    await kube.apply(service(second))
