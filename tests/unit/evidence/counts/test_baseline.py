from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from rollmodel.evidence.core.arrays import array, to_plain
from rollmodel.evidence.core.evalue import tick
from rollmodel.evidence.core.types import MetricHistory
from rollmodel.evidence.counts.baseline import from_history, from_split, from_total, unknown
from rollmodel.evidence.noise.noise import placebo_split

from tests.support.simulation.judging import autoregressive, bad_requests, quiet_history

RUNS, TICKS = 40, 1080


def split(noise: str, traffic: Any = (500.0, 9500.0), rate: float = 0.005) -> Any:
    rng = np.random.default_rng(9)
    bad = [bad_requests(rng, n * rate, (TICKS, RUNS), noise).T for n in traffic]
    return from_split(tick(np.full(bad[0].shape, traffic[0]), bad[0], np.full(bad[1].shape, traffic[1]), bad[1]))


def test_split_pods_show_the_noise_of_the_contrast() -> None:
    quiet, bursts = split("independent"), split("bursts", (500.0, 500.0))
    assert_allclose(quiet.rate.mean(), 0.005, rtol=0.01)
    assert_allclose(quiet.prior.dispersion.mean(), 1.0, atol=0.05)
    assert_allclose(bursts.prior.dispersion.mean(), 4.0, atol=0.2)
    assert (quiet.prior.ticks <= 360).all()
    assert (quiet.merge == 1).all()
    assert not quiet.teach.any()


@pytest.mark.parametrize(("rho", "least"), [(0.9, 3.0), (0.97, 6.0)])
def test_slow_noise_asks_for_merging(rho: Any, least: Any) -> None:
    rng = np.random.default_rng(10)
    bad = [rng.poisson(n * 0.005 * autoregressive(rng, (TICKS, RUNS), rho)).T for n in (500, 9500)]
    found = from_split(tick(np.full(bad[0].shape, 500.0), bad[0], np.full(bad[1].shape, 9500.0), bad[1]))
    assert np.median(found.merge) >= least
    assert set(np.unique(found.merge)) <= {1.0, 3.0, 6.0, 12.0, 24.0}


def test_one_pod_shows_the_noise_of_the_whole_arm() -> None:
    rng = np.random.default_rng(11)
    total = np.full((RUNS, TICKS), 1000.0)
    quiet = from_total(total, rng.binomial(1000, 0.005, total.shape).astype(float))
    assert_allclose(quiet.prior.dispersion.mean(), 1.0, atol=0.03)
    assert_allclose(quiet.prior.lag.mean(), 0.0, atol=0.02)
    noisy = from_total(total * 10, bad_requests(rng, 50.0, (TICKS, RUNS), "ar.6").T)
    assert noisy.prior.dispersion.mean() > 3
    assert (noisy.prior.ticks <= 10).all()


def test_no_errors_in_the_past_is_a_small_rate_and_a_small_weight() -> None:
    zero = np.zeros(TICKS)
    for found in (from_split(tick(zero + 50, zero, zero + 950, zero)), from_total(zero + 1000, zero)):
        assert 0 < found.rate < 1e-6
        assert to_plain(found.prior) == [1, 0, 10]


@pytest.mark.parametrize(
    ("past", "noise_known", "teaches"),
    [
        (quiet_history(pods=10, ticks=360), True, 0),
        (quiet_history(pods=1, ticks=360), True, 0),
        (quiet_history(pods=10, ticks=100), False, 30),
        (MetricHistory(), False, 30),
        (MetricHistory({"p": []}), False, 30),
        (MetricHistory({"p": [(0, 0)] * 400}), False, 30),
    ],
)
def test_the_best_source_is_taken(past: Any, noise_known: Any, teaches: Any) -> None:
    known, requests = from_history(past, share=0.05, interval=10.0)
    assert known.teach == teaches
    assert (known.prior.dispersion != unknown().prior.dispersion) == noise_known
    total = sum(n for samples in past.pods.values() for n, _ in samples)
    assert requests * max(map(len, past.pods.values()), default=0) == total


def test_a_short_history_still_tells_the_rate() -> None:
    known, _ = from_history(quiet_history(0.2, ticks=100), share=0.05, interval=10.0)
    assert known.rate == pytest.approx(0.2, rel=0.05)
    assert known.weight == 1000


def test_a_pretend_candidate_is_a_fixed_part_of_the_pods() -> None:
    pods = [f"pod-{i}" for i in range(20)]
    assert placebo_split(pods, 0.05) == placebo_split(list(reversed(pods)), 0.05)
    assert [len(placebo_split(pods, share)) for share in (0.001, 0.25, 1.0)] == [1, 5, 19]
    assert placebo_split(["one"], 0.5) == frozenset()


def test_pods_without_traffic_in_some_ticks_are_no_trouble() -> None:
    busy = array([[100, 1], [0, 0], [100, 0], [0, 0]] * 90)
    known, _ = from_history(MetricHistory({"a": busy.tolist(), "b": busy[::-1].tolist()}), share=0.5, interval=10.0)
    assert np.isfinite(known.prior.dispersion)


def test_the_past_of_some_pods_tells_the_traffic_of_all() -> None:
    some = quiet_history(0.2, ticks=200)
    of_all, requests = from_history(some, share=0.05, interval=10.0)
    of_some, scaled = from_history(replace(some, part=0.1), share=0.05, interval=10.0)
    assert scaled == pytest.approx(10 * requests)
    assert of_some.rate == of_all.rate
    assert of_some.prior.dispersion == of_all.prior.dispersion
