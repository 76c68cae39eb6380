"""The real adapter keeps the promises of its port, on a real API server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from rollmodel.adapters.kubernetes.apiserver import MERGE_PATCH, ApiServer
from rollmodel.adapters.kubernetes.kinds import resource_of
from rollmodel.adapters.kubernetes.kube import Kubernetes
from rollmodel.errors import Conflict, Forbidden, Invalid
from rollmodel.plan.decision import Event, Ref

from localcluster import Cluster
from tests.support.contracts.kube import KubeContract, World, model_deployment, service
from tests.support.eventually import PATIENCE_SECONDS

pytestmark = pytest.mark.cluster


@pytest.fixture
def woken() -> list[str]:
    """UIDs of owners that were woken."""
    return []


@pytest.fixture
async def kube(api: ApiServer, woken: list[str]) -> AsyncIterator[Kubernetes]:
    adapter = Kubernetes(api, wake=woken.append)
    running = asyncio.create_task(adapter.run())
    await adapter.listed()
    yield adapter
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
def world(api: ApiServer, namespace: str) -> World:
    async def create(manifest: dict[str, Any]) -> dict[str, Any]:
        path = resource_of(manifest["apiVersion"], manifest["kind"]).path(namespace)
        return await api.request("POST", path, body=manifest)

    return World(namespace, create)


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], Awaitable[None]]:
    """Wait for a condition on the event loop."""

    async def wait(condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():  # noqa: ASYNC110 - what we wait for is on the other side of a socket
                await asyncio.sleep(0.02)

    return wait


Eventually = Callable[[Callable[[], Any]], Awaitable[None]]


class TestKubernetes(KubeContract):
    """The same promises."""


async def label(api: ApiServer, obj: dict[str, Any], **labels: str | None) -> None:
    """Change labels, as a person with kubectl would."""
    path = resource_of(obj["apiVersion"], obj["kind"]).path(obj["metadata"]["namespace"], obj["metadata"]["name"])
    await api.request("PATCH", path, body={"metadata": {"labels": labels}}, content_type=MERGE_PATCH)


async def test_an_edit_by_hand_wakes_the_owner(
    api: ApiServer, kube: Kubernetes, world: World, woken: list[str], eventually: Eventually
) -> None:
    owner = await world.create(model_deployment(world.namespace))
    uid = owner["metadata"]["uid"]
    child = await kube.apply(service(owner))
    await label(api, child, edited="yes")
    await eventually(lambda: kube.children(owner)[0]["metadata"]["labels"].get("edited"))
    assert uid in woken


async def test_a_child_that_lost_its_label_is_found_again(
    api: ApiServer, kube: Kubernetes, world: World, eventually: Eventually
) -> None:
    owner = await world.create(model_deployment(world.namespace))
    child = await kube.apply(service(owner))
    await label(api, child, **{"rollmodel.dev/managed-by": None})
    await eventually(lambda: not kube.children(owner))
    restored = await kube.apply(service(owner))
    assert restored["metadata"]["uid"] == child["metadata"]["uid"]
    assert kube.children(owner)


async def test_a_child_that_is_deleted_is_forgotten(
    kube: Kubernetes, world: World, woken: list[str], eventually: Eventually
) -> None:
    owner = await world.create(model_deployment(world.namespace))
    uid = owner["metadata"]["uid"]
    child = await kube.apply(service(owner))
    await kube.delete(Ref.of(child), uid=child["metadata"]["uid"])
    await eventually(lambda: not kube.children(owner))
    assert uid in woken


async def test_what_the_cache_does_not_know_yet_is_not_created_twice(
    api: ApiServer, kube: Kubernetes, world: World
) -> None:
    """Another operator created it a moment ago."""
    owner = await world.create(model_deployment(world.namespace))
    other = Kubernetes(api, wake=lambda uid: None)
    first = await other.apply(service(owner))
    again = await kube.apply(service(owner))
    assert again["metadata"]["uid"] == first["metadata"]["uid"]


async def test_an_object_that_was_deleted_and_made_anew_is_a_conflict(
    api: ApiServer, kube: Kubernetes, world: World
) -> None:
    owner = await world.create(model_deployment(world.namespace))
    blind = Kubernetes(api, wake=lambda uid: None)  # its cache is never refreshed
    stale = await blind.apply(service(owner))
    await kube.delete(Ref.of(stale), uid=stale["metadata"]["uid"])
    with pytest.raises(Conflict):
        await blind.apply(service(owner))


async def test_the_servers_own_words_explain_a_refusal(kube: Kubernetes, world: World) -> None:
    owner = await world.create(model_deployment(world.namespace))
    wrong = service(owner)
    wrong["spec"]["ports"] = [{"name": "http", "port": 99999}]
    with pytest.raises(Invalid, match="must be between 1 and 65535"):
        await kube.apply(wrong)


async def test_what_the_role_does_not_grant_is_forbidden(cluster: Cluster, crds: Path, namespace: str) -> None:
    nobody = await ApiServer.connect(str(cluster.kubeconfig_for("nobody")))
    try:
        with pytest.raises(Forbidden, match="cannot get resource"):
            await Kubernetes(nobody, wake=lambda uid: None).read_secret(namespace, "mlflow")
    finally:
        await nobody.close()


async def test_nothing_of_a_secret_comes_with_its_version(
    api: ApiServer, kube: Kubernetes, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kubectl apply keeps the content in an annotation, so that the metadata alone would have it, too."""
    kept = {"kubectl.kubernetes.io/last-applied-configuration": '{"data": {"key": "aHVzaA=="}}'}
    metadata = {"name": "login", "namespace": world.namespace, "annotations": kept, "labels": {"aHVzaA": "aHVzaA"}}
    secret = await world.create(
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"key": "aHVzaA=="}}
    )
    answers: list[dict[str, Any]] = []
    ask = api.request

    async def overheard(*arguments: Any, **options: Any) -> dict[str, Any]:
        answers.append(await ask(*arguments, **options))
        return answers[-1]

    monkeypatch.setattr(api, "request", overheard)
    assert await kube.secret_version(world.namespace, "login") == secret["metadata"]["resourceVersion"]
    (answer,) = answers
    assert answer["kind"] == "Table"
    assert "aHVzaA" not in str(answer)
    changed = {"stringData": {"key": "loud"}}
    path = resource_of("v1", "Secret").path(world.namespace, "login")
    written = await ask("PATCH", path, body=changed, content_type=MERGE_PATCH)
    assert await kube.secret_version(world.namespace, "login") == written["metadata"]["resourceVersion"]
    assert written["metadata"]["resourceVersion"] != secret["metadata"]["resourceVersion"]


async def test_a_repeated_event_is_counted(api: ApiServer, kube: Kubernetes, world: World) -> None:
    owner = await world.create(model_deployment(world.namespace))
    for _ in range(3):
        await kube.event(owner, Event("Warning", "Tested", "again and again"))
    answer = await api.request("GET", resource_of("v1", "Event").path(world.namespace))
    assert [(event["reason"], event["count"]) for event in answer["items"]] == [("Tested", 3)]


async def test_whether_routes_can_be_made_is_known(api: ApiServer, kube: Kubernetes) -> None:
    """The Gateway API is an add-on."""
    groups = await api.request("GET", "/apis")
    served = "gateway.networking.k8s.io" in {group["name"] for group in groups["groups"]}
    assert kube.gateway_available is served


async def test_to_apply_again_what_a_policy_changes_changes_nothing(
    api: ApiServer, kube: Kubernetes, world: World, eventually: Eventually
) -> None:
    """What an operator relies on after a restart: one apply tells it what the API server keeps."""
    owner = await world.create(model_deployment(world.namespace))
    here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": world.namespace}}}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["services"], "operations": ["CREATE", "UPDATE"]}
    patch = '[JSONPatch{op: "replace", path: "/spec/selector/app", value: "theirs"}]'
    specs = {
        "mutatingadmissionpolicies": {
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "matchConstraints": {"resourceRules": [rule]},
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": patch}}],
        },
        "mutatingadmissionpolicybindings": {"policyName": world.namespace, "matchResources": here},
    }
    path = "/apis/admissionregistration.k8s.io/v1"
    for plural, spec in specs.items():
        await api.request("POST", f"{path}/{plural}", body={"metadata": {"name": world.namespace}, "spec": spec})
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            number = 0
            while (first := await kube.apply(service(owner, f"probe-{number}")))["spec"]["selector"]["app"] != "theirs":
                number += 1
        again = await kube.apply(service(owner, f"probe-{number}"))
        assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    finally:
        for plural in specs:
            await api.request("DELETE", f"{path}/{plural}/{world.namespace}")
