"""The plots of the documentation, as small SVG files that read well on a light and on a dark page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rollmodel.evidence.core.evalue import tick
from rollmodel.evidence.counts import model as core

from tests.bench.evidence.pages.targets import OURS, healthy, of
from tests.bench.evidence.records import Record
from tests.bench.evidence.rules.oracle import oracle_seconds
from tests.bench.evidence.rules.ours import STANDARD, configured, learn
from tests.bench.evidence.rules.rivals import RIVALS, Floats
from tests.bench.evidence.setup import generator
from tests.bench.evidence.suites import detection
from tests.bench.evidence.worlds import TICK_SECONDS, World, simulate

__all__ = ["draw"]

BLUE, RED, GREEN, GREY, ORANGE = "#1f5fa8", "#c0392b", "#2e8b57", "#8a8f98", "#d98014"
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "rollmodel",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e8eb",
    "axes.axisbelow": True,
    "legend.frameon": False,
}


def draw(directory: Path, records: Sequence[Record]) -> list[str]:
    """Write the plots that these records allow; returns their file names."""
    directory.mkdir(parents=True, exist_ok=True)
    drawn = []
    with mpl.rc_context(_STYLE):
        for name, plot in (("false-rollbacks", _false_rollbacks), ("delays", _delays), ("paths", _paths)):
            figure = plot(records)
            if figure is not None:
                figure.savefig(directory / f"{name}.svg", facecolor="white", metadata={"Date": None})
                drawn.append(f"{name}.svg")
    return drawn


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _false_rollbacks(records: Sequence[Record]) -> Figure | None:
    """Each dot is a cell of the grid: how often a healthy version was rolled back."""
    rules = [rule for rule in (OURS, *RIVALS) if of(records, "B1", rule)]
    if not rules:
        return None
    figure, axes = _axes(7.2, 3.6)
    jitter = generator("jitter")
    for row, rule in enumerate(reversed(rules)):
        rates = np.array([r.rollback for r in healthy(of(records, "B1", rule))])
        heights = row + jitter.uniform(-0.28, 0.28, len(rates))
        axes.scatter(100 * rates, heights, s=7, alpha=0.5, linewidths=0, color=BLUE if rule == OURS else GREY)
    axes.axvline(100 * STANDARD.alpha_harm, color=RED, linewidth=1)
    axes.annotate(
        "configured risk 5 %",
        (100 * STANDARD.alpha_harm, len(rules) - 0.45),
        color=RED,
        xytext=(3, 0),
        textcoords="offset points",
    )
    axes.set_yticks(range(len(rules)), list(reversed(rules)))
    axes.set_xlabel("healthy versions rolled back within one hour, % of runs")
    axes.set_xlim(-2, 102)
    return figure


def _delays(records: Sequence[Record]) -> Figure | None:
    """Median delay over the size of the fault, in one world."""
    label = "5 vs 95, 0.5 %"
    shown = {
        OURS: (BLUE, "-"),
        "Argo Rollouts, failureLimit 0 (default)": (ORANGE, "--"),
        "Flagger, threshold 5": (GREEN, "--"),
        "Kayenta, growing, every 10 min": (GREY, "--"),
    }
    if not of(records, "B2"):
        return None
    figure, axes = _axes(6.4, 3.6)
    for rule, (colour, line) in shown.items():
        found = {r.world["ratio"]: r for r in of(records, "B2", rule) if r.label == label}
        false = f", {100 * found[1.0].rollback:.0f} % false" if 1.0 in found else ""
        points = [
            (ratio, s)
            for ratio in detection.RATIOS
            if ratio in found and (s := found[ratio].rollback_seconds) is not None
        ]
        if points:
            axes.plot(*zip(*points, strict=True), line, color=colour, marker="o", markersize=4, label=rule + false)
    ratios = np.linspace(1.25, 5, 40)
    world = detection.WORLDS[label]
    oracle = [oracle_seconds(World(world.canary_rps, world.stable_rps, world.base, float(r))) for r in ratios]
    axes.plot(ratios, oracle, ":", color="black", linewidth=1, label="oracle that knows both rates")
    axes.set(yscale="log", xlabel="candidate's error rate, times the stable one", ylabel="median time to rollback, s")
    axes.set_title("5 requests/s on the candidate, 95 on stable, 0.5 % errors", fontsize=9)
    axes.legend(fontsize=8)
    return figure


def _paths(_: Sequence[Record]) -> Figure:
    """Evidence over time of a few rollouts: healthy ones, and ones that are three times as bad from minute 20 on."""
    figure = Figure(figsize=(7.2, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2, sharex=True)
    worlds = (
        (World(5, 95, 0.005), GREEN, "healthy"),
        (World(5, 95, 0.005, 3.0, onset=1200.0), RED, "x3 from minute 20 on"),
    )
    for world, colour, label in worlds:
        harm, safe = _evidence(world, 5)
        minutes = (np.arange(world.ticks) + 1) * TICK_SECONDS / 60
        for axes, paths in ((left, harm), (right, safe)):
            axes.plot(minutes[::2], np.exp(paths.T[::2]), color=colour, linewidth=0.9, alpha=0.8)
            axes.plot([], [], color=colour, label=label)
    for axes, title in ((left, "evidence of harm"), (right, "evidence of safety")):
        axes.axhline(20, color="black", linewidth=1, linestyle="--")
        axes.set(yscale="log", ylim=(1e-3, 1e4), xlim=(0, 60), xlabel="minutes", title=title)
    left.annotate("20: rolled back", (1, 28))
    right.annotate("20: proven safe", (1, 28))
    left.set_ylabel("betting account, starts at 1")
    left.legend(loc="lower left")
    return figure


def _evidence(world: World, runs: int) -> tuple[Floats, Floats]:
    rng = generator("paths", world)
    known = learn(world, runs, rng)
    counts = simulate(world, runs, rng)
    config = configured(world, known)
    state = core.begin(config, known)
    harm, safe = [], []
    for t in range(world.ticks):
        state = core.update(config, state, tick(counts.na[:, t], counts.ka[:, t], counts.nb[:, t], counts.kb[:, t]))
        harm.append(core.log_harm(state))
        safe.append(core.log_safe(state))
    return np.array(harm).T, np.minimum(np.array(safe).T, math.log(1e6))
