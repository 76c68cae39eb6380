"""What status says, in conditions: for programs (kstatus) and in words for people."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rollmodel.api.conditions import find
from rollmodel.api.driftpolicy import SignalKind, SignalStatus
from rollmodel.plan.drift.draft import Draft, Truth
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


def healthy(draft: Draft) -> Draft:
    """Nobody is needed."""
    if draft.observed.problems:
        return draft.say("Stalled", "True", "Refused", "; ".join(draft.observed.problems))
    told = find(draft.observed.status.conditions, "Stalled")
    if draft.state == "Learning" and told is not None and told.reason == _OVERDUE:  # until the next look
        return draft.say("Stalled", told.status, told.reason, told.message)
    return draft.say("Stalled", "False", "NothingWrong")


def learnt_or_given_up(draft: Draft) -> Draft:
    """It learns no more, so nobody is needed for that."""
    stalled = draft.lines.get("Stalled")
    if draft.state == "Learning" or stalled is None or stalled.reason != _OVERDUE:
        return draft
    return draft.say("Stalled", "False", "NothingWrong")


def stalled(draft: Draft, reason: str, message: str) -> Draft:
    """A person has to change the spec; nothing is looked at."""
    draft = draft.read(()).say("Stalled", "True", reason, message).say("Ready", "False", reason, message)
    return draft.say("DriftDetected", "Unknown", reason)


def suspended(draft: Draft) -> Draft:
    """Nothing is looked at, as asked."""
    draft = draft.read(()).say("Ready", "False", "Suspended", "`suspend` is set")
    return draft.say("DriftDetected", "Unknown", "Suspended")


def no_candidate(draft: Draft) -> Draft:
    """Candidates are watched, and none is tried: that is well."""
    message = "no candidate is tried"
    draft = draft.read(()).say("Ready", "True", "NoCandidate", message)
    return draft.say("DriftDetected", "False", "NoCandidate", message)


def blind(draft: Draft, reason: str, message: str) -> Draft:
    """It cannot look. That spends no budget, neither raises nor clears an alarm, and leaves no numbers of before."""
    draft = draft.read(())
    told = find(draft.observed.status.conditions, "DataFresh")
    if told is None or told.status != "False" or told.reason != reason:
        draft = draft.event("Warning", "Blind", f"{reason}: {message}")
    draft = draft.say("Ready", "False", "Blind", f"{reason}: {message}").say("DataFresh", "False", reason, message)
    if reason.startswith("Profile"):
        draft = draft.say("ReferenceReady", "False", reason, message)
    return draft if draft.alarmed else draft.say("DriftDetected", "Unknown", "Blind", message)


def learning(draft: Draft, windows: int) -> Draft:
    """Not armed yet."""
    wanted = draft.observed.spec.dependence.quiet_windows
    message = f"{windows} of {wanted} quiet windows with enough rows, since {draft.status.watched_since}"
    draft = _overdue(_reference(draft).say("Ready", "Unknown", "Learning", message), windows)
    return draft.say("DriftDetected", "Unknown", "Learning", message).say("Calibrated", "Unknown", "Learning", message)


def _overdue(draft: Draft, windows: int) -> Draft:
    """All the time for which counts are kept had too few windows with enough rows: so it never ends."""
    observed, spec = draft.observed, draft.observed.spec
    if observed.watches_candidate or seconds_since(draft.status.watched_since, observed.now) <= span(spec):
        return draft
    message = (
        f"{windows} windows with `samples.minPerWindow` = {spec.samples.min_per_window} rows in"
        f" {span(spec) / 3600:g} h, {spec.dependence.quiet_windows} are needed: take longer steps, or fewer rows a"
        " window; nothing is watched until then"
    )
    told = find(observed.status.conditions, "Stalled")
    if told is None or told.reason != _OVERDUE:
        draft = draft.event("Warning", _OVERDUE, message)
    return draft.say("Stalled", "True", _OVERDUE, message)


def looked(draft: Draft, look: Evaluation, state: str) -> Draft:
    """After a look that found this."""
    drifted = [one for one in look.signals if one.verdict == "Drifted"]
    able: Truth = "True" if any(look.enough) else "False"
    draft = _reference(draft).say("Ready", able, state, _summary(draft, look, drifted))
    if drifted:
        draft = draft.say("DriftDetected", "True", "Drifted", names(drifted))
    elif any(look.enough):
        draft = draft.say("DriftDetected", "False", state)
    else:
        draft = draft.say("DriftDetected", "Unknown", "Insufficient", "no window has enough rows")
    draft = draft.say("SamplesSufficient", "True" if all(look.enough) else "False", *_samples(draft, look))
    draft = _calibrated(draft)
    kinds = {entry.kind for entry in draft.observed.spec.signals}
    for of_name, name in (
        ({SignalKind.QUALITY}, "QualityBroken"),
        ({SignalKind.ESTIMATED_PERFORMANCE, SignalKind.PERFORMANCE}, "PerformanceDegraded"),
    ):
        if kinds & of_name:
            draft = draft.say(name, *_found(look, drifted, of_name, name))
    history, performance = draft.observed.history, {SignalKind.ESTIMATED_PERFORMANCE, SignalKind.PERFORMANCE}
    if kinds & performance and isinstance(history, History) and history.layout.calibration is None:
        draft = draft.say("PerformanceDegraded", "Unknown", "ProfileWithoutRates", _WITHOUT_RATES)
    return draft


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


def _reference(draft: Draft) -> Draft:
    profile = draft.status.profile
    rows = f"{profile.rows} rows" if profile is not None else ""
    history, stable = draft.observed.history, draft.observed.stable
    if isinstance(history, History) and history.layout.rhythm is not None:
        follow = len(history.layout.rhythm.index)
        if profile_period(draft.observed.spec, history.layout) is not None:
            rows += f"; {follow} of {len(history.layout.signals)} columns by hours of the week"
    if isinstance(history, History) and isinstance(stable, History):
        alone = Concurrent(history, stable).alone()
        rows = f"revision {draft.observed.stable_revision} at the same time"
        rows += f"; only the candidate has {', '.join(alone[:_SHOWN])}: not compared" if alone else ""
    return draft.say("ReferenceReady", "True", "ProfileRead", rows).say("DataFresh", "True", "Counted")


def _summary(draft: Draft, look: Evaluation, drifted: Sequence[SignalStatus]) -> str:
    if drifted:
        return f"{len(drifted)} signals drifted: {names(drifted)}"
    if not any(look.enough):
        return _samples(draft, look)[1]
    return f"no drift in {sum(look.enough)} of {len(look.enough)} windows"


def _samples(draft: Draft, look: Evaluation) -> tuple[str, str]:
    """Reason and message: what each window can see."""
    least = draft.observed.spec.samples.min_per_window
    parts = []
    for width, rows, enough, visible in zip(look.windows, look.rows, look.enough, look.visible, strict=True):
        if enough:
            parts.append(f"{width} s: {rows} rows show a PSI of {_number(visible)}")
        else:
            parts.append(f"{width} s: {rows} rows" + (f", fewer than {least}" if rows < least else ", not over yet"))
    return "Counted" if all(look.enough) else "TooFewRows", "; ".join(parts)


def _number(value: float) -> str:
    return "no size" if math.isinf(value) else f"{value:.2g}"


def _calibrated(draft: Draft) -> Draft:
    learnt = draft.status.learnt
    if learnt is None:
        return draft.say("Calibrated", "Unknown", "NotLearnt", "`dependence.dispersion` is Ignore")
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
    return draft.say("Calibrated", value, "Replayed", message)
