"""What a metric says, in one line for ``kubectl describe``."""

from __future__ import annotations

from rollmodel.api.modeldeployment import EvidenceStatus
from rollmodel.evidence.core.types import MetricReport
from rollmodel.evidence.core.words import ratio, rounded

__all__ = ["evidence_line"]


def evidence_line(report: MetricReport, beside: str = "stable") -> EvidenceStatus:
    """The numbers of a report as people read them; ``beside``: whom the candidate is compared with."""
    return EvidenceStatus(
        metric=report.name,
        verdict=report.verdict,
        e_value=None if report.e_harm is None else rounded(report.e_harm, 3),
        ratio=_ratio(report),
        samples=_samples(report, beside),
        until_decision=_until(report),
        message=report.message or None,
    )


def _ratio(report: MetricReport) -> str | None:
    if report.ratio is None or report.low is None or report.high is None:
        return None
    return f"{ratio(report.ratio)} ({ratio(report.low)} .. {ratio(report.high)})"


def _samples(report: MetricReport, beside: str) -> str | None:
    if report.value is not None and report.unit == "pairs":
        return f"mean difference {report.value:+.3g} of {report.na:.0f} pairs"
    if report.value is not None and not report.nb:
        return f"value {report.value:.4g}"
    if report.value is not None:
        return f"mean {report.value:.4g} of {report.na:.0f} candidate, {report.nb:.0f} {beside}"
    if not (report.na or report.nb):
        return None
    if report.unit == "pairs":
        return f"{report.ka:.0f}/{report.na:.0f} pairs differ"
    return f"{report.ka:.0f}/{report.na:.0f} candidate, {report.kb:.0f}/{report.nb:.0f} {beside}"


def _until(report: MetricReport) -> str | None:
    """The nearer of the two decisions, in words, with what the estimate takes for granted."""
    if report.verdict != "Undecided":
        return None
    if report.learning is not None:
        seen, needed = report.learning
        until = "until then only a glaring fault is found" if report.guard else "harm is judged from then on"
        return f"learning what is normal, window {seen} of {needed}; {until}"
    options = [
        (
            report.seconds_to_safe,
            "proven safe if it " + ("goes on like this" if report.unit == "pairs" else "is as good as stable"),
        ),
        (report.seconds_to_harm, "proven harmful if it goes on like this"),
    ]
    known = [(seconds, words) for seconds, words in options if seconds is not None]
    if not known:
        return None
    seconds, words = min(known)
    return f"about {_duration(seconds)} until {words}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 600:
        return f"{seconds / 60:.1f} min"  # whole minutes would stand still for as long as a window or six
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
