"""The benchmark of the evidence engine: simulate, compare with other tools' rules, write tables and plots.

``python -m tests.bench.evidence --quick`` takes minutes on one core; without ``--quick`` it makes the published
figures.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench.evidence import store
from tests.bench.evidence.pages import page
from tests.bench.evidence.records import Record
from tests.bench.evidence.setup import FULL, QUICK, Size
from tests.bench.evidence.suites import (
    cold_latency,
    cold_means,
    detection,
    false_alarms,
    families,
    first_minutes,
    labels,
    latency,
    means,
    missing,
    promotion,
    speed,
)

__all__ = ["SUITES", "main"]

SUITES: dict[str, Callable[[Size], list[Record]]] = {
    "B1": false_alarms.grid,
    "B1-sources": false_alarms.sources,
    "B1-first": first_minutes.run,
    "B1-first-latency": cold_latency.run,
    "B1-first-means": cold_means.run,
    "B1-slow": false_alarms.slow_noise,
    "B1-horizons": false_alarms.horizons,
    "B2": detection.run,
    "B2-latency": latency.run,
    "B2-means": means.run,
    "B2-sums": means.run_sums,
    "B2-labels": labels.run,
    "B4": promotion.run,
    "B5": families.run,
    "B6": missing.run,
}

SPEED = "speed"


def main() -> int:
    """Run the suites that were asked for, then write the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.evidence", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few runs, a sample of the cells")
    parser.add_argument(
        "--only", nargs="*", choices=[*SUITES, SPEED], help="suites to run (none: write the page again)"
    )
    parser.add_argument("--results", type=Path, default=Path("build/evidence"), help="where records are kept")
    parser.add_argument("--docs", type=Path, default=Path("docs/concepts"), help="where page and plots go")
    arguments = parser.parse_args()
    size = QUICK if arguments.quick else FULL
    results = arguments.results / ("quick" if arguments.quick else "full")
    chosen = [*SUITES, SPEED] if arguments.only is None else arguments.only
    for name, suite in SUITES.items():
        if name in chosen:
            store.save(results, name, suite(size))
    if SPEED in chosen:
        store.write(results, speed.NAME, speed.measured())
    page.write(arguments.docs, store.load(results, list(SUITES)), size, speed.rendered(results))
    print(f"wrote {arguments.docs / page.NAME}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
