"""What the figures must be, and which of them are not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.bench.evidence.pages.markdown import MISS, chance, error, seconds
from tests.bench.evidence.records import Record
from tests.bench.evidence.rules.ours import STANDARD
from tests.bench.evidence.suites.false_alarms import SAFE_MARGIN
from tests.bench.evidence.worlds import TICK_SECONDS

__all__ = ["OURS", "at_margin", "healthy", "misses", "of", "risk", "slower", "too_slow"]

OURS = "Rollmodel"
ORACLE_LIMIT, ORACLE_FROM_RPS = 3.0, 5.0


def of(records: Iterable[Record], suite: str, rule: str = OURS) -> list[Record]:
    """The records of one suite and rule."""
    return [r for r in records if r.suite == suite and r.rule == rule]


def healthy(records: Iterable[Record]) -> list[Record]:
    """Those in which the canary equals the stable arm."""
    return [r for r in records if r.world["ratio"] == 1.0 and r.world["extra"] == 0.0]


def at_margin(records: Iterable[Record]) -> list[Record]:
    """Those in which the canary is exactly at the safe margin."""
    return [r for r in records if r.world["ratio"] == SAFE_MARGIN]


def risk(value: float, limit: float) -> str:
    """A measured risk, marked where it exceeds what was configured."""
    return chance(value) + (MISS if value > limit else "")


def too_slow(record: Record) -> bool:
    """More than three times the oracle, which cannot decide within a tick either, from 5 requests per second on."""
    if record.rollback_seconds is None or not record.oracle or record.world["canary_rps"] < ORACLE_FROM_RPS:
        return False
    ticks = -(-record.oracle // TICK_SECONDS)
    return record.rollback_seconds > ORACLE_LIMIT * ticks * TICK_SECONDS


def slower(measured: float, expected: float, deviation: float | None) -> bool:
    """Later than expected by more than two standard errors and more than one tick."""
    return measured > expected + max(TICK_SECONDS, 2.0 * (deviation or 0.0))


def misses(records: Sequence[Record]) -> list[str]:
    """Every cell that misses a risk or the oracle, in words."""
    judged = [r for r in records if r.rule == OURS and (r.suite.startswith("B1") or r.suite == "B2")]
    return [f"{r.suite}, {r.place}{_source(r)}: {what}" for r in judged for what in _missed(r)]


def _source(record: Record) -> str:
    if record.suite == "B1 sources":
        return f", known before: {record.label}"
    return f", fault from {record.world['onset'] / 60:g} min on" if record.world["onset"] else ""


def _missed(record: Record) -> list[str]:
    found = []
    if healthy([record]) and record.rollback > STANDARD.alpha_harm:
        found.append(f"false rollback {chance(record.rollback)} ± {error(record.rollback, record.runs):.3f}")
    if record.suite.startswith("B1") and at_margin([record]) and record.promote > STANDARD.alpha_safe:
        found.append(f"false promotion {chance(record.promote)} ± {error(record.promote, record.runs):.3f}")
    if record.suite == "B2" and record.world["noise"] == "poisson" and too_slow(record):
        delay, oracle = seconds(record.rollback_seconds), seconds(record.oracle)
        found.append(f"x{record.world['ratio']:g} found after {delay}, oracle {oracle}")
    return found
