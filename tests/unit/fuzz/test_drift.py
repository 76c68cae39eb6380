"""Whatever pods, ConfigMaps and logs say of a profile and its counts: it is counted, or told in words of ours."""

from __future__ import annotations

import base64
import gzip
import json
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rollmodel.api.driftpolicy import DriftPolicySpec
from rollmodel.plan.drift.evaluation.evaluate import evaluate
from rollmodel.plan.drift.evaluation.history import History
from rollmodel.plan.drift.evaluation.learning import dispersion_of, learn_from
from rollmodel.plan.drift.profile.counts_file import history_of
from rollmodel.plan.drift.profile.layout import Layout
from rollmodel.plan.problem import Problem
from rollmodel.profile import build_profile
from rollmodel.serving.predictions.count_log import command
from rollmodel.text import plain

from tests.support.foreign import damaged, texts
from tests.support.running.effort import effort

HOUR = 3600
SPEC = DriftPolicySpec.model_validate(
    {
        "modelDeploymentRef": {"name": "churn"},
        "windowSeconds": [HOUR],
        "dependence": {"quietWindows": 10},
        "samples": {"minPerWindow": 10},
        "signals": [
            {"name": "features", "kind": "Feature"},
            {"name": "prediction", "kind": "Prediction"},
            {"name": "quality", "kind": "Quality"},
            {"name": "accuracy", "kind": "EstimatedPerformance", "metric": "accuracy"},
        ],
    }
)
COUNTS = {
    "format": "rollmodel-counts/1",
    "stepSeconds": HOUR,
    "reference": [
        [{"what": "info", "digest": "d"}, 1],
        *(
            [{"what": "rows", "signal": "feature:age", "le": le}, 500 * (one + 1)]
            for one, le in enumerate(("1", "+Inf"))
        ),
        [{"what": "rows", "signal": "feature:age", "group": "all"}, 1000],
        *(
            [{"what": "rows", "signal": "prediction", "le": le}, 500 * (one + 1)]
            for one, le in enumerate(("0.5", "+Inf"))
        ),
        [{"what": "rows", "signal": "prediction", "group": "all"}, 1000],
        [{"what": "positives", "signal": "prediction", "le": "0.5"}, 100],
        [{"what": "threshold", "signal": "prediction"}, 0.5],
        [{"what": "importance", "signal": "feature:age"}, 1.0],
    ],
    "ends": [HOUR * one for one in range(1, 13)],
    "counts": [
        [{"signal": "feature:age", "le": "1"}, list(range(40, 52))],
        [{"signal": "feature:age", "le": "+Inf"}, [100] * 12],
        [{"signal": "feature:age", "group": "all"}, [100] * 12],
        [{"signal": "prediction", "group": "all"}, [100] * 12],
        [{"signal": "prediction", "le": "+Inf"}, [100] * 12],
    ],
    "outcomes": [[{"signal": "prediction", "le": "0.5", "outcome": "positive"}, [3] * 12]],
}


def looked_at(history: History) -> None:
    """A look, and what is learnt before it; nothing raises."""
    at = float(max(history.steps, default=0))
    learnt = learn_from(SPEC, history, after=-1.0, until=at, now="2026-01-01T00:00:00Z")
    dispersion = dispersion_of(learnt, len(history.layout.signals))
    found = evaluate(
        SPEC,
        history,
        (),
        at=at,
        watched_since=0.0,
        dispersion=np.ones(len(history.layout.signals)) if dispersion is None else dispersion,
        now="2026-01-01T00:00:00Z",
    )
    names = [(one.name, one.window_seconds) for one in found.signals]
    assert len(names) == len(set(names))


def told(problem: Problem) -> None:
    assert len(problem.message) < 500
    assert problem.message == plain(problem.message)
    assert problem.reason.isalnum()


def test_the_counts_of_these_tests_are_some() -> None:
    packed = base64.b64encode(gzip.compress(json.dumps(COUNTS).encode())).decode()
    found = history_of({"binaryData": {"r.json.gz": packed}}, "counts", "r", step=HOUR, at=12 * HOUR, since=0)
    assert isinstance(found, History)
    assert len(found.steps) == 12
    looked_at(found)


@settings(max_examples=effort(60, 2000), deadline=None)
@given(damaged(COUNTS, *COUNTS, "signal", "le", "group", "what", "digest", "category"))
@example(json.dumps(COUNTS | {"stepSeconds": "\x1b]52;c;ZXZpbA==\x07"}).encode())
@example(json.dumps(COUNTS | {"format": "\x1b]52;c;ZXZpbA==\x07"}).encode())
@example(b'{"format": "rollmodel-counts/1", "stepSeconds": 3600, "ends": [1e400]}')
@example(json.dumps({**COUNTS, "reference": [[{"what": "info", "digest": "d"}, 10**400]]}).encode())
def test_counts_are_read_or_refused(body: bytes) -> None:
    packed = base64.b64encode(gzip.compress(body)).decode()
    found = history_of({"binaryData": {"r.json.gz": packed}}, "counts", "r", step=HOUR, at=12 * HOUR, since=0)
    if isinstance(found, Problem):
        told(found)
    else:
        looked_at(found)


WORDS = st.one_of(st.sampled_from(["rows", "info", "problem", "importance", "positives", "threshold", "age"]), texts)
LABELS = st.dictionaries(
    st.sampled_from(["what", "signal", "le", "category", "group", "digest", "reason"]),
    st.one_of(WORDS, st.sampled_from(["feature:age", "prediction", "1", "+Inf", "NaN", "all", "null"])),
    max_size=4,
)
VALUES = st.one_of(st.floats(), st.sampled_from([1e308, -1.0, 0.0, 1000.0]))
SOUND = [({**labels}, [(0.0, float(value))]) for labels, value in COUNTS["reference"]]  # type: ignore[attr-defined]


@settings(max_examples=effort(80, 2000), deadline=None)
@given(
    st.lists(st.tuples(LABELS, VALUES), max_size=6),
    st.lists(st.tuples(LABELS, st.lists(VALUES, max_size=3)), max_size=4),
    st.sets(st.integers(0, len(SOUND) - 1), max_size=3),
)
@example([({"what": "rows", "signal": "rows", "le": "rows"}, 0.0)], [], set())
@example([], [({"what": "rows", "group": "all", "signal": "feature:age"}, [2.0**53 + 2])], set())
def test_what_pods_show_of_a_profile_is_one_or_told(
    more: list[tuple[dict[str, str], float]], counts: list[tuple[dict[str, str], list[float]]], without: set[int]
) -> None:
    kept = [one for index, one in enumerate(SOUND) if index not in without]
    layout = Layout.of([*kept, *((labels, [(0.0, value)]) for labels, value in more)])
    if isinstance(layout, Problem):
        told(layout)
        return
    answer = [
        (labels, [(float(HOUR * (one + 1)), value) for one, value in enumerate(values)]) for labels, values in counts
    ]
    looked_at(History(layout).with_answer(answer))


ROW = {"id": "a", "time": "2026-01-01T00:30:00Z", "revision": "r1", "score": 0.4, "features": {"age": 3.0, "city": "x"}}
PROFILE = build_profile(
    {"age": [float(one % 7) for one in range(500)], "city": ["x", "y"] * 250},
    score=[(one % 100) / 100 for one in range(500)],
    target=[one % 2 for one in range(500)],
)
ABOUT = {
    "format": "rollmodel-predictions/1",
    "model": "churn",
    "revision": "r1",
    "profile": json.loads(PROFILE.to_json()),
    "includeColumns": [],
    "excludeColumns": [],
}
EVENTS = [
    {
        "id": "a",
        "time": "2026-01-01T00:30:00Z",
        "type": "org.kubeflow.serving.inference.request",
        "data": {"instances": [[3, "x"]]},
    },
    {
        "id": "a",
        "time": "2026-01-01T00:30:00Z",
        "type": "org.kubeflow.serving.inference.response",
        "data": {"predictions": [0.4]},
    },
]


def counted(log: bytes, about: bytes, labels: bytes, *more: str) -> int:
    """The exit code of the command, over a log of one sound row and these."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "log").mkdir()
        (root / "log" / "about.json").write_bytes(about)
        (root / "log" / "a.jsonl").write_bytes(json.dumps({**ROW, "id": "sound"}).encode() + b"\n" + log)
        (root / "labels.csv").write_bytes(labels)
        (root / "profile.json").write_text(PROFILE.to_json(), encoding="utf-8")
        events = ["--profile", str(root / "profile.json"), "--revision", "r1"] if more else []
        asked = [str(root / "log"), "--labels", str(root / "labels.csv"), "--out", str(root / "out")]
        return command.main([*asked, "--now", "1767234000", "--steps", "5", *more, *events])


def test_the_log_of_these_tests_is_one() -> None:
    assert counted(b"", json.dumps(ABOUT).encode(), b"id,label\nsound,1\n") == 0
    lines = b"\n".join(json.dumps(one).encode() for one in EVENTS)
    assert counted(lines, b"{}", b"id,label\n", "--format", "cloudevents") == 0


@settings(max_examples=effort(25, 600), deadline=None)
@given(damaged(ROW, *ROW), damaged(ABOUT, *ABOUT), st.lists(texts, max_size=3), st.booleans())
def test_a_log_is_counted_or_refused(row: bytes, about: bytes, labels: list[str], sound: bool) -> None:
    lines = "\n".join(["id,label", "sound,1", *(f"{one},{one}" for one in labels)]).encode("utf-8", "replace")
    assert counted(row, json.dumps(ABOUT).encode() if sound else about, lines) in {0, 1}


@settings(max_examples=effort(20, 400), deadline=None)
@given(*(damaged(one, "id", "time", "type", "data", "instances", "predictions", "inputs", "outputs") for one in EVENTS))
@example(b'{"a":' * 5000, b"")
def test_events_are_counted_or_left_out(asked: bytes, response: bytes) -> None:
    lines = b"\n".join(one.replace(b"\n", b" ") for one in (asked, response))
    assert counted(lines, b"{}", b"id,label\n", "--format", "cloudevents") in {0, 1}
