"""What ``rollmodel explain`` says about a ModelDeployment, as data: for the terminal and for the HTML page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from rollmodel.api.modeldeployment import (
    ArmStatus,
    EvidenceStatus,
    HistoryEntry,
    ModelDeploymentSpec,
    ModelDeploymentStatus,
)
from rollmodel.cli.common.manifest import spec_of
from rollmodel.errors import Invalid
from rollmodel.evidence import judge, multiplicity
from rollmodel.evidence.core.types import Assessment, JudgePlan, MetricPlan, MetricReport, Outcome
from rollmodel.plan.deployment.strategies.table import strategy_for

__all__ = ["ArmView", "MetricView", "Proof", "Rate", "Report", "duration", "of_manifest", "views"]

#: Dispersion from which on the noise is worth a word.
NOISY = 1.2
_NORMAL_95 = 1.96


@dataclass(frozen=True, slots=True)
class Proof:
    """How far an e-process is on its way to ``needed``; ``seconds`` is what it still takes, as far as known.

    ``provided``: what that estimate takes for granted. ``shared``: by how many metrics the risk is shared.
    """

    evidence: float
    needed: float
    seconds: float | None
    provided: str = ""
    shared: int = 1

    @property
    def progress(self) -> float:
        """0 without evidence, 1 when it is proven; on a log scale, as evidence multiplies."""
        if self.evidence <= 1:
            return 0.0
        return min(1.0, math.log(self.evidence) / math.log(self.needed))


@dataclass(frozen=True, slots=True)
class Rate:
    """Bad requests of one arm. ``dispersion``: how many requests weigh as much as one independent one."""

    arm: str
    bad: float
    total: float
    dispersion: float

    @property
    def fraction(self) -> float:
        """Bad requests of all requests."""
        return self.bad / self.total

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of this moment (Wilson), widened for noise; it decides nothing."""
        n, p, z2 = self.total / self.dispersion, self.fraction, _NORMAL_95**2
        middle = (p + z2 / (2 * n)) / (1 + z2 / n)
        reach = _NORMAL_95 * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
        return max(0.0, middle - reach), min(1.0, middle + reach)


@dataclass(frozen=True, slots=True)
class MetricView:
    """One metric: what was seen, the verdict, and the way to a decision. Without a judge's state only the ``line``."""

    name: str
    verdict: str
    line: str
    report: MetricReport | None = None
    plan: MetricPlan | None = None
    harm: Proof | None = None
    safe: Proof | None = None

    @property
    def rates(self) -> tuple[Rate, ...]:
        """The bad fraction of each arm that had requests; a mean and pairs have none."""
        if self.report is None or (self.plan is not None and self.plan.kind in {"mean", "paired", "difference"}):
            return ()
        arms = (("candidate", self.report.ka, self.report.na), ("stable", self.report.kb, self.report.nb))
        return tuple(Rate(arm, bad, total, self.report.dispersion) for arm, bad, total in arms if total)

    @property
    def ratio_name(self) -> str:
        """What the ratio is of."""
        return {"latency": "time", "mean": "mean", "paired": "differing", "difference": "difference"}.get(
            self.plan.kind if self.plan is not None else "", "ratio"
        )

    @property
    def compared_with(self) -> str:
        """What the ratio is a multiple of."""
        return "what may differ" if self.plan is not None and self.plan.kind in {"paired", "difference"} else "stable"

    @property
    def margins(self) -> tuple[float, float] | None:
        """Where the ratio turns harmful, and up to where it is safe; without the absolute part of the margins."""
        if self.plan is None:
            return None
        harm, safe = self.plan.harm_ratio, self.plan.safe_ratio
        return (harm, safe) if self.plan.higher_is_worse else (1 / harm, 1 / safe)

    @property
    def noise(self) -> str:
        """A word about noise, if there is more of it than independent requests would make."""
        if self.report is None:
            return ""
        if self.report.learning is not None:
            seen, needed = self.report.learning
            guard = "a glaring fault or a ceiling" if self.report.guard else "a ceiling"
            return f"learning what is normal, window {seen} of {needed}; until then only {guard} takes it back"
        if self.report.dispersion < NOISY:
            return ""
        if self.report.unit == "pairs":
            return f"{self.report.dispersion:.1f} pairs weigh as much as one, as requests may come in bursts"
        return f"noisier than chance alone: {self.report.dispersion:.1f} requests weigh as much as one"


@dataclass(frozen=True, slots=True)
class ArmView:
    """A revision that serves."""

    role: str
    revision: str
    version: str
    weight: int
    note: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is shown. ``outcome`` is one word, ``message`` one line."""

    namespace: str
    name: str
    outcome: str
    message: str
    arms: Sequence[ArmView]
    metrics: Sequence[MetricView]
    history: Sequence[HistoryEntry]
    paused: str | None = None
    command: str | None = None


def of_manifest(manifest: Mapping[str, Any], now: datetime) -> Report:
    """The report of an object as the API server gives it. Raises Invalid."""
    metadata, spec = manifest.get("metadata") or {}, spec_of(manifest)
    try:
        status = ModelDeploymentStatus.model_validate(manifest.get("status") or {})
    except ValidationError as error:
        raise Invalid(f"the status cannot be read: {error.errors()[0]['msg']}") from error
    plan, assessment = _opinion(status.judge)
    outcome, message = _verdict(status, assessment)
    return Report(
        namespace=str(metadata.get("namespace", "default")),
        name=str(metadata.get("name", "")),
        outcome=outcome,
        message=message,
        arms=_arms(spec, status, now),
        metrics=views(plan, assessment) if plan and assessment else _lines(status),
        history=status.history,
        paused=status.paused,
        command=_command(status),
    )


def _opinion(text: str | None) -> tuple[JudgePlan | None, Assessment | None]:
    """The judge's plan and opinion; nothing where there is no state, or one of another version."""
    if not text:
        return None, None
    try:
        state = judge.load(text)
    except judge.StateError:
        return None, None
    return state.plan, judge.assess(state)


def _verdict(status: ModelDeploymentStatus, assessment: Assessment | None) -> tuple[str, str]:
    if status.candidate is not None and assessment is not None:
        return assessment.outcome.value, assessment.message
    if status.candidate is not None:
        return Outcome.UNDECIDED.value, "the judge has not begun yet"
    if status.rejected is not None:
        lost = status.rejected
        return "RolledBack", f"{_version(lost.model_version, lost.revision)}: {lost.reason}: {lost.message}"
    return "AtRest", f"no revision is being tried{_judged_last(status)}"


def _judged_last(status: ModelDeploymentStatus) -> str:
    """What the lines of evidence are about, where there are some and nothing is judged now."""
    entry = next((one for one in reversed(status.history) if one.evidence), None)
    if entry is None or not _lines(status):
        return ""
    old = f" against {_version(entry.from_version, entry.from_revision)}" if entry.from_revision else ""
    return f"; judged last was {_version(entry.to_version, entry.to_revision)}{old}, {entry.verdict}: {entry.reason}"


def _version(version: str | None, revision: str | None) -> str:
    return f"v{version}" if version else f"revision {revision}"


def _arms(spec: ModelDeploymentSpec, status: ModelDeploymentStatus, now: datetime) -> list[ArmView]:
    arms = [("stable", status.stable), ("candidate", status.candidate), ("baseline", status.baseline)]
    arms += [("retiring", arm) for arm in status.retiring]
    return [_arm(role, arm, spec, now) for role, arm in arms if arm is not None]


def _arm(role: str, arm: ArmStatus, spec: ModelDeploymentSpec, now: datetime) -> ArmView:
    note = arm.reason or f"{arm.ready_replicas} of {arm.replicas} pods ready"
    if arm.step is not None and role == "candidate":
        steps = strategy_for(spec).step_count(spec)
        last = "baking" if arm.weight == 100 and spec.rollout.bake_seconds else "promoting"
        at = f"step {arm.step + 1} of {steps}" if spec.rollout.ramp is None else "on its ramp"
        place = "starting" if arm.step < 0 else last if arm.step >= steps else at
        since = f" for {duration((now - datetime.fromisoformat(arm.since)).total_seconds())}" if arm.since else ""
        note = f"{place}{since}, {note}"
    return ArmView(role, arm.revision, arm.model_version or "", arm.weight, note)


def _lines(status: ModelDeploymentStatus) -> list[MetricView]:
    """What the last verdict rested on; what was open when a version won by command says nothing."""
    open_still = status.candidate is None and status.rejected is None
    return [_line(line) for line in status.evidence if not (open_still and line.verdict == "Undecided")]


def _line(line: EvidenceStatus) -> MetricView:
    parts = (line.ratio and f"ratio {line.ratio}", line.samples, line.until_decision, line.message)
    return MetricView(line.metric, line.verdict, "; ".join(part for part in parts if part))


def _command(status: ModelDeploymentStatus) -> str | None:
    last = status.last_command
    if last is None:
        return None
    newest = status.history[-1].time if status.history else ""
    if status.candidate is None and last.time < newest:
        return None
    words = " ".join(last.text.split()[:2])
    return (
        f"{words}, {last.time}: {last.result}"
        + (f", {last.message}" if last.message else "")
        + (f" (by {last.by})" if last.by else "")
    )


def views(plan: JudgePlan, assessment: Assessment) -> list[MetricView]:
    """The metrics of an opinion."""
    share, metrics = multiplicity.weights(plan.metrics), {metric.name: metric for metric in plan.metrics}
    return [_view(report, metrics[report.name], plan, share.get(report.name)) for report in assessment.metrics]


def _view(report: MetricReport, metric: MetricPlan, plan: JudgePlan, share: float | None) -> MetricView:
    harm = safe = None
    if report.e_harm is not None and share is not None:
        shared = sum(1 for one in plan.metrics if one.kind != "value")
        harm = Proof(
            report.e_harm,
            1 / (plan.alpha_harm * share),
            report.seconds_to_harm,
            " if it goes on like this",
            shared,
        )
    if report.e_safe is not None:
        provided = " if it goes on like this" if report.unit == "pairs" else " if it is as good as stable"
        safe = Proof(report.e_safe, 1 / plan.alpha_safe, report.seconds_to_safe, provided)
    value = f"value {report.value:.4g}" if report.value is not None and metric.kind == "value" else ""
    line = "; ".join(part for part in (value, report.message) if part)
    return MetricView(report.name, report.verdict, line, report, metric, harm, safe)


def duration(seconds: float) -> str:
    """A time span in words: two digits of the largest unit."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.2g} {unit}" if seconds < 10 * length else f"{seconds / length:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
