"""Rules of a namespace on a real API server, with the rights that we ship: a limit, a freeze, a text with an error."""

import asyncio

import pytest
from rollmodel.api.coordination import CONFIG_MAP, KEY

from tests.cluster.rollouts.conftest import Rollout
from tests.support.eventually import eventually
from tests.support.live.light_models import LightModel, LightRegistry
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.rollout import LiveRollout, at_rest, light_spec, tried_at
from tests.support.live.servers.light_server import Behaviour

pytestmark = pytest.mark.slow

ONE = "limits: [{maxRollouts: 1}]\n"
FROZEN = ONE + "freezes: [{reason: we look for a leak}]\n"


async def _serves(rollout: LiveRollout, model: LightModel) -> None:
    """It serves version 1; each later version waits at half of the traffic for somebody."""
    spec = light_spec(model.name, "1")
    spec["rollout"]["steps"] = [{"weight": 50}, {"pause": "Manual"}]
    spec["analysis"] = {"intervalSeconds": 1, "metrics": []}
    await rollout.create(spec)
    await rollout.until(at_rest("1"))


async def _rules(of: LiveRollout, text: str) -> None:
    await of.patch("ConfigMap", CONFIG_MAP, {"data": {KEY: text}})


async def _invalid(operator: OperatorProcess, count: int) -> None:
    await eventually(
        lambda: operator.count("rollmodel_coordination_invalid"),
        lambda found: found == count,
        "ConfigMaps not understood",
    )


async def test_a_limit_a_freeze_and_an_error_over_a_restart(
    registry: LightRegistry, rollout: Rollout, operator: OperatorProcess
) -> None:
    first, second = rollout("first"), rollout("second")
    models = [await registry.model(Behaviour(), Behaviour()) for _ in range(2)]
    await asyncio.gather(*(_serves(one, model) for one, model in zip((first, second), models, strict=True)))
    await first.make("ConfigMap", {"metadata": {"name": CONFIG_MAP}, "data": {KEY: ONE}})
    await first.version("2")
    await first.until(tried_at("2", 50))

    await second.version("2")
    waits = await second.until_condition("Waiting", "True", "TooManyRollouts")
    assert waits.message.endswith(f"(namespace {first.namespace}): {first.namespace}/first")
    await second.until_condition("Ready", "Unknown", "Waiting")
    await second.until_event("RolloutWaiting", "v2 waits")
    assert await operator.count("rollmodel_rollouts_waiting", reason="TooManyRollouts") == 1

    await _rules(first, FROZEN)
    await second.until_condition("Waiting", "True", "Frozen")
    await first.command("promote")  # what runs is finished
    await first.until(at_rest("2"))

    await _rules(first, FROZEN.replace("freezes", "freez"))
    await _invalid(operator, 1)
    operator.kill()
    operator.ensure()
    await operator.ready()
    told = await second.until_condition("Waiting", "True", "RulesInvalid")
    assert "`freez` is no field of these rules" in told.message
    assert told.last_transition_time == waits.last_transition_time  # its place in the line

    await _rules(first, ONE)
    await second.until(tried_at("2", 50))
    await second.until_condition("Waiting", "False", "MayBegin")
    await _invalid(operator, 0)
