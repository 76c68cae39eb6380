"""Fresh pods of stable beside the candidate, on a real control plane and a real gateway: cold caches are no fault."""

from typing import Any

import pytest
from rollmodel.api.modeldeployment import ModelDeploymentStatus
from rollmodel.plan import naming
from rollmodel.plan.deployment.objects.baseline import baseline_id

from demo.traffic import Traffic
from tests.cluster.rollouts.conftest import Rollout, Send
from tests.support.eventually import eventually
from tests.support.live.light_models import LightRegistry
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.rollout import at_rest, light_spec, verdict
from tests.support.live.servers.light_server import Behaviour

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

#: Requests in which the caches of a pod get warm, and requests per second: pods that get the same differ little then.
_COLD, _RATE = 800, 40.0
_SLOW = {"name": "slow", "preset": "SlowRequests", "slowerThanSeconds": "0.05"}
_MARGINS = {"tolerance": {"absolute": "0.05"}, "safeTolerance": {"absolute": "0.3"}}


async def _warm(traffic: Traffic) -> None:
    """The pods that serve have answered enough."""

    async def answered() -> int:
        return sum(traffic.codes.values())

    await eventually(answered, lambda now: now > 2 * _COLD, "warm caches", str)


def _beside(status: ModelDeploymentStatus) -> bool:
    """Whether candidate and baseline have traffic, and are judged."""
    candidate, baseline = status.candidate, status.baseline
    if candidate is None or baseline is None or not candidate.requests:
        return False
    return (candidate.weight, baseline.weight) == (30, 30)


async def test_the_same_model_is_not_blamed_for_cold_caches(
    operator: OperatorProcess, registry: LightRegistry, rollout: Rollout, send: Send
) -> None:
    """Versions 2 and 3 are version 1 again: beside warm pods one is rolled back, beside fresh ones one is promoted."""
    model, churn = await registry.model(*[Behaviour(cold=_COLD)] * 3), rollout("cold")
    spec: dict[str, Any] = light_spec(model.name, "1")
    spec["rollout"] |= {"steps": [{"weight": 30}]}
    spec["analysis"] |= {"metrics": [{**_SLOW, **_MARGINS}]}
    await churn.create(spec)
    await churn.until(at_rest("1"))
    traffic = await send(churn, _RATE)
    await _warm(traffic)

    await churn.version("2")
    await churn.until(verdict("2", "RolledBack"))
    assert (await churn.entry("2")).by == "evidence"
    await churn.until(at_rest("1"))

    await churn.change({"rollout": {"baseline": "Fresh"}})
    await churn.version("3")
    status = await churn.until(_beside, "is judged beside a baseline")
    assert status.stable is not None
    assert status.candidate is not None
    assert status.baseline is not None
    identity = baseline_id(status.stable.revision, status.candidate.revision)
    shares = {status.stable.revision: 40, status.candidate.revision: 30, identity: 30}
    assert status.baseline.revision == identity
    assert await churn.weights() == {naming.child("cold", revision): share for revision, share in shares.items()}
    await churn.until_condition("BaselineReady", "True")
    operator.kill()
    operator.ensure()
    await operator.ready()
    await churn.until(at_rest("3"))
    entry = await churn.entry("3")
    assert (entry.verdict, entry.by, entry.baseline) == ("Promoted", "evidence", identity)
    assert await churn.revisions() == {status.candidate.revision}
    services = {one["metadata"]["name"] for one in await churn.children("Service")}
    assert services == {"cold", naming.child("cold", status.candidate.revision)}
    assert set(traffic.codes) == {"200"}, "slow answers are answers: no request has failed"
