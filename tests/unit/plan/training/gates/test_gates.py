"""Gates: bounds, slices, the champion, artifacts; what cannot be evaluated does not hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rollmodel.api.trainingjob import Gates, GateStatus
from rollmodel.plan.problem import Problem
from rollmodel.plan.training.gates import evaluate
from rollmodel.plan.training.observed import Champion, GateFacts, MetricPoint, TrackedRun

NAN, INF = float("nan"), float("inf")
GONE = Problem("NotFound", "run r1 was deleted", transient=False)


def points(metrics: Mapping[str, float]) -> dict[str, MetricPoint]:
    return {name: MetricPoint(value, 1, 0.0) for name, value in metrics.items()}


def judge(
    spec: Mapping[str, Any],
    metrics: Mapping[str, float],
    *,
    histories: Mapping[str, Sequence[float]] | None = None,
    champion: Champion | Problem | None = None,
    artifacts: frozenset[str] | Problem = frozenset(),
) -> list[GateStatus]:
    run = TrackedRun("r2", "1", "FINISHED", 0.0, metrics=points(metrics))
    facts = GateFacts(histories or {}, champion, artifacts)
    return list(evaluate.evaluate(Gates.model_validate(spec), run, facts))


def one(gate: Mapping[str, Any], metrics: Mapping[str, float], **facts: Any) -> GateStatus:
    (result,) = judge({"metrics": [{"name": "f1", **gate}]}, metrics, **facts)
    assert result.message
    assert result.asked
    return result


def champion(value: float, **histories: Sequence[float]) -> Champion:
    return Champion("7", points({"f1": value}), {f"f1/{kind}": values for kind, values in histories.items()})


@pytest.mark.parametrize(
    ("gate", "value", "verdict", "message"),
    [
        ({"min": "0.7"}, 0.7, "Passed", "0.7 is not less than 0.7"),
        ({"min": "0.7"}, 0.6999999999999998, "Failed", "0.6999999999999998 is less than 0.7"),
        ({"max": "0.3"}, 0.1 + 0.2, "Failed", "0.30000000000000004 is more than 0.3"),
        ({"max": "0.2"}, 0.2532051282051282, "Failed", "0.2532 is more than 0.2"),
        ({"max": "0.3"}, 0.3, "Passed", "0.3 is not more than 0.3"),
        ({"max": "9999999999999999"}, 1e16, "Failed", "1E+16 is more than 9999999999999999"),
        ({"min": "-1.5"}, -1.5, "Passed", "-1.5 is not less than -1.5"),
        ({"min": "0"}, -0.0, "Passed", None),
        ({"min": "0.5"}, NAN, "NotEvaluated", "the run logged nan as its last value of 'f1'"),
        ({"min": "0.5"}, INF, "NotEvaluated", "the run logged inf as its last value of 'f1'"),
        ({"max": "0.5"}, -INF, "NotEvaluated", "the run logged -inf as its last value of 'f1'"),
    ],
)
def test_a_bound(gate: Any, value: float, verdict: str, message: str | None) -> None:
    result = one(gate, {"f1": value})
    assert result.verdict == verdict
    assert message is None or result.message == message


@given(st.decimals(-1000, 1000, places=4))
def test_a_float_of_the_bound_itself_is_within_it(bound: Any) -> None:
    text = f"{bound:f}"
    both = judge({"metrics": [{"name": "f1", "min": text, "max": text}]}, {"f1": float(text)})
    assert evaluate.held(both)


def test_a_missing_metric_names_similar_ones() -> None:
    result = one({"min": "0.5"}, {"f1_": 0.9, "loss": 0.1})
    assert (result.verdict, result.seen) == ("NotEvaluated", None)
    assert result.message == "the run logged no metric 'f1'; similar ones are 'f1_'"


SLICES = {"f1": 0.9, "f1/slice/old": 0.8, "f1/slice/young": 0.7, "f1x/slice/other": 0.1}


@pytest.mark.parametrize(
    ("gate", "verdict", "seen"),
    [
        ({"min": "0.7"}, "Passed", "0.7 in 'young', the worst of 2"),
        ({"min": "0.75"}, "Failed", "0.7 in 'young', the worst of 2"),
        ({"max": "0.75"}, "Failed", "0.8 in 'old', the worst of 2"),
        ({"maxGap": "0.1"}, "Passed", "0.1 between 'young' (0.7) and 'old' (0.8)"),
        ({"maxGap": "0.09"}, "Failed", "0.1 between 'young' (0.7) and 'old' (0.8)"),
    ],
)
def test_slices(gate: Any, verdict: str, seen: str) -> None:
    result = one({**gate, "over": "Slices"}, SLICES)
    assert (result.name, result.verdict, result.seen) == ("f1 over slices", verdict, seen)
    assert "young" in str(result.message) or "old" in str(result.message)


@pytest.mark.parametrize(
    ("metrics", "why"),
    [
        ({"f1": 0.9}, "the run logged no metric 'f1/slice/<slice>'"),
        ({**SLICES, "f1/slice/ill": NAN}, "the run logged nan as its last value for slice 'ill'"),
    ],
)
@pytest.mark.parametrize("gate", [{"min": "0.5"}, {"max": "1"}, {"maxGap": "1"}])
def test_slices_that_cannot_be_judged(gate: Any, metrics: Any, why: str) -> None:
    result = one({**gate, "over": "Slices"}, metrics)
    assert (result.verdict, result.message) == ("NotEvaluated", why)


def test_a_gap_needs_two_slices() -> None:
    result = one({"maxGap": "0.1", "over": "Slices"}, {"f1/slice/old": 0.5})
    assert result.verdict == "NotEvaluated"


def test_folds_of_a_slice_are_no_slice_but_a_slice_may_be_called_fold() -> None:
    metrics = {"f1/slice/a": 0.9, "f1/slice/a/fold": 0.1, "f1/slice/fold": 0.8, "f1/slice/eu/de": 0.85}
    assert one({"min": "0.5", "over": "Slices"}, metrics).seen == "0.8 in 'fold', the worst of 3"


@pytest.mark.parametrize(
    ("ours", "theirs", "better", "verdict"),
    [
        (0.80, 0.90, "Higher", "Passed"),
        (0.79, 0.90, "Higher", "Failed"),
        (0.99, 0.90, "Higher", "Passed"),
        (0.90, 0.80, "Lower", "Passed"),
        (0.91, 0.80, "Lower", "Failed"),
        (0.10, 0.80, "Lower", "Passed"),
    ],
)
def test_without_folds_the_values_are_compared(ours: float, theirs: float, better: str, verdict: str) -> None:
    gate = {"noWorseThanChampionBy": "0.1", "better": better}
    result = one(gate, {"f1": ours}, champion=champion(theirs))
    assert result.verdict == verdict
    assert "no interval was possible" in str(result.message)
    assert result.seen == f"{ours:g}; champion (version 7) {theirs:g}"


GATE = {"noWorseThanChampionBy": "0.02"}
GOOD, SAME, WIDE = [0.90, 0.91, 0.92, 0.91], [0.91, 0.90, 0.91, 0.92], [0.70, 0.99, 0.95, 1.0]


@pytest.mark.parametrize(
    ("folds", "better", "verdict"),
    [(GOOD, "Higher", "Passed"), (GOOD, "Lower", "Passed"), (WIDE, "Higher", "Failed"), (WIDE, "Lower", "Failed")],
)
def test_with_folds_the_worse_end_of_the_interval_decides(folds: list[float], better: str, verdict: str) -> None:
    result = one(
        {**GATE, "better": better}, {"f1": 0.91}, histories={"f1/fold": folds}, champion=champion(0.91, fold=SAME)
    )
    assert result.verdict == verdict
    assert "Welch, 4 folds against 4" in str(result.message)
    assert "[" in str(result.seen)
    assert ("more folds would tell more" in str(result.message)) == (verdict == "Failed")


@pytest.mark.parametrize(("shift", "verdict"), [(0.0, "Passed"), (-0.05, "Failed")])
def test_with_draws_percentiles_decide(shift: float, verdict: str) -> None:
    draws = [0.9 + 0.0001 * (number % 20) for number in range(60)]
    ours = [draw + shift for draw in draws]
    result = one(GATE, {"f1": 0.9}, histories={"f1/bootstrap": ours}, champion=champion(0.9, bootstrap=draws))
    assert result.verdict == verdict
    assert "percentiles, 60 bootstrap draws against 60" in str(result.message)


def test_equal_folds_within_the_margin_to_the_last_digit_pass() -> None:
    result = one(
        {"noWorseThanChampionBy": "0.1"},
        {"f1": 0.7},
        histories={"f1/fold": [0.7] * 3},
        champion=champion(0.8, fold=[0.8] * 3),
    )
    assert result.verdict == "Passed"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"f1/fold": GOOD}, {"bootstrap": [0.9] * 50}),
        ({"f1/fold": [0.9]}, {"fold": GOOD}),
        ({"f1/bootstrap": [0.9] * 39}, {"bootstrap": [0.9] * 50}),
        ({}, {"fold": GOOD}),
    ],
)
def test_no_interval_from_values_that_do_not_match_or_are_too_few(ours: Any, theirs: Any) -> None:
    result = one(GATE, {"f1": 0.91}, histories=ours, champion=champion(0.91, **theirs))
    assert result.verdict == "Passed"
    assert "no interval was possible: 'f1/fold' has" in str(result.message)


def test_without_a_champion_it_passes_and_says_so() -> None:
    result = one(GATE, {"f1": 0.1})
    assert (result.verdict, result.message) == ("Passed", "there is no champion yet")


@pytest.mark.parametrize(
    ("ours", "histories", "theirs", "why"),
    [
        (0.9, {}, GONE, "the champion cannot be read: run r1 was deleted"),
        (0.9, {}, Champion("7", {}), "the run of the champion, version 7, logged no metric 'f1'"),
        (0.9, {}, champion(NAN), "the run of the champion, version 7, logged nan as its last value of 'f1'"),
        (NAN, {}, champion(0.9), "the run logged nan as its last value of 'f1'"),
        (0.9, {"f1/fold": [0.9, INF]}, champion(0.9), "the run logged inf among its folds, 'f1/fold'"),
        (0.9, {}, champion(0.9, fold=[NAN]), "the run of the champion, version 7, logged nan among its folds"),
        (0.9, {"f1/fold": [1e308, -1e308]}, champion(0.9, fold=[0.9, 0.8]), "the folds are too large"),
    ],
)
def test_a_comparison_that_is_not_possible(ours: float, histories: Any, theirs: Any, why: str) -> None:
    result = one(GATE, {"f1": ours}, histories=histories, champion=theirs)
    assert result.verdict == "NotEvaluated"
    assert str(result.message).startswith(why)


def test_artifacts() -> None:
    spec = {"artifacts": ["card.md", "report.html"]}
    results = judge(spec, {}, artifacts=frozenset({"card.md"}))
    assert [(r.name, r.check, r.seen, r.verdict) for r in results] == [
        ("card.md", "Artifact", "exists", "Passed"),
        ("report.html", "Artifact", "missing", "Failed"),
    ]
    assert [r.verdict for r in judge(spec, {}, artifacts=GONE)] == ["NotEvaluated"] * 2


def test_results_are_unique_by_name_and_check_and_only_all_together_hold() -> None:
    gate = {"name": "f1", "min": "0.5", "max": "1"}
    spec = {
        "metrics": [{**gate, **GATE}, {**gate, "over": "Slices", "maxGap": "0.2"}],
        "artifacts": ["f1"],
    }
    results = judge(spec, SLICES, artifacts=frozenset({"f1"}))
    assert len({(r.name, r.check) for r in results}) == len(results) == 7
    assert evaluate.held(results)
    for verdict in ("Failed", "NotEvaluated"):
        assert not evaluate.held([*results, results[0].model_copy(update={"verdict": verdict})])
