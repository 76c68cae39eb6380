"""Decision times of ModelDeployments for people and programs, and steps that end before anything can be known."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from rollmodel.api.modeldeployment import ModelDeploymentSpec, Ramp
from rollmodel.cli.lint.decision_time.ramping import harm_at_start, ramp_seconds
from rollmodel.cli.lint.decision_time.timing import (
    FACTORS,
    DecisionTime,
    decision_times,
    first_step,
    late,
    promotion_seconds,
    traffic_of,
)
from rollmodel.cli.lint.documents import Document
from rollmodel.cli.lint.findings import Finding
from rollmodel.cli.lint.references import finding
from rollmodel.cli.rollout.report import duration
from rollmodel.plan.deployment.analysis.policy import judge_plan
from rollmodel.plan.deployment.strategies.baseline.compared import asks_baseline
from rollmodel.plan.deployment.strategies.table import strategy_for

__all__ = ["Pace", "add_arguments", "paces_of", "too_short"]

_SCRAPES = (15.0, 30.0, 60.0)
_LONGEST = 30 * 86400


@dataclass(frozen=True, slots=True)
class Pace:
    """What a ModelDeployment's policy needs at this traffic, for each scrape interval and metric."""

    document: Document
    spec: ModelDeploymentSpec
    rps: float
    bad_share: float
    times: Sequence[DecisionTime]

    @property
    def title(self) -> str:
        """One line above the table."""
        weight, copied = 100 * self.times[0].weight, first_step(self.spec).mirrored
        gets = f"copies of {copied} %" if copied else f"{weight:.3g} %"
        gets += ", and a baseline as much," if asks_baseline(self.spec) else ""
        return (
            f"ModelDeployment {self.document.name} at {self.rps:g} requests/s, of which the candidate gets {gets}"
            f" at its first step; stable fails {100 * self.bad_share:g} %:"
        )

    def by_scrape(self) -> Mapping[float, Sequence[DecisionTime]]:
        """The metrics' times for each scrape interval."""
        scrapes = dict.fromkeys(time.scrape_seconds for time in self.times)
        return {scrape: [time for time in self.times if time.scrape_seconds == scrape] for scrape in scrapes}

    def promoted(self, scrape: float) -> float | None:
        """Seconds until a good candidate has all traffic."""
        times = self.by_scrape()[scrape]
        if self.spec.rollout.ramp is None or first_step(self.spec).mirrored:
            return promotion_seconds(self.spec, times, rps=self.rps)
        plan = judge_plan(self.spec, times[0].window_seconds)
        traffic = traffic_of(self.spec, plan, rps=self.rps, bad_share=self.bad_share)
        return ramp_seconds(self.spec, plan, traffic, late=late(self.spec, times[0].window_seconds))

    def table(self) -> Table:
        """A line for each scrape interval and metric."""
        found = [f"x{factor:g} FOUND" for factor in FACTORS]
        table = Table("SCRAPE", "WINDOW", "METRIC", "PROVEN SAFE", *found, "ALL TRAFFIC", box=None, pad_edge=False)
        for scrape, times in self.by_scrape().items():
            for number, time in enumerate(times):
                harm = ["tolerated" if f in time.tolerated else _words(time.harm[f]) for f in FACTORS]
                last = _words(self.promoted(scrape)) if number == len(times) - 1 else ""
                table.add_row(
                    f"{scrape:g} s", f"{time.window_seconds:g} s", time.metric, _words(time.safe), *harm, last
                )
        return table

    def plain(self) -> dict[str, Any]:
        """For programs: seconds, null where no end can be seen."""
        return {
            "object": f"ModelDeployment {self.document.name}",
            "requestsPerSecond": self.rps,
            "badShare": self.bad_share,
            "scrapeIntervals": [
                {
                    "scrapeSeconds": scrape,
                    "windowSeconds": times[0].window_seconds,
                    "allTrafficSeconds": _rounded(self.promoted(scrape)),
                    "metrics": [_plain(time) for time in times],
                }
                for scrape, times in self.by_scrape().items()
            ],
        }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What must be assumed to say how long decisions take."""
    group = parser.add_argument_group("how long a policy takes to decide")
    group.add_argument("--rps", type=_positive, metavar="NUMBER", help="requests per second of the model")
    group.add_argument(
        "--bad-share", type=_share, default=0.005, metavar="SHARE", help="bad requests of stable (default: 0.005)"
    )
    group.add_argument(
        "--scrape-interval",
        type=_positive,
        action="append",
        metavar="SECONDS",
        help="seconds between samples of a pod; may be repeated (default: 15, 30 and 60)",
    )


def paces_of(sound: Sequence[Document], arguments: argparse.Namespace) -> list[Pace]:
    """The times of each ModelDeployment that judges by metrics."""
    paces = []
    for document in (one for one in sound if one.kind == "ModelDeployment"):
        spec = ModelDeploymentSpec.model_validate(document.body["spec"])
        scrapes = arguments.scrape_interval or _SCRAPES
        times = list(decision_times(spec, rps=arguments.rps, bad_share=arguments.bad_share, scrapes=scrapes))
        if times:
            paces.append(Pace(document, spec, arguments.rps, arguments.bad_share, times))
    return paces


def too_short(pace: Pace) -> Iterator[Finding]:
    """The first step, where it ends before a good candidate can be proven safe even with the quickest samples."""
    if pace.spec.rollout.ramp is not None and not first_step(pace.spec).mirrored:
        yield from _harmful_start(pace)
        return
    strategy = strategy_for(pace.spec)
    steps = [strategy.limits(pace.spec, number) for number in range(strategy.step_count(pace.spec))]
    number, step = next((number, step) for number, step in enumerate(steps) if step is not None)
    times = min(pace.by_scrape().items())[1]
    slowest = max(times, key=lambda time: _LONGEST if time.safe is None else time.safe)
    if step.max_seconds is None or (slowest.safe is not None and slowest.safe <= step.max_seconds):
        return
    place = ("shadow",) if first_step(pace.spec).mirrored else ("steps", number)
    message = (
        f"at {pace.rps:g} requests/s `{slowest.metric}` takes {_words(slowest.safe)} to be proven safe; after"
        f" {duration(step.max_seconds)} `onUndecided: {pace.spec.rollout.on_undecided}` decides"
    )
    yield finding("warning", pace.document, ("spec", "rollout", *place, "maxSeconds"), message)


def _harmful_start(pace: Pace) -> Iterator[Finding]:
    """The first weight of a ramp, where it alone may do more harm than the bound allows later ones."""
    window, ramp = min(time.window_seconds for time in pace.times), pace.spec.rollout.ramp or Ramp()
    plan = judge_plan(pace.spec, window)
    harm = harm_at_start(pace.spec, plan, rps=pace.rps, late=late(pace.spec, window))
    if harm > ramp.max_expected_harm:
        message = (
            f"at {pace.rps:g} requests/s a version that fails every request answers {harm:.0f} of them at"
            f" {ramp.start_weight} % before that can be proven, which is more than `maxExpectedHarm`"
            f" ({ramp.max_expected_harm})"
        )
        yield finding("warning", pace.document, ("spec", "rollout", "ramp", "startWeight"), message)


def _plain(time: DecisionTime) -> dict[str, Any]:
    harm = {f"{factor:g}": _rounded(seconds) for factor, seconds in time.harm.items()}
    return {"name": time.metric, "provenSafeSeconds": _rounded(time.safe), "foundSeconds": harm}


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds)


def _words(seconds: float | None) -> str:
    if seconds is None:
        return "never"
    return duration(seconds) if seconds <= _LONGEST else f"more than {duration(_LONGEST)}"


def _positive(text: str) -> float:
    return _number(text, above=0.0, most=1e9)


def _share(text: str) -> float:
    return _number(text, above=0.0, most=0.5)


def _number(text: str, *, above: float, most: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = above
    if not above < number <= most:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number above {above:g} and at most {most:g}")
    return number
