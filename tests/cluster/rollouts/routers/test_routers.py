"""Other routers than a route of ours, and a model that is asleep, on a real control plane with a real gateway."""

from __future__ import annotations

from typing import Any

import pytest

from localcluster import Cluster
from tests.cluster.rollouts.conftest import Rollout, Send
from tests.support.eventually import eventually
from tests.support.live.asleep import Caller
from tests.support.live.light_models import LightRegistry
from tests.support.live.rollout import LiveRollout, at_rest, light_spec, tried_at, verdict
from tests.support.live.servers.light_server import Behaviour

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

GOOD, BAD = Behaviour(), Behaviour(errors=0.5)
BY_HAND = {"steps": [{"weight": 50}, {"pause": "Manual"}], "warmUpSeconds": 0, "drainSeconds": 1}


def plain(name: str) -> list[dict[str, Any]]:
    return [{"group": "", "kind": "Service", "name": name, "port": 80, "weight": 1}]


async def backends(churn: LiveRollout) -> list[dict[str, Any]]:
    route = await churn.get("HTTPRoute", "site")
    assert route is not None
    found: list[dict[str, Any]] = route["spec"]["rules"][0]["backendRefs"]
    return found


async def test_a_rule_of_somebodys_own_route(registry: LightRegistry, rollout: Rollout, send: Send) -> None:
    """Promoted, written back by somebody, rolled back, deleted in a rollout: no request fails, the rule is theirs."""
    model, churn = await registry.model(GOOD, GOOD, BAD), rollout("churn")
    rule = {"name": "model", "backendRefs": plain("churn")}
    spec = {"parentRefs": [{"name": "public"}], "hostnames": [churn.host], "rules": [rule]}
    meta = {"name": "site", "labels": {"rollmodel.dev/managed-by": "rollmodel"}}
    await churn.make("HTTPRoute", {"metadata": meta, "spec": spec})
    asked = light_spec(model.name, "1", rollout=BY_HAND, traffic={"routeRef": {"name": "site", "rule": "model"}})
    await churn.create(asked, routed=False)
    await churn.until(at_rest("1"))
    assert await backends(churn) == plain("churn")
    traffic = await send(churn)
    await churn.version("2")
    await churn.until(tried_at("2", 50))
    await churn.patch("HTTPRoute", "site", {"spec": {"rules": [rule]}})  # GitOps
    await churn.until(lambda now: now.routed_rule is not None and now.routed_rule.repairs == 1)
    await churn.until(tried_at("2", 50))
    await churn.command("promote")
    await churn.until(at_rest("2"))
    await eventually(lambda: backends(churn), lambda found: found == plain("churn"), "the rule is its owner's again")
    assert set(traffic.codes) == {"200"}
    await churn.version("3")
    await churn.until(verdict("3", "RolledBack"))
    await churn.until(at_rest("2"))
    await churn.version("1")
    await churn.until(tried_at("1", 50))
    assert len(await backends(churn)) == 2
    await churn.delete()
    await churn.until_absent()
    assert await backends(churn) == plain("churn")


async def test_a_model_that_is_asleep_has_a_holding_page(
    stack: Cluster, registry: LightRegistry, rollout: Rollout
) -> None:
    """From one prediction over the page to the next each answer is one of both; prints how long the cold start took."""
    model, churn = await registry.model(GOOD), rollout("churn")
    page = {"holdingPage": {"retryAfterSeconds": 7}}
    await churn.create(light_spec(model.name, "1", rollout=BY_HAND, scale={"replicas": 1, **page}))
    await churn.until(at_rest("1"))
    caller = Caller(stack.gateway_url, churn, 7)
    await caller.until_served()
    await churn.change({"scale": {"replicas": 0}})
    print(f"to zero: {await caller.until_asleep():.1f} s")
    await churn.change({"scale": {"replicas": 1}})
    print(f"cold start: {await caller.until_awake():.1f} s")
