"""Namespaces with quotas, limits and a policy about labels: models serve there, or say what is missing."""

import asyncio

import pytest

from localcluster import Cluster
from tests.cluster.conftest import WaitUntil
from tests.cluster.rollouts.conftest import Rollout
from tests.support.live.light_models import LightRegistry
from tests.support.live.others import namespace_rules
from tests.support.live.rollout import at_rest, light_spec, tried_at, verdict
from tests.support.live.servers.light_server import Behaviour

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

GOOD = Behaviour()


async def test_a_quota_asks_for_limits_and_has_no_room(
    stack: Cluster, registry: LightRegistry, rollout: Rollout
) -> None:
    """Without limits it is said which; a version that finds no room is not branded, and is tried when there is some."""
    model, churn = await registry.model(GOOD, GOOD), rollout("churn")
    await asyncio.to_thread(namespace_rules.quota, stack, churn.namespace, pods=1)
    spec = light_spec(model.name, "1")
    spec["rollout"] |= {"deadlineSeconds": 25}
    await churn.create(spec)
    stalled = await churn.until_condition("Stalled", "True", "FailedCreate")
    assert "must specify limits.cpu" in stalled.message
    assert "`runtime.resources`" in stalled.message
    await churn.change({"runtime": {"resources": {"limits": {"cpu": "200m", "memory": "256Mi"}}}})
    await churn.until(at_rest("1"))
    await churn.until_condition("Ready", "True")
    await churn.version("2")
    await churn.until(verdict("2", "RolledBack"))
    assert "exceeded quota: tight" in (await churn.entry("2")).reason
    assert await model.verdict("2") is None
    rejected = (await churn.status()).rejected
    assert rejected is not None
    assert rejected.retry_at is not None
    await asyncio.to_thread(namespace_rules.quota, stack, churn.namespace, pods=3)
    await churn.command("retry", rejected.revision)  # that would come by itself, minutes later
    await churn.until(tried_at("2", 50))


async def test_a_limit_range_has_a_maximum(stack: Cluster, registry: LightRegistry, rollout: Rollout) -> None:
    """Fetching the model keeps to the model's own limit, once that is said."""
    model, churn = await registry.model(GOOD), rollout("churn")
    await asyncio.to_thread(namespace_rules.limits, stack, churn.namespace, memory="512Mi")
    spec = light_spec(model.name, "1")
    spec["rollout"] |= {"deadlineSeconds": 25}
    await churn.create(spec)
    stalled = await churn.until_condition("Stalled", "True", "FailedCreate")
    assert "maximum memory usage per Container is 512Mi, but limit is 1Gi" in stalled.message
    assert "`runtime.resources`" in stalled.message
    await churn.change({"runtime": {"resources": {"limits": {"memory": "512Mi"}}}})
    await churn.until(at_rest("1"))
    await churn.until_condition("Ready", "True")


async def test_a_policy_asks_for_a_label(
    stack: Cluster, registry: LightRegistry, rollout: Rollout, wait_until: WaitUntil
) -> None:
    """Labels of the spec reach all children; without them it is said who refuses what."""
    model, churn = await registry.model(GOOD), rollout("churn")
    with namespace_rules.team_label(stack, churn.namespace):
        await asyncio.to_thread(wait_until, lambda: namespace_rules.refuses_services(stack, churn.namespace))
        await churn.create(light_spec(model.name, "1"))
        stalled = await churn.until_condition("Stalled", "True", "Refused")
        assert "every object names its team" in stalled.message
        assert "`runtime.labels`" in stalled.message
        await churn.change({"runtime": {"labels": namespace_rules.TEAM}})
        await churn.until(at_rest("1"))
        await churn.until_condition("Ready", "True")
        for kind in ("Deployment", "Pod", "Service", "ControllerRevision", "HTTPRoute"):
            assert [one["metadata"]["labels"]["team"] for one in await churn.children(kind)], kind
