"""A route of another team has the same host and path: it is named, and who has the address is the Gateway's word."""

from typing import Any

import pytest

from tests.cluster.rollouts.conftest import Rollout
from tests.support.eventually import eventually
from tests.support.live.light_models import LightRegistry
from tests.support.live.rollout import LiveRollout, light_spec
from tests.support.live.servers.light_server import Behaviour

pytestmark = pytest.mark.slow


async def _route(of: LiveRollout) -> None:
    """Somebody's route, which has the host of this one."""
    rule = {"backendRefs": [{"name": "theirs", "port": 80}]}
    spec: dict[str, Any] = {"parentRefs": [{"name": "public"}], "hostnames": [of.host], "rules": [rule]}
    await of.make("HTTPRoute", {"metadata": {"name": "theirs"}, "spec": spec})


def _spec(of: LiveRollout, model: str) -> dict[str, Any]:
    """It publishes all paths, so that it has the same address as their route: a longer path would be another one."""
    traffic = {"parentRefs": [{"name": "public"}], "hostnames": [of.host], "paths": ["/"]}
    return light_spec(model, "1", traffic=traffic)


async def _accepted(of: LiveRollout) -> bool:
    (route,) = [one for one in await of.list("HTTPRoute") if one["metadata"]["name"] == "theirs"]
    parents = route.get("status", {}).get("parents", [])
    return any(one["type"] == "Accepted" and one["status"] == "True" for p in parents for one in p["conditions"])


async def test_an_older_route_of_others_is_named_until_it_is_gone(registry: LightRegistry, rollout: Rollout) -> None:
    """Asked for with the rights that we ship; the list is read again each minute while the route is in the way."""
    model, churn = await registry.model(Behaviour()), rollout("churn")
    await _route(churn)
    await eventually(lambda: _accepted(churn), bool, "the Gateway has accepted their route")
    await churn.create(_spec(churn, model.name), routed=False)
    condition = await churn.until_condition("TrafficProgrammed", "False", "AddressTaken")
    assert f"HTTPRoute {churn.namespace}/theirs" in condition.message
    assert churn.host in condition.message
    await churn.delete("HTTPRoute", "theirs")
    await churn.until_condition("TrafficProgrammed", "True")
    await churn.until_condition("Ready", "True")


async def test_a_younger_route_of_others_takes_nothing(registry: LightRegistry, rollout: Rollout) -> None:
    model, churn = await registry.model(Behaviour()), rollout("churn")
    await churn.create(_spec(churn, model.name), routed=False)
    await churn.until_condition("Ready", "True")
    await _route(churn)
    await eventually(lambda: _accepted(churn), bool, "the Gateway has accepted their route")
    await churn.change({"scale": {"replicas": 2}})
    await churn.until(lambda status: status.stable is not None and status.stable.ready_replicas == 2)
    await churn.until_condition("TrafficProgrammed", "True")
