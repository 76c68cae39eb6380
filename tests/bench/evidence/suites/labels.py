"""B2 and B4 for quality by labels: where a third or a half of all predictions is wrong, how fast is a tenth more found?

Labels are counted when they are final, so a tick holds the labels of equally old predictions of both arms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product

from tests.bench.evidence.records import Record, measure
from tests.bench.evidence.rules import ours
from tests.bench.evidence.rules.oracle import oracle_seconds
from tests.bench.evidence.rules.ours import Policy
from tests.bench.evidence.setup import Size, generator, shown
from tests.bench.evidence.worlds import World, simulate

__all__ = ["RATIOS", "REFERENCE", "SAFE_RATIO", "SAFE_REFERENCE", "WORLDS", "run"]

SAFE_RATIO = 1.1
#: The last one is exactly at the safe margin.
RATIOS = (1.0, 1.05, SAFE_RATIO)

WORLDS = {
    "5 vs 95, 10 %": World(5, 95, 0.1),
    "5 vs 95, 30 %": World(5, 95, 0.3),
    "5 vs 95, 50 %": World(5, 95, 0.5),
    "1 vs 19, 50 %": World(1, 19, 0.5),
}

#: What the design expects: median seconds to a proof of harm by ratio, and to a proof of safety.
REFERENCE: Mapping[str, Mapping[float, float]] = {
    "5 vs 95, 30 %": {1.05: 1770, 1.1: 450},
    "5 vs 95, 50 %": {1.05: 755, 1.1: 200},
    "1 vs 19, 50 %": {1.1: 850},
}
SAFE_REFERENCE: Mapping[str, float] = {"5 vs 95, 10 %": 1235, "5 vs 95, 30 %": 330, "5 vs 95, 50 %": 140}


def run(size: Size) -> list[Record]:
    """All worlds and ratios, labels per second instead of requests."""
    policy, records = Policy(safe=(SAFE_RATIO, 0.0)), []
    for (label, world), ratio in shown("B2 labels", list(product(WORLDS.items(), RATIOS)), size):
        now, rng = replace(world, ratio=ratio), generator("labels", label, ratio)
        known = ours.learn(now, size.runs, rng)
        counts = simulate(now, size.runs, rng)
        oracle = oracle_seconds(now, ratio=policy.harm[0], absolute=policy.harm[1], alpha=policy.alpha_harm)
        verdicts = ours.judge(now, counts, known, policy)
        records.append(measure("labels", "Rollmodel", now, counts, verdicts, oracle=oracle, label=label))
    return records
