"""An operator that dies at any moment, and two that live at once: all ends as one alone would have ended it."""

import asyncio

import pytest
from rollmodel.api.modeldeployment import ModelDeploymentStatus

from tests.cluster.rollouts.conftest import Rollout, Send
from tests.support.live.light_models import LightModel, LightRegistry
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.rollout import LiveRollout, at_rest, light_spec, verdict
from tests.support.live.servers.light_server import Behaviour
from tests.support.running.effort import effort

GOOD, BAD = Behaviour(), Behaviour(errors=0.5)


async def _story(model: LightModel, churn: LiveRollout) -> None:
    """What the demo plays: a better version is promoted, a worse one is taken back."""
    await model.point("challenger", "2")
    await churn.until(lambda status: at_rest("2")(status) and verdict("2", "Promoted")(status))
    await model.point("challenger", "3")
    await churn.until(lambda status: at_rest("2")(status) and verdict("3", "RolledBack")(status))


async def set_the_scene(registry: LightRegistry, churn: LiveRollout) -> LightModel:
    """Its version 1 serves, and it follows an alias: 2 is as good, and 3 is worse."""
    model = await registry.model(GOOD, GOOD, BAD)
    await model.point("challenger", "1")
    spec = light_spec(model.name, alias="challenger")
    spec["model"]["registry"]["championAlias"] = "champion"
    await churn.create(spec)
    await churn.until(at_rest("1"))
    return model


async def _ended_well(model: LightModel, churn: LiveRollout) -> None:
    """One of each, and the registry knows what happened."""
    await churn.until(lambda status: not status.outbox)
    status = await churn.status()
    assert [(entry.to_version, entry.verdict) for entry in status.history] == [
        ("1", "Installed"),
        ("2", "Promoted"),
        ("3", "RolledBack"),
    ]
    assert status.stable is not None
    assert await churn.revisions() == {status.stable.revision}
    assert await model.aliased("champion") == "2"
    told = [await model.verdict(version) for version in ("1", "2", "3")]
    assert told == ["Replaced", "Promoted", "RolledBack"]


def _moment(status: ModelDeploymentStatus) -> object:
    """Where the machine stands. Of the evidence only roughly how much there is: it grows with every tick."""
    arms = [arm for arm in (status.stable, status.candidate, *status.retiring) if arm is not None]
    standing = [(arm.revision, arm.step, arm.weight, arm.ready_replicas, arm.requests // 100) for arm in arms]
    return standing, len(status.history), [write["key"] for write in status.outbox]


async def _moved(churn: LiveRollout, story: asyncio.Task[None]) -> None:
    """Wait until the status says that the machine moves, or for the end of the story."""
    seen = _moment(await churn.status())
    while _moment(await churn.status()) == seen and not story.done():
        pass  # each look is a request, and so lets the story go on


async def test_killed_again_and_again(
    operator: OperatorProcess, registry: LightRegistry, rollout: Rollout, send: Send
) -> None:
    """kill -9 whenever status says what happens next, in the middle of doing it."""
    churn = rollout("churn")
    model = await set_the_scene(registry, churn)
    traffic = await send(churn)
    story = asyncio.create_task(_story(model, churn))
    kills = 0
    try:
        while not story.done() and kills < effort(2, 1000):
            await _moved(churn, story)
            operator.kill()
            kills += 1
            operator.ensure()
            await operator.ready()
        await story
    finally:
        story.cancel()
    assert kills > 1  # how many moments one can see depends on the machine
    await _ended_well(model, churn)
    assert set(traffic.codes) <= {"200", "500"}


@pytest.mark.slow  # in memory any two orders of writes meet in make test
async def test_two_at_once(
    second: OperatorProcess, operator: OperatorProcess, registry: LightRegistry, rollout: Rollout, send: Send
) -> None:
    """Whoever writes first decides: no write undoes another, as the generations show, which count what differs."""
    churn = rollout("churn")
    model = await set_the_scene(registry, churn)
    await send(churn)
    await _story(model, churn)
    await _ended_well(model, churn)
    # One for each split: all to 1, half to 2, all to 2, half to 3, all to 2.
    route = await churn.get("HTTPRoute", "churn")
    assert route is not None
    assert route["metadata"]["generation"] == 5
    [deployment] = await churn.children("Deployment")
    assert deployment["metadata"]["generation"] == 1
    for one in (operator, second):
        assert await one.count("rollmodel_neighbour_request_seconds_count", neighbour="prometheus") > 0
