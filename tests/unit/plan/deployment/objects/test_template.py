"""The pod of a revision, in clusters with quotas, limits, and long requests."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.plan.deployment.objects import revision as revisions
from rollmodel.plan.diff import quantity

from tests.support.simulation.rollouts import DEFAULTS, model, spec


def pod(**changes: Any) -> dict[str, Any]:
    """The pod's spec."""
    template = revisions.wanted("churn", spec(**changes), model("7"), DEFAULTS).template
    found: dict[str, Any] = template["spec"]
    return found


def fetch(limits: dict[str, str] | None) -> dict[str, Any]:
    """The resources of the container that fetches, beside a server with these limits."""
    resources = {"resources": {"limits": limits}} if limits else {}
    found: dict[str, Any] = pod(runtime=resources)["initContainers"][0]["resources"]
    return found


@pytest.mark.parametrize(
    ("limits", "cpu", "memory"),
    [
        (None, None, "1Gi"),
        ({"nvidia.com/gpu": "1"}, None, "1Gi"),
        ({"cpu": "2", "memory": "8Gi"}, "2", "1Gi"),
        ({"memory": "700Mi"}, None, "700Mi"),
        ({"cpu": "50m", "memory": "128Mi"}, "50m", "512Mi"),
    ],
)
def test_what_fetches_keeps_to_quotas_and_limits_as_the_server_does(
    limits: dict[str, str] | None, cpu: str | None, memory: str
) -> None:
    resources = fetch(limits)
    assert (resources["limits"].get("cpu"), resources["limits"]["memory"]) == (cpu, memory)
    for name, most in resources["limits"].items():
        asked, limit = quantity(resources["requests"][name]), quantity(most)
        assert asked is not None
        assert limit is not None
        assert asked <= limit


@pytest.mark.parametrize(("deadline", "seconds"), [(60, 600), (600, 600), (3600, 3600)])
def test_a_server_has_as_long_to_start_as_the_deadline_allows(deadline: int, seconds: int) -> None:
    probe = pod(rollout={"deadlineSeconds": deadline})["containers"][0]["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] == seconds


@pytest.mark.parametrize(("timeout", "grace"), [(None, 75), (30, 75), (600, 615)])
def test_a_pod_that_ends_waits_for_its_longest_request(timeout: int | None, grace: int) -> None:
    traffic = {"parentRefs": [{"name": "public"}], **({"requestTimeoutSeconds": timeout} if timeout else {})}
    assert pod(traffic=traffic)["terminationGracePeriodSeconds"] == grace
