"""Metrics of the user's own on the real stack: a mean by sum and count, and labels that come late."""

from localcluster import Cluster
from tests.cluster.rollouts.conftest import Rollout, Send
from tests.support.live.light_models import LightRegistry
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.rollout import Change, LiveRollout, at_rest, light_spec, together, tried_at, verdict
from tests.support.live.servers.light_server import Behaviour

BY = "sum by (pod, rollmodel_dev_revision)"
ALL = f"{BY} (rollmodel_server_requests_total{{ {{{{ selector }}}} }})"
FAILED = f'{BY} (rollmodel_server_requests_total{{ {{{{ selector }}}}, code="500" }})'
LIMITS = {"tolerance": {"absolute": "0.1"}, "safeTolerance": {"absolute": "0.4"}}
#: A cost of 1 for each request that fails.
COST = {"name": "cost", "mean": {"sum": FAILED, "count": ALL, "better": "Lower"}, **LIMITS}
LABEL_SECONDS = 8
WRONG = {"name": "wrong", "counts": {"bad": FAILED, "total": ALL, "delaySeconds": LABEL_SECONDS}, **LIMITS}


def _judged_by(metric: Change) -> Change:
    return {"intervalSeconds": 1, "metrics": [metric]}


async def _mean(one: LiveRollout, send: Send, model: str) -> None:
    """A version that costs 0.8 a request is tried beside version 1, which costs 0.1."""
    await one.create(light_spec(model, "1", analysis=_judged_by(COST)))
    await one.until(at_rest("1"))
    await send(one)
    await one.version("3")
    status = await one.until(verdict("3", "RolledBack"))
    (line,) = status.evidence
    assert line.samples is not None
    assert line.samples.startswith("mean 0.")
    assert (await one.entry("3")).by == "evidence"


async def _late_labels(one: LiveRollout, send: Send, model: str) -> None:
    """Nothing counts before labels may have come, and that is no blindness."""
    await one.create(light_spec(model, "1", analysis=_judged_by(WRONG)))
    await one.until(at_rest("1"))
    await send(one)
    await one.version("2")
    await one.until(tried_at("2", 50))
    status = await one.until(lambda s: any("LabelsPending" in (line.message or "") for line in s.evidence))
    assert [c.status for c in status.conditions if c.type == "MetricsAvailable"] == ["True"]
    await one.until(verdict("2", "Promoted"))


async def test_what_users_count_decides(
    stack: Cluster, operator: OperatorProcess, registry: LightRegistry, rollout: Rollout, send: Send
) -> None:
    model = (await registry.model(Behaviour(errors=0.1), Behaviour(errors=0.1), Behaviour(errors=0.8))).name
    await together([_mean(rollout("dearer"), send, model), _late_labels(rollout("labels"), send, model)])
