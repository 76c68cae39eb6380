"""The judge of a rollout: a pure function of its state and the samples of each window.

Risks are those of the whole rollout: evidence runs on over all steps, and looking at every tick costs nothing. What
was proven stays proven (a later proof of harm still wins over safety). No sample, or one that is not sound, changes no
evidence and decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from rollmodel.evidence import counted, multiplicity, sample_ratio
from rollmodel.evidence.core.checks import checked, single_arm
from rollmodel.evidence.core.opinion import MetricJudge, Step
from rollmodel.evidence.core.plans import PlanError, validated
from rollmodel.evidence.core.samples import (
    CountSample,
    HistogramSample,
    NoEvidence,
    NoEvidenceReason,
    Sample,
    Window,
)
from rollmodel.evidence.core.types import JudgePlan, MetricHistory, MetricPlan
from rollmodel.evidence.sample_ratio import SampleRatioState
from rollmodel.evidence.state import METRIC_JUDGES, JudgeState, StateError, dump, load, pack
from rollmodel.evidence.verdict import assess

__all__ = ["JudgeState", "PlanError", "StateError", "assess", "begin", "dump", "load", "observe", "pack"]

#: Two moments nearer than this part of an interval are the same.
TOLERANCE = 1e-6


def begin(plan: JudgePlan, history: Mapping[str, MetricHistory], now: float) -> JudgeState:
    """The judge before the first window.

    history: by metric, what the stable arm did before; what is missing makes the judge wary and slow. now: unix
    seconds; windows from the start of the present interval on are judged. Raises :class:`PlanError`.
    """
    plan = validated(plan)
    groups = {kind: [m for m in plan.metrics if m.kind == kind] for kind in METRIC_JUDGES}
    parts = tuple(METRIC_JUDGES[kind].begin(plan, metrics, history) for kind, metrics in groups.items() if metrics)
    aligned = math.floor(now / plan.interval) * plan.interval
    return JudgeState(plan=plan, begun=aligned, end=aligned, settled=aligned, parts=parts, share=sample_ratio.begin())


def observe(
    state: JudgeState,
    window: Window,
    samples: Mapping[str, Sample],
    *,
    weight: float | None = None,
    share: float | None = None,
    arms: str = "",
) -> JudgeState:
    """The judge after one window. Feeding the same window again changes nothing.

    samples: by metric name; what is missing or not sound is noted and changes no evidence. weight: the candidate's
    share of traffic as routed in this window (0 .. 1), None where it is not known; a window in which it changed is no
    evidence for a comparison. share: its share of the requests that are compared, where those are not all. A window
    that ends or begins before the end of the last one is refused with a note. arms: whose requests are compared, for
    the memory of the last minutes; "" for none.
    """
    if abs(window.end - state.end) <= TOLERANCE * state.plan.interval and state.ticks:
        return state
    if not _is_after(state, window):
        return _refused(state, window)
    sound = {m.name: _pending(state, m, window) or checked(m, samples.get(m.name)) for m in state.plan.metrics}
    for part in state.parts:
        sound.update(part.refused(sound))
    step = _step(state, window, weight)
    parts = tuple(part.observe(sound, step) for part in state.parts)
    return replace(
        state,
        end=window.end,
        settled=state.settled if weight is None or weight == state.weight else window.end,
        parts=parts,
        share=_share(state, sound, weight if weight is None or share is None else share, step),
        ticks=state.ticks + 1,
        weight=state.weight if weight is None else weight,
        harmful=state.harmful or _harmful(state.plan, parts),
        breached=state.breached or tuple(name for part in parts for name in part.breached()),
        notes=_notes(state.plan, sound, samples),
        counted=_counted(state, window, samples, arms),
    )


def _is_after(state: JudgeState, window: Window) -> bool:
    """Whether this window begins where the last one ended, or later."""
    begins = window.start >= state.end - TOLERANCE * state.plan.interval
    return begins and window.end > window.start and math.isfinite(window.end)


def _step(state: JudgeState, window: Window, weight: float | None) -> Step:
    moved = weight is not None and state.weight is not None and weight != state.weight
    return Step(window.end - window.start, window.end - state.end, moved)


def _pending(state: JudgeState, metric: MetricPlan, window: Window) -> NoEvidence | None:
    """Why the labels that arrived in this window do not count yet, if so.

    They do once the split has been the same for as long as labels take: right after a change the candidate's labels are
    the quick ones, and quick ones are not like the others.
    """
    missing = state.settled + metric.delay - window.start
    if not metric.delay or missing <= TOLERANCE * state.plan.interval:
        return None
    message = f"labels count once the split has been the same for {metric.delay:g} s, which takes {missing:.0f} s more"
    return NoEvidence(NoEvidenceReason.LABELS_PENDING, message)


def _share(state: JudgeState, sound: Mapping[str, Sample], weight: float | None, step: Step) -> SampleRatioState:
    """The check of the split, by the requests of the first metric that counts them."""
    requests = next((r for m in state.plan.metrics if (r := _requests(sound[m.name])) is not None), None)
    checks = state.plan.check_share and state.plan.candidate_share < 1
    if requests is None or weight is None or not checks:
        return state.share
    na, nb = requests
    return sample_ratio.update(state.share, na + nb, na, weight=weight, seconds=step.seconds, moved=step.moved)


def _requests(sample: Sample) -> tuple[float, float] | None:
    match sample:
        case CountSample():
            return sample.na, sample.nb
        case HistogramSample():
            return sum(sample.candidate), sum(sample.stable)
        case _:
            return None


def _counted(state: JudgeState, window: Window, samples: Mapping[str, Sample], arms: str) -> counted.Counted:
    name = counted.metric_of(state.plan)
    if not arms or name is None:
        return counted.Counted()
    return counted.after_window(state.counted, window, samples.get(name), arms)


def _refused(state: JudgeState, window: Window) -> JudgeState:
    message = f"the window {window.start:g} .. {window.end:g} is not after {state.end:g}"
    note = NoEvidence(NoEvidenceReason.CLOCK_WENT_BACK, message)
    return replace(state, notes={m.name: note for m in state.plan.metrics})


def _notes(plan: JudgePlan, sound: Mapping[str, Sample], samples: Mapping[str, Sample]) -> dict[str, NoEvidence]:
    """Why metrics gave nothing, and the first sample that belongs to no metric of the plan."""
    alone = plan.candidate_share >= 1
    noted = {name: s if isinstance(s, NoEvidence) or alone else single_arm(s) for name, s in sound.items()}
    notes = {name: note for name, note in noted.items() if isinstance(note, NoEvidence)}
    for name in sorted(set(samples) - set(sound))[:1]:
        message = f"{name[:63]} is not a metric of this rollout, which goes by the policy it began with"
        notes[name[:63]] = NoEvidence(NoEvidenceReason.UNKNOWN_METRIC, message)
    return notes


def _harmful(plan: JudgePlan, parts: Sequence[MetricJudge]) -> tuple[str, ...]:
    """The metrics to blame once their joint evidence proves harm, else none."""
    log_e = {name: value for part in parts for name, value in part.log_harm().items()}
    parts_of_risk, level = multiplicity.weights(plan.metrics), -math.log(plan.alpha_harm)
    proven = multiplicity.joint_log_evidence(log_e, parts_of_risk) >= level
    return multiplicity.blame(log_e, parts_of_risk, level) if proven else ()
