"""A rollout as Grafana and Prometheus' alerts see it: a server of their own scrapes the pods and the operator."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from localcluster import Cluster
from tests.cluster.rollouts.conftest import Rollout, Send
from tests.cluster.rollouts.watcher import Watcher, watching_prometheus
from tests.support.eventually import eventually
from tests.support.live.drift import COMMAND, POLICY, TEMPLATE, begin_drift, clean_up, drifting_model, policy_says
from tests.support.live.light_models import LightRegistry
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.rollout import LiveRollout, at_rest, light_spec, together, verdict
from tests.support.live.servers.light_server import Behaviour

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

#: What a rollback and drift raise, or will if they last.
EXPECTED = {"RollmodelModelStalled", "RollmodelRolledBack", "RollmodelDrifted"}
#: The light server of tests has no such metric.
OF_OUR_SERVER = "rollmodel_server_model_info"


async def _story(one: LiveRollout, send: Send, model: str) -> None:
    """The first version, one that is promoted, and one that is rolled back."""
    await one.create(light_spec(model, "1"))
    await one.until(at_rest("1"))
    await send(one)
    await one.version("2")
    await one.until(verdict("2", "Promoted"))
    await one.until(at_rest("2"))
    await one.version("3")
    await one.until(verdict("3", "RolledBack"))


async def _nobody(one: LiveRollout, model: str) -> None:
    """An object whose alias nobody has set: MLflow's answer is an error that is counted."""
    await one.create(light_spec(model, alias="nobody"), routed=False)
    await one.until_condition("ModelResolved", "False")


async def _drifts(cluster: Cluster, one: LiveRollout, model: str) -> None:
    """A model that is asked other things than it was trained on; the alarm starts a training, which ends well.

    The policy is called as the model of the other story, since that is the name that is looked at.
    """
    await one.create(light_spec(model, "1", runtime={"command": COMMAND}))
    await one.until(at_rest("1"))
    schedule = {"template": TEMPLATE["template"], "schedule": {"cron": "* * * * *"}}
    await one.make("TrainingJob", {"metadata": {"name": "train"}, "spec": TEMPLATE})
    await one.make("TrainingJob", {"metadata": {"name": "nightly"}, "spec": schedule})
    watch = {**POLICY, "modelDeploymentRef": {"name": one.name}}
    await one.make("DriftPolicy", {"metadata": {"name": "watched"}, "spec": watch})
    await policy_says(one, {"Stable"}, "watched")
    await begin_drift(cluster.gateway_url, one)
    await policy_says(one, {"Drifted"}, "watched")


@pytest.fixture
async def watcher(
    stack: Cluster, operator: OperatorProcess, rollout: Rollout, tmp_path: Path
) -> AsyncIterator[Watcher]:
    """Looks at the model `watched`."""
    one = rollout("watched")
    async with (
        watching_prometheus(stack, operator.metrics_address, one, tmp_path) as prometheus,
        httpx.AsyncClient(base_url=prometheus, timeout=10) as client,
    ):
        yield Watcher(client, one)


async def test_every_picture_shows_something_and_only_the_right_alerts_are_raised(
    stack: Cluster, registry: LightRegistry, rollout: Rollout, send: Send, watcher: Watcher
) -> None:
    model = (await registry.model(Behaviour(), Behaviour(), Behaviour(errors=0.9))).name
    drifting = (await drifting_model(registry)).name
    one, other = rollout("watched"), rollout("drifting")
    looking = asyncio.create_task(watcher.look_on())
    try:
        await together([_story(one, send, model), _nobody(rollout("unset"), model), _drifts(stack, other, drifting)])
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
        await eventually(
            watcher.look, lambda left: all(OF_OUR_SERVER in query for query in left), "every picture shows"
        )
        await eventually(watcher.alerts, EXPECTED.issubset, "the alerts of a rollback and of drift")
        await eventually(watcher.alerts, lambda raised: raised <= EXPECTED, "and no others")
        for series in await watcher.ask("ALERTS{alertname='RollmodelModelStalled'}"):
            assert series["metric"]["namespace"] == one.namespace
    finally:
        await clean_up(other)
