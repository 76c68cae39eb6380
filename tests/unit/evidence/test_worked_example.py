"""The figures of the worked example in docs/concepts/evidence.md are those of this judge."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
from rollmodel.evidence import judge
from rollmodel.evidence.core.samples import CountSample
from rollmodel.evidence.core.types import MetricReport, Outcome

from tests.support.simulation.judging import START, plan, quiet_history, window

PAGE = Path(__file__).parents[3] / "docs/concepts/evidence.md"
ROW = re.compile(r"\| (\d+) s \| ([\d,]+) of ([\d,]+) \| ([\d,]+) of ([\d,]+) \| ([\d.]+) \|")

Totals = tuple[int, int, int, int]


def table(heading: str) -> dict[int, tuple[Totals, float]]:
    """Tick to the totals (candidate and bad, stable and bad) and the evidence that the page prints."""
    text = PAGE.read_text(encoding="utf-8").split(heading)[1].split("\n\n")[0]
    rows = [[float(cell.replace(",", "")) for cell in row] for row in ROW.findall(text)]
    return {round(time) // 10: ((int(na), int(ka), int(nb), int(kb)), e) for time, ka, na, kb, nb, e in rows}


def between(known: dict[int, Totals]) -> list[Totals]:
    """The totals at every tick; between two that are known, bad requests come evenly."""
    found: list[Totals] = []
    for (begin, old), (end, new) in pairwise([(0, (0, 0, 0, 0)), *known.items()]):
        for tick in range(begin + 1, end + 1):
            part = (tick - begin) / (end - begin)
            a, b, c, d = (round(x + part * (y - x)) for x, y in zip(old, new, strict=True))
            found.append((a, b, c, d))
    return found


def judged(totals: list[Totals]) -> tuple[list[MetricReport], Outcome]:
    """The reports after each tick, with the defaults of a ModelDeployment and a past of three quiet hours."""
    history = quiet_history(0.005, pods=20, ticks=1080, requests=50.0)
    state, reports = judge.begin(plan(alpha_harm=0.01), {"errors": history}, START), []
    for number, (old, new) in enumerate(pairwise([(0, 0, 0, 0), *totals])):
        sample = CountSample(*(float(y - x) for x, y in zip(old, new, strict=True)))
        state = judge.observe(state, window(number), {"errors": sample})
        reports.append(judge.assess(state).metrics[0])
    return reports, judge.assess(state).outcome


def test_the_candidate_that_is_rolled_back() -> None:
    printed = table("evidence of harm | |")
    reports, outcome = judged(between({tick: totals for tick, (totals, _) in printed.items()}))
    assert len(printed) == 4
    assert [reports[tick - 1].e_harm for tick in printed] == pytest.approx([e for _, e in printed.values()], rel=0.03)
    assert outcome == Outcome.HARM


def test_the_candidate_that_is_proven_safe() -> None:
    printed = table("evidence of safety | |")
    known = {tick: totals for tick, (totals, _) in printed.items()}
    reports, outcome = judged(between({**known, 100: (5000, 20, 95000, 475)}))
    assert len(printed) == 3
    assert [reports[tick - 1].e_safe for tick in printed] == pytest.approx([e for _, e in printed.values()], rel=0.05)
    assert outcome == Outcome.SAFE
    assert 400 < (reports[49].seconds_to_safe or 0) < 800, "about ten minutes to go"
