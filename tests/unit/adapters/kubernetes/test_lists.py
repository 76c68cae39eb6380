"""Lists are read page by page, and Kueue in the version that is served."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio.client import ApiClient, Configuration
from rollmodel.adapters.kubernetes import apiserver
from rollmodel.adapters.kubernetes.apiserver import ApiServer
from rollmodel.adapters.kubernetes.kube import Kubernetes
from rollmodel.errors import Unavailable
from rollmodel.plan.pods.diagnostics import diagnose_mounting

from tests.support.servers.web import Web, serve

Lists = dict[str, list[dict[str, Any]]]

#: Of which the API server's cache gives all, whatever limit is asked for, as it may.
UNLIMITED = {"/api/v1/namespaces/evil/pods"}


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
        limited = request.path not in UNLIMITED or request.query.get("resourceVersion") != "0"
        end = begin + int(request.query["limit"]) if limited else len(items)
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


async def test_many_large_pods_are_read_few_at_a_time_and_little_of_them_is_held(
    kube: Kubernetes, server: Web, lists: Lists
) -> None:
    """Who may create pods writes 300 of 256 KiB with the labels of a model: 75 MiB, were they read at once."""
    padding, labels = "x" * 2**18, {"app": "churn"}
    meta = {"labels": labels, "annotations": {"a": padding}, "managedFields": [{"manager": "x"}]}
    pods = [{"metadata": {"name": str(one), **meta}, "spec": {}, "status": {"phase": "Pending"}} for one in range(300)]
    lists["/api/v1/namespaces/evil/pods"] = pods
    found = await kube.list_pods("evil", labels)
    assert found == [
        {"metadata": {"name": str(one), "labels": labels}, "status": {"phase": "Pending"}} for one in range(300)
    ]
    asked = [(request.query.get("resourceVersion"), request.query["limit"]) for request in server.requests]
    assert asked[:3] == [("0", "500"), (None, "62"), (None, "7")]
    assert len(asked) < 50


async def test_of_a_listed_pod_is_told_which_volume_it_waits_for(kube: Kubernetes, lists: Lists) -> None:
    token = {"serviceAccountToken": {"path": "token"}}
    volumes = [
        {"name": "a", "secret": {"secretName": "login", "items": [{"key": "x", "path": "x"}]}},
        {"name": "b", "projected": {"sources": [token, {"configMap": {"name": "ca", "optional": True}}]}},
        {"name": "c", "persistentVolumeClaim": {"claimName": "disk"}},
    ]
    moment = "2026-01-01T00:00:00Z"
    told = [("PodScheduled", "True"), ("PodReadyToStartContainers", "False")]
    conditions = [{"type": kind, "status": status, "lastTransitionTime": moment} for kind, status in told]
    status = {"phase": "Pending", "conditions": conditions}
    spec = {"containers": [{"name": "model"}], "volumes": volumes}
    lists["/api/v1/namespaces/ml/pods"] = [{"metadata": {"name": "m"}, "spec": spec, "status": status}]
    (pod,) = await kube.list_pods("ml", {})
    (found,) = diagnose_mounting(pod, datetime(2026, 1, 1, 1, tzinfo=UTC))
    assert found.message.endswith("not mounted: is there a Secret login, a PersistentVolumeClaim disk?")


async def test_one_object_that_is_too_large_is_refused(kube: Kubernetes, lists: Lists) -> None:
    lists["/api/v1/namespaces/ml/pods"] = [{"metadata": {"name": "a"}, "status": {"message": "x" * 2**24}}]
    with pytest.raises(Unavailable, match="larger than 8 MiB") as error:
        await kube.list_pods("ml", {})
    assert error.value.reason == "AnswerTooLarge"


async def test_of_routes_of_others_only_their_addresses_are_held(kube: Kubernetes, lists: Lists) -> None:
    matches = [{"path": {"type": "PathPrefix", "value": "/a"}}]
    said = {"type": "Accepted", "status": "True", "message": "x" * 1000, "reason": "Accepted"}
    route = {
        "metadata": {
            "name": "a",
            "namespace": "b",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "annotations": {"x": "y"},
        },
        "spec": {
            "parentRefs": [{"name": "public"}],
            "hostnames": ["a.example"],
            "rules": [{"matches": matches, "filters": []}],
        },
        "status": {"parents": [{"parentRef": {"name": "public"}, "controllerName": "c", "conditions": [said]}]},
    }
    lists["/apis/gateway.networking.k8s.io/v1/httproutes"] = [route, {"metadata": {"name": "bare", "namespace": "b"}}]
    found, bare = await kube.list_other_routes()
    assert found["metadata"] == {"name": "a", "namespace": "b", "creationTimestamp": "2026-01-01T00:00:00Z"}
    assert found["spec"] == {
        "parentRefs": [{"name": "public"}],
        "hostnames": ["a.example"],
        "rules": [{"matches": matches}],
    }
    conditions = [{"type": "Accepted", "status": "True"}]
    assert found["status"] == {"parents": [{"parentRef": {"name": "public"}, "conditions": conditions}]}
    assert bare["spec"] == {"rules": []}
