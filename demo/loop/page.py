"""One page of pictures: drift, accuracy as estimated and as it was, weights and decisions on one axis of time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape

from demo.loop.story import LoopStory

__all__ = ["render"]

Place = Callable[[float], float]

_WIDTH, _LEFT, _HEIGHT, _GAP = 1000.0, 70.0, 120.0, 34.0
_COLOURS = {
    "Learning": "#c9ced6",
    "Stable": "#9fd6b8",
    "Suspected": "#f3d58a",
    "Drifted": "#e79b8f",
    "Blind": "#b9a7d6",
    "Insufficient": "#dfe3e8",
}
#: Of the first and the second line of a frame.
_LINES = ("#1f5fa8", "#c0661b")
_STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
text{font-size:11px;fill:#555}.grid{stroke:#ddd}.act{stroke:#333;stroke-dasharray:3 3}svg{width:100%}
td,th{text-align:left;padding:.1rem 1rem .1rem 0}"""


def render(story: LoopStory) -> str:
    """The page, which needs nothing but itself."""
    begin, end = story.acts[0][0], story.acts[-1][0]

    def x(moment: float) -> float:
        return _LEFT + (_WIDTH - _LEFT) * (moment - begin) / max(1.0, end - begin)

    sizes = [(one.time, one.psi) for one in story.moments]
    right = list(_by_step(story, begin, end))
    estimated = [(one.time, one.estimated) for one in story.moments if one.estimated is not None]
    weights = [(one.time, float(one.weight)) for one in story.moments]
    parts = [
        _bands(story, x),
        _chart(1, {"change of the signal that moved most, PSI": sizes}, max(1.0, *(psi for _, psi in sizes)), x),
        _chart(
            2, {"right answers, in 5 s": right, "estimated from scores, before outcomes are known": estimated}, 1.0, x
        ),
        _chart(3, {"candidate's weight, %": weights}, 100.0, x),
        *_acts(story, x),
    ]
    height = _top(4)
    legend = " ".join(
        f'<span style="background:{colour}">&nbsp;{name}&nbsp;</span>' for name, colour in _COLOURS.items()
    )
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in _decisions(story))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>The loop</title><style>{_STYLE}</style>'
        f"<h1>Drift, training, evidence, promotion</h1><p>What the policy said: {legend}</p>"
        f'<svg viewBox="0 0 {_WIDTH} {height}">{"".join(parts)}</svg><h2>Decisions</h2><table>{rows}</table></html>\n'
    )


def _by_step(story: LoopStory, begin: float, end: float, step: float = 5.0) -> Iterator[tuple[float, float]]:
    for index in range(math.ceil((end - begin) / step)):
        value = story.accuracy(begin + index * step, begin + (index + 1) * step)
        if value is not None:
            yield begin + (index + 0.5) * step, value


def _top(row: int) -> float:
    return 50 + row * (_HEIGHT + _GAP)


def _bands(story: LoopStory, x: Place) -> str:
    """The policy's word over time."""
    drawn = [f'<text x="{_LEFT}" y="{_top(0) - 5:.0f}">policy and the version that serves</text>']
    for one, following in zip(story.moments, story.moments[1:], strict=False):
        left, width = x(one.time), x(following.time) - x(one.time)
        colour = _COLOURS.get(one.state, "#eee")
        drawn.append(f'<rect x="{left:.1f}" y="{_top(0):.0f}" width="{width + 0.5:.1f}" height="40" fill="{colour}"/>')
        if one.stable != following.stable:
            drawn.append(f'<text x="{x(following.time):.1f}" y="{_top(0) + 56:.0f}">v{escape(following.stable)}</text>')
    return "".join(drawn)


def _chart(row: int, lines: Mapping[str, Sequence[tuple[float, float]]], top: float, x: Place) -> str:
    """Lines by their name, in one frame."""
    low = _top(row) + _HEIGHT

    def y(value: float) -> float:
        return low - _HEIGHT * min(value, top) / top

    marks = "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH}" y1="{y(mark):.1f}" y2="{y(mark):.1f}"/>'
        f'<text x="{_LEFT - 6}" y="{y(mark) + 4:.1f}" text-anchor="end">{mark:.3g}</text>'
        for mark in (0.0, top / 2, top)
    )
    drawn, right = [], _LEFT
    for (title, points), colour in zip(lines.items(), _LINES, strict=False):
        line = " ".join(f"{x(moment):.1f},{y(value):.1f}" for moment, value in points)
        drawn += [
            f'<text x="{right:.0f}" y="{_top(row) - 5:.0f}" style="fill:{colour}">{escape(title)}</text>',
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.6"/>',
        ]
        right += 7.0 * len(title) + 20.0
    return marks + "".join(drawn)


def _acts(story: LoopStory, x: Place) -> Iterator[str]:
    """What the demo did; names that would lie on each other are in two rows."""
    free = [0.0, 0.0]
    for moment, name in story.acts[:-1]:
        at = x(moment) + 3.0
        row = 0 if free[0] <= at or free[0] <= free[1] else 1
        free[row] = at + 7.0 * len(name)
        yield f'<line class="act" x1="{at - 3:.1f}" x2="{at - 3:.1f}" y1="12" y2="{_top(4) - _GAP:.0f}"/>'
        yield f'<text x="{at:.1f}" y="{10 + 13 * row}">{escape(name)}</text>'


def _decisions(story: LoopStory) -> Iterator[tuple[str, ...]]:
    told = [(entry.time, f"v{entry.to_version} {entry.verdict}", entry.reason) for entry in story.history]
    told += [(one.time, f"alarm {one.episode}: {one.outcome}", one.trigger) for one in story.policy.retrains]
    episode = story.policy.episode
    if episode is not None and story.blocked:
        told.append((episode.start_time, f"alarm {episode.number}: no training", story.blocked))
    yield from sorted(told)
