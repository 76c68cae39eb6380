"""Samples that come late: VictoriaMetrics shows them after 30 s by default, and a Prometheus may have another clock."""

import pytest

from localcluster import Cluster
from tests.cluster.rollouts.conftest import Rollout, Send
from tests.support.eventually import eventually
from tests.support.live.light_models import LightRegistry
from tests.support.live.operator_process import OperatorProcess
from tests.support.live.rollout import LiveRollout, at_rest, light_spec, tried_at, verdict
from tests.support.live.servers.light_server import Behaviour
from tests.support.servers.proxy import proxied, shifted

#: What the operator waits by default, against the settings of the other tests.
DEFAULT_DELAY = "5"
#: Without a past of half an hour the comparison learns for five minutes first; a ceiling does not.
ERRORS = {"name": "errors", "preset": "Errors", "ceiling": "0.2"}
#: Seconds of a window: a sample shows at the tick after it, so it may look younger by as much.
WINDOW = 10.0
#: ``-search.latencyOffset`` of VictoriaMetrics by default.
LATENCY_OFFSET = 30.0


@pytest.mark.slow
async def test_a_version_that_fails_half_of_its_requests_loses_its_weight(
    stack: Cluster, operator: OperatorProcess, registry: LightRegistry, rollout: Rollout, send: Send
) -> None:
    stack.ensure("victoria-metrics")
    try:
        operator.ensure(PROMETHEUS_URL=stack.victoria_metrics_url, PROMETHEUS_DELAY_SECONDS=DEFAULT_DELAY)
        await _loses_its_weight(operator, registry, rollout("late"), send, age=LATENCY_OFFSET - WINDOW)
    finally:
        stack.stop_part("victoria-metrics")


@pytest.mark.slow
@pytest.mark.parametrize("ahead", [20.0, -20.0])
async def test_so_does_it_by_a_clock_that_differs(
    stack: Cluster, operator: OperatorProcess, registry: LightRegistry, rollout: Rollout, send: Send, *, ahead: float
) -> None:
    async with proxied(stack.prometheus_url) as prometheus:
        shifted(prometheus, ahead)
        operator.ensure(PROMETHEUS_URL=prometheus.url, PROMETHEUS_DELAY_SECONDS=DEFAULT_DELAY)
        await _loses_its_weight(operator, registry, rollout("clock"), send, age=max(0.0, -ahead - WINDOW))


async def _loses_its_weight(
    operator: OperatorProcess, registry: LightRegistry, one: LiveRollout, send: Send, *, age: float
) -> None:
    """``age``: the newest sample is older than this, in seconds."""
    await operator.ready()
    model = await registry.model(Behaviour(), Behaviour(errors=0.5))
    await one.create(light_spec(model.name, "1", analysis={"metrics": [ERRORS]}))
    await one.until(at_rest("1"))
    await send(one)
    await one.version("2")
    await one.until(tried_at("2", 50))
    await eventually(
        lambda: operator.count("rollmodel_sample_age_seconds", namespace=one.namespace),
        lambda seen: seen > age,
        f"newest samples are more than {age:g} s old",
    )
    await one.until(verdict("2", "RolledBack"))
    assert (await one.entry("2")).by == "evidence"
    await one.until(at_rest("1"))
