"""How long an evaluation takes, how large the state is, how long a backtest takes, on the machine at hand."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
from rollmodel.api.modeldeployment import Rollout
from rollmodel.cli.backtest.batch import Batch
from rollmodel.cli.backtest.counts import Counts as Recorded
from rollmodel.cli.backtest.counts import History
from rollmodel.cli.backtest.steps import replay
from rollmodel.evidence import judge
from rollmodel.evidence.core.samples import CountSample, Window
from rollmodel.evidence.core.types import JudgePlan, MetricPlan

from tests.bench.evidence.pages.markdown import table
from tests.bench.evidence.setup import generator
from tests.bench.evidence.worlds import TICK_SECONDS, World, simulate, simulate_history

__all__ = ["NAME", "measured", "rendered"]

NAME = "speed.json"
METRICS, TICKS, ROLLOUTS = 20, 360, 1000


def measured() -> dict[str, float]:
    """Seconds and bytes."""
    plan = JudgePlan(metrics=[MetricPlan(f"metric-{i}", "count") for i in range(METRICS)])
    counts = simulate(World(5, 95, 0.005), METRICS, generator("speed"))
    state, sizes, spent = judge.begin(plan, {}, 0.0), [], []
    for t in range(TICKS):
        samples = {
            m.name: CountSample(counts.na[i, t], counts.ka[i, t], counts.nb[i, t], counts.kb[i, t])
            for i, m in enumerate(plan.metrics)
        }
        text = judge.dump(state)
        began = time.perf_counter()
        state = judge.observe(judge.load(text), Window(t * TICK_SECONDS, (t + 1) * TICK_SECONDS), samples)
        judge.assess(state)
        judge.dump(state)
        spent.append(time.perf_counter() - began)
        sizes.append(len(text))
    return {
        "evaluation": float(np.median(spent)),
        "state_at_10": sizes[10],
        "state_at_end": sizes[-1],
        "backtest": _backtest(),
    }


def _backtest() -> float:
    rng, world = generator("speed", "backtest"), World(5, 95, 0.005)
    counts, past = simulate(world, ROLLOUTS, rng), simulate_history(world, ROLLOUTS, rng, TICKS)
    both = np.stack([counts.na, counts.nb]), np.stack([counts.ka, counts.kb])
    histories = [
        History(np.stack([past.na[r], past.nb[r]]), np.stack([past.ka[r], past.kb[r]])) for r in range(ROLLOUTS)
    ]
    dropped = np.zeros((ROLLOUTS, TICKS), dtype=bool)
    recorded = Recorded(TICK_SECONDS, *both, dropped, np.full(ROLLOUTS, TICKS), histories)
    plan = JudgePlan(metrics=(MetricPlan("errors", "count"),), interval=TICK_SECONDS)
    began = time.perf_counter()
    replay(Batch([str(r) for r in range(ROLLOUTS)], plan, recorded), Rollout())
    return time.perf_counter() - began


def rendered(directory: Path) -> str:
    """The table; nothing before it was measured."""
    path = directory / NAME
    if not path.exists():
        return ""
    found = json.loads(path.read_text(encoding="utf-8"))
    rows = [
        [
            f"one evaluation of {METRICS} count metrics: state read, judged, assessed, written",
            f"{1000 * found['evaluation']:.1f} ms",
        ],
        [f"state of {METRICS} metrics after 10 windows", f"{found['state_at_10']:,.0f} bytes"],
        [f"the same after {TICKS}", f"{found['state_at_end']:,.0f} bytes"],
        [f"backtest of {ROLLOUTS:,} rollouts of {TICKS} windows, counts in memory", f"{found['backtest']:.1f} s"],
    ]
    return table(["what", "measured"], rows)
