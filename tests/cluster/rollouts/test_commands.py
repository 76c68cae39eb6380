"""What people may say to a rollout: promote, abort, pause, resume, retry; each is obeyed once, and by name."""

import asyncio
from collections.abc import Awaitable, Callable

from rollmodel.api.modeldeployment import ModelDeploymentStatus

from tests.cluster.rollouts.conftest import Rollout
from tests.support.live.light_models import LightModel, LightRegistry
from tests.support.live.rollout import LiveRollout, Predicate, at_rest, light_spec, tried_at, verdict
from tests.support.live.servers.light_server import Behaviour


async def _at_half(rollout: LiveRollout, model: LightModel) -> str:
    """A rollout that waits at 50 % for somebody; its candidate's revision."""
    spec = light_spec(model.name, "1")
    spec["rollout"]["steps"] = [{"weight": 50}, {"pause": "Manual"}]
    spec["analysis"] = {"intervalSeconds": 1, "metrics": []}
    await rollout.create(spec)
    await rollout.until(at_rest("1"))
    await rollout.version("2")
    status = await rollout.until(lambda status: tried_at("2", 50)(status) and status.paused is not None)
    assert status.candidate is not None
    return status.candidate.revision


def _obeyed(text: str, result: str = "Done") -> Predicate:
    def holds(status: ModelDeploymentStatus) -> bool:
        last = status.last_command
        return last is not None and last.text.startswith(text) and last.result == result

    return holds


async def _promote(rollout: LiveRollout) -> None:
    await rollout.command("promote")
    await rollout.until(at_rest("2"))
    entry = await rollout.entry("2")
    assert (entry.verdict, entry.reason, entry.by) == ("Promoted", "Command", "somebody")


async def _abort_and_retry(rollout: LiveRollout) -> None:
    """What was aborted is not tried again, until somebody says so."""
    candidate = (await rollout.status()).candidate
    assert candidate is not None
    await rollout.command("abort")
    status = await rollout.until(at_rest("1"))
    entry = await rollout.entry("2")
    assert (entry.verdict, entry.by) == ("Aborted", "somebody")
    assert status.rejected is not None
    assert status.rejected.revision == candidate.revision
    await rollout.until_condition("Ready", "False", "RolledBack")
    await rollout.command("retry", candidate.revision)
    status = await rollout.until(tried_at("2", 50))
    assert status.rejected is None


async def _resume(rollout: LiveRollout) -> None:
    await rollout.command("resume")
    await rollout.until(at_rest("2"))
    assert (await rollout.entry("2")).by == "somebody"


async def _pause(rollout: LiveRollout) -> None:
    """At a step that waits anyway it has no effect, and says so; after `retry` it stops the rollout where it is."""
    await rollout.command("pause")
    status = await rollout.until(_obeyed("pause", "Ignored"))
    assert status.last_command is not None
    assert "paused already" in (status.last_command.message or "")
    assert tried_at("2", 50)(status)
    await rollout.change({"rollout": {"steps": [{"weight": 50, "minSeconds": 3600}]}})
    await rollout.command("resume")
    await rollout.until(_obeyed("resume"))
    await rollout.command("pause")
    await rollout.until_condition("Paused", "True", "Command")
    await rollout.change({"rollout": {"steps": [{"weight": 50}]}})
    await rollout.command("resume")
    assert verdict("2", "Promoted")(await rollout.until(at_rest("2")))


async def _late(rollout: LiveRollout) -> None:
    """A command that names another revision hits nothing."""
    before = await rollout.status()
    for verb in ("promote", "abort", "resume", "pause", "retry"):
        await rollout.command(verb, "bcdfghjk")
        status = await rollout.until(_obeyed(verb, "Ignored"))
        assert (status.candidate, status.paused) == (before.candidate, before.paused)
    await rollout.command("explode", "bcdfghjk")
    status = await rollout.until(_obeyed("explode", "Ignored"))
    assert status.last_command is not None
    assert "promote" in (status.last_command.message or "")
    assert "CommandIgnored" in await rollout.events()


async def test_commands(registry: LightRegistry, rollout: Rollout) -> None:
    """Each in a rollout of its own, side by side."""
    model = await registry.model(Behaviour(), Behaviour())

    async def story(name: str, act: Callable[[LiveRollout], Awaitable[None]]) -> None:
        one = rollout(name)
        await _at_half(one, model)
        await act(one)

    stories = {"promote": _promote, "abort": _abort_and_retry, "resume": _resume, "pause": _pause, "late": _late}
    async with asyncio.TaskGroup() as tasks:
        for name, act in stories.items():
            tasks.create_task(story(name, act))
