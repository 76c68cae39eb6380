"""A baseline of fresh pods beside the pods that serve: who is blamed for cold caches, and how long decisions take.

``python -m tests.bench.baselines`` prints the table of ``docs/concepts/strategies.md``: whole rollouts by the decisions
of the operator in a simulated cluster with random requests. A pod's caches are cold for its first five minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import numpy as np

from tests.support.simulation.rollouts import Cluster, spec

__all__ = ["POLICIES", "WORLDS", "Ended", "World", "play"]

RPS, BASE = 100.0, 0.01
_STEPS: dict[str, Any] = {"steps": [{"weight": 10}, {"weight": 25}], "drainSeconds": 20}
POLICIES: Mapping[str, Mapping[str, Any]] = {
    "pods that serve, warmUpSeconds: 30": {**_STEPS, "warmUpSeconds": 30},
    "pods that serve, warmUpSeconds: 300": {**_STEPS, "warmUpSeconds": 300},
    "baseline: Fresh, warmUpSeconds: 30": {**_STEPS, "warmUpSeconds": 30, "baseline": "Fresh"},
    "baseline: Fresh, warmUpSeconds: 300": {**_STEPS, "warmUpSeconds": 300, "baseline": "Fresh"},
}


@dataclass(frozen=True, slots=True)
class World:
    """How many times as many of the candidate's requests fail as of stable's, and which share of all in a cold pod."""

    factor: float
    cold: float


WORLDS = (World(1.0, 0.0), World(1.0, 0.01), World(1.0, 0.1), World(2.0, 0.0), World(2.0, 0.01), World(2.0, 0.1))


@dataclass(frozen=True, slots=True)
class Ended:
    """The verdict of the history, or Undecided; seconds since the candidate began."""

    verdict: str
    seconds: float


def play(world: World, policy: Mapping[str, Any], *, seed: int, seconds: int = 3 * 3600) -> Ended:
    """One rollout."""
    cluster = Cluster(spec(rollout=policy, scale={"replicas": 4}), rate=RPS, chance=np.random.default_rng(seed))
    cluster.behave("1", bad=BASE)
    assert cluster.run(600, lambda: cluster.condition("Ready")["status"] == "True")
    for _ in range(200):
        cluster.advance()
    begun, revision = cluster.now, cluster.try_version("2", bad=BASE * world.factor)
    for one in (cluster.revision_of("1"), revision):
        cluster.behaviours[one] = replace(cluster.behaviours[one], cold=world.cold)
    ended = cluster.run(seconds, lambda: len(cluster.status["history"]) > 1)
    verdict = cluster.status["history"][-1]["verdict"] if ended else "Undecided"
    return Ended(verdict, (cluster.now - begun).total_seconds())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    print("| candidate | in a cold pod | " + " | ".join(POLICIES) + " |")
    print("|---|---:|" + "---:|" * len(POLICIES))
    for world in WORLDS:
        cells = [_cell([play(world, policy, seed=seed) for seed in range(runs)]) for policy in POLICIES.values()]
        name = "the same model" if world.factor == 1 else f"x{world.factor:g} as many failures"
        print(f"| {name} | {100 * world.cold:g} % more | " + " | ".join(cells) + " |", flush=True)


def _cell(ended: list[Ended]) -> str:
    words = {"RolledBack": "rolled back", "Promoted": "promoted", "Undecided": "undecided"}
    counts = {word: sum(one.verdict == verdict for one in ended) for verdict, word in words.items()}
    told = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return f"{told}, {median(one.seconds for one in ended) / 60:.0f} min"


if __name__ == "__main__":
    main()
