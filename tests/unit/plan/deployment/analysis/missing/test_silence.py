"""A candidate that answers nothing: known within a minute or two, and ended by the policy. Chance is not silence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.support.running.effort import effort
from tests.support.simulation.rollouts import Cluster

Serving = Callable[..., Cluster]

HANG = {"steps": [{"weight": 25, "maxSeconds": 600}], "warmUpSeconds": 20, "maxBlindSeconds": 300}


def silent(cluster: Cluster) -> str:
    """A version whose readiness answers and whose inference never does."""
    revision = cluster.try_version(bad=0.05)
    cluster.behave("2", answers=False)
    assert cluster.run(600, cluster.has_weight)
    return revision


def test_on_blind_takes_it_back(serving: Serving) -> None:
    cluster = serving(rollout={**HANG, "onUndecided": "RollBack", "onBlind": "RollBack"})
    revision = silent(cluster)
    began = cluster.now
    assert cluster.run(900, lambda: bool(cluster.status.get("rejected")))
    assert (cluster.now - began).total_seconds() <= 300 + 180
    assert cluster.status["rejected"]["reason"] == "CandidateSilent"
    cluster.run(60)
    assert revision not in cluster.served


@pytest.mark.parametrize("least", [0, 100_000])
def test_max_seconds_end_its_step_whatever_it_must_have_answered(serving: Serving, least: int) -> None:
    steps = [{"weight": 25, "maxSeconds": 600, "minRequests": least}]
    cluster = serving(rollout={**HANG, "steps": steps, "onUndecided": "RollBack"})
    silent(cluster)
    assert cluster.run(900, lambda: bool(cluster.status.get("rejected")))
    assert cluster.status["rejected"]["reason"] == "CandidateSilent"
    assert cluster.status["history"][-1]["by"] == "deadline"


@pytest.mark.parametrize("undecided", ["Promote", "Pause"])
def test_it_is_never_promoted(serving: Serving, undecided: str) -> None:
    cluster = serving(rollout={**HANG, "onUndecided": undecided})
    silent(cluster)
    assert cluster.run(900, lambda: bool(cluster.status.get("paused")))
    cluster.run(300)
    assert cluster.verdicts() == ["Installed v1"]
    assert "counted no request" in cluster.status["paused"]


def test_without_a_policy_that_ends_it_conditions_say_so(serving: Serving) -> None:
    cluster = serving(rollout={"steps": [{"weight": 25}], "warmUpSeconds": 20})
    silent(cluster)
    assert cluster.run(240, lambda: cluster.condition("Stalled")["status"] == "True")
    assert cluster.condition("Stalled")["reason"] == "CandidateSilent"
    assert cluster.condition("MetricsAvailable")["reason"] == "CandidateSilent"
    assert "CandidateSilent" in cluster.reasons()
    cluster.behave("2", bad=0.05)
    assert cluster.run(7200, cluster.over)
    assert cluster.verdicts()[-1] == "Promoted v2"
    assert "silentSince" not in cluster.status["stable"]


def test_one_that_falls_silent_in_the_middle(serving: Serving) -> None:
    steps = [{"weight": 25, "minSeconds": 3600}]
    cluster = serving(rollout={**HANG, "steps": steps, "onBlind": "RollBack"})
    cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.run(60)
    cluster.behave("2", answers=False)
    assert cluster.run(900, lambda: bool(cluster.status.get("rejected")))
    assert cluster.status["rejected"]["reason"] == "CandidateSilent"


def test_a_night_is_not_silence(serving: Serving) -> None:
    steps = [{"weight": 25, "minSeconds": 600, "maxSeconds": 600}]
    policy: dict[str, Any] = {**HANG, "steps": steps, "onUndecided": "RollBack", "onBlind": "RollBack"}
    cluster = serving(rollout=policy)
    cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.rate = 0
    cluster.run(1000)
    assert cluster.verdicts() == ["Installed v1"]
    assert cluster.condition("MetricsAvailable")["reason"] == "NoTraffic"
    assert cluster.condition("Stalled")["status"] == "False"


def test_a_quiet_service_is_not_condemned(serving: Serving) -> None:
    """A request of the candidate in two minutes, by chance: most windows of it are empty, and stable's are not."""
    cluster = serving(rollout={**HANG, "steps": [{"weight": 5}], "onBlind": "RollBack"})
    cluster.try_version()
    assert cluster.run(600, cluster.has_weight)
    cluster.rate, cluster.chance = 1 / 6, np.random.default_rng(1)
    for _ in range(effort(2, 6)):
        cluster.run(600)
        assert cluster.condition("MetricsAvailable")["reason"] != "CandidateSilent"
    assert not cluster.status.get("rejected")
