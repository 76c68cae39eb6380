"""Traffic as it is expected: what a window of each kind of metric would count, and what stable's past shows.

Windows hold expected values, not draws: the judge's answer to them is near the median of its answers to real ones. The
past is drawn (with a fixed seed), since the judge learns from it how much windows vary.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from rollmodel.evidence.core.arrays import Array
from rollmodel.evidence.core.samples import (
    CountSample,
    DifferenceSample,
    HistogramSample,
    MeanSample,
    PairSample,
    Sample,
    ValueSample,
)
from rollmodel.evidence.core.types import MetricHistory, MetricPlan

__all__ = ["Traffic", "past", "sample"]

#: Request times are lognormal with this median (seconds) and this deviation of the logarithm, in these buckets.
_MEDIAN_SECONDS, _DEVIATION = 0.05, 0.6
_EDGES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
#: Single values of a mean vary as much as they are large (an exponential distribution).
_MEAN = 1.0
#: The standard deviation of the differences of pairs, in parts of the largest one.
_SPREAD = 0.05
#: Of a candidate that is as good as stable so much of what may differ does; of another one a multiple of the limit.
_FEW = 0.25
_PAST_SECONDS, _MOST_WINDOWS = 3 * 3600, 360


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests per second of the model, the share that is bad on stable, the candidate's share, and pods of stable."""

    rps: float
    bad_share: float
    candidate_share: float
    pods: int


def sample(metric: MetricPlan, traffic: Traffic, seconds: float, factor: float) -> Sample:
    """A window of this many seconds in which the candidate is ``factor`` times as bad as stable (1: the same)."""
    na = traffic.rps * seconds * traffic.candidate_share
    nb = traffic.rps * seconds - na
    match metric.kind:
        case "count":
            return CountSample(na, na * min(1.0, factor * traffic.bad_share), nb, nb * traffic.bad_share)
        case "latency":
            return HistogramSample(_EDGES, (na * _times(factor)).tolist(), (nb * _times(1.0)).tolist())
        case "mean":
            return MeanSample(na, _MEAN * (factor if metric.higher_is_worse else 1 / factor), nb, _MEAN)
        case "value":
            return ValueSample(_number(metric, passes=factor == 1.0))
        case "paired":
            share = (metric.value_max or 0.0) * (_FEW if factor == 1.0 else factor)
            return PairSample(na, na * min(1.0, share))
        case "difference":
            mean = (metric.value_max or 0.0) * (0.0 if factor == 1.0 else factor)
            return DifferenceSample(na, na * min(1.0, mean), na * min(1.0, mean**2 + _SPREAD**2))


def past(metric: MetricPlan, traffic: Traffic, interval: float) -> MetricHistory:
    """Three hours of stable, or as many windows as an answer of Prometheus holds."""
    if metric.kind in {"value", "paired", "difference"}:
        return MetricHistory()
    windows = min(_MOST_WINDOWS, int(_PAST_SECONDS // interval))
    rng = np.random.default_rng(0)
    requests = rng.poisson(traffic.rps * interval / traffic.pods, (traffic.pods, windows)).astype(float)
    rows = _PASTS[metric.kind](rng, requests, traffic)
    edges = _EDGES if metric.kind == "latency" else ()
    return MetricHistory(pods={str(pod): rows[pod].tolist() for pod in range(traffic.pods)}, edges=edges)


def _times(factor: float) -> Array:
    """The share of requests in each bucket where all take ``factor`` times as long."""
    law = NormalDist(np.log(_MEDIAN_SECONDS * factor), _DEVIATION)
    below = [0.0, *(law.cdf(float(np.log(edge))) for edge in _EDGES), 1.0]
    return np.diff(np.array(below))


def _number(metric: MetricPlan, *, passes: bool) -> float:
    """A value at the limit, or beyond it."""
    if metric.value_max is not None:
        return metric.value_max + (0.0 if passes else 1.0)
    return (metric.value_min or 0.0) - (0.0 if passes else 1.0)


def _counts(rng: np.random.Generator, requests: Array, traffic: Traffic) -> Array:
    return np.stack([requests, rng.binomial(requests.astype(int), traffic.bad_share)], axis=-1).astype(float)


def _histograms(rng: np.random.Generator, requests: Array, traffic: Traffic) -> Array:
    del traffic
    return rng.multinomial(requests.astype(int), _times(1.0)).astype(float)


def _sums(rng: np.random.Generator, requests: Array, traffic: Traffic) -> Array:
    del traffic
    return np.stack([requests, rng.gamma(np.maximum(requests, 1e-9), _MEAN)], axis=-1).astype(float)


_PASTS: Mapping[str, Callable[[np.random.Generator, Array, Traffic], Array]] = {
    "count": _counts,
    "latency": _histograms,
    "mean": _sums,
}
