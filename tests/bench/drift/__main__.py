"""How often healthy models raise an alarm, and how soon sick ones do: our rule beside those that people use.

    python -m tests.bench.drift [--quick]

30 features, 500 rows an hour, a reference of 10 000 rows, looks each hour. Alarms are counted in a quiet month; the
delay is the median over months in which one feature moves after a quiet week. All rules see the same counts.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from rollmodel.evidence.core.arrays import Array
from rollmodel.evidence.drift.alarm import Hysteresis, Track, thresholds
from rollmodel.evidence.drift.anytime import careful_dispersion, compare_anytime
from rollmodel.evidence.drift.compare import CAREFUL_EXPECTED, compare
from rollmodel.evidence.drift.dispersion import learn
from scipy import stats

FEATURES, HOURS, ROWS, REFERENCE, QUIET = 30, 720, 500, 10_000, 30
BINS = np.array([0.01, 0.09, *[0.1] * 8, 0.09, 0.01])
EDGES = stats.norm.ppf(np.cumsum(BINS)[:-1])
WINDOWS = (1, 24, 168)
WEEK = 168

Alarms = NDArray[np.bool_]
Rule = Callable[[Array, Array, Array], Alarms]


def shifted(by: float) -> Array:
    """Shares of the bins after a normal feature moved by so many standard deviations."""
    return np.diff([0.0, *stats.norm.cdf(EDGES - by), 1.0])


def draw(rng: np.random.Generator, hours: int, *, repeat: int = 1, season: float = 0.0) -> Array:
    """Counts [hours, features, bins]; each row comes ``repeat`` times; five features follow the hour of the day."""
    found = repeat * rng.multinomial(ROWS // repeat, BINS, size=(hours, FEATURES)).astype(float)
    if season:
        for hour in range(hours):
            share = shifted(season * math.sin(2 * math.pi * hour / 24))
            found[hour, :5] = repeat * rng.multinomial(ROWS // repeat, share, size=5)
    return found


def summed(live: Array, width: int) -> Array:
    """The counts of the last ``width`` hours, at each hour; an incomplete window is empty."""
    total = np.cumsum(np.concatenate([np.zeros((1, *live.shape[1:])), live]), axis=0)
    result = np.zeros_like(live)
    result[width - 1 :] = total[width:] - total[:-width]
    return result


def ours(reference: Array, quiet: Array, live: Array) -> Alarms:
    """As a DriftPolicy with its defaults does."""
    learnt = learn(quiet)
    alpha = thresholds(np.ones(FEATURES), budget=0.05, looks=HOURS, windows=len(WINDOWS))
    seen = np.zeros(len(live), dtype=bool)
    for width in WINDOWS:
        found = compare(
            reference, summed(live, width), dispersion=learnt.dispersion, quiet_windows=QUIET, least=CAREFUL_EXPECTED
        )
        seen |= ((found.log10_p < np.log10(alpha)) & (found.corrected_psi > 0.02)).any(axis=1)
    return raised(seen)


def anytime(reference: Array, quiet: Array, live: Array) -> Alarms:
    """As a DriftPolicy with `falseAlarms.mode: Anytime` does."""
    dispersion = careful_dispersion(learn(quiet).dispersion, QUIET)
    alpha = thresholds(np.ones(FEATURES), budget=0.05, looks=HOURS, windows=len(WINDOWS)) / 2
    delta = np.full(FEATURES, 0.05 / FEATURES / 2)
    seen = np.zeros(len(live), dtype=bool)
    for width in WINDOWS:
        found = compare_anytime(
            reference, summed(live, width), dispersion=dispersion, delta=delta, least=CAREFUL_EXPECTED
        )
        seen |= ((found.log10_p < np.log10(alpha)) & (found.corrected_psi > 0.02)).any(axis=1)
    return raised(seen)


def same_hours(reference: Array, quiet: Array, live: Array) -> Alarms:
    """As one with `reference.window` of two weeks, `season: HourOfDay` and windows of an hour; a week teaches."""
    del reference, quiet
    learnt = learn(live[:WEEK], phases=[hour % 24 for hour in range(WEEK)])
    alpha = thresholds(np.ones(FEATURES), budget=0.05, looks=HOURS, windows=1)
    seen = np.zeros(len(live), dtype=bool)
    for hour in range(WEEK, len(live)):
        past = live[max(hour % 24, hour - 14 * 24) : hour : 24].sum(axis=0)
        found = compare(past, live[hour], dispersion=learnt.dispersion, quiet_windows=WEEK, least=CAREFUL_EXPECTED)
        seen[hour] = ((found.log10_p < np.log10(alpha)) & (found.corrected_psi > 0.02)).any()
    return raised(seen)


def raised(seen: Alarms) -> Alarms:
    """Three looks in a row raise an alarm, six clear it."""
    track, alarms = Track(), np.zeros(len(seen), dtype=bool)
    for hour, changed in enumerate(seen):
        before, track = track, track.look(changed=bool(changed), clear=not changed, rule=Hysteresis())
        alarms[hour] = track.verdict == "Drifted" and before.verdict != "Drifted"
    return alarms


def psi_above(limit: float) -> Rule:
    """The population stability index of each hour."""
    return lambda reference, _, live: np.asarray((compare(reference, live).psi > limit).any(axis=1))


def p_below(reference: Array, quiet: Array, live: Array) -> Alarms:
    """A test of each feature in each hour at 5 %."""
    del quiet
    return np.asarray((compare(reference, live).log10_p < math.log10(0.05)).any(axis=1))


def mean_and_spread(reference: Array, quiet: Array, live: Array) -> Alarms:
    """The PSI is above its mean in quiet hours plus three standard deviations."""
    before = compare(reference, quiet).psi
    return np.asarray((compare(reference, live).psi > before.mean(axis=0) + 3 * before.std(axis=0)).any(axis=1))


RULES: dict[str, Rule] = {
    "ours": ours,
    "ours, Anytime": anytime,
    "ours, same hours": same_hours,
    "p < 0.05": p_below,
    "PSI > 0.1": psi_above(0.1),
    "PSI > 0.2": psi_above(0.2),
    "mean + 3 sd": mean_and_spread,
}


def quiet_months(months: int, **world: float) -> dict[str, tuple[float, float]]:
    """Of each rule: alarms in a month, and the share of months with any."""
    found: dict[str, list[int]] = {name: [] for name in RULES}
    for seed in range(months):
        rng = np.random.default_rng(seed)
        reference = rng.multinomial(REFERENCE, BINS, size=FEATURES).astype(float)
        quiet, live = (draw(rng, hours, **world) for hours in (QUIET, HOURS))  # type: ignore[arg-type]
        for name, rule in RULES.items():
            found[name].append(int(rule(reference, quiet, live).sum()))
    return {name: (float(np.mean(counts)), float(np.mean(np.array(counts) > 0))) for name, counts in found.items()}


def delays(months: int, by: float) -> dict[str, float]:
    """Of each rule: median hours to the first alarm after one feature has moved."""
    found: dict[str, list[float]] = {name: [] for name in RULES}
    for seed in range(months):
        rng = np.random.default_rng(1000 + seed)
        reference = rng.multinomial(REFERENCE, BINS, size=FEATURES).astype(float)
        quiet, live = draw(rng, QUIET), draw(rng, WEEK + HOURS)
        live[WEEK:, 0] = rng.multinomial(ROWS, shifted(by), size=HOURS)
        for name, rule in RULES.items():
            alarms = rule(reference, quiet, live)[WEEK:]
            found[name].append(float(np.argmax(alarms)) + 1 if alarms.any() else math.inf)
    return {name: float(np.median(hours)) for name, hours in found.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="6 months for each cell instead of 200")
    parser.add_argument("--rules", nargs="*", choices=sorted(RULES), default=sorted(RULES), help="only these")
    arguments = parser.parse_args()
    months = 6 if arguments.quick else 200
    for name in set(RULES) - set(arguments.rules):
        del RULES[name]
    worlds = {
        "quiet": quiet_months(months),
        "each row 5 times": quiet_months(months, repeat=5),
        "season of 0.3 sd": quiet_months(months, season=0.3),
    }
    moved = {by: delays(months, by) for by in (0.15, 0.25, 0.5)}
    print(f"{months} months for each cell: alarms a month (months with any); hours to the first alarm")
    print(f"| rule | {' | '.join(worlds)} | {' | '.join(f'{by} sd' for by in moved)} |")
    print(f"|---|{'---|' * (len(worlds) + len(moved))}")
    for name in RULES:
        quiet = [f"{alarms[name][0]:.3g} ({alarms[name][1]:.0%})" for alarms in worlds.values()]
        late = ["never" if math.isinf(hours[name]) else f"{hours[name]:.3g}" for hours in moved.values()]
        print(f"| {name} | {' | '.join((*quiet, *late))} |")


if __name__ == "__main__":
    main()
