"""How much harm is still possible: what a candidate that is as bad as not excluded yet would do before it is found.

    expected harm = requests that it answers until a proof of harm would come x the share of them that is worse

The share is an upper limit at all times together (a mixture martingale and Ville's inequality, as for the intervals),
so that it may be asked at every window. It steers how much traffic a candidate gets next, and decides nothing else: the
tests of harm and safety stay valid for weights that depend on earlier windows, since each window's e-value is one for
whatever requests both arms have in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from rollmodel.evidence import multiplicity
from rollmodel.evidence.core.mixture import windows_to_decide
from rollmodel.evidence.core.types import JudgePlan, MetricPlan, MetricReport

__all__ = ["expected_harm", "notice_seconds", "possible_share", "upper_share"]

#: Risk of the upper limits: that of the intervals that people see.
RISK = 0.05
#: Evidence that a mixture over this many alternatives costs.
ALTERNATIVES = 8
#: Prior of the mixture, a beta distribution: bad answers are few.
_PRIOR_BAD, _PRIOR_GOOD = 0.5, 5.0
_BISECTIONS = 40


class Exposure(NamedTuple):
    """What a candidate would get: its share 0 .. 1, requests per second of all, seconds that samples are late.

    ``compared``: its share of the requests that are compared.
    """

    share: float
    rps: float
    late: float
    compared: float


def expected_harm(
    plan: JudgePlan,
    reports: Sequence[MetricReport],
    *,
    share: float,
    late: float,
    rps: float | None = None,
    now: float | None = None,
) -> float:
    """Expected number of requests that get a worse answer, of the metric that is worst off; inf while one learns.

    share: of the requests that the candidate would answer, 0 .. 1. late: seconds until a sample has arrived. rps:
    requests per second of all, by default those that were compared in the last windows. now: the candidate's present
    share, where it is compared with as many requests as it gets, and not with all others. What is proven safe, or
    excluded beyond the safe margin, is no harm.
    """
    by_name = {report.name: report for report in reports}
    if any(report.learning is not None for report in reports):
        return math.inf
    if rps is None:
        rps = max((report.pace / plan.interval for report in reports), default=0.0) / (2 * now if now else 1.0)
    exposure = Exposure(share, rps, late, share if now is None else 0.5)
    harms = (_of_metric(plan, m, by_name[m.name], exposure) for m in plan.metrics if m.name in by_name)
    return max(harms, default=math.inf)


def notice_seconds(plan: JudgePlan, metric: MetricPlan, late: float) -> float:
    """Seconds until the most glaring fault is proven: the window in which the weight changed is no evidence."""
    return (1 + windows_to_decide(plan.interval)) * plan.interval + late + metric.delay


def _of_metric(plan: JudgePlan, metric: MetricPlan, report: MetricReport, exposure: Exposure) -> float:
    worse = possible_share(metric, report)
    if not worse:
        return 0.0
    until_noticed = exposure.share * exposure.rps * notice_seconds(plan, metric, exposure.late)
    return worse * max(until_noticed, _requests_to_proof(plan, metric, report, worse, exposure.compared))


def possible_share(metric: MetricPlan, report: MetricReport) -> float:
    """Share of the candidate's requests, 0 .. 1, that may be worse than stable's, as far as is not excluded yet.

    Counts: bad ones. Latency: those slower than its last gate. A mean that may be a tenth worse counts a tenth of each
    request. Pairs: answers that differ, beyond those that may; of a mean difference what is beyond the limit, in parts
    of the largest. A threshold is no share: as long as it is kept nothing is, else all.
    """
    if report.verdict in {"ProvenSafe", "Passing"}:
        return 0.0
    if metric.kind == "value":
        return 1.0
    if metric.kind == "mean":
        return _part_of_a_mean(metric, report)
    if metric.kind in {"paired", "difference"}:
        limit = metric.value_max or 0.0
        return 1.0 if report.high is None else max(0.0, min(1.0, report.high * limit) - limit)
    if not report.na:
        return 1.0
    stable = _stable_share(report)
    worst = upper_share(report.na / report.dispersion, report.ka / report.dispersion)
    absolute = metric.safe_absolute if metric.kind == "count" else 0.0
    return worst - stable if worst > metric.safe_ratio * stable + absolute else 0.0


def _part_of_a_mean(metric: MetricPlan, report: MetricReport) -> float:
    worst = report.high if metric.higher_is_worse else report.low
    if worst is None:
        return 1.0
    within = worst <= metric.safe_ratio if metric.higher_is_worse else worst >= 1 / metric.safe_ratio
    return 0.0 if within else min(1.0, abs(worst - 1.0))


def upper_share(requests: float, bad: float, risk: float = RISK) -> float:
    """The largest share of bad requests that is not excluded, at all times together.

    The mixture of Robbins over a beta prior (a, b): a share p is excluded once B(k + a, n - k + b) / B(a, b), over
    p^k (1 - p)^(n - k), has reached 1 / risk. Counts over-dispersed by phi are to be divided by it.
    """
    if bad >= requests:
        return 1.0
    good = requests - bad
    prior = _log_beta(_PRIOR_BAD, _PRIOR_GOOD)
    mixed = _log_beta(bad + _PRIOR_BAD, good + _PRIOR_GOOD) - prior + math.log(risk)
    low, high = bad / requests, 1.0
    for _ in range(_BISECTIONS):
        share = (low + high) / 2
        excluded = mixed >= (bad * math.log(share) if bad else 0.0) + good * math.log1p(-share)
        low, high = (low, share) if excluded else (share, high)
    return high


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _stable_share(report: MetricReport) -> float:
    return min(1.0, (report.kb + 0.5) / (report.nb + 1.0))


def _requests_to_proof(plan: JudgePlan, metric: MetricPlan, report: MetricReport, worse: float, share: float) -> float:
    """The candidate's requests until a proof, were it so bad: by which arm the bad ones of both fall to.

    For rare events that is all there is to know (the conditional binomial test, arXiv 2011.03567); of common ones it
    is a little more. 0 for other kinds, of which only the interval is known.
    """
    if metric.kind not in {"count", "latency"} or report.e_harm is None or not 0 < share < 1:
        return 0.0
    stable = _stable_share(report)
    line = metric.harm_ratio + (metric.harm_absolute / stable if metric.kind == "count" else 0.0)
    seen, tolerated = (share * r / (share * r + 1 - share) for r in ((stable + worse) / stable, line))
    if seen <= tolerated:
        return math.inf
    bad_per_request = stable * (share * (stable + worse) / stable + 1 - share) / share
    per_bad = seen * math.log(seen / tolerated) + (1 - seen) * math.log((1 - seen) / (1 - tolerated))
    level = -math.log(plan.alpha_harm * multiplicity.weights(plan.metrics)[metric.name])
    missing = max(0.0, level - math.log(max(report.e_harm, 1e-26))) + math.log(ALTERNATIVES)
    return missing * report.dispersion / (per_bad * bad_per_request)
