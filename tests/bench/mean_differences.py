"""Error rates and pairs to a proof of ``maxMeanDifference``: ``python -m tests.bench.mean_differences [RUNS]``.

Prints the table of docs/concepts/evidence-method.md. Each line is many simulated rollouts of up to 300 windows with 40
pairs, with a risk of 1 % of a false rollback and of 5 % of a false proof of safety.
"""

from __future__ import annotations

import sys
from math import sqrt

import numpy as np

from tests.unit.evidence.paired.test_differences import PAIRS, Draw, bursts, normal, rollouts, skewed

WINDOWS = 300
#: Words, draw, limit.
CASES: tuple[tuple[str, Draw, float], ...] = (
    ("at the limit of 0.01, deviation 0.05", normal(0.01, 0.05), 0.01),
    ("at the limit of 0.02, deviation 0.3", normal(0.02, 0.3), 0.02),
    ("at the limit of 0.02, one of 50 pairs is far off", skewed(0.02), 0.02),
    ("at the limit of -0.02, one of 50 pairs is far off", skewed(-0.02), 0.02),
    ("at the limit of 0.02, deviation 0.1, bursts of two", bursts(normal(0.02, 0.1), 2), 0.02),
    ("at the limit of 0.02, deviation 0.1, bursts of five", bursts(normal(0.02, 0.1), 5), 0.02),
    ("at the limit of 0.02, deviation 0.1, bursts of twenty", bursts(normal(0.02, 0.1), 20), 0.02),
    ("at the limit of 0.02, one of 50 is far off, bursts of five", bursts(skewed(0.02), 5), 0.02),
    ("at the limit of 0.02, one of 50 is far off, bursts of twenty", bursts(skewed(0.02), 20), 0.02),
    ("no difference, limit 0.01, deviation 0.05", normal(0.0, 0.05), 0.01),
    ("half of the limit 0.01, deviation 0.05", normal(0.005, 0.05), 0.01),
    ("no difference, limit 0.01, deviation 0.2", normal(0.0, 0.2), 0.01),
    ("three times the limit 0.01, deviation 0.05", normal(0.03, 0.05), 0.01),
    ("five times the limit 0.01, deviation 0.2", normal(0.05, 0.2), 0.01),
)


def upper(hits: int, runs: int, z: float = 1.96) -> float:
    """The upper end of Wilson's interval (95 %)."""
    share = hits / runs
    middle = share + z * z / (2 * runs)
    return (middle + z * sqrt(share * (1 - share) / runs + z * z / (4 * runs * runs))) / (1 + z * z / runs)


def main() -> None:
    """Print the table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print(
        "| the mean difference is | called harmful | called safe | pairs to half of the proofs |\n|---|---:|---:|---:|"
    )
    for words, draw, limit in CASES:
        found = rollouts(draw, limit, windows=WINDOWS, runs=runs)
        hits = np.isfinite(found).sum(axis=1)
        shares = [f"{n / runs:.2%} (< {upper(int(n), runs):.2%})" for n in hits]
        median = np.median(found.min(axis=0))
        print(
            f"| {words} | {shares[0]} | {shares[1]} | {f'{PAIRS * median:,.0f}' if np.isfinite(median) else 'none'} |"
        )


if __name__ == "__main__":
    main()
