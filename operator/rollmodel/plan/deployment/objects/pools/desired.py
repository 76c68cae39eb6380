"""The InferencePool of a revision, and its endpoint picker: a picker serves one pool, so each revision has its own.

Fields and flags: Gateway API Inference Extension, v1 (https://gateway-api-inference-extension.sigs.k8s.io/reference/spec/).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from rollmodel.api.modeldeployment.inference_pool import EndpointPicker
from rollmodel.plan import naming
from rollmodel.plan.deployment.objects.meta import Owner, metadata
from rollmodel.plan.deployment.objects.pod.ports import http_port
from rollmodel.plan.deployment.objects.pools.live import POOL_API, asked_pool, in_route, picker_is_ready
from rollmodel.plan.deployment.objects.revision import Revision
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.pods.spec import POD_SECURITY, RESTRICTED, pull_secrets

__all__ = ["pool_leftovers", "pool_objects", "pooled"]

_ARGS = ("--pool-name=$(POOL_NAME)", "--pool-namespace=$(POOL_NAMESPACE)")


def pool_objects(rollout: Rollout, revision: Revision) -> Iterator[Manifest]:
    """Picker and pool of a revision, where the spec asks for pools and the cluster has them."""
    pool = asked_pool(rollout.observed)
    if pool is None or not rollout.context.installed:
        return
    owner, picker = rollout.owner, pool.endpoint_picker
    yield _deployment(rollout, revision.id, picker)
    yield _service(owner, revision.id, picker)
    yield _pool(owner, revision.id, picker, http_port(revision))


def pooled(rollout: Rollout) -> frozenset[str]:
    """Revisions that the route should give requests to by their pool.

    From when the picker can choose for the first time, and then whatever becomes of it: a route that changed with every
    start of a picker would never be in force. Until then, and after the pools, it is the Service.
    """
    if asked_pool(rollout.observed) is None or not rollout.context.installed:
        return frozenset()
    ready = {arm.revision for arm in rollout.state.arms() if picker_is_ready(rollout.live, arm.revision)}
    return in_route(rollout.live, rollout.owner.name) | ready


def pool_leftovers(rollout: Rollout, gone: Collection[str]) -> Iterator[Manifest]:
    """Pools and pickers of revisions that are ``gone``; all of them once no route needs them that the spec has left."""
    live = rollout.live
    asked = asked_pool(rollout.observed) is not None and rollout.context.installed
    left = frozenset[str]() if asked or rollout.traffic.weights is None else _not_routed(rollout)
    for group in (live.pools, live.picker_services, live.pickers):
        yield from (child for revision, child in group.items() if revision in gone or revision in left)


def _not_routed(rollout: Rollout) -> frozenset[str]:
    known = {*rollout.live.pools, *rollout.live.picker_services, *rollout.live.pickers}
    return frozenset(known - in_route(rollout.live, rollout.owner.name))


def _pool(owner: Owner, revision: str, picker: EndpointPicker, port: int) -> dict[str, Any]:
    """With every default of its API, so that the live object can be compared exactly."""
    return {
        "apiVersion": POOL_API,
        "kind": "InferencePool",
        "metadata": metadata(owner, naming.child(owner.name, revision), revision=revision),
        "spec": {
            "selector": {"matchLabels": naming.revision_selector(owner.name, revision)},
            "targetPorts": [{"number": port}],
            "endpointPickerRef": {
                "group": "",
                "kind": "Service",
                "name": naming.picker(owner.name, revision),
                "port": {"number": picker.port},
                "failureMode": picker.failure_mode,
            },
        },
    }


def _service(owner: Owner, revision: str, picker: EndpointPicker) -> dict[str, Any]:
    port = {"name": "grpc", "port": picker.port, "targetPort": "grpc", "appProtocol": "http2", "protocol": "TCP"}
    selector = naming.picker_selector(owner.name, revision)
    spec = {"type": "ClusterIP", "selector": selector, "ports": [port]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _metadata(owner, revision), "spec": spec}


def _deployment(rollout: Rollout, revision: str, picker: EndpointPicker) -> dict[str, Any]:
    owner, runtime = rollout.owner, rollout.spec.runtime
    selector = naming.picker_selector(owner.name, revision)
    pod: dict[str, Any] = {
        "serviceAccountName": picker.service_account_name,
        "enableServiceLinks": False,
        "securityContext": dict(POD_SECURITY),
        "containers": [_container(owner, revision, picker)],
    }
    pod |= pull_secrets(runtime)
    labels = {**(runtime.labels or {}), "app.kubernetes.io/name": naming.label_value(owner.name), **selector}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(owner, revision),
        "spec": {
            "replicas": picker.replicas,
            "revisionHistoryLimit": 0,
            "selector": {"matchLabels": selector},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _container(owner: Owner, revision: str, picker: EndpointPicker) -> dict[str, Any]:
    usual = [*_ARGS, f"--grpc-port={picker.port}", f"--grpc-health-port={picker.health_port}"]
    return {
        "name": "picker",
        "image": picker.image,
        "args": usual if picker.args is None else list(picker.args),
        "env": [
            {"name": "POOL_NAME", "value": naming.child(owner.name, revision)},
            {"name": "POOL_NAMESPACE", "value": owner.namespace},
        ],
        "ports": [
            {"name": "grpc", "containerPort": picker.port, "protocol": "TCP"},
            {"name": "health", "containerPort": picker.health_port, "protocol": "TCP"},
        ],
        "readinessProbe": {"grpc": {"port": picker.health_port}, "periodSeconds": 2},
        **({"resources": picker.resources.to_wire()} if picker.resources else {}),
        "securityContext": dict(RESTRICTED),
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _metadata(owner: Owner, revision: str) -> dict[str, Any]:
    meta = metadata(owner, naming.picker(owner.name, revision))
    return {**meta, "labels": {**meta["labels"], **naming.picker_selector(owner.name, revision)}}
