"""What a sample must fulfil before it may become evidence. A sample that does not is named, never repaired."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from rollmodel.evidence.core.samples import (
    CountSample,
    DifferenceSample,
    HistogramSample,
    MeanSample,
    NoEvidence,
    NoEvidenceReason,
    PairSample,
    Sample,
    ValueSample,
)
from rollmodel.evidence.core.types import MetricPlan

__all__ = ["MOST_BUCKETS", "checked", "edges_problem", "problem", "single_arm"]

#: Most buckets of a histogram that is taken seriously; real ones have 10 to 60.
MOST_BUCKETS = 256

#: Parts of pairs are added up as floats.
_ROUNDING = 1e-9

_KINDS = {
    "count": CountSample,
    "latency": HistogramSample,
    "mean": MeanSample,
    "value": ValueSample,
    "paired": PairSample,
    "difference": DifferenceSample,
}


def checked(metric: MetricPlan, sample: Sample | None) -> Sample:
    """The sample if it is sound and of the metric's kind, else the :class:`NoEvidence` that says why not."""
    if sample is None:
        return NoEvidence(NoEvidenceReason.NO_SERIES, f"no sample of {metric.name} in this window")
    if isinstance(sample, NoEvidence):
        return sample
    if not isinstance(sample, _KINDS[metric.kind]):
        return NoEvidence(
            NoEvidenceReason.UNKNOWN_METRIC, f"{metric.name} is a {metric.kind} metric, not {sample!r:.60}"
        )
    return problem(sample) or sample


def problem(sample: Sample) -> NoEvidence | None:
    """Why this sample must not become evidence, if so. A count of one arm alone is sound: ceilings need no second."""
    match sample:
        case CountSample():
            return _counts(sample)
        case HistogramSample():
            return _histogram(sample)
        case MeanSample():
            return _means(sample)
        case ValueSample():
            return _finite([sample.value])
        case PairSample() | DifferenceSample():
            return _pairs(sample) if isinstance(sample, PairSample) else _differences(sample)
        case NoEvidence():
            return sample


def _counts(sample: CountSample) -> NoEvidence | None:
    numbers = [sample.na, sample.ka, sample.nb, sample.kb]
    if odd := _finite(numbers) or _not_negative(numbers):
        return odd
    for arm, total, bad in (("candidate", sample.na, sample.ka), ("stable", sample.nb, sample.kb)):
        if bad > total:
            return NoEvidence(NoEvidenceReason.BAD_EXCEEDS_TOTAL, f"{arm}: {bad:g} bad of {total:g} requests")
    return _empty(sample.na, sample.nb) if sample.na + sample.nb == 0 else None


def single_arm(sample: Sample) -> NoEvidence | None:
    """Why a sound sample compares nothing, if so: counts of one arm alone."""
    return _empty(sample.na, sample.nb) if isinstance(sample, CountSample) else None


def _histogram(sample: HistogramSample) -> NoEvidence | None:
    if odd := edges_problem(sample.edges):
        return odd
    for arm in (sample.candidate, sample.stable):
        if len(arm) != len(sample.edges) + 1:
            return NoEvidence(
                NoEvidenceReason.EDGES_CHANGED, f"{len(arm)} buckets for {len(sample.edges)} finite edges"
            )
        if odd := _finite(arm) or _not_negative(arm):
            return odd
    return _empty(sum(sample.candidate), sum(sample.stable))


def _empty(na: float, nb: float) -> NoEvidence | None:
    if na + nb == 0:
        return NoEvidence(NoEvidenceReason.NO_TRAFFIC, "no requests on either arm")
    if not (na and nb):
        message = f"no requests on the {'stable' if na else 'candidate'} arm"
        return NoEvidence(NoEvidenceReason.ARM_EMPTY, message, stable=nb)
    return None


def edges_problem(edges: Sequence[float]) -> NoEvidence | None:
    """Why these finite upper bounds cannot be a histogram's, if so."""
    if len(edges) >= MOST_BUCKETS:
        return NoEvidence(NoEvidenceReason.TOO_MANY_BUCKETS, f"{len(edges)} edges, at most {MOST_BUCKETS - 1} are read")
    if odd := _finite(edges):
        return odd
    if not any(edge > 0 for edge in edges) or any(low >= high for low, high in pairwise(edges)):
        return NoEvidence(NoEvidenceReason.EDGES_CHANGED, "edges must be ascending, and one at least positive")
    return None


def _pairs(sample: PairSample) -> NoEvidence | None:
    if odd := _finite([sample.pairs, sample.differing]) or _not_negative([sample.pairs, sample.differing]):
        return odd
    if sample.differing > sample.pairs * (1.0 + _ROUNDING):
        message = f"{sample.differing:g} of {sample.pairs:g} pairs differ"
        return NoEvidence(NoEvidenceReason.BAD_EXCEEDS_TOTAL, message)
    return None if sample.pairs else NoEvidence(NoEvidenceReason.NO_PAIRS, "no request was answered by both versions")


def _differences(sample: DifferenceSample) -> NoEvidence | None:
    """Differences lie within -1 and 1, and squares are at least what their sum takes (Cauchy and Schwarz)."""
    pairs, total, squares = sample.pairs, sample.total, sample.squares
    if odd := _finite([pairs, total, squares]) or _not_negative([pairs, squares]):
        return odd
    if not pairs:
        return NoEvidence(NoEvidenceReason.NO_PAIRS, "no request was answered by both versions")
    most = pairs * (1.0 + _ROUNDING)
    if max(abs(total), squares) > most or total**2 > squares * most + _ROUNDING:
        message = f"differences of {pairs:g} pairs add up to {total:g}, their squares to {squares:g}"
        return NoEvidence(NoEvidenceReason.BAD_EXCEEDS_TOTAL, message)
    return None


def _means(sample: MeanSample) -> NoEvidence | None:
    squares = [x for x in (sample.squares_a, sample.squares_b) if x is not None]
    counts = [sample.na, sample.nb]
    odd = _finite([*counts, sample.mean_a, sample.mean_b, *squares]) or _not_negative([*counts, *squares])
    return odd or _empty(*counts)


def _finite(numbers: Iterable[float]) -> NoEvidence | None:
    for number in numbers:
        if not math.isfinite(number):
            return NoEvidence(NoEvidenceReason.NOT_A_NUMBER, f"the answer holds {number}")
    return None


def _not_negative(numbers: Iterable[float]) -> NoEvidence | None:
    for number in numbers:
        if number < 0:
            return NoEvidence(NoEvidenceReason.NEGATIVE, f"an increment is {number:g}")
    return None
