"""The steps of a canary: as they are written, or those of a ramp, which leaves out what the evidence allows.

The weights of a ramp are known before, so a step is a number as ever: from ``startWeight`` on each is a fifth larger,
up to ``maxWeight``. How far it goes at once is for the harm that is still possible to say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from rollmodel.api.modeldeployment import Ramp, Rollout, Step

__all__ = ["ExpectedHarm", "canary_steps", "climb"]

#: Expected number of requests that get a worse answer at a weight (percent).
ExpectedHarm = Callable[[int], float]
_GROWTH = 5


def canary_steps(policy: Rollout) -> Sequence[Step]:
    """The steps of a canary under this policy."""
    ramp = policy.ramp
    if ramp is None:
        return policy.steps
    return _rungs(ramp.start_weight, ramp.max_weight, ramp.max_step_weight, ramp.min_seconds, ramp.max_seconds)


@lru_cache(maxsize=256)
def _rungs(start: int, most: int, increase: int, least_seconds: int | None, most_seconds: int | None) -> Sequence[Step]:
    weights = [start]
    while weights[-1] < most:
        weights.append(min(most, weights[-1] + min(increase, max(1, weights[-1] // _GROWTH))))
    return tuple(Step(weight=weight, min_seconds=least_seconds, max_seconds=most_seconds) for weight in weights)


def climb(policy: Rollout, weight: int, harm: ExpectedHarm) -> int:
    """How many steps further the ramp may go from this weight; 0 where the harm that is possible forbids all of them.

    ``harm`` does not become less with the weight.
    """
    ramp = policy.ramp or Ramp()
    weights = [step.weight or 0 for step in canary_steps(policy)]
    here = sum(one <= weight for one in weights) - 1
    near = [number for number, one in enumerate(weights) if weight < one <= weight + ramp.max_step_weight]
    return next((number - here for number in reversed(near) if harm(weights[number]) <= ramp.max_expected_harm), 0)
