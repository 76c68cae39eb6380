from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.evidence import judge
from rollmodel.evidence.core.samples import (
    CountSample,
    HistogramSample,
    NoEvidence,
    NoEvidenceReason,
    ValueSample,
    Window,
)
from rollmodel.evidence.core.types import MetricPlan, Outcome

from tests.support.simulation.judging import START, STEP, feed, plan, quiet_history, window

NAN, INF = math.nan, math.inf
HISTORY = {"errors": quiet_history()}


def begun(*metrics: MetricPlan, **changes: float) -> judge.JudgeState:
    return judge.begin(plan(*metrics, **changes), {m.name: quiet_history() for m in metrics} or HISTORY, START)


def healthy(_: int) -> CountSample:
    return CountSample(50, 0, 950, 5)


def failing(_: int) -> CountSample:
    return CountSample(50, 10, 950, 5)


def harm_evidence(state: judge.JudgeState) -> float:
    return judge.assess(state).metrics[0].e_harm or 0.0


def test_harm_is_proven_within_a_minute_and_stays_proven() -> None:
    state = feed(begun(), 6, failing)
    verdict = judge.assess(state)
    assert (verdict.outcome, verdict.reason, verdict.blamed) == (Outcome.HARM, "ProvenHarmful", ("errors",))
    assert verdict.metrics[0].verdict == "Harmful"
    assert judge.assess(feed(state, 360, healthy, first=6)).outcome == Outcome.HARM


def test_safety_is_proven_and_a_later_harm_wins() -> None:
    state = feed(begun(), 300, healthy)
    verdict = judge.assess(state)
    assert (verdict.outcome, verdict.ticks) == (Outcome.SAFE, 300)
    assert verdict.metrics[0].verdict == "ProvenSafe"
    assert judge.assess(feed(state, 60, failing, first=300)).outcome == Outcome.HARM


def test_at_first_nothing_is_decided_and_the_time_needed_is_told() -> None:
    verdict = judge.assess(feed(begun(), 3, healthy))
    [report] = verdict.metrics
    assert (verdict.outcome, verdict.reason) == (Outcome.UNDECIDED, "NotEnoughEvidence")
    assert 0 < (report.seconds_to_safe or 0.0) < 3600
    assert (report.na, report.ka, report.nb, report.kb) == (150, 0, 2850, 15)
    assert report.seconds_to_harm is None


@pytest.mark.parametrize("sample", [CountSample(50_000, 50_000, 50_000, 0), CountSample(1e6, 1e6, 1, 0)])
def test_one_window_never_decides(sample: Any) -> None:
    verdict = judge.assess(feed(begun(MetricPlan("errors", "count", ceiling=0.05)), 1, lambda _: sample))
    assert verdict.outcome == Outcome.UNDECIDED


def test_one_window_never_decides_over_twenty_metrics() -> None:
    metrics = [MetricPlan(f"m{i}", "count") for i in range(20)]
    state = begun(*metrics)
    state = judge.observe(state, window(0), {m.name: CountSample(5000, 5000, 5000, 0) for m in metrics})
    assert judge.assess(state).outcome == Outcome.UNDECIDED


ODD_SAMPLES = {
    "no traffic": (CountSample(0, 0, 0, 0), "NoTraffic"),
    "candidate empty": (CountSample(0, 0, 950, 900), "ArmEmpty"),
    "stable empty": (CountSample(50, 50, 0, 0), "ArmEmpty"),
    "bad exceeds total": (CountSample(50, 60, 950, 5), "BadExceedsTotal"),
    "stable bad exceeds total": (CountSample(50, 50, 950, 951), "BadExceedsTotal"),
    "negative": (CountSample(-50, -50, 950, 5), "Negative"),
    "negative bad": (CountSample(50, -1, 950, 5), "Negative"),
    "not a number": (CountSample(50, NAN, 950, 5), "NotANumber"),
    "infinite": (CountSample(INF, 50, 950, 5), "NotANumber"),
    "another kind": (HistogramSample((0.1,), (0, 50), (950, 0)), "UnknownMetric"),
    "a value": (ValueSample(1e9), "UnknownMetric"),
    "gap": (NoEvidence(NoEvidenceReason.GAP, "scrape missing"), "Gap"),
    "query failed": (NoEvidence(NoEvidenceReason.QUERY_FAILED, "bad_data"), "QueryFailed"),
}


@pytest.mark.parametrize(("sample", "reason"), ODD_SAMPLES.values(), ids=ODD_SAMPLES)
def test_odd_input_is_named_changes_no_evidence_and_never_decides(sample: Any, reason: Any) -> None:
    before = feed(begun(), 3, healthy)
    after = feed(before, 100, lambda _: sample, first=3)
    old, new = judge.assess(before).metrics[0], judge.assess(after).metrics[0]
    assert (new.e_harm, new.e_safe, new.na, new.nb) == (old.e_harm, old.e_safe, old.na, old.nb)
    assert reason in new.message
    assert new.verdict == "NoData"
    assert judge.assess(after).outcome == Outcome.NO_DATA


def test_a_renamed_metric_is_no_data() -> None:
    state = begun()
    for number in range(50):
        state = judge.observe(state, window(number), {"failures": CountSample(50, 50, 950, 0)})
    verdict = judge.assess(state)
    assert verdict.outcome == Outcome.NO_DATA
    assert "NoSeries" in verdict.message
    assert state.notes["failures"].reason == NoEvidenceReason.UNKNOWN_METRIC


def test_silence_is_told_after_a_grace_and_ends_with_the_next_sample() -> None:
    state = feed(begun(), 5, healthy)
    quiet = feed(state, 3, lambda _: NoEvidence(NoEvidenceReason.GAP), first=5)
    assert judge.assess(quiet).outcome == Outcome.UNDECIDED
    blind = feed(quiet, 1, lambda _: NoEvidence(NoEvidenceReason.GAP), first=8)
    assert judge.assess(blind).outcome == Outcome.NO_DATA
    assert judge.assess(feed(blind, 1, healthy, first=9)).outcome == Outcome.UNDECIDED


def test_the_same_window_twice_changes_nothing() -> None:
    state = feed(begun(), 5, healthy)
    again = judge.observe(state, window(4), {"errors": failing(4)}, weight=0.5)
    assert judge.dump(again) == judge.dump(state)


@pytest.mark.parametrize(
    "odd", [window(1), Window(START + 35, START + 60), Window(START + 60, START + 55), Window(NAN, NAN)]
)
def test_a_clock_that_goes_back_is_noted_and_says_nothing(odd: Any) -> None:
    state = feed(begun(), 5, healthy)
    after = judge.observe(state, odd, {"errors": CountSample(5000, 5000, 5000, 0)})
    assert after.notes["errors"].reason == NoEvidenceReason.CLOCK_WENT_BACK
    assert judge.dump(replace(after, notes={})) == judge.dump(state)


def test_a_window_over_a_change_of_weight_compares_nothing() -> None:
    state = feed(begun(), 5, healthy)
    moved = judge.observe(state, window(5), {"errors": failing(5)}, weight=0.25)
    assert harm_evidence(moved) == harm_evidence(state)
    steady = judge.observe(moved, window(6), {"errors": failing(6)}, weight=0.25)
    assert harm_evidence(steady) > harm_evidence(state)


def test_a_broken_ceiling_counts_even_when_stable_is_as_bad_in_ratio() -> None:
    limited = MetricPlan("errors", "count", ceiling=0.05, harm_ratio=3.0)
    verdict = judge.assess(feed(begun(limited), 10, lambda _: CountSample(50, 25, 950, 5)))
    assert (verdict.outcome, verdict.blamed) == (Outcome.CEILING, ("errors",))
    assert verdict.metrics[0].verdict == "Breached"


def test_an_incident_that_both_arms_share_holds_and_leaves_no_blame_behind() -> None:
    state = begun(MetricPlan("errors", "count", ceiling=0.05))
    for shift in range(5):
        state = feed(state, 30, lambda _: CountSample(50, 25, 950, 475), first=60 * shift)
        assert judge.assess(state).outcome == Outcome.SHARED_INCIDENT
        state = feed(state, 30, lambda n: CountSample(50, n % 2, 950, 5), first=60 * shift + 30)
        assert judge.assess(state).outcome in {Outcome.UNDECIDED, Outcome.SAFE}


def test_a_first_deployment_is_judged_by_its_ceiling_alone() -> None:
    limited = MetricPlan("errors", "count", ceiling=0.05)
    alone = judge.begin(plan(limited, candidate_share=1.0), {}, START)
    good = judge.assess(feed(alone, 120, lambda n: CountSample(100, n % 2, 0, 0)))
    assert (good.outcome, good.metrics[0].verdict) == (Outcome.SAFE, "ProvenSafe")
    assert (good.metrics[0].e_harm, good.metrics[0].message) == (None, "")
    bad = judge.assess(feed(alone, 30, lambda _: CountSample(100, 15, 0, 0)))
    assert bad.outcome == Outcome.CEILING


def test_the_blamed_metrics_are_those_that_make_the_proof() -> None:
    metrics = [MetricPlan(name, "count") for name in ("errors", "timeouts", "refusals")]
    state = begun(*metrics)
    for number in range(30):
        state = judge.observe(
            state, window(number), {"errors": healthy(0), "timeouts": failing(0), "refusals": healthy(0)}
        )
    verdict = judge.assess(state)
    assert (verdict.outcome, verdict.blamed) == (Outcome.HARM, ("timeouts",))
    assert [m.name for m in verdict.metrics] == ["errors", "timeouts", "refusals"]


def test_every_metric_must_be_proven_safe() -> None:
    metrics = [MetricPlan("errors", "count"), MetricPlan("timeouts", "count")]
    state = begun(*metrics)
    for number in range(360):
        slow = CountSample(50, 0, 950, 5) if number < 30 else NoEvidence(NoEvidenceReason.GAP)
        state = judge.observe(state, window(number), {"errors": healthy(0), "timeouts": slow})
    verdict = judge.assess(state)
    assert verdict.outcome == Outcome.NO_DATA
    assert [m.verdict for m in verdict.metrics] == ["ProvenSafe", "NoData"]


def test_the_upper_limit_comes_below_the_margin() -> None:
    state = begun(MetricPlan("errors", "count", safe_ratio=3.0))
    assert not judge.assess(feed(state, 1, healthy)).upper_limit_below_margin
    many = feed(state, 300, lambda n: CountSample(500, 2 + n % 2, 9500, 50))
    verdict = judge.assess(many)
    assert verdict.upper_limit_below_margin
    [report] = verdict.metrics
    assert (report.low or 9.0) < (report.ratio or 0.0) < (report.high or 9.0) < 3.0


@pytest.mark.parametrize(
    ("metric", "changes", "says"),
    [
        (MetricPlan("m", "count", harm_ratio=0.0), {}, "ratios must be positive"),
        (MetricPlan("m", "count", harm_absolute=1.0), {}, "below 1 for counts"),
        (MetricPlan("m", "count", safe_ratio=1.0), {}, "can never be proven safe"),
        (MetricPlan("m", "count", ceiling=1.5), {}, "ceiling must be between"),
        (MetricPlan("m", "count", weight=0.0), {}, "weight must be positive"),
        (MetricPlan("m", "value"), {}, "needs value_min or value_max"),
        (MetricPlan("m", "value", value_max=1.0, failure_limit=-1), {}, "failure_limit"),
        (MetricPlan("m", "count"), {"alpha_harm": 0.0}, "alpha_harm"),
        (MetricPlan("m", "count"), {"interval": 0.0}, "interval"),
        (MetricPlan("m", "count"), {"candidate_share": 1.5}, "candidate_share"),
        (MetricPlan("m", "count"), {"planned_ticks": 0}, "planned_ticks"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(metric: Any, changes: Any, says: Any) -> None:
    with pytest.raises(judge.PlanError, match=says):
        judge.begin(plan(metric, **changes), {}, START)


def test_two_metrics_need_two_names() -> None:
    with pytest.raises(judge.PlanError, match="one name"):
        judge.begin(plan(MetricPlan("m", "count"), MetricPlan("m", "count")), {}, START)


count_samples = st.one_of(
    st.tuples(st.integers(0, 60), st.floats(0, 1), st.integers(0, 900), st.floats(0, 0.1)).map(
        lambda t: CountSample(t[0], float(round(t[0] * t[1])), t[2], float(round(t[2] * t[3])))
    ),
    st.just(NoEvidence(NoEvidenceReason.GAP)),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(count_samples, min_size=1, max_size=12), st.data())
def test_a_restart_between_any_two_windows_changes_nothing(samples: Any, data: Any) -> None:
    kept = through = begun(MetricPlan("errors", "count", ceiling=0.2))
    for number, sample in enumerate(samples):
        kept = judge.observe(kept, window(number), {"errors": sample}, weight=0.05)
        if data.draw(st.booleans()):
            write = data.draw(st.sampled_from([judge.dump, judge.pack]))
            through = judge.load(write(through))
        through = judge.observe(through, window(number), {"errors": sample}, weight=0.05)
        one, other = judge.assess(kept), judge.assess(through)
        assert (one.outcome, one.reason, one.blamed, one.ticks) == (
            other.outcome,
            other.reason,
            other.blamed,
            other.ticks,
        )
        assert one.metrics[0].e_harm == pytest.approx(other.metrics[0].e_harm, rel=1e-4)


def test_the_size_of_the_state_does_not_grow() -> None:
    rng = np.random.default_rng(8)
    state, sizes = begun(), []
    for number in range(720):
        sample = CountSample(50, float(rng.poisson(0.25)), 950, float(rng.poisson(4.75)))
        state = judge.observe(state, window(number), {"errors": sample}, weight=0.05)
        sizes.append(len(judge.dump(state)))
    assert max(sizes[360:]) <= max(sizes[:360]) + 40
    assert max(sizes) < 1500


def test_a_state_that_was_loaded_is_written_as_before() -> None:
    text = judge.dump(feed(begun(MetricPlan("errors", "count", ceiling=0.05)), 7, healthy))
    assert judge.dump(judge.load(text)) == text


@pytest.mark.parametrize(
    "damage",
    [
        lambda d: d | {"version": 1},
        lambda d: {k: v for k, v in d.items() if k != "version"},
        lambda d: d | {"plan": {}},
        lambda d: d | {"plan": d["plan"] | {"unknown": 1}},
        lambda d: d | {"parts": []},
        lambda d: d | {"parts": [[*d["parts"][0][:-1], [1, 2, 3]]]},
        lambda d: d | {"parts": [[*d["parts"][0][:-1], ["x"]]]},
        lambda d: d | {"parts": [[*d["parts"][0][:-1], [1e999]]]},
        lambda d: d | {"parts": [d["parts"][0][:-1]]},
        lambda d: d | {"end": "soon"},
        lambda d: d | {"begun": 10**400},
        lambda d: d | {"notes": {"errors": ["NoSuchReason", ""]}},
        lambda d: [d],
        lambda _: None,
    ],
)
def test_a_state_of_another_version_or_nonsense_is_refused(damage: Any) -> None:
    text = json.dumps(damage(json.loads(judge.dump(feed(begun(), 2, healthy)))))
    with pytest.raises(judge.StateError) as refused:
        judge.load(text)
    assert refused.value.reason == NoEvidenceReason.STATE_VERSION


@pytest.mark.parametrize("text", ["", "{", "null", "\x00", "[" * 100_000])
def test_what_is_not_json_is_refused(text: Any) -> None:
    with pytest.raises(judge.StateError):
        judge.load(text)


def test_windows_may_begin_in_the_middle_of_an_interval() -> None:
    state = judge.begin(plan(), HISTORY, START + 0.7 * STEP)
    assert judge.observe(state, window(0), {"errors": healthy(0)}).ticks == 1
