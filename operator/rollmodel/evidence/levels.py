"""How much evidence is proof, and in how much time: the same for every kind of metric, frozen before the rollout.

An e-process that reaches 1/alpha errs with a chance of alpha at most (Ville), so a level is log(1/alpha). Against harm
a metric has its part of the risk, and all metrics together have the whole of it (``multiplicity``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from rollmodel.evidence import multiplicity
from rollmodel.evidence.core.arrays import Array, array
from rollmodel.evidence.core.mixture import (
    LEAST_WINDOWS,
    RELEASE_SECONDS,
    Mixture,
    mixture,
    release_seconds,
    windows_to_decide,
)
from rollmodel.evidence.core.types import JudgePlan, MetricPlan

__all__ = ["HARM_RESERVE", "Levels", "levels", "of_ceilings", "of_metric", "of_metrics"]

#: The part of the wealth against harm that is kept back for a fault that begins late.
HARM_RESERVE = 0.25


@dataclass(frozen=True, slots=True)
class Levels:
    """Logs of what e-processes must reach: ``harm`` and ``safe`` of each metric [...], ``joint`` of all against harm.

    ``release`` is the time constant in seconds with which a reserve is released, ``windows`` the fewest that decide.
    """

    harm: Array
    safe: Array
    joint: Array
    release: float
    windows: int

    def over(self, shape: tuple[int, ...]) -> Levels:
        """The same for each metric of a batch of this shape."""
        harm, safe = (np.broadcast_to(level, shape) for level in (self.harm, self.safe))
        return replace(self, harm=harm, safe=safe)

    def at_least(self, windows: int) -> Levels:
        """The same with so many windows at least that decide."""
        return replace(self, windows=max(self.windows, windows))

    def against_harm(self, weights: Array) -> Mixture:
        """The prior of an e-process that proves harm; weights of its alternatives, [J] or [..., J]."""
        spread = _spread(weights, self.harm)
        return mixture(spread, HARM_RESERVE, self.harm, joint=self.joint, release=self.release, windows=self.windows)

    def for_safety(self, weights: Array) -> Mixture:
        """The prior of an e-process that proves safety, which keeps no reserve; weights as in :meth:`against_harm`."""
        return mixture(_spread(weights, self.safe), 0.0, self.safe, windows=self.windows)


def levels(
    harm: ArrayLike,
    safe: ArrayLike,
    joint: ArrayLike | None = None,
    *,
    release: float = RELEASE_SECONDS,
    windows: int = LEAST_WINDOWS,
) -> Levels:
    """:class:`Levels` of float arrays; without ``joint`` those of one metric that is alone."""
    return Levels(array(harm), array(safe), array(harm if joint is None else joint), release, windows)


def of_metrics(plan: JudgePlan, metrics: Sequence[MetricPlan]) -> Levels:
    """What these metrics of a plan must reach, [m]."""
    part = multiplicity.weights(plan.metrics)
    return _planned(plan, plan.alpha_harm * array([part[m.name] for m in metrics]), plan.alpha_harm)


def of_metric(plan: JudgePlan, metric: MetricPlan) -> Levels:
    """What one metric of a plan must reach, shape ()."""
    return _planned(plan, plan.alpha_harm * array(multiplicity.weights(plan.metrics)[metric.name]), plan.alpha_harm)


def of_ceilings(plan: JudgePlan, limited: int) -> Levels:
    """What so many metrics with a ceiling must reach, shape (): each for itself, with an equal part of the risk."""
    risk = plan.alpha_ceiling / max(limited, 1)
    return _planned(plan, array(risk), risk)


def _planned(plan: JudgePlan, harm_risk: Array, joint_risk: float) -> Levels:
    return levels(
        -np.log(harm_risk),
        -np.log(plan.alpha_safe),
        -np.log(joint_risk),
        release=release_seconds(plan.planned_ticks * plan.interval),
        windows=windows_to_decide(plan.interval),
    )


def _spread(weights: Array, level: Array) -> Array:
    """Weights with the batch's axes before their own, [..., J]."""
    shape = np.broadcast_shapes(weights.shape[:-1], level.shape)
    return np.broadcast_to(weights, (*shape, weights.shape[-1]))
