"""How long one look takes, of 30 features and a score: each window alone, all together, and the whole evaluation.

    python -m tests.bench.drift.cost.speed

Milliseconds, the least of 100 times: what it takes where nothing else runs. The first two columns are `evidence/`, the
last one is the whole of what a pass computes of a look: tests of features, prediction, quality and performance, and
what status says of them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import numpy as np
from rollmodel.api.driftpolicy import DriftPolicySpec
from rollmodel.evidence.core.arrays import Array
from rollmodel.evidence.drift.anytime import compare_anytime
from rollmodel.evidence.drift.compare import CAREFUL_EXPECTED, compare
from rollmodel.plan.drift.evaluation.evaluate import evaluate
from rollmodel.plan.drift.evaluation.history import History
from rollmodel.plan.drift.profile.layout import Layout
from rollmodel.plan.problem import Problem

from tests.bench.drift.cost.scale import HOUR, SPEC, Prometheus

HOURS = {"1 h": 1, "6 h": 6, "24 h": 24, "7 d": 168}
AT = 1000 * HOUR


def least(work: Callable[[], object], times: int = 100) -> float:
    """Milliseconds."""
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return 1e3 * min(found)


async def history() -> History:
    """A week of counts, as the operator keeps it."""
    prometheus = Prometheus()
    answer = await prometheus.query_range("rollmodel_profile_rows", start=AT, end=AT, step=HOUR)
    layout = Layout.of([(one.labels, one.points) for one in answer])
    assert not isinstance(layout, Problem)
    counts = await prometheus.query_range("counts", start=AT - 170 * HOUR, end=AT, step=HOUR)
    return History(layout).with_answer([(one.labels, one.points) for one in counts])


def main() -> None:
    """Print a table."""
    kept = asyncio.run(history())
    signals = len(kept.layout.signals)
    dispersion = 1.0 + np.random.default_rng(0).random(signals) / 5.0
    reference = kept.layout.reference()
    windows = [kept.bins(kept.total(AT - hours * HOUR, AT)) for hours in HOURS.values()]

    def budget(live: Array) -> float:
        return least(lambda: compare(reference, live, dispersion=dispersion, quiet_windows=30, least=CAREFUL_EXPECTED))

    def anytime(live: Array) -> float:
        known, risk = np.broadcast_to(reference, live.shape), np.full(signals, 1e-3)
        return least(lambda: compare_anytime(known, live, dispersion=dispersion, delta=risk, least=CAREFUL_EXPECTED))

    def look(mode: str, seconds: list[int]) -> float:
        given = {**SPEC, "falseAlarms": {"mode": mode}, "windowSeconds": seconds}
        spec = DriftPolicySpec.model_validate(given)
        now = "2026-01-01T00:00:00Z"
        return least(
            lambda: evaluate(spec, kept, [], at=AT, watched_since=0.0, dispersion=dispersion, now=now), times=30
        )

    print("| window | `Budget` | `Anytime` | whole look, `Budget` | whole look, `Anytime` |")
    print("|---|---|---|---|---|")
    for (name, hours), live in zip(HOURS.items(), windows, strict=True):
        looks = [f"{look(mode, [hours * HOUR]):.1f}" for mode in ("Budget", "Anytime")]
        print(f"| {name} | {budget(live):.2f} | {anytime(live):.2f} | {' | '.join(looks)} |")
    together = np.stack(windows)
    looks = [f"{look(mode, [one * HOUR for one in HOURS.values()]):.1f}" for mode in ("Budget", "Anytime")]
    print(f"| all four | {budget(together):.2f} | {anytime(together):.2f} | {' | '.join(looks)} |")


if __name__ == "__main__":
    main()
