"""What status says, in conditions: for programs (kstatus) and in words for people."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rollmodel.api.conditions import find
from rollmodel.api.driftpolicy import SignalKind, SignalStatus
from rollmodel.plan.drift.builder import DecisionBuilder, Truth
from rollmodel.plan.drift.evaluation.evaluate import Evaluation
from rollmodel.plan.drift.evaluation.history import History
from rollmodel.plan.drift.evaluation.learning import hours_are_alike, is_calibrated
from rollmodel.plan.drift.evaluation.queries import span
from rollmodel.plan.drift.profile.concurrent import Concurrent
from rollmodel.plan.drift.profile.reference import profile_period
from rollmodel.plan.times import seconds_since

__all__ = [
    "blind",
    "healthy",
    "learning",
    "learnt_or_given_up",
    "looked",
    "names",
    "no_candidate",
    "stalled",
    "suspended",
]

_SHOWN = 5
_OVERDUE = "LearningOverdue"

_WITHOUT_RATES = (
    "the profile does not say how often an answer was right: it was built without score and target, or so few rows were"
    " right or wrong that they would be told apart"
)


def healthy(builder: DecisionBuilder) -> DecisionBuilder:
    """Nobody is needed."""
    if builder.observed.problems:
        return builder.condition("Stalled", "True", "Refused", "; ".join(builder.observed.problems))
    told = find(builder.observed.status.conditions, "Stalled")
    if builder.state == "Learning" and told is not None and told.reason == _OVERDUE:  # until the next look
        return builder.condition("Stalled", told.status, told.reason, told.message)
    return builder.condition("Stalled", "False", "NothingWrong")


def learnt_or_given_up(builder: DecisionBuilder) -> DecisionBuilder:
    """It learns no more, so nobody is needed for that."""
    stalled = builder.lines.get("Stalled")
    if builder.state == "Learning" or stalled is None or stalled.reason != _OVERDUE:
        return builder
    return builder.condition("Stalled", "False", "NothingWrong")


def stalled(builder: DecisionBuilder, reason: str, message: str) -> DecisionBuilder:
    """A person has to change the spec; nothing is looked at."""
    builder = (
        builder.read(()).condition("Stalled", "True", reason, message).condition("Ready", "False", reason, message)
    )
    return builder.condition("DriftDetected", "Unknown", reason)


def suspended(builder: DecisionBuilder) -> DecisionBuilder:
    """Nothing is looked at, as asked."""
    builder = builder.read(()).condition("Ready", "False", "Suspended", "`suspend` is set")
    return builder.condition("DriftDetected", "Unknown", "Suspended")


def no_candidate(builder: DecisionBuilder) -> DecisionBuilder:
    """Candidates are watched, and none is tried: that is well."""
    message = "no candidate is tried"
    builder = builder.read(()).condition("Ready", "True", "NoCandidate", message)
    return builder.condition("DriftDetected", "False", "NoCandidate", message)


def blind(builder: DecisionBuilder, reason: str, message: str) -> DecisionBuilder:
    """It cannot look. That spends no budget, neither raises nor clears an alarm, and leaves no numbers of before."""
    builder = builder.read(())
    told = find(builder.observed.status.conditions, "DataFresh")
    if told is None or told.status != "False" or told.reason != reason:
        builder = builder.event("Warning", "Blind", f"{reason}: {message}")
    builder = builder.condition("Ready", "False", "Blind", f"{reason}: {message}").condition(
        "DataFresh", "False", reason, message
    )
    if reason.startswith("Profile"):
        builder = builder.condition("ReferenceReady", "False", reason, message)
    return builder if builder.alarmed else builder.condition("DriftDetected", "Unknown", "Blind", message)


def learning(builder: DecisionBuilder, windows: int) -> DecisionBuilder:
    """Not armed yet."""
    wanted = builder.observed.spec.dependence.quiet_windows
    message = f"{windows} of {wanted} quiet windows with enough rows, since {builder.status.watched_since}"
    builder = _overdue(_reference(builder).condition("Ready", "Unknown", "Learning", message), windows)
    return builder.condition("DriftDetected", "Unknown", "Learning", message).condition(
        "Calibrated", "Unknown", "Learning", message
    )


def _overdue(builder: DecisionBuilder, windows: int) -> DecisionBuilder:
    """All the time for which counts are kept had too few windows with enough rows: so it never ends."""
    observed, spec = builder.observed, builder.observed.spec
    if observed.watches_candidate or seconds_since(builder.status.watched_since, observed.now) <= span(spec):
        return builder
    message = (
        f"{windows} windows with `samples.minPerWindow` = {spec.samples.min_per_window} rows in"
        f" {span(spec) / 3600:g} h, {spec.dependence.quiet_windows} are needed: take longer steps, or fewer rows a"
        " window; nothing is watched until then"
    )
    told = find(observed.status.conditions, "Stalled")
    if told is None or told.reason != _OVERDUE:
        builder = builder.event("Warning", _OVERDUE, message)
    return builder.condition("Stalled", "True", _OVERDUE, message)


def looked(builder: DecisionBuilder, look: Evaluation, state: str) -> DecisionBuilder:
    """After a look that found this."""
    drifted = [one for one in look.signals if one.verdict == "Drifted"]
    able: Truth = "True" if any(look.enough) else "False"
    builder = _reference(builder).condition("Ready", able, state, _summary(builder, look, drifted))
    if drifted:
        builder = builder.condition("DriftDetected", "True", "Drifted", names(drifted))
    elif any(look.enough):
        builder = builder.condition("DriftDetected", "False", state)
    else:
        builder = builder.condition("DriftDetected", "Unknown", "Insufficient", "no window has enough rows")
    builder = builder.condition("SamplesSufficient", "True" if all(look.enough) else "False", *_samples(builder, look))
    builder = _calibrated(builder)
    kinds = {entry.kind for entry in builder.observed.spec.signals}
    for of_name, name in (
        ({SignalKind.QUALITY}, "QualityBroken"),
        ({SignalKind.ESTIMATED_PERFORMANCE, SignalKind.PERFORMANCE}, "PerformanceDegraded"),
    ):
        if kinds & of_name:
            builder = builder.condition(name, *_found(look, drifted, of_name, name))
    history, performance = builder.observed.history, {SignalKind.ESTIMATED_PERFORMANCE, SignalKind.PERFORMANCE}
    if kinds & performance and isinstance(history, History) and history.layout.calibration is None:
        builder = builder.condition("PerformanceDegraded", "Unknown", "ProfileWithoutRates", _WITHOUT_RATES)
    return builder


def _found(
    look: Evaluation, drifted: Sequence[SignalStatus], kinds: set[SignalKind], name: str
) -> tuple[Truth, str, str]:
    """Status, reason and message about signals of these kinds. Without labels nothing is known of the performance."""
    bad = [one for one in drifted if one.kind in kinds]
    blind = [one for one in look.signals if one.kind in kinds and one.verdict == "Insufficient" and one.message]
    if not bad and blind and SignalKind.PERFORMANCE in kinds and any(look.enough):
        return "Unknown", "Insufficient", names(blind)
    return ("True", name, names(bad)) if bad else ("False", "NothingFound", "")


def names(signals: Sequence[SignalStatus]) -> str:
    """Signals in words: name, how far, in which window."""
    texts = [
        f"{one.name} ({one.message or f'PSI {one.corrected_psi}'} in {one.window_seconds} s of {one.samples} rows)"
        for one in signals[:_SHOWN]
    ]
    more = f" and {len(signals) - _SHOWN} more" if len(signals) > _SHOWN else ""
    return ", ".join(texts) + more


def _reference(builder: DecisionBuilder) -> DecisionBuilder:
    profile = builder.status.profile
    rows = f"{profile.rows} rows" if profile is not None else ""
    history, stable = builder.observed.history, builder.observed.stable
    if isinstance(history, History) and history.layout.rhythm is not None:
        follow = len(history.layout.rhythm.index)
        if profile_period(builder.observed.spec, history.layout) is not None:
            rows += f"; {follow} of {len(history.layout.signals)} columns by hours of the week"
    if isinstance(history, History) and isinstance(stable, History):
        alone = Concurrent(history, stable).alone()
        rows = f"revision {builder.observed.stable_revision} at the same time"
        rows += f"; only the candidate has {', '.join(alone[:_SHOWN])}: not compared" if alone else ""
    return builder.condition("ReferenceReady", "True", "ProfileRead", rows).condition("DataFresh", "True", "Counted")


def _summary(builder: DecisionBuilder, look: Evaluation, drifted: Sequence[SignalStatus]) -> str:
    if drifted:
        return f"{len(drifted)} signals drifted: {names(drifted)}"
    if not any(look.enough):
        return _samples(builder, look)[1]
    return f"no drift in {sum(look.enough)} of {len(look.enough)} windows"


def _samples(builder: DecisionBuilder, look: Evaluation) -> tuple[str, str]:
    """Reason and message: what each window can see."""
    least = builder.observed.spec.samples.min_per_window
    parts = []
    for width, rows, enough, visible in zip(look.windows, look.rows, look.enough, look.visible, strict=True):
        if enough:
            parts.append(f"{width} s: {rows} rows show a PSI of {_number(visible)}")
        else:
            parts.append(f"{width} s: {rows} rows" + (f", fewer than {least}" if rows < least else ", not over yet"))
    return "Counted" if all(look.enough) else "TooFewRows", "; ".join(parts)


def _number(value: float) -> str:
    return "no size" if math.isinf(value) else f"{value:.2g}"


def _calibrated(builder: DecisionBuilder) -> DecisionBuilder:
    learnt = builder.status.learnt
    if learnt is None:
        return builder.condition("Calibrated", "Unknown", "NotLearnt", "`dependence.dispersion` is Ignore")
    value: Truth = "True" if is_calibrated(learnt) else "False"
    message = f"{learnt.false_alarms} of {learnt.windows} quiet windows are called drift at 5 %"
    if value == "False":
        message += ": they were not alike (a season, an incident): use longer windows, or more of them"
    if not hours_are_alike(learnt):
        value = "False"
        message += (
            f"; {learnt.week_false_alarms} of {learnt.week_windows} steps of the first week are, since its hours differ"
            " (or something changed in it): windows of less than a week will tell of that. Build the profile with"
            " times (`rollmodel profile --time`), use `reference.window` with `season: HourOfWeek`, or windows of weeks"
        )
    return builder.condition("Calibrated", value, "Replayed", message)
