"""Strategies: what a rollout wants at each moment.

A new strategy is one file with a class as :class:`Strategy` describes it, one line in ``table.STRATEGIES``, and its
name in the API. All strategies share the rest: the first revision, start and warm-up, pods that fail, proof of harm,
blindness, commands, weight only for ready pods, taking over, draining, history and Events.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from rollmodel.api.modeldeployment import ArmStatus, ModelDeploymentSpec, Step
from rollmodel.plan.deployment.strategies.goals import Comparison, Goal, Needs

__all__ = ["Strategy"]

R = TypeVar("R")


class Strategy(Protocol[R]):
    """How a candidate gets its traffic: steps, between a start and a take-over that all strategies share.

    ``R`` is the ``Rollout``, which holds its strategy: its file imports this one, so this one does without it.

    Steps are numbered from 0. Status has -1 for a candidate before its first step, and ``step_count`` for one that
    takes over. All methods are pure.
    """

    needs: Needs
    """Specs with a router that cannot do this are refused."""

    def step_count(self, spec: ModelDeploymentSpec) -> int:
        """Number of steps; 0 where a candidate takes over as soon as it is warm."""
        ...

    def goal(self, spec: ModelDeploymentSpec, step: int) -> Goal:
        """What the candidate should get at a step, -1 included."""
        ...

    def limits(self, spec: ModelDeploymentSpec, step: int) -> Step | None:
        """How long a step lasts, and how many requests it takes; None for one that a person ends."""
        ...

    def planned_seconds(self, spec: ModelDeploymentSpec) -> int:
        """How long the steps may take together, for the plan of the judge."""
        ...

    def comparison(self, stable: ArmStatus, candidate: ArmStatus) -> Comparison:
        """Who is judged against whom."""
        ...

    def entered(self, rollout: R, step: int) -> R:
        """A step has begun: with its Event, or with the pause that it begins with."""
        ...

    def advance(self, rollout: R, step: int) -> R:
        """The next transition of a candidate at a step; the same rollout while there is nothing to do but wait."""
        ...

    def place(self, rollout: R, step: int) -> str:
        """Where a candidate at a step stands, for people: ``v8 at 25 %, step 2 of 3``."""
        ...
