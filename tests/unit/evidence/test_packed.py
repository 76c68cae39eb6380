"""The state of the judge as status keeps it: shorter, and the same to the last bit."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.evidence import judge
from rollmodel.evidence.core.samples import CountSample, HistogramSample, MeanSample, Sample, ValueSample
from rollmodel.evidence.core.types import MetricHistory, MetricPlan
from rollmodel.evidence.packed import LONGEST, PREFIX, pack, unpack

from tests.support.simulation.judging import START, plan, quiet_history, window

ERRORS = MetricPlan("errors", "count", ceiling=0.05)
FIVE = (
    ERRORS,
    MetricPlan("latency", "latency", safe_ratio=1.3),
    MetricPlan("cost", "mean", harm_ratio=1.05, safe_ratio=1.2),
    MetricPlan("queue", "value", value_max=9.0),
    MetricPlan("wrong-labels", "count"),
)
EDGES = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)


def noisy(*metrics: MetricPlan, ticks: int) -> judge.JudgeState:
    """A judge in the middle of a rollout whose numbers are as uneven as real ones."""
    rng = np.random.default_rng(3)

    def buckets(n: int) -> list[float]:
        shares = np.diff(np.concatenate([[0.0], 1 / (1 + (0.12 / np.array(EDGES)) ** 3), [1.0]]))
        return [float(k) for k in rng.multinomial(n, shares)]

    draw: dict[str, Callable[[], Sample]] = {
        "count": lambda: CountSample(200, float(rng.poisson(2)), 1800, float(rng.poisson(18))),
        "latency": lambda: HistogramSample(EDGES, buckets(200), buckets(1800)),
        "mean": lambda: MeanSample(100, rng.normal(1, 0.05), 1000, rng.normal(1, 0.015), 125.0, 1250.0),
        "value": lambda: ValueSample(float(rng.uniform(2, 4))),
    }
    past = MetricHistory({f"pod-{i}": [buckets(200) for _ in range(200)] for i in range(2)}, EDGES)
    known = {"count": quiet_history(), "latency": past}
    state = judge.begin(plan(*metrics), {m.name: known[m.kind] for m in metrics if m.kind in known}, START)
    for number in range(ticks):
        state = judge.observe(state, window(number), {m.name: draw[m.kind]() for m in metrics}, weight=0.1)
    return state


@settings(max_examples=50)
@given(st.text())
def test_any_text_comes_back_as_it_was(text: str) -> None:
    assert unpack(pack(text)) == text


@pytest.mark.parametrize(("metrics", "longest"), [((ERRORS,), 600), (FIVE, 1500)], ids=["one", "five"])
def test_a_packed_state_is_half_as_long_and_says_the_same(metrics: tuple[MetricPlan, ...], longest: int) -> None:
    state = noisy(*metrics, ticks=20)
    plain, packed = judge.dump(state), judge.pack(state)
    assert unpack(packed) == plain
    assert judge.assess(judge.load(packed)) == judge.assess(judge.load(plain))
    assert len(packed) < min(longest, 0.6 * len(plain))


def test_before_the_first_windows_a_packed_state_is_a_few_lines() -> None:
    assert len(judge.pack(noisy(ERRORS, ticks=0))) < 300


def test_what_is_damaged_is_refused() -> None:
    packed = judge.pack(noisy(ERRORS, ticks=2))
    body = bytearray(base64.b64decode(packed.removeprefix(PREFIX)))
    body[len(body) // 2] ^= 1
    bomb = zlib.compress(b" " * (LONGEST + 1))
    flipped, large = (PREFIX + base64.b64encode(one).decode() for one in (body, bomb))
    for text in (packed[:-4], packed + "!", packed.replace(PREFIX, "zlib2:"), PREFIX, flipped, large):
        with pytest.raises(judge.StateError):
            judge.load(text)
