"""Line charts over time as plain geometry, for the SVG in the HTML report."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from rollmodel.cli.backtest.recording import Moment
from rollmodel.cli.rollout.report import MetricView
from rollmodel.evidence.core.types import MetricReport

__all__ = ["Chart", "charts", "weights"]

WIDTH, HEIGHT = 560.0, 150.0
_LEFT, _BOTTOM = 44.0, 18.0
_LEAST_EVIDENCE = 1e-3
_RATIO_SPAN = 8.0

Seen = Sequence[tuple[float, MetricReport]]
Value = Callable[[MetricReport], float | None]


@dataclass(frozen=True, slots=True)
class Mark:
    """A tick or a threshold: its place in pixels and its text."""

    place: float
    text: str
    colour: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing of WIDTH x HEIGHT. ``lines`` and ``band`` are SVG point lists."""

    title: str
    lines: Sequence[tuple[str, str]]
    """(points, colour)"""
    band: str
    x_ticks: Sequence[Mark]
    y_ticks: Sequence[Mark]
    rules: Sequence[Mark]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = _LEFT
    bottom: float = HEIGHT - _BOTTOM


@dataclass(frozen=True, slots=True)
class _Scale:
    """From values to pixels; ``log`` for what multiplies."""

    low: float
    high: float
    log: bool

    def at(self, value: float) -> float:
        value, low, high = (self._plain(x) for x in (min(max(value, self.low), self.high), self.low, self.high))
        return (HEIGHT - _BOTTOM) * (1 - (value - low) / (high - low))

    def _plain(self, value: float) -> float:
        return math.log(value) if self.log else value


def charts(metric: MetricView, moments: Sequence[Moment]) -> Iterator[Chart]:
    """Evidence of harm and safety, and the ratio with its interval, over the time of a recording."""
    seen = [(moment.window.end, report) for moment in moments if (report := _report(moment, metric.name)) is not None]
    if len(seen) < 2:
        return
    if metric.harm is not None:
        yield _evidence("evidence of harm", seen, lambda r: r.e_harm, "var(--harm)", metric.harm.needed)
    if metric.safe is not None:
        yield _evidence("evidence of safety", seen, lambda r: r.e_safe, "var(--safe)", metric.safe.needed)
    if any(report.ratio is not None for _, report in seen):
        yield _ratio(metric, seen)


def weights(moments: Sequence[Moment]) -> Chart | None:
    """The candidate's share of the requests."""
    points = [(moment.window.end, 100 * moment.share) for moment in moments if moment.share is not None]
    if len(points) < 2:
        return None
    scale = _Scale(0.0, 100.0, log=False)
    x, ticks = _times(points[0][0], points[-1][0])
    line = _points((x(time), scale.at(share)) for time, share in points)
    marks = [Mark(scale.at(y), f"{y} %") for y in (0, 50, 100)]
    return Chart("candidate's share of the requests", [(line, "var(--line)")], "", ticks, marks, [])


def _report(moment: Moment, name: str) -> MetricReport | None:
    return next((report for report in moment.assessment.metrics if report.name == name), None)


def _evidence(title: str, seen: Seen, value: Value, colour: str, needed: float) -> Chart:
    scale = _Scale(_LEAST_EVIDENCE, max(1e3, 10 * needed), log=True)
    rules = [Mark(scale.at(needed), f"proven at {needed:.0f}", colour)]
    return _chart(title, seen, value, colour, scale=scale, rules=rules, ticks=(0.01, 1, 100))


def _ratio(metric: MetricView, seen: Seen) -> Chart:
    scale = _Scale(1 / _RATIO_SPAN, _RATIO_SPAN, log=True)
    rules: list[Mark] = []
    if metric.margins is not None:
        margins = zip(metric.margins, ("var(--harm)", "var(--safe)"), strict=True)
        rules += [Mark(scale.at(ratio), "", colour) for ratio, colour in margins]
    x, _ = _times(seen[0][0], seen[-1][0])
    known = [(x(time), r.low, r.high) for time, r in seen if r.low is not None and r.high is not None]
    outline = [(at, scale.at(high)) for at, _, high in known] + [(at, scale.at(low)) for at, low, _ in reversed(known)]
    title = "ratio of the rates with its interval; dashed: tolerance and safe margin"
    chart = _chart(title, seen, lambda r: r.ratio, "var(--line)", scale=scale, rules=rules, ticks=(0.25, 1, 4))
    return replace(chart, band=_points(outline))


def _chart(
    title: str,
    seen: Seen,
    value: Value,
    colour: str,
    *,
    scale: _Scale,
    rules: Sequence[Mark],
    ticks: Sequence[float],
) -> Chart:
    x, x_ticks = _times(seen[0][0], seen[-1][0])
    line = _points((x(time), scale.at(y)) for time, report in seen if (y := value(report)) is not None)
    return Chart(title, [(line, colour)], "", x_ticks, [Mark(scale.at(y), f"{y:g}") for y in ticks], rules)


def _times(start: float, end: float) -> tuple[Callable[[float], float], list[Mark]]:
    """The horizontal axis: from unix seconds to pixels, and its ticks: the time since the start."""

    def at(time: float) -> float:
        return _LEFT + (WIDTH - _LEFT - 8) * (time - start) / (end - start)

    return at, [
        Mark(at(start + part * (end - start)), _since_start(part * (end - start), end - start))
        for part in (0, 0.25, 0.5, 0.75, 1)
    ]


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _since_start(seconds: float, span: float) -> str:
    """In the unit in which the ticks of this span differ."""
    for unit, length in (("h", 3600), ("min", 60)):
        if span >= 5 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"
