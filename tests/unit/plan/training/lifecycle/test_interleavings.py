"""Two operators, late views, kills at any write and a tracking server that comes and goes: the promises hold.

The world checks at every write: one run, one version, no version when a gate failed, no Job before its run or after the
end, one attempt at a time, counts that never fall, an outcome that never changes.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.plan.training.observed import Observed

from tests.support.simulation.trainings.job_controller import Behaviour
from tests.support.simulation.trainings.world import Late, World

_BEHAVIOURS = st.lists(
    st.sampled_from(["good", "bad-metric", "fail", "evict", "bad-data"]), min_size=1, max_size=4
).map(tuple)


@dataclass
class Operator:
    """Sees children a little late, and may act on a look that is old by then."""

    world: World
    views: list[list[dict[str, Any]]] = field(default_factory=list)
    held: tuple[Observed, int] | None = None

    def look(self, *, lag: int) -> None:
        """Gather now, on a view of the children that is some steps old."""
        view = self.views[-1 - lag] if len(self.views) > lag else []
        self.held = self.world.observe(view), self.world.version

    def act(self, killed_after: int) -> None:
        """Carry out what the last look asks for; whoever is late does nothing."""
        if self.held is not None:
            look, seen = self.held
            with suppress(Late):
                self.world.act(look, seen, killed_after)
        self.held = None


@dataclass(frozen=True)
class Step:
    """One operator looks at children as they were ``lag`` steps ago, and acts at once or at its next turn."""

    who: int
    lag: int
    at_once: bool
    killed_after: int
    seconds: int
    accident: str


_STEPS = st.lists(
    st.builds(
        Step,
        who=st.integers(0, 1),
        lag=st.integers(0, 2),
        at_once=st.booleans(),
        killed_after=st.sampled_from([0, 1, 2, 3, 1000, 1000, 1000]),
        seconds=st.integers(1, 3),
        accident=st.sampled_from([*(["none"] * 6), "down", "up", "delete"]),
    ),
    max_size=50,
)


@settings(max_examples=80, deadline=None)
@given(attempts=_BEHAVIOURS, steps=_STEPS, flight=st.sampled_from([0, 3, 25]))
def test_any_interleaving_ends_in_one_outcome(
    attempts: tuple[Behaviour, ...], steps: list[Step], flight: float
) -> None:
    world = World(attempts=attempts, flight_seconds=flight)
    operators = [Operator(world), Operator(world)]
    for step in steps:
        _take(world, operators[step.who], step)
        for operator in operators:
            operator.views.append(world.children())
    world.mlflow_up = True
    world.settle()
    outcome = world.condition("Succeeded")
    assert (outcome["status"] == "True") == (world.aliases == {"challenger": "1"})
    assert world.runs["run-1"].status in ("FINISHED", "FAILED")
    assert world.status["attempts"]["started"] >= 1
    assert all(job == world.status["jobName"] or world.ended(job) for job in world.jobs)


def _take(world: World, operator: Operator, step: Step) -> None:
    if operator.held is None:
        operator.look(lag=step.lag)
    if step.at_once or len(operator.views) % 2:
        operator.act(step.killed_after)
    if step.accident == "delete":
        world.remove_job()
    elif step.accident != "none":
        world.mlflow_up = step.accident == "up"
    world.advance(step.seconds)
