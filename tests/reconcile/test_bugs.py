"""Only a spec can be an invalid spec: what else does not validate is a bug of ours, and stops nothing for good."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from rollmodel.api.conditions import Condition
from rollmodel.plan.decision import Decision
from rollmodel.plan.deployment.observed import Observed

from tests.reconcile.conftest import Bench
from tests.reconcile.deployment.test_refusals import abort, canary, passes


def careless(observed: Observed) -> Decision:
    """A plan with a bug: it takes a word that our own schema does not allow."""
    Condition.model_validate({"type": "Ready", "status": "True", "reason": "NOT A WORD", "message": observed.name})
    raise AssertionError


async def test_a_bug_of_ours_is_not_told_as_an_invalid_spec(bench: Bench) -> None:
    ref = bench.create()
    with pytest.raises(ValidationError):
        await bench.a_pass(bench.operator(decide=careless), ref)
    assert bench.status(ref) == {}


async def test_a_status_that_is_not_understood_is_not_told_as_an_invalid_spec(bench: Bench) -> None:
    ref = bench.create()
    broken = {"stable": {"weight": "much"}}
    bench.kube.edit(ref, lambda obj: obj.update(status=broken))
    with pytest.raises(ValidationError):
        await bench.a_pass(bench.operator(), ref)
    assert bench.status(ref) == broken


@pytest.mark.parametrize(
    ("word", "told"), [("LB_NOT_READY", "LBNOTREADY"), ("404:gone,now", "gonenow"), ("_", "Unknown")]
)
async def test_a_word_of_a_gateway_does_not_freeze_a_rollout(bench: Bench, word: str, told: str) -> None:
    operator = bench.operator()
    ref = await canary(bench, operator)
    bench.gateway_says = word
    bench.take_up_routes()
    await bench.settle(operator, ref)
    assert bench.conditions(ref)["TrafficProgrammed"] == ("False", told)
    assert bench.conditions(ref)["Stalled"][1] != "InvalidSpec"
    abort(bench, ref)
    await bench.settle(operator, ref)
    assert bench.weights(ref) == {"1": 100}
    bench.gateway_says = None
    await passes(bench, operator, ref)
    assert bench.conditions(ref)["TrafficProgrammed"] == ("True", "Accepted")
