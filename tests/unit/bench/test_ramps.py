"""The benchmark of ramps plays whole rollouts, by the operator's moves."""

from __future__ import annotations

import pytest

from tests.bench.ramps import POLICIES, World, play


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_a_candidate_of_which_every_request_fails_is_found_at_the_first_weight(policy: str) -> None:
    world = World(100.0, 0.005, 200.0)
    first = 25 if policy == "steps 25, 50" else 5
    for ended in play(world, POLICIES[policy], runs=3, ticks=20):
        assert (ended.verdict, ended.seconds) == ("RollBack", 20)
        assert ended.harmed == pytest.approx(world.rps * 20 * first / 100, rel=0.3)


def test_a_ramp_promotes_a_good_one_sooner_than_the_default_steps() -> None:
    ramp = play(World(100.0, 0.05, 1.0), {"ramp": {}}, runs=3, ticks=60)
    steps = play(World(100.0, 0.05, 1.0), {}, runs=3, ticks=60)
    assert [one.verdict for one in ramp] == ["Promote"] * 3
    assert sum(one.seconds for one in ramp) <= sum(one.seconds for one in steps)
    assert all(one.harmed == 0 for one in ramp)
