"""What other tools would have decided on the same counts, as pure functions of them.

Sources: Argo Rollouts 9f8d111 (``analysis/analysis.go``: a metric fails once more than ``failureLimit`` measurements
failed, default 0; NaN fails a ``successCondition``), Flagger 15bd6ad (``scheduler.go``: roll back at ``threshold``
failed checks, a success never resets them; a failed or empty check does not advance, ten advances promote), Kayenta
(see ``kayenta``). All of them look once a minute here, the common choice, at a gate of twice the healthy rate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from tests.bench.evidence.rules import kayenta
from tests.bench.evidence.worlds import TICK_SECONDS, Counts

__all__ = ["RIVALS", "Verdicts", "argo", "flagger", "kayenta_growing", "kayenta_once", "peeking"]

Floats = NDArray[np.float64]
CHECK_TICKS = 6
CHECK_SECONDS = CHECK_TICKS * TICK_SECONDS
_FLAGGER_ADVANCES = 10
_KAYENTA_LOOK_EVERY = 10


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Seconds until rollback and until promotion for each run; infinite where it did not happen."""

    rollback: Floats
    promote: Floats

    @classmethod
    def first(cls, rollback: Floats, promote: Floats) -> Verdicts:
        """Whichever came first counts; a tie is a rollback."""
        back = np.where(rollback <= promote, rollback, np.inf)
        return cls(back, np.where(promote < rollback, promote, np.inf))


def first_true(hits: NDArray[np.bool_], seconds: float) -> Floats:
    """Time of the first True of each row, in steps of ``seconds``; infinite without one."""
    return np.where(hits.any(axis=1), (hits.argmax(axis=1) + 1) * seconds, np.inf)


def failed_checks(counts: Counts, gate: float) -> NDArray[np.bool_]:
    """Which minutes were above the gate, or without traffic."""
    minutes = counts.blocks(CHECK_TICKS)
    with np.errstate(invalid="ignore"):
        return ~(minutes.ka / minutes.na <= gate)


def argo(counts: Counts, gate: float, failure_limit: int = 0) -> Verdicts:
    """Background analysis over the whole run; it proves nothing, the steps promote when the time is over."""
    failed = failed_checks(counts, gate)
    rollback = first_true(np.cumsum(failed, axis=1) > failure_limit, CHECK_SECONDS)
    return Verdicts.first(rollback, np.full(len(rollback), failed.shape[1] * CHECK_SECONDS))


def flagger(counts: Counts, gate: float, threshold: int) -> Verdicts:
    """Ten successful checks promote, ``threshold`` failed ones roll back, whichever is first."""
    return flagger_checks(failed_checks(counts, gate), threshold)


def flagger_checks(failed: NDArray[np.bool_], threshold: int) -> Verdicts:
    """The same on checks [runs, minutes] that failed or did not."""
    rollback = first_true(np.cumsum(failed, axis=1) >= threshold, CHECK_SECONDS)
    return Verdicts.first(rollback, first_true(np.cumsum(~failed, axis=1) >= _FLAGGER_ADVANCES, CHECK_SECONDS))


def _kayenta_at(counts: Counts, looks: range) -> Verdicts:
    minutes = counts.blocks(CHECK_TICKS)
    with np.errstate(invalid="ignore"):
        canary, stable = 100 * minutes.ka / minutes.na, 100 * minutes.kb / minutes.nb
    config = {"errors": kayenta.MetricConfig(direction="increase")}
    rng = np.random.default_rng(0)
    rollback = np.full(len(canary), np.inf)
    for run in range(len(canary)):
        for look in looks:
            points = {"errors": (stable[run, :look], canary[run, :look])}
            if kayenta.judge(points, config, rng=rng).verdict == "Fail":
                rollback[run] = look * CHECK_SECONDS
                break
    return Verdicts.first(rollback, np.full(len(canary), looks[-1] * CHECK_SECONDS))


def kayenta_once(counts: Counts) -> Verdicts:
    """One judgement at the end: error percentages per minute, direction "increase"."""
    minutes = counts.na.shape[1] // CHECK_TICKS
    return _kayenta_at(counts, range(minutes, minutes + 1))


def kayenta_growing(counts: Counts) -> Verdicts:
    """A judgement every ten minutes over all points so far; each must reach the marginal score, the last one pass."""
    minutes = counts.na.shape[1] // CHECK_TICKS
    return _kayenta_at(counts, range(_KAYENTA_LOOK_EVERY, minutes + 1, _KAYENTA_LOOK_EVERY))


def peeking(counts: Counts, alpha: float = 0.05) -> Verdicts:
    """A one-sided z-test of two pooled proportions, looked at every minute as if each look were the only one."""
    na, ka, nb, kb = (
        np.cumsum(x, axis=1)[:, CHECK_TICKS - 1 :: CHECK_TICKS] for x in (counts.na, counts.ka, counts.nb, counts.kb)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        pooled = (ka + kb) / (na + nb)
        z = (ka / na - kb / nb) / np.sqrt(pooled * (1 - pooled) * (1 / na + 1 / nb))
        rollback = first_true(z > norm.ppf(1 - alpha), CHECK_SECONDS)
    return Verdicts(rollback, np.full(len(rollback), np.inf))


#: Label of the tables -> rule (counts, gate) -> verdicts.
RIVALS: dict[str, Callable[[Counts, float], Verdicts]] = {
    "Argo Rollouts, failureLimit 0 (default)": lambda counts, gate: argo(counts, gate, 0),
    "Argo Rollouts, failureLimit 3": lambda counts, gate: argo(counts, gate, 3),
    "Flagger, threshold 1 (default)": lambda counts, gate: flagger(counts, gate, 1),
    "Flagger, threshold 5": lambda counts, gate: flagger(counts, gate, 5),
    "Flagger, threshold 10": lambda counts, gate: flagger(counts, gate, 10),
    "Kayenta, once after 1 h": lambda counts, _: kayenta_once(counts),
    "Kayenta, growing, every 10 min": lambda counts, _: kayenta_growing(counts),
    "z-test, looked at every minute": lambda counts, _: peeking(counts),
}
