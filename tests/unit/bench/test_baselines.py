"""The benchmark of baselines plays whole rollouts."""

from __future__ import annotations

import pytest

from tests.bench.baselines import POLICIES, World, play


@pytest.mark.parametrize(
    ("policy", "verdict"), [*zip(POLICIES, ["RolledBack", "Promoted", "Promoted", "Promoted"], strict=True)]
)
def test_the_same_model_with_cold_caches(policy: str, verdict: str) -> None:
    assert play(World(1.0, 0.1), POLICIES[policy], seed=1).verdict == verdict
