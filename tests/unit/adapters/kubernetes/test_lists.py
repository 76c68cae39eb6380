"""Lists are read page by page, and Kueue in the version that is served."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration
from rollmodel.adapters.kubernetes import apiserver
from rollmodel.adapters.kubernetes.apiserver import ApiServer
from rollmodel.adapters.kubernetes.kube import Kubernetes

from tests.support.servers.web import Web, serve

Lists = dict[str, list[dict[str, Any]]]


@pytest.fixture
def lists() -> Lists:
    """What is there, by path."""
    return {}


@pytest.fixture
async def server(lists: Lists) -> AsyncIterator[Web]:
    async def answer(request: web.Request) -> web.Response:
        if request.path not in lists:
            return web.json_response({"message": "not found"}, status=404)
        items, begin = lists[request.path], int(request.query.get("continue", "0"))
        end = begin + int(request.query["limit"])
        more = {"continue": str(end)} if end < len(items) else {}
        return web.json_response({"metadata": more, "items": items[begin:end]})

    async with serve(answer) as running:
        yield running


@pytest.fixture
async def kube(server: Web) -> AsyncIterator[Kubernetes]:
    api = ApiServer(ApiClient(Configuration(host=server.url)), timeout=5)
    yield Kubernetes(api, wake=lambda uid: None)
    await api.close()


def objects(count: int) -> list[dict[str, Any]]:
    return [{"metadata": {"name": str(number)}} for number in range(count)]


async def test_pods_are_read_page_by_page(kube: Kubernetes, server: Web, lists: Lists) -> None:
    lists["/api/v1/namespaces/ml/pods"] = objects(1100)
    assert await kube.list_pods("ml", {"app": "churn"}) == objects(1100)
    asked = [dict(request.query) for request in server.requests]
    assert [one.get("resourceVersion") for one in asked] == ["0", None, None]
    assert {one["labelSelector"] for one in asked} == {"app=churn"}


async def test_policies_are_read_as_they_are_now(kube: Kubernetes, server: Web, lists: Lists) -> None:
    """What the API server's cache has may be older than a claim that another policy has written."""
    lists["/apis/rollmodel.dev/v1alpha1/namespaces/ml/driftpolicies"] = objects(700)
    assert await kube.list_drift_policies("ml") == objects(700)
    assert [request.query.get("resourceVersion") for request in server.requests] == [None, None]


async def test_a_list_without_an_end_is_not_read_to_it(
    kube: Kubernetes, lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apiserver, "MOST_ITEMS", 1000)
    lists["/api/v1/namespaces/ml/pods"] = objects(9000)
    assert len(await kube.list_pods("ml", {})) == 1000


@pytest.mark.parametrize("version", ["v1beta2", "v1beta1"])
async def test_workloads_in_the_version_that_is_served(
    kube: Kubernetes, server: Web, lists: Lists, version: str
) -> None:
    lists[f"/apis/kueue.x-k8s.io/{version}/namespaces/ml/workloads"] = objects(2)
    assert await kube.list_workloads("ml") == objects(2)
    asked = len(server.requests)
    assert await kube.list_workloads("ml") == objects(2)  # every run of the namespace shares the list
    assert len(server.requests) == asked


async def test_without_kueue_there_are_no_workloads(kube: Kubernetes) -> None:
    assert await kube.list_workloads("ml") is None


async def test_why_a_job_has_no_pods(kube: Kubernetes, server: Web, lists: Lists) -> None:
    lists["/api/v1/namespaces/ml/events"] = [
        {"message": "old", "lastTimestamp": "2026-01-01T00:00:00Z"},
        {"message": "new", "eventTime": "2026-01-01T00:01:00.000000Z", "lastTimestamp": None},
    ]
    assert await kube.list_refusals("ml", "uid-1") == ["new", "old"]
    assert server.requests[0].query["fieldSelector"] == "involvedObject.uid=uid-1,reason=FailedCreate"


async def test_a_role_without_events_says_nothing(kube: Kubernetes, server: Web) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.json_response({"message": "no"}, status=403)

    server.answer = refuse
    assert await kube.list_refusals("ml", "uid-1") == ()


async def test_an_empty_list_may_be_null(kube: Kubernetes, server: Web) -> None:
    """As Go writes a list that was never filled."""

    async def nothing(request: web.Request) -> web.Response:
        return web.json_response({"metadata": {}, "items": None})

    server.answer = nothing
    assert await kube.list_pods("ml", {}) == []
    await kube._adopt_all()
