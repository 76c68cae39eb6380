"""More tables: latency, means, several metrics, missing data, Kayenta's known cases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import numpy as np

from tests.bench.evidence.pages.markdown import MISS, chance, seconds, table, times
from tests.bench.evidence.pages.targets import OURS, of, risk, slower, too_slow
from tests.bench.evidence.records import Record
from tests.bench.evidence.rules import kayenta
from tests.bench.evidence.rules.ours import STANDARD
from tests.bench.evidence.suites import (
    cold_latency,
    cold_means,
    families,
    first_minutes,
    labels,
    latency,
    means,
    missing,
)
from tests.bench.evidence.suites.detection import DEFAULT

__all__ = ["CASES", "MORE_TABLES"]

#: Cases that users of Kayenta reported: source, experiment, control, and what they expected.
CASES = (
    (
        "spinnaker#6278: 7 of 10 points at 100, the rest and the control at 1",
        [100.0] * 7 + [1.0] * 3,
        [1.0] * 10,
        "High",
    ),
    ("spinnaker#6278: 8 of 10 points at 100", [100.0] * 8 + [1.0] * 2, [1.0] * 10, "High"),
    ("kayenta#426: sparse errors 0 1 2 1 0 0 against none", [0.0, 1.0, 2.0, 1.0, 0.0, 0.0], [0.0] * 6, "High"),
    (
        "kayenta#780, case 1: another spread",
        [10.0, 10.1, 10.2, 10.3, 10.4, 10.5, 10.6, 17.0, 17.1, 17.2, 17.3, 17.4, 17.5, 17.6, 17.7],
        [1.0, 100.0, 4.0, 101.0, 5.0, 102.0, 6.0, 103.0, 7.0, 104.0, 8.0, 105.0, 9.0, 106.0, 17.0],
        "a failure",
    ),
)


def detected(record: Record) -> str:
    """Probability and median delay."""
    return f"{chance(record.rollback)}, {seconds(record.rollback_seconds)}"


def latencies(records: Sequence[Record]) -> str:
    """Latency by setting and fault; the last column is the healthy version's promotion."""
    rows = []
    for setting in latency.SETTINGS:
        for rule in (OURS, latency.KAYENTA):
            found = {
                r.label.partition(" | ")[2]: r
                for r in of(records, "latency", rule)
                if r.label.startswith(f"{setting} |")
            }
            if found:
                rows.append([f"{setting}: {rule}", *_latency(found)])
    faults = [name for name in latency.FAULTS if name != "healthy"]
    return table(
        ["rps, buckets: rule", "healthy: rolled back", *faults, "healthy: safe at +25 %", "+25 %: called safe"], rows
    )


def _latency(found: Mapping[str, Record]) -> list[str]:
    healthy, limit = found.get("healthy"), found.get("+25 %")
    faults = [name for name in latency.FAULTS if name != "healthy"]
    cells = [risk(healthy.rollback, STANDARD.alpha_harm) if healthy else ""]
    cells += [_with_oracle(found[name]) if name in found else "" for name in faults]
    cells.append(f"{chance(healthy.promote)}, {seconds(healthy.promote_seconds)}" if healthy else "")
    cells.append(risk(limit.promote, STANDARD.alpha_safe) if limit else "")
    return cells


def _with_oracle(record: Record) -> str:
    text = detected(record)
    if record.rollback_seconds is None or not record.oracle:
        return text
    return f"{text} ({times(record.rollback_seconds / record.oracle)}){MISS if too_slow(record) else ''}"


def label_table(records: Sequence[Record]) -> str:
    """High base rates; safe margin x1.1."""
    rows = []
    for label in labels.WORLDS:
        found = {r.world["ratio"]: r for r in of(records, "labels") if r.label == label}
        if len(found) == len(labels.RATIOS):
            healthy, limit = found[1.0], found[labels.SAFE_RATIO]
            cells = [_expected(found[ratio], labels.REFERENCE.get(label, {}).get(ratio)) for ratio in labels.RATIOS[1:]]
            safe, reference = f"{chance(healthy.promote)}, {seconds(healthy.promote_seconds)}", labels.SAFE_REFERENCE
            safe += f" [{reference[label]:g}]" if label in reference else ""
            wrong = [risk(healthy.rollback, STANDARD.alpha_harm), risk(limit.promote, STANDARD.alpha_safe)]
            rows.append([label, wrong[0], *cells, safe, wrong[1]])
    header = [
        "labels per second, wrong",
        "equal: rolled back",
        "x1.05",
        "x1.1",
        "equal: safe at x1.1",
        "x1.1: called safe",
    ]
    return table(header, rows)


def _expected(record: Record, expected: float | None) -> str:
    """As :func:`_with_oracle`, with what the design expects."""
    text = _with_oracle(record)
    if expected is None or record.rollback_seconds is None:
        return text
    return f"{text} [{expected:g}]{MISS if slower(record.rollback_seconds, expected, record.rollback_error) else ''}"


def mean_table(records: Sequence[Record], suite: str = "means") -> str:
    """Means by setting and ratio; safe margin x1.1."""
    rows = []
    for setting in means.SETTINGS:
        found = {r.world["ratio"]: r for r in of(records, suite) if r.label == setting}
        if len(found) == len(means.RATIOS):
            healthy, limit = found[1.0], found[means.SAFE_RATIO]
            cells = [_with_oracle(found[ratio]) for ratio in means.RATIOS[1:]]
            safe = f"{chance(healthy.promote)}, {seconds(healthy.promote_seconds)}"
            rows.append(
                [
                    setting,
                    risk(healthy.rollback, STANDARD.alpha_harm),
                    *cells,
                    safe,
                    risk(limit.promote, STANDARD.alpha_safe),
                ]
            )
    header = ["rps, law", "equal: rolled back", "+5 %", "+10 %", "+25 %", "equal: safe at +10 %", "+10 %: called safe"]
    return table(header, rows)


def family_table(records: Sequence[Record]) -> str:
    """Families by size and number of worse metrics."""
    labels = list(dict.fromkeys(r.label for r in of(records, "B5")))
    rows = []
    for rule in families.RULES:
        found = {r.label: r for r in of(records, "B5", rule)}
        cells = [_family(found[label]) if label in found else "" for label in labels]
        rows.append([rule, *cells])
    return table(["rule", *labels], rows)


def _family(record: Record) -> str:
    if "0 worse" in record.label:
        limited = record.rule == families.OURS
        return risk(record.rollback, STANDARD.alpha_harm) if limited else chance(record.rollback)
    return detected(record)


def missing_table(records: Sequence[Record]) -> str:
    """Wrong decisions and delays under each trouble."""
    rows = []
    for trouble in missing.TROUBLES:
        by = {
            rule: {r.world["ratio"]: r for r in of(records, "B6", rule) if r.label == trouble.name}
            for rule in missing.RULES
        }
        ours = by[OURS]
        if len(ours) == len(missing.RATIOS):
            equal, margin, bad = (ours[ratio] for ratio in missing.RATIOS)
            others = [chance(by[rule][1.0].rollback) for rule in missing.RULES[1:]]
            wrong = [risk(equal.rollback, STANDARD.alpha_harm), risk(margin.promote, STANDARD.alpha_safe)]
            rows.append([trouble.name, *wrong, seconds(equal.promote_seconds), detected(bad), *others])
    header = ["trouble", "healthy: rolled back", "x1.5: called safe", "healthy: safe after", "x3 found"]
    return table([*header, *(f"{rule}: healthy rolled back" for rule in missing.RULES[1:])], rows)


def cold_table(records: Sequence[Record]) -> str:
    """Without history: false rollbacks in ten minutes by noise, and what is found within ten windows."""
    found: dict[str, dict[str, Record]] = {}
    for r in of(records, "cold"):
        found.setdefault(r.place.rpartition(",")[0], {})[r.label] = r
    return _cold_rows("canary vs stable, base", found, first_minutes.NOISES, first_minutes.FAULTS)


def cold_latency_table(records: Sequence[Record]) -> str:
    """As :func:`cold_table`, for latencies."""
    found: dict[str, dict[str, Record]] = {}
    for r in of(records, "cold latency"):
        found.setdefault(_traffic(r), {})[r.label] = r
    return _cold_rows("canary vs stable", found, cold_latency.NOISES, cold_latency.FAULTS)


def cold_means_table(records: Sequence[Record]) -> str:
    """As :func:`cold_table`, for means."""
    found: dict[str, dict[str, Record]] = {}
    for r in of(records, "cold means"):
        law, _, label = r.label.partition(" | ")
        found.setdefault(f"{_traffic(r)}, {law}", {})[label] = r
    return _cold_rows("canary vs stable, single values", found, cold_means.NOISES, cold_means.FAULTS)


def _traffic(record: Record) -> str:
    return f"{record.world['canary_rps']:g} vs {record.world['stable_rps']:g} rps"


def _cold_rows(
    title: str, found: Mapping[str, Mapping[str, Record]], noises: Iterable[str], faults: Iterable[str]
) -> str:
    noises, faults = list(noises), list(faults)
    rows = [
        [
            place,
            *(risk(by[noise].rollback, DEFAULT.alpha_harm) for noise in noises),
            *(detected(by[fault]) for fault in faults),
        ]
        for place, by in found.items()
    ]
    return table([title, *noises, *faults], rows)


def stall_table(records: Sequence[Record]) -> str:
    """Rolled back though healthy, by the length of the windows and of the stall."""
    found = {r.label: r for r in of(records, "stalls")}
    rows = [
        [
            f"{interval:g} s, {canary:g} vs {stable:g}",
            *(
                risk(found[key].rollback, DEFAULT.alpha_harm) if key in found else ""
                for stall in first_minutes.STALLS
                for key in [f"{interval:g} | {stall:g} | {canary:g} vs {stable:g}"]
            ),
        ]
        for interval in first_minutes.INTERVALS
        for canary, stable in first_minutes.STALL_TRAFFIC
    ]
    header = ["none" if not stall else f"{stall:g} s" for stall in first_minutes.STALLS]
    return table(["windows of, rps", *header], rows)


def cases(_: Sequence[Record]) -> str:
    """Kayenta on the reported arrays."""
    rng, config, rows = np.random.default_rng(0), kayenta.MetricConfig(), []
    for source, experiment, control, expected in CASES:
        x, y = np.array(experiment), np.array(control)
        low, high, estimate = kayenta.shift_interval(x, y)
        label = kayenta.classify(y, x, config, rng)[0]
        rows.append(
            [source, f"{low:.4g} .. {high:.4g}", f"{kayenta.TOLERANCE * abs(estimate):.4g}", label.value, expected]
        )
    return table(["case", "interval of the shift", "band", "verdict", "what the user expected"], rows)


MORE_TABLES: dict[str, Callable[[Sequence[Record]], str]] = {
    "latency": latencies,
    "means": mean_table,
    "sums": partial(mean_table, suite="sums"),
    "labels": label_table,
    "families": family_table,
    "missing": missing_table,
    "cold": cold_table,
    "cold latency": cold_latency_table,
    "cold means": cold_means_table,
    "stalls": stall_table,
    "cases": cases,
}
