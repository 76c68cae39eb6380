"""Rows become counts: numeric columns, categories and scores; in one process and in several; never in the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from rollmodel.profile import Profile, build_profile
from rollmodel.serving.drift.counter import Counter
from rollmodel.serving.drift.exposition import DriftMetrics
from rollmodel.serving.drift.recorder import Recorder
from rollmodel.serving.drift.signals import GROUPS, MOST_SIGNALS, signals_of
from rollmodel.serving.drift.start import start_counting
from rollmodel.serving.server.metrics import ServerMetrics
from rollmodel.serving.server.scoring import Scorer

from tests.unit.serving.server.test_scoring import JSON, body, double, pyfunc

RNG = np.random.default_rng(1)
ROWS = 2000


def table(rows: int = ROWS) -> pd.DataFrame:
    plans = RNG.choice(["basic", "gold"], rows).astype(object)
    return pd.DataFrame({"age": RNG.normal(40, 10, rows), "plan": plans, "visits": RNG.poisson(3, rows)})


@pytest.fixture
def profile() -> Profile:
    score = RNG.random(ROWS)
    return build_profile(dict(table()), score=score, target=RNG.integers(0, 2, ROWS))


def samples(recorder: Recorder, profile: Profile) -> dict[tuple[str, ...], float]:
    """Values by name and the labels that are not empty, without those of the profile."""
    recorder.wait()
    metrics = CollectorRegistry()
    metrics.register(DriftMetrics(profile, signals_of(profile)[0], recorder))
    found = {}
    for family in text_string_to_metric_families(generate_latest(metrics).decode()):
        for sample in family.samples:
            labels = [sample.labels.get(name) for name in ("signal", "le", "category", "group", "digest", "reason")]
            found[(sample.name, *filter(None, labels))] = sample.value
    return found


def started(profile: Profile, folder: Path | None = None) -> Recorder:
    return Recorder(signals_of(profile)[0], folder)


def show(recorder: Recorder, data: Any, answer: Any) -> None:
    recorder.after(recorder.before(data), answer)


def test_what_the_profile_counted_is_counted_again(profile: Profile) -> None:
    recorder, data = started(profile), table()
    for begin in range(0, ROWS, 100):
        show(recorder, data[begin : begin + 100], np.full(100, 0.7))
    found = samples(recorder, profile)
    assert found["rollmodel_signal_group_rows_total", "feature:age", "all"] == ROWS
    age = profile.features[0]
    for edge in (age.edges[0], age.edges[5]):
        assert found["rollmodel_signal_value_bucket", "feature:age", str(edge)] == (data["age"] <= edge).sum()
    assert found["rollmodel_signal_value_bucket", "feature:age", "+Inf"] == ROWS
    assert found["rollmodel_signal_category_rows_total", "feature:plan", "gold"] == (data["plan"] == "gold").sum()
    assert found["rollmodel_signal_value_bucket", "prediction", "0.5"] == 0
    assert found["rollmodel_signal_value_bucket", "prediction", "+Inf"] == ROWS


def test_the_profile_is_shown_under_the_same_labels(profile: Profile) -> None:
    found = samples(started(profile), profile)
    live = {key[1:] for key in found if key[0].startswith("rollmodel_signal_") and len(key) == 3}
    reference = {key[1:] for key in found if key[0] == "rollmodel_profile_rows"}
    assert live == reference
    assert all(value == 0.0 for key, value in found.items() if key[0].startswith("rollmodel_signal_"))
    assert found["rollmodel_profile_rows", "feature:age", "+Inf"] == ROWS
    assert found["rollmodel_profile_positives", "prediction", "+Inf"] == sum(profile.score.positives)  # type: ignore[union-attr,arg-type]
    assert found["rollmodel_profile_threshold", "prediction"] == 0.5


def test_missing_unseen_and_infinite_values(profile: Profile) -> None:
    recorder = started(profile)
    data = pd.DataFrame(
        {"age": [np.nan, np.inf, -1e9, 40.0], "plan": [None, "platinum", "gold", "gold"], "visits": [3, 3, 3, 3]}
    )
    show(recorder, data, [0.1, 0.2, np.nan, 0.3])
    found = samples(recorder, profile)
    group = "rollmodel_signal_group_rows_total"
    assert (found[group, "feature:age", "null"], found[group, "feature:age", "unseen"]) == (1, 2)
    assert (found[group, "feature:plan", "null"], found[group, "feature:plan", "unseen"]) == (1, 1)
    assert found["rollmodel_signal_category_rows_total", "feature:plan", "__other__"] == 1
    assert found[group, "prediction", "null"] == 1


@pytest.mark.parametrize(
    "data",
    [
        pd.DataFrame({"visits": [3.0, 4.0], "plan": ["gold", "gold"]}),
        {"visits": np.array([3.0, 4.0]), "plan": np.array(["gold", "gold"])},
        pd.DataFrame({"visits": [3.0, 4.0], "plan": ["gold", "gold"], "age": ["forty", "old"]}),
    ],
)
def test_a_feature_that_is_gone_or_no_number_is_missing(profile: Profile, data: Any) -> None:
    recorder = started(profile)
    show(recorder, data, [0.5, 0.6])
    found = samples(recorder, profile)
    assert found["rollmodel_signal_group_rows_total", "feature:age", "null"] == 2
    assert found["rollmodel_signal_group_rows_total", "feature:visits", "null"] == 0
    assert found["rollmodel_signal_category_rows_total", "feature:plan", "gold"] == 2
    assert found["rollmodel_signal_uncounted_rows_total",] == 0


def test_small_requests_are_counted_together_as_they_are_alone(profile: Profile) -> None:
    """Also where a column is a number in one request and none in the next, or where columns differ."""
    batches: list[tuple[Any, Any]] = [(table(3), np.full(3, 0.4)) for _ in range(5)]
    batches += [({"age": [30.0], "plan": ["gold"]}, [0.1]), (table(2), None), (table(2)[["age"]], [0.6, 0.7])]
    batches += [(table(1).assign(plan=plan), [0.5]) for plan in (1, 2.5, True, None, "gold", "new")]
    batches += [(table(2).astype({"visits": "Int64"}), [0.5, 0.5]), (pd.DataFrame(), [])]
    signals, _ = signals_of(profile)
    together, alone = (np.zeros(sum(one.bins + len(GROUPS) for one in signals), dtype=np.int64) for _ in range(2))
    Counter(signals, together).count(batches)
    for batch in batches:
        Counter(signals, alone).count([batch])
    assert together.tolist() == alone.tolist()


def test_texts_that_look_like_numbers_are_no_numbers() -> None:
    """A table of whole numbers beside one of fractions is one of fractions: 1 would be 1.0, which nobody listed."""
    profile = build_profile({"code": np.array(["1", "2"] * 50, dtype=object), "x": RNG.normal(size=100)})
    signals, _ = signals_of(profile)
    counts = np.zeros(sum(one.bins + len(GROUPS) for one in signals), dtype=np.int64)
    Counter(signals, counts).count([(pd.DataFrame({"code": [code], "x": [0.0]}), None) for code in (1, 2, 2.5)])
    assert signals[0].cells(counts).tolist() == [1, 1, 1, 0, 1, 3]


def test_an_array_without_names_is_in_the_order_of_the_profile() -> None:
    profile = build_profile({"a": RNG.normal(size=ROWS), "b": RNG.normal(100, 1, ROWS)})
    recorder = started(profile)
    show(recorder, np.array([[0.0, 100.0], [9.0, 100.0]]), [1, 2])
    found = samples(recorder, profile)
    assert found["rollmodel_signal_group_rows_total", "feature:a", "unseen"] == 1
    assert found["rollmodel_signal_group_rows_total", "feature:b", "unseen"] == 0


def test_what_the_model_does_to_its_input_is_not_counted(profile: Profile) -> None:
    recorder, data = started(profile), table(50)
    kept = recorder.before(data)
    data["age"] = np.nan
    data.loc[:, "visits"] = 1000
    recorder.after(kept, np.full(50, 0.5))
    found = samples(recorder, profile)
    assert found["rollmodel_signal_group_rows_total", "feature:age", "null"] == 0
    assert found["rollmodel_signal_group_rows_total", "feature:visits", "unseen"] < 50


def test_workers_share_their_counts(profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ones = []
    for pid in (11, 12):
        monkeypatch.setattr("os.getpid", lambda pid=pid: pid)
        ones.append(started(profile, tmp_path))
        show(ones[-1], table(100), np.full(100, 0.5))
        ones[-1].wait()
    (tmp_path / "signals-13.counts").touch()  # a worker that begins just now
    assert samples(ones[0], profile)["rollmodel_signal_group_rows_total", "feature:age", "all"] == 200


def test_rows_that_are_not_counted_are_counted(profile: Profile, caplog: pytest.LogCaptureFixture) -> None:
    recorder = started(profile)
    for _ in range(2):
        show(recorder, pd.DataFrame({"age": [1.0], "plan": ["secret"], "visits": [1]}), object())
        show(recorder, pd.DataFrame({"age": [[1.0]], "plan": [{"a": "secret"}], "visits": [1]}), [0.5])
    show(recorder, 7, [0.5])  # no rows at all
    samples(recorder, profile)
    assert "secret" not in caplog.text


def test_the_most_important_features_are_counted() -> None:
    columns = {f"f{i}": RNG.random(30) for i in range(MOST_SIGNALS + 5)}
    signals, left_out = signals_of(build_profile(columns, importance={f"f{MOST_SIGNALS}": 1.0}))
    assert len(signals) == MOST_SIGNALS - 1
    assert left_out == 6
    assert f"feature:f{MOST_SIGNALS}" in {signal.name for signal in signals}


def test_a_model_without_a_profile_is_served_and_says_so(tmp_path: Path) -> None:
    counting = start_counting(tmp_path)
    assert counting.recorder is None
    text = ServerMetrics({"model_id": "m"}, counting.metrics).render().decode()
    assert 'rollmodel_profile_problem{reason="ProfileMissing"} 1.0' in text
    (tmp_path / "profile.json").write_text('{"format": "rollmodel-profile/9"}', encoding="utf-8")
    text = ServerMetrics({"model_id": "m"}, start_counting(tmp_path).metrics).render().decode()
    assert 'rollmodel_profile_problem{reason="ProfileVersion"} 1.0' in text


def test_the_server_counts_what_it_answers(tmp_path: Path) -> None:
    profile = build_profile({"x": RNG.normal(size=ROWS)}, score=RNG.normal(size=ROWS))
    (tmp_path / "profile.json").write_text(profile.to_json(), encoding="utf-8")
    counting = start_counting(tmp_path)
    assert counting.recorder is not None
    scorer = Scorer(pyfunc(double))
    scorer.score(body(1.0), JSON)  # as the input example is: before anybody watches
    scorer.watch(counting.recorder)
    assert scorer.score(body(1.0, 2.0, 3.0), JSON).status == 200
    assert scorer.score(b"{}", JSON).status == 400
    found = samples(counting.recorder, profile)
    assert found["rollmodel_signal_group_rows_total", "feature:x", "all"] == 3
    assert found["rollmodel_signal_group_rows_total", "prediction", "all"] == 3
