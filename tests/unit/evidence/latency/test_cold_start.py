"""The guard of latency where nothing is known of the stable version yet."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.evidence import glaring, judge
from rollmodel.evidence.core.evalue import Pair, margin
from rollmodel.evidence.core.samples import HistogramSample
from rollmodel.evidence.core.types import MetricPlan, Outcome
from rollmodel.evidence.latency import cold_start
from rollmodel.evidence.levels import levels

from tests.bench.evidence.suites.cold_latency import FAULTS, found_after
from tests.bench.evidence.suites.latency import LAYOUTS, Fault, simulate
from tests.bench.evidence.worlds import World
from tests.support.simulation.judging import START, feed, plan

SERVER = np.array(LAYOUTS["Rollmodel's server"])
SLOW = MetricPlan("latency", "latency", harm_ratio=1.1, safe_ratio=1.3)
EDGES = (0.1, 0.25, 0.5, 1.0, 2.5)


def found(world: World, fault: Fault, *, edges: np.ndarray = SERVER, noise: float = 0.0, ticks: int = 10) -> np.ndarray:
    return found_after(edges, simulate(edges, world, fault, (100, ticks), np.random.default_rng(5), noise=noise))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("fault", "requests"), [("x10", (0.5, 9.5)), ("30 % ten times as long", (5.0, 95.0))])
def test_a_glaring_slowness_is_found_within_ten_windows(layout: str, fault: str, requests: tuple[float, float]) -> None:
    """Ten times as slow needs five requests a window; buckets are coarse, so a part of them needs more."""
    after = found(World(*requests, 0.0), FAULTS[fault], edges=np.array(LAYOUTS[layout]))
    assert (after <= 10).mean() >= 0.85
    assert after.min() >= 6, "the first window shows what is slow, and fewer than five more never decide"


@pytest.mark.parametrize("noise", [0.0, 0.2, 0.4])
@pytest.mark.parametrize("requests", [(0.5, 9.5), (50.0, 950.0)])
def test_a_version_as_fast_as_stable_is_left_alone(requests: tuple[float, float], noise: float) -> None:
    assert np.isinf(found(World(*requests, 0.0), Fault(), noise=noise, ticks=30)).all()


def test_a_version_within_a_wide_tolerance_is_left_alone() -> None:
    edges = np.array(EDGES)
    at = cold_start.edges_above(edges, np.array([900.0, 80, 15, 5, 0, 0]), margin(4.0, 0.1))
    assert [edges[at.b], edges[at.a]] == [0.25, 2.5]


@settings(max_examples=50)
@given(
    st.lists(st.floats(0.001, 100.0), min_size=1, max_size=8, unique=True),
    st.lists(st.integers(0, 200), min_size=9, max_size=9),
    st.floats(1.0, 5.0),
    st.floats(0.0, 1.0),
)
def test_the_candidates_edge_is_beyond_what_is_tolerated(
    edges: list[float], counts: list[int], ratio: float, absolute: float
) -> None:
    bounds = np.array(sorted(edges))
    at = cold_start.edges_above(bounds, np.array(counts[: len(bounds) + 1], float), margin(ratio, absolute))
    if at.usable:
        assert bounds[at.a] >= (max(ratio, 1.5) * bounds[at.b] + absolute) * (1 - 1e-6)
        assert at.guess <= cold_start.MOST


def test_buckets_that_end_too_early_decide_nothing() -> None:
    at = cold_start.edges_above(np.array([0.1]), np.array([10.0, 5.0]), margin(1.1))
    assert not at.usable
    guard = cold_start.begin(glaring.prior(levels(4.6, 4.6)))
    counts = Pair(np.array([0.0, 50.0]), np.array([500.0, 0.0]))
    again = cold_start.update(glaring.prior(levels(4.6, 4.6)), guard, counts, at=at, learning=np.asarray(True))
    assert float(again.na) == 0
    assert (again.wealth.log == guard.wealth.log).all()


def slow_candidate(_: int) -> HistogramSample:
    return HistogramSample(EDGES, (0.0, 0.0, 0.0, 5.0, 40.0, 5.0), (600.0, 300.0, 20.0, 5.0, 0.0, 0.0))


def test_it_is_found_by_the_sixth_window_and_said_so() -> None:
    begun = judge.begin(plan(SLOW), {}, START)
    assert judge.assess(feed(begun, 5, slow_candidate, name="latency")).outcome is Outcome.UNDECIDED
    found_it = judge.assess(feed(begun, 6, slow_candidate, name="latency"))
    [report] = found_it.metrics
    assert (found_it.outcome, report.guard, report.learning) == (Outcome.HARM, "Caught", (6, 30))
    assert "found while the noise is still learnt" in found_it.message
    assert "slower than 0.5 s, of stable's slower than 0.25 s" in report.message
    assert (report.na, report.ka) == (250.0, 250.0)


def test_learning_counts_its_windows_through_both_phases() -> None:
    even = (60.0, 30.0, 4.0, 1.0, 0.0, 0.0)
    state = feed(
        judge.begin(plan(SLOW), {}, START), 14, lambda _: HistogramSample(EDGES, even, even), name="latency", weight=0.5
    )
    [report] = judge.assess(state).metrics
    assert (report.learning, report.guard) == ((14, 30), "Watching")


@pytest.mark.parametrize("windows", [3, 12])
def test_a_state_from_before_there_was_this_guard_goes_on_without_one(windows: int) -> None:
    even = HistogramSample(EDGES, (60.0, 30.0, 4.0, 1.0, 0.0, 0.0), (60.0, 30.0, 4.0, 1.0, 0.0, 0.0))
    state = feed(judge.begin(plan(SLOW), {}, START), windows, lambda _: even, name="latency", weight=0.5)
    document = json.loads(judge.dump(state))
    row = document["parts"][0][0][0]
    row.pop()
    old = judge.load(json.dumps(document))
    assert json.loads(judge.dump(old)) == document
    gone_on = feed(old, 6, slow_candidate, name="latency", first=windows, weight=0.5)
    [report] = judge.assess(gone_on).metrics
    assert (report.guard, report.verdict) == (None, "Undecided")
