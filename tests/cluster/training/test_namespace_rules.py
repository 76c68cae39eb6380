"""Namespaces with quotas, limits and a policy about labels: runs train there, or say what is missing."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from localcluster import Cluster
from tests.cluster.conftest import WaitUntil
from tests.cluster.training.conftest import Training
from tests.support.live.others import namespace_rules
from tests.support.live.training import training_spec

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def _template(**more: Any) -> dict[str, Any]:
    return {**training_spec()["template"], **more}


async def test_a_quota_asks_for_limits(cluster: Cluster, training: Training) -> None:
    """It says which, and the next run, which has them, trains; one that found no room goes on when there is some."""
    first, second, third = (training(name) for name in ("first", "second", "third"))
    await asyncio.to_thread(namespace_rules.quota, cluster, first.namespace, pods=0)
    await first.create()
    message = await first.until_condition("Stalled", "True", "FailedCreate")
    assert "must specify limits.cpu" in message
    assert "`template.resources`" in message
    limits = {"resources": {"limits": {"cpu": "200m", "memory": "256Mi"}}}
    await second.create(template=_template(**limits))
    assert "exceeded quota: tight" in await second.until_condition("Stalled", "True", "FailedCreate")
    await asyncio.to_thread(namespace_rules.quota, cluster, first.namespace, pods=2)
    assert await second.outcome() == ("True", "Completed")
    await third.create(template=_template(**limits), dataValidation={"command": ["true"], **limits})
    assert await third.outcome() == ("True", "Completed")


async def test_a_limit_range_has_a_maximum(cluster: Cluster, training: Training) -> None:
    """What does not say gets the maximum, and more is refused in words."""
    good, large = training("good"), training("large")
    await asyncio.to_thread(namespace_rules.limits, cluster, good.namespace, memory="512Mi")
    await good.create()
    await large.create(template=_template(resources={"limits": {"memory": "2Gi"}}))
    assert await good.outcome() == ("True", "Completed")
    message = await large.until_condition("Stalled", "True", "FailedCreate")
    assert "maximum memory usage per Container is 512Mi, but limit is 2Gi" in message
    assert "`template.resources`" in message


async def test_a_policy_asks_for_a_label(
    cluster: Cluster, training: Training, wait_until: WaitUntil, tmp_path: Path
) -> None:
    """Labels of the template reach Job, pods and Service; without them it is said who refuses what."""
    nameless, churn = training("nameless"), training("churn")
    with namespace_rules.team_label(cluster, churn.namespace):
        await asyncio.to_thread(wait_until, lambda: namespace_rules.refuses_services(cluster, churn.namespace))
        await nameless.create()
        message = await nameless.until_condition("Stalled", "True", "Refused")
        assert "every object names its team" in message
        assert "`template.labels`" in message
        go = tmp_path / "go"
        await churn.create(told={"hold": str(go)}, template=_template(labels=namespace_rules.TEAM), nodes=2)
        await churn.until_running()
        [service] = await churn.list("Service", "team")
        job = await churn.job()
        pods = [pod["metadata"]["labels"]["team"] for pod in await churn.pods()]
        assert [service["metadata"]["labels"]["team"], job["metadata"]["labels"]["team"], *pods] == ["churn"] * 4
        go.touch()
        assert await churn.outcome() == ("True", "Completed")
