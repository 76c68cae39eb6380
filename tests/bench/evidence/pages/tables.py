"""The tables of ``docs/concepts/evidence-tables.md``, from records: false alarms, detection, promotion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean

from tests.bench.evidence.pages.markdown import MISS, chance, seconds, table, times
from tests.bench.evidence.pages.targets import OURS, at_margin, healthy, of, risk, slower, too_slow
from tests.bench.evidence.records import Record
from tests.bench.evidence.rules.ours import STANDARD
from tests.bench.evidence.rules.rivals import RIVALS
from tests.bench.evidence.suites import detection, promotion
from tests.bench.evidence.suites.false_alarms import SAFE_MARGIN
from tests.bench.evidence.worlds import NOISES

__all__ = ["TABLES"]


def headline(records: Sequence[Record]) -> str:
    """All rules in two worlds: rollback probability and median delay."""
    rows = []
    for label in ("5 vs 95, 0.5 %", "50 vs 950, 0.5 %"):
        for rule in (OURS, *RIVALS):
            found = {r.world["ratio"]: r for r in of(records, "B2", rule) if r.label == label}
            if not found:
                continue
            cells = [_detected(found[ratio]) for ratio in detection.RATIOS[1:]]
            promoted = f"{chance(found[1.0].promote)}, {seconds(found[1.0].promote_seconds)}"
            wrongly = chance(found[2.0].promote)
            rows.append([f"{label}: {rule}", chance(found[1.0].rollback), *cells, promoted, wrongly])
    header = [
        "rps and base: rule",
        "healthy: rolled back",
        "x1.5",
        "x2",
        "x3",
        "x5",
        "healthy: promoted",
        "x2: promoted",
    ]
    return table(header, rows)


def _detected(record: Record) -> str:
    return f"{chance(record.rollback)}, {seconds(record.rollback_seconds)}"


def grid_by_noise(records: Sequence[Record]) -> str:
    """Worst and mean over the grid for each noise and rule."""
    rows = []
    for rule in (OURS, *RIVALS):
        cells = []
        for noise in NOISES:
            rates = [r.rollback for r in healthy(of(records, "B1", rule)) if r.world["noise"] == noise]
            cells.append(f"{risk(max(rates), STANDARD.alpha_harm)} ({chance(mean(rates))})" if rates else "")
        rows.append([rule, *cells])
    cells = []
    for noise in NOISES:
        rates = [r.promote for r in at_margin(of(records, "B1")) if r.world["noise"] == noise]
        cells.append(f"{risk(max(rates), STANDARD.alpha_safe)} ({chance(mean(rates))})" if rates else "")
    return (
        table(["rolled back though healthy", *NOISES], rows)
        + "\n"
        + table(["called safe though x1.5", *NOISES], [[OURS, *cells]])
    )


def grid_in_full(records: Sequence[Record]) -> str:
    """Every cell of the grid, ours: false rollback / false promotion."""
    cells: dict[tuple[float, float, float], dict[str, list[str]]] = {}
    for r in of(records, "B1"):
        place = (r.world["canary_rps"], r.world["stable_rps"], r.world["base"])
        entry = cells.setdefault(place, {}).setdefault(r.world["noise"], ["", ""])
        if r.world["ratio"] == 1.0:
            entry[0] = risk(r.rollback, STANDARD.alpha_harm)
        else:
            entry[1] = risk(r.promote, STANDARD.alpha_safe)
    rows = [
        [f"{a:g} vs {b:g} rps, {100 * base:g} %", *(" / ".join(by.get(noise, ["", ""])) for noise in NOISES)]
        for (a, b, base), by in cells.items()
    ]
    return table(["canary vs stable, base", *NOISES], rows)


def sources(records: Sequence[Record]) -> str:
    """False rollback / false promotion / delay at x2 by what is known before."""
    found: dict[str, dict[str, dict[float, Record]]] = {}
    for r in of(records, "B1 sources"):
        found.setdefault(r.place, {}).setdefault(r.label, {})[r.world["ratio"]] = r
    rows = [[place, *(_source(by[name]) for name in ("split", "total", "none"))] for place, by in found.items()]
    return table(["canary vs stable, base, noise", "stable pods", "stable total only", "no history"], rows)


def _source(by: Mapping[float, Record]) -> str:
    return f"{_risks(by)} / {seconds(by[2.0].rollback_seconds)}"


def _risks(by: Mapping[float, Record]) -> str:
    """False rollback / false promotion."""
    return f"{risk(by[1.0].rollback, STANDARD.alpha_harm)} / {risk(by[SAFE_MARGIN].promote, STANDARD.alpha_safe)}"


def slow_noise(records: Sequence[Record]) -> str:
    """False rollback / false promotion under slow noise."""
    found: dict[str, dict[str, dict[float, Record]]] = {}
    for r in of(records, "B1 slow noise"):
        place = f"{r.world['canary_rps']:g} vs {r.world['stable_rps']:g}"
        found.setdefault(place, {}).setdefault(r.world["noise"], {})[r.world["ratio"]] = r
    noises = ("ar .8", "ar .9", "ar .97")
    rows = [[place, *(_risks(by[noise]) for noise in noises)] for place, by in found.items()]
    return table(["canary vs stable rps, 0.5 %", *noises], rows)


def horizons(records: Sequence[Record]) -> str:
    """False rollback by the length of the rollout."""
    rows = []
    for rps in (5.0, 50.0):
        for rule in (OURS, *RIVALS):
            by = {
                r.world["ticks"]: r for r in healthy(of(records, "B1 horizons", rule)) if r.world["canary_rps"] == rps
            }
            if by:
                rows.append([f"{rps:g} rps: {rule}", *(chance(by[ticks].rollback) for ticks in sorted(by))])
    return table(["canary: rule", "10 min", "1 h", "6 h"], rows)


def delays(records: Sequence[Record], suite: str = "B2") -> str:
    """Detection: probability, median delay, its standard error, multiple of the oracle, what the design expects."""
    rows = []
    for label in detection.WORLDS:
        found = {r.world["ratio"]: r for r in of(records, suite) if r.label == label}
        if found:
            rows.append([label, *(_delay(found[ratio], label, suite) for ratio in detection.RATIOS if ratio in found)])
    return table(["canary vs stable rps, base", *(f"x{ratio:g}" for ratio in detection.RATIOS)], rows)


def _delay(record: Record, label: str, suite: str) -> str:
    text = chance(record.rollback)
    if record.rollback_seconds is None:
        return text
    text += f", {seconds(record.rollback_seconds)}"
    if record.rollback_error:
        text += f" ± {record.rollback_error:.0f}"
    if record.oracle and record.world["noise"] == "poisson":
        text += f" ({times(record.rollback_seconds / record.oracle)}){MISS if too_slow(record) else ''}"
    expected = detection.REFERENCE.get(label, {}).get(record.world["ratio"]) if suite == "B2" else None
    if expected:
        text += f" [{expected:g}]{MISS if slower(record.rollback_seconds, expected, record.rollback_error) else ''}"
    return text


def exposed(records: Sequence[Record]) -> str:
    """Requests that a bad canary answered before it was rolled back or the hour was over."""
    rows = []
    for label in ("5 vs 95, 0.5 %", "50 vs 950, 0.5 %"):
        for rule in (OURS, *RIVALS):
            found = {r.world["ratio"]: r for r in of(records, "B2", rule) if r.label == label}
            if found:
                rows.append([f"{label}: {rule}", *(f"{found[ratio].exposed:,.0f}" for ratio in detection.RATIOS)])
    return table(["rps and base: rule", *(f"x{ratio:g}" for ratio in detection.RATIOS)], rows)


def promotions(records: Sequence[Record]) -> str:
    """Proof of safety of a healthy version: probability in an hour, median time, and the risk at the margin."""
    rows = []
    for label in promotion.REFERENCE:
        cells, worst = [], []
        for name in promotion.MARGINS:
            pair = [r for r in of(records, "B4") if r.label == f"{label} | {name}"]
            if pair:
                well = healthy(pair)[0]
                cells.append(_promotion(well, promotion.REFERENCE[label].get(name)))
                worst += [r.promote for r in pair if r is not well]
        if cells:
            rows.append([label, *cells, risk(max(worst), STANDARD.alpha_safe)])
    return table(["canary vs stable rps, base", *promotion.MARGINS, "worst risk at the margin"], rows)


def _promotion(record: Record, expected: float | None) -> str:
    text = chance(record.promote)
    if record.promote_seconds is None:
        return text
    text += f", {seconds(record.promote_seconds)}"
    if record.oracle and record.world["noise"] == "poisson":
        text += f" ({times(record.promote_seconds / record.oracle)})"
    return text + (f" [{expected:g}]" if expected else "")


#: Anchor in the page -> what renders it.
TABLES = {
    "headline": headline,
    "grid_by_noise": grid_by_noise,
    "grid_in_full": grid_in_full,
    "sources": sources,
    "slow_noise": slow_noise,
    "horizons": horizons,
    "delays": delays,
    "default_policy": lambda records: delays(records, "B2 default"),
    "exposed": exposed,
    "promotions": promotions,
}
