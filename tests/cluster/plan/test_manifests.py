"""What we build is what the API server stores: applied once, nothing differs and nothing is refused."""

import json
from typing import Any

import pytest
from rollmodel.api.modeldeployment import Runtime, RuntimePreset, Traffic
from rollmodel.plan.deployment.objects import revision as revisions
from rollmodel.plan.deployment.objects.meta import Owner
from rollmodel.plan.deployment.objects.traffic.services import main_service, revision_service
from rollmodel.plan.deployment.objects.workload import deployment
from rollmodel.plan.deployment.routers.http_route import http_route
from rollmodel.plan.diff import matches

from localcluster import Cluster
from tests.support.simulation.rollouts import DEFAULTS, model, spec

pytestmark = pytest.mark.cluster

RESOURCES = {"requests": {"cpu": "0.5", "memory": "1024Mi"}, "limits": {"memory": "2G"}}


def stored(cluster: Cluster, namespace: str, *manifests: dict[str, Any]) -> list[dict[str, Any]]:
    """The objects as the API server keeps them after a server-side apply."""
    command = ("apply", "--server-side", "--field-manager", "rollmodel", "-n", namespace, "-f", "-", "-o", "json")
    written = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    live = json.loads(cluster.kubectl(*command, stdin=written))
    found: list[dict[str, Any]] = live["items"] if live["kind"] == "List" else [live]
    return found


@pytest.mark.parametrize("preset", list(RuntimePreset))
def test_children_are_stored_as_built(cluster: Cluster, namespace: str, preset: RuntimePreset) -> None:
    runtime = {
        "preset": preset,
        "image": "example.com/server:1",
        "resources": RESOURCES,
        "env": [{"name": "A", "value": "1"}],
    }
    owner = Owner(namespace, "churn", "9a5e4ae2-0000-4000-8000-000000000000")
    wanted = revisions.wanted("churn", spec(runtime=runtime), model(), DEFAULTS)
    built = [
        revisions.record(owner, wanted, 1),
        deployment(owner, wanted.id, wanted.template, replicas=0, deadline_seconds=60, model_name="churn"),
        revision_service(owner, wanted.id),
        main_service(owner, wanted.id),
        main_service(owner, None),
    ]
    for manifest, live in zip(built, stored(cluster, namespace, *built), strict=True):
        assert matches(manifest, live)


@pytest.mark.parametrize("preset", list(RuntimePreset))
def test_pods_pass_restricted_pod_security(cluster: Cluster, namespace: str, preset: RuntimePreset) -> None:
    runtime = Runtime(preset=preset, image="example.com/server:1")
    wanted = revisions.wanted("churn", spec(runtime=runtime), model(), DEFAULTS)
    pod = {"apiVersion": "v1", "kind": "Pod", **wanted.template}
    pod["metadata"] = {**pod["metadata"], "name": "pod"}
    answer = cluster.kubectl("create", "--dry-run=server", "-n", namespace, "-f", "-", stdin=json.dumps(pod))
    assert "created (server dry run)" in answer


def test_a_route_is_stored_as_built(cluster: Cluster, namespace: str) -> None:
    cluster.ensure("gateway")
    owner = Owner(namespace, "churn", "9a5e4ae2-0000-4000-8000-000000000000")
    traffic = Traffic.model_validate(
        {
            "parentRefs": [{"name": "public", "sectionName": "http"}],
            "hostnames": ["a.example.com"],
            "requestTimeoutSeconds": 9,
        }
    )
    paths = ["/invocations", "/ping"]
    first = http_route(owner, traffic, paths, {"bbbbbbbb": 95, "cccccccc": 5})
    assert matches(first, *stored(cluster, namespace, first))
    second = http_route(owner, traffic.model_copy(update={"hostnames": None}), paths, {"bbbbbbbb": 100})
    assert matches(second, *stored(cluster, namespace, second))
    assert not matches(first, *stored(cluster, namespace, second))
    mirrored = http_route(owner, traffic, paths, {"bbbbbbbb": 100}, {"cccccccc": 20})
    assert matches(mirrored, *stored(cluster, namespace, mirrored))
