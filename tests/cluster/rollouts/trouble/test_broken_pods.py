"""Candidates whose pods cannot serve: each loses for its own reason, in words that help, and stable never notices."""

from collections.abc import Mapping
from typing import Any

from tests.cluster.rollouts.conftest import Rollout, Send
from tests.support.live.light_models import LightRegistry
from tests.support.live.rollout import LiveRollout, at_rest, light_spec, together, tried_at, verdict
from tests.support.live.servers.light_server import Behaviour

GOOD = Behaviour()
WRONG = {"rollmodel.dev/artifact-digest": f"sha256:{'0' * 64}"}


async def _lost(rollout: LiveRollout, change: Mapping[str, Any], version: str, *why: str) -> None:
    """The change makes a candidate that is taken back for this reason; v1 goes on."""
    before = (await rollout.until(at_rest("1"))).stable
    await rollout.change(dict(change))
    status = await rollout.until(verdict(version, "RolledBack"))
    entry = await rollout.entry(version)
    assert all(word in entry.reason for word in why), entry.reason
    assert status.rejected is not None
    status = await rollout.until(at_rest("1"))
    assert before is not None
    assert status.stable is not None
    assert status.stable.revision == before.revision
    stalled = await rollout.until_condition("Stalled", "True", "RolledBack")
    assert why[0] in stalled.message
    assert await rollout.revisions() == {before.revision}
    assert "RolledBack" in await rollout.events()


async def _never_serve(registry: LightRegistry, rollout: Rollout) -> None:
    """A model that is not what was pinned, an image that is not there, a pod that never gets ready."""
    model = await registry.model(GOOD, Behaviour(ready=False))
    tampered = await model.add(GOOD, WRONG)
    spec = light_spec(model.name, "1")
    hurried = {**spec["rollout"], "deadlineSeconds": 25}
    absent = {"runtime": {"image": "registry.example.com/absent:1"}, "rollout": hurried}
    mismatch = {"model": {"registry": {"version": tampered}}}
    stuck = {"model": {"registry": {"version": "2"}}, "rollout": hurried}
    stories = (
        (rollout("digest"), mismatch, tampered, "DigestMismatch", "expected sha256:000000"),
        (rollout("image"), absent, "1", "ImagePullFailed", "registry.example.com/absent:1"),
        (rollout("stuck"), stuck, "2", "DeadlineExceeded", "25 s"),
    )
    for one, *_ in stories:
        await one.create(spec)
    await together(_lost(*story) for story in stories)


async def _crashes_under_weight(registry: LightRegistry, rollout: Rollout, send: Send) -> None:
    """It is ready, gets weight, and dies of it, again and again: restarts are evidence."""
    model, churn = await registry.model(GOOD, Behaviour(crash_after=10)), rollout("crash")
    spec = light_spec(model.name, "1")
    spec["analysis"] = {"intervalSeconds": 1, "metrics": []}
    spec["rollout"]["steps"] = [{"weight": 50, "minSeconds": 3600}]
    await churn.create(spec)
    await churn.until(at_rest("1"))
    await send(churn)
    await churn.version("2")
    await churn.until(tried_at("2", 50))
    status = await churn.until(verdict("2", "RolledBack"))
    entry = await churn.entry("2")
    assert entry.reason.startswith("CrashLoop: ")
    assert "exit code 1" in entry.reason
    assert "out of luck" in entry.reason
    assert entry.by == "pods"
    assert status.rejected is not None
    await churn.until(at_rest("1"))
    assert await model.verdict("2") == "RolledBack"


async def _first_never_serves(registry: LightRegistry, rollout: Rollout) -> None:
    """There is nothing to go back to: it says what is wrong, and the next version that is right just serves."""
    model, churn = await registry.model(GOOD), rollout("first")
    tampered = await model.add(GOOD, WRONG)
    await churn.create(light_spec(model.name, tampered))
    stalled = await churn.until_condition("Stalled", "True", "DigestMismatch")
    assert "expected sha256:000000" in stalled.message
    await churn.version("1")
    await churn.until(at_rest("1"))
    await churn.until_condition("Ready", "True")


async def test_pods_that_cannot_serve(registry: LightRegistry, rollout: Rollout, send: Send) -> None:
    """Side by side."""
    await together(
        [
            _never_serve(registry, rollout),
            _crashes_under_weight(registry, rollout, send),
            _first_never_serves(registry, rollout),
        ]
    )
