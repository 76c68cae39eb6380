"""The requests that ports.Kube makes, in the API server's own words."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration
from rollmodel.adapters.kubernetes.apiserver import ApiServer
from rollmodel.adapters.kubernetes.kube import Kubernetes
from rollmodel.plan.decision import Ref

from tests.support.servers.web import serve


async def test_a_delete_carries_the_uid_and_leaves_dependents_to_the_garbage_collector() -> None:
    """``Orphan``, ``Background`` and ``Foreground`` are all that the API server knows (DeleteOptions)."""
    asked: list[tuple[str, str, Any]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.method, request.path, await request.json()))
        return web.json_response({})

    async with serve(answer) as server:
        api = ApiServer(ApiClient(Configuration(host=server.url)), timeout=5)
        await Kubernetes(api, wake=lambda uid: None).delete(Ref("v1", "Service", "ml", "churn"), uid="one")
        await api.close()
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
    assert asked == [("DELETE", "/api/v1/namespaces/ml/services/churn", {**options, "preconditions": {"uid": "one"}})]


async def test_finalizers_are_replaced_of_the_very_version_that_was_read() -> None:
    asked: list[tuple[str, str, str | None, Any]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.method, request.path, request.headers.get("Content-Type"), await request.json()))
        return web.json_response({"metadata": {"finalizers": ["a"]}})

    async with serve(answer) as server:
        api = ApiServer(ApiClient(Configuration(host=server.url)), timeout=5)
        ref = Ref("rollmodel.dev/v1alpha1", "TrainingJob", "ml", "churn")
        stored = await Kubernetes(api, wake=lambda uid: None).patch_finalizers(ref, ("a",), resource_version="7")
        await api.close()
    patch = [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"},
        {"op": "add", "path": "/metadata/finalizers", "value": ["a"]},
    ]
    path = "/apis/rollmodel.dev/v1alpha1/namespaces/ml/trainingjobs/churn"
    assert asked == [("PATCH", path, "application/json-patch+json", patch)]
    assert stored == {"metadata": {"finalizers": ["a"]}}


async def test_an_empty_list_of_metadata_has_null_for_items() -> None:
    """As the API server writes a PartialObjectMetadataList without objects: on an empty cluster the operator starts."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response({"kind": "PartialObjectMetadataList", "metadata": {}, "items": None})

    async with serve(answer) as server:
        api = ApiServer(ApiClient(Configuration(host=server.url)), timeout=5)
        await Kubernetes(api, wake=lambda uid: None)._adopt_all()
        await api.close()
    owners = ("modeldeployments", "trainingjobs", "driftpolicies")
    assert asked == [f"/apis/rollmodel.dev/v1alpha1/{plural}" for plural in owners], "all that have children"
