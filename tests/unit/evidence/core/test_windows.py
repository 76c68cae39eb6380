from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.evidence.core.increments import PATIENCE
from rollmodel.evidence.core.samples import (
    CountSample,
    HistogramSample,
    MeanSample,
    NoEvidence,
    NoEvidenceReason,
    PodSeries,
)
from rollmodel.evidence.core.windows import count_samples, histogram_samples, history, mean_samples

from tests.support.simulation.judging import START, STEP, counter

NAN = math.nan


def samples(*series: PodSeries, ticks: int, first: int = 0, **options: Any) -> Any:
    """The windows of this many ticks as (first tick, last tick, sample)."""
    begin = START + first * STEP
    found = count_samples(series, start=begin, end=begin + (ticks - 1) * STEP, step=STEP, **options)
    return [(round((w.start - START) / STEP), round((w.end - START) / STEP), sample) for w, sample in found]


def healthy(arm: str, pod: str, ticks: int, *, first: int = 0) -> list[PodSeries]:
    """A pod that counts 10 requests a tick, one of them bad."""
    return [
        counter(arm, pod, "total", [1000 + 10.0 * i for i in range(ticks)], first),
        counter(arm, pod, "bad", [100 + 1.0 * i for i in range(ticks)], first),
    ]


def reasons(found: Any) -> list[str | None]:
    return [sample.reason if isinstance(sample, NoEvidence) else None for *_, sample in found]


def test_differences_of_both_arms_over_the_same_windows() -> None:
    found = samples(*healthy("candidate", "c", 3), *healthy("stable", "s1", 3), *healthy("stable", "s2", 3), ticks=3)
    assert found == [(0, 1, CountSample(10, 1, 20, 2)), (1, 2, CountSample(10, 1, 20, 2))]


def test_a_missing_sample_merges_the_windows_of_both_arms() -> None:
    late = counter("candidate", "c", "total", [0, 10, None, 30, 40])
    found = samples(late, *healthy("stable", "s", 5), ticks=5)
    assert [(begin, end) for begin, end, _ in found] == [(0, 1), (1, 3), (3, 4)]
    assert found[1][2] == CountSample(20, 0, 20, 2)


def test_the_newest_windows_are_held_back_while_a_sample_may_come() -> None:
    late = counter("candidate", "c", "total", [0, 10, None, None])
    assert [end for _, end, _ in samples(late, *healthy("stable", "s", 4), ticks=4)] == [1]


def test_a_pod_that_is_gone_for_longer_has_ended() -> None:
    gone = healthy("candidate", "gone", 2)
    stays = healthy("candidate", "stays", 5)
    found = samples(*gone, *stays, *healthy("stable", "s", 5), ticks=2 + PATIENCE + 1)
    assert [sample.na for *_, sample in found] == [20, 10, 10, 10]


def test_a_pod_that_returns_after_long_begins_anew() -> None:
    back = counter("candidate", "c", "total", [0, 10, None, None, None, 500, 510])
    found = samples(back, *healthy("candidate", "d", 7), *healthy("stable", "s", 7), ticks=7)
    assert [sample.na for *_, sample in found] == [20, 10, 10, 10, 10, 20]


def test_a_new_pod_starts_at_its_first_sample() -> None:
    new = healthy("candidate", "new", 3, first=2)
    found = samples(*new, *healthy("candidate", "old", 5), *healthy("stable", "s", 5), ticks=5)
    assert [sample.na for *_, sample in found] == [10, 10, 20, 20]
    assert [sample.ka for *_, sample in found] == [1, 1, 2, 2]


def test_an_absent_bad_series_means_zero_until_it_appears() -> None:
    found = samples(
        counter("candidate", "c", "total", [0, 10, 20, 30]),
        counter("candidate", "c", "bad", [None, None, 3, 4]),
        *healthy("stable", "s", 4),
        ticks=4,
    )
    assert [sample.ka for *_, sample in found] == [0, 3, 1]


def test_a_restarted_pod_counts_from_zero_in_all_its_series() -> None:
    found = samples(
        counter("candidate", "c", "total", [900, 1000, 50, 60]),
        counter("candidate", "c", "bad", [2, 3, 5, 5]),
        *healthy("stable", "s", 4),
        ticks=4,
    )
    assert [(s.na, s.ka) for *_, s in found] == [(100, 1), (50, 5), (10, 0)]


@pytest.mark.parametrize(
    ("total", "bad", "expected"),
    [
        ([0, NAN, 20, 30], [0, 0, 0, 0], ["NotANumber", "NotANumber", None]),
        ([0, math.inf, 20, 30], [0, 0, 0, 0], ["NotANumber", "NotANumber", None]),
        ([0, -5, 20, 30], [0, 0, 0, 0], ["Negative", "Negative", None]),
        ([1000, 990, 1000, 1010], [0, 0, 0, 0], ["Negative", None, None]),
        ([0, 10, 20, 30], [0, 20, 21, 22], ["BadExceedsTotal", None, None]),
    ],
)
def test_odd_numbers_are_no_evidence(total: Any, bad: Any, expected: Any) -> None:
    pod = [counter("candidate", "c", "total", total), counter("candidate", "c", "bad", bad)]
    assert reasons(samples(*pod, *healthy("stable", "s", 4), ticks=4)) == expected


def test_what_is_not_there_is_no_evidence() -> None:
    assert reasons(samples(ticks=3)) == ["NoSeries", "NoSeries"]
    assert reasons(samples(*healthy("stable", "s", 3), ticks=3)) == ["ArmEmpty", "ArmEmpty"]
    assert reasons(samples(*healthy("candidate", "c", 3), ticks=3)) == ["ArmEmpty", "ArmEmpty"]
    still = [counter(arm, "p", "total", [7, 7]) for arm in ("candidate", "stable")]
    assert reasons(samples(*still, ticks=2)) == ["NoTraffic"]
    single_arm = counter("candidate", "c", "bad", [1, 2])
    assert reasons(samples(single_arm, *healthy("stable", "s", 2), ticks=2)) == ["NoSeries"]
    twice = [*healthy("candidate", "c", 2), *healthy("candidate", "c", 2)]
    assert reasons(samples(*twice, *healthy("stable", "s", 2), ticks=2)) == ["NoSeries"]


def test_one_arm_without_requests_is_still_a_sample_for_ceilings() -> None:
    idle = counter("stable", "s", "total", [7, 7])
    assert samples(*healthy("candidate", "c", 2), idle, ticks=2) == [(0, 1, CountSample(10, 1, 0, 0))]


def test_a_first_deployment_needs_no_stable_arm() -> None:
    assert samples(*healthy("candidate", "c", 2), ticks=2, alone=True) == [(0, 1, CountSample(10, 1, 0, 0))]


def test_points_off_the_grid_are_ignored_and_a_grid_must_be_one() -> None:
    off = PodSeries("candidate", "c", "total", [(START, 0.0), (START + 4.0, 500.0), (START + STEP, 10.0)])
    assert samples(off, *healthy("stable", "s", 2), ticks=2) == [(0, 1, CountSample(10, 0, 10, 1))]
    with pytest.raises(ValueError, match="not a grid"):
        count_samples([], start=START, end=START - 1, step=STEP)


def buckets(arm: str, pod: str, table: dict[str, list[float]]) -> list[PodSeries]:
    return [counter(arm, pod, bound, values) for bound, values in table.items()]


def histograms(*series: PodSeries, ticks: int = 2, **options: Any) -> Any:
    return histogram_samples(series, start=START, end=START + (ticks - 1) * STEP, step=STEP, **options)


STABLE = buckets("stable", "s", {"0.1": [10, 14], "0.5": [20, 29], "+Inf": [20, 30]})


def summary(count: list[float | None], values: list[float | None]) -> Any:
    """The windows of a candidate with this count and sum beside a healthy stable arm with mean 0.5."""
    ticks, end = len(count), START + (len(count) - 1) * STEP
    stable = [("count", [100 + 10.0 * i for i in range(ticks)]), ("sum", [20 + 5.0 * i for i in range(ticks)])]
    series = [counter("stable", "s", role, values) for role, values in stable]
    series += [counter("candidate", "c", "count", count), counter("candidate", "c", "sum", values)]
    return [sample for _, sample in mean_samples(series, start=START, end=end, step=STEP)]


def test_sums_and_counts_become_means_over_the_same_windows() -> None:
    assert summary([0, 10, 30], [0.0, 20, 30]) == [MeanSample(10, 2.0, 10, 0.5), MeanSample(20, 0.5, 10, 0.5)]
    assert summary([0, 10, None, 30], [0.0, 20, None, 60]) == [
        MeanSample(10, 2.0, 10, 0.5),
        MeanSample(20, 2.0, 20, 0.5),
    ]


def test_a_restart_concerns_the_sum_and_the_count() -> None:
    assert summary([900, 1000, 50], [2000.0, 2100, 90])[1] == MeanSample(50, 1.8, 10, 0.5)


@pytest.mark.parametrize(
    ("count", "values", "reason"),
    [
        ([0, NAN], [0, 1], "NotANumber"),
        ([0, 10], [0, math.inf], "NotANumber"),
        ([0, 10], [0, -5], "Negative"),
        ([1000, 1010], [500, 490], "Negative"),
        ([10, 10], [5, 6], "SumWithoutCount"),
        ([10, 10], [5, 5], "ArmEmpty"),
        ([None, None], [5, 6], "ArmEmpty"),
    ],
)
def test_odd_sums_are_no_evidence(count: Any, values: Any, reason: str) -> None:
    assert [sample.reason for sample in summary(count, values)] == [reason]


def test_a_mean_needs_both_counters() -> None:
    for role in ("sum", "count"):
        alone = [counter("stable", "s", role, [0, 10])]
        ((_, sample),) = mean_samples(alone, start=START, end=START + STEP, step=STEP)
        assert isinstance(sample, NoEvidence)
        assert sample.reason == NoEvidenceReason.NO_SERIES
    assert not history(alone, kind="mean", start=START, end=START + STEP, step=STEP).pods


def test_histograms_become_increments_per_bucket() -> None:
    candidate = buckets("candidate", "c", {"+Inf": [0, 4], "0.10": [0, 1], "0.5": [0, 3]})
    [(_, sample)] = histograms(*candidate, *STABLE)
    assert sample == HistogramSample(edges=(0.1, 0.5), candidate=(1, 2, 1), stable=(4, 5, 1))


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({"0.1": [0, 1], "0.7": [0, 2], "+Inf": [0, 4]}, "EdgesChanged"),
        ({"0.1": [0, 1], "0.5": [0, 2]}, "EdgesChanged"),
        ({"0.1": [0, 1], "half": [0, 2], "+Inf": [0, 4]}, "EdgesChanged"),
        ({"0.1": [0, 3], "0.5": [0, 2], "+Inf": [0, 4]}, "Negative"),
        ({"0.1": [0, NAN], "0.5": [0, 2], "+Inf": [0, 4]}, "NotANumber"),
        ({"0.1": [0, 0], "0.5": [0, 0], "+Inf": [0, 0]}, "ArmEmpty"),
        ({str(i): [0, 0] for i in range(5000)} | {"+Inf": [0, 4]}, "TooManyBuckets"),
    ],
)
def test_odd_histograms_are_no_evidence(table: Any, reason: Any) -> None:
    [(_, sample)] = histograms(*buckets("candidate", "c", table), *STABLE)
    assert isinstance(sample, NoEvidence)
    assert sample.reason == reason


def test_frozen_edges_are_held_against_every_pod() -> None:
    candidate = buckets("candidate", "c", {"0.1": [0, 1], "0.5": [0, 2], "+Inf": [0, 4]})
    [(_, sample)] = histograms(*candidate, *STABLE, edges=(0.1, 0.9))
    assert sample.reason == NoEvidenceReason.EDGES_CHANGED


def test_history_keeps_whole_windows_of_each_stable_pod() -> None:
    gap = counter("stable", "s2", "total", [0, None, 20, 30])
    new = counter("stable", "s3", "total", [5, 6], first=2)
    series = [*healthy("stable", "s1", 4), gap, new, *healthy("candidate", "c", 4)]
    past = history(series, kind="count", start=START, end=START + 3 * STEP, step=STEP)
    assert past.pods == {"s1": [(10, 1)], "s2": [(10, 0)], "s3": [(1, 0)]}
    tails = history(STABLE, kind="latency", start=START, end=START + STEP, step=STEP)
    assert (tails.pods, tails.edges) == ({"s": [(4, 5, 1)]}, (0.1, 0.5))
    assert history([], kind="count", start=START, end=START + STEP, step=STEP).pods == {}


def test_time_before_the_first_pod_is_no_history() -> None:
    young = healthy("stable", "s", 3, first=100)
    past = history(young, kind="count", start=START, end=START + 102 * STEP, step=STEP)
    assert past.pods == {"s": [(10, 1), (10, 1)]}


@st.composite
def fleets(draw: Any) -> Any:
    """Pods of both arms with births, ends, gaps and restarts; their true counts per tick."""
    ticks = draw(st.integers(3, 14))
    fleet = []
    for number in range(draw(st.integers(1, 4))):
        arm = "stable" if number % 2 else "candidate"
        first = draw(st.integers(0, ticks - 1))
        life = draw(st.integers(1, ticks - first))
        counts = draw(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), min_size=life, max_size=life))
        missing = draw(st.sets(st.integers(0, life - 1), max_size=life // 2))
        restarts = draw(st.sets(st.integers(1, life), max_size=2))
        fleet.append((arm, f"pod-{number}", first, [(n + k, k) for n, k in counts], missing, restarts))
    return ticks, fleet


def raw(pod: Any, *, restarting: bool) -> list[PodSeries]:
    """The counters of a pod; a restart sets them to what came since the tick before."""
    arm, name, first, counts, missing, restarts = pod
    total = bad = 10_000
    totals, bads = [], []
    for i, (n, k) in enumerate(counts):
        total, bad = (n, k) if restarting and i in restarts else (total + n, bad + k)
        totals.append(None if i in missing else float(total))
        bads.append(None if i in missing else float(bad))
    return [counter(arm, name, "total", totals, first), counter(arm, name, "bad", bads, first)]


@settings(max_examples=150, deadline=None)
@given(fleets())
def test_no_increment_is_lost_or_counted_twice(fleet: Any) -> None:
    """Without restarts: the sums over all windows are the counts between samples of each life, per arm."""
    ticks, pods = fleet
    anchors = [counter(arm, "anchor", "total", [1.0 * i for i in range(ticks)]) for arm in ("candidate", "stable")]
    series = [s for pod in pods for s in raw(pod, restarting=False)]
    found = samples(*series, *anchors, ticks=ticks)
    edge = found[-1][1] if found else 0
    for arm, total, bad in (("candidate", "na", "ka"), ("stable", "nb", "kb")):
        requests, failed = map(sum, zip((0, 0), *(between(pod, edge) for pod in pods if pod[0] == arm), strict=True))
        assert sum(getattr(sample, total) for *_, sample in found) == requests + edge
        assert sum(getattr(sample, bad) for *_, sample in found) == failed


def between(pod: Any, edge: int) -> tuple[int, int]:
    """What a pod counted between neighbouring samples at most PATIENCE + 1 ticks apart, up to the last window."""
    _, _, first, counts, missing, _ = pod
    seen = [i for i in range(len(counts)) if i not in missing]
    known = [
        one
        for before, after in pairwise(seen)
        if after - before <= PATIENCE + 1 and first + after <= edge
        for one in counts[before + 1 : after + 1]
    ]
    return sum(n for n, _ in known), sum(k for _, k in known)


@settings(max_examples=150, deadline=None)
@given(fleets(), st.data())
def test_a_range_in_pieces_gives_the_same_windows(fleet: Any, data: Any) -> None:
    """As the operator asks: again and again, each time from where the last window ended."""
    ticks, pods = fleet
    series = [s for pod in pods for s in raw(pod, restarting=True)]
    at_once = samples(*series, ticks=ticks)
    pieces, begin = [], 0
    for now in [*sorted(data.draw(st.sets(st.integers(1, ticks - 1)))), ticks - 1]:
        if now > begin:
            pieces += samples(*series, ticks=now - begin + 1, first=begin)
            begin = pieces[-1][1] if pieces else 0
    assert pieces == at_once
