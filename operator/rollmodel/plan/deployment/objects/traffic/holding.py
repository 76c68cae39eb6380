"""The holding page of a model that is asleep: one small pod that answers 503 and ``Retry-After`` in its place.

The main Service selects it, so it works with every router of HTTP: routes lead to the main Service meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rollmodel.plan import naming
from rollmodel.plan.deployment.objects.meta import metadata
from rollmodel.plan.deployment.rollout import Rollout
from rollmodel.plan.manifest import Manifest
from rollmodel.plan.pods.spec import POD_SECURITY, RESTRICTED, pull_secrets

__all__ = ["holding_leftovers", "holding_objects", "holds"]

_CONTAINER, _PORT = "hold", 8080
_UNLIST_SECONDS = 10


def holding_objects(rollout: Rollout) -> Iterator[Manifest]:
    """The Deployment of the page, while somebody sleeps, and until the traffic has left it again."""
    page = rollout.spec.scale.holding_page
    if page is not None and _is_needed(rollout):
        yield _deployment(rollout, page.retry_after_seconds)


def holding_leftovers(rollout: Rollout) -> Iterator[Manifest]:
    """The page that is there and has done its work."""
    if rollout.live.holding is not None and not list(holding_objects(rollout)):
        yield rollout.live.holding


def holds(rollout: Rollout) -> bool:
    """Whether the page answers now: it can, and no revision should get requests, or none that should can."""
    page = rollout.live.holding
    ready = int((page or {}).get("status", {}).get("readyReplicas") or 0)
    return ready > 0 and (rollout.full_size == 0 or _sleeps(rollout)) and bool(list(holding_objects(rollout)))


def _is_needed(rollout: Rollout) -> bool:
    if rollout.stable is None:
        return False
    if rollout.full_size == 0 or rollout.live.holding is None:
        return rollout.full_size == 0
    weights = rollout.traffic.weights
    return _sleeps(rollout) or weights is None or not weights.get(rollout.stable.revision)


def _sleeps(rollout: Rollout) -> bool:
    return not any(rollout.live.ready(arm.revision) for arm in rollout.state.arms())


def _deployment(rollout: Rollout, retry_after: int) -> dict[str, Any]:
    owner, runtime = rollout.owner, rollout.spec.runtime
    selector = naming.holding_selector(owner.name)
    security = {**POD_SECURITY, **(runtime.security_context.to_wire() if runtime.security_context else {})}
    pod: dict[str, Any] = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _UNLIST_SECONDS + 5,
        "securityContext": security,
        "containers": [_container(rollout.observed.defaults.operator_image, retry_after)],
    }
    pod |= pull_secrets(runtime)
    labels = {**(runtime.labels or {}), "app.kubernetes.io/name": naming.label_value(owner.name), **selector}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(owner, naming.holding(owner.name)),
        "spec": {
            "replicas": 1,
            "revisionHistoryLimit": 0,
            "selector": {"matchLabels": selector},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _container(image: str, retry_after: int) -> dict[str, Any]:
    return {
        "name": _CONTAINER,
        "image": image,
        "command": ["rollmodel"],
        "args": ["hold", "--port", str(_PORT), "--retry-after", str(retry_after)],
        "ports": [{"name": "http", "containerPort": _PORT, "protocol": "TCP"}],
        "readinessProbe": {"tcpSocket": {"port": "http"}, "periodSeconds": 1},
        "lifecycle": {"preStop": {"sleep": {"seconds": _UNLIST_SECONDS}}},
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": {**RESTRICTED, "readOnlyRootFilesystem": True},
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
