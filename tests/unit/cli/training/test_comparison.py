"""When a rerun came to the same, and when not."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rollmodel.cli.training.comparison import FileRow, MetricRow, Tolerance, compare
from rollmodel.cli.training.verify import _parser
from rollmodel.errors import Invalid

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("first", "rerun", "tolerance", "verdict"),
    [
        (0.5, 0.5, 0.0, "Same"),
        (0.5, 0.5000001, 0.0, "Differs"),
        (0.8, 0.7, 0.1, "Within"),
        (0.7, 0.8, 0.1, "Within"),
        (0.8, 0.69, 0.1, "Differs"),
        (NAN, NAN, 0.0, "Same"),
        (NAN, 0.5, 100.0, "Differs"),
        (0.5, NAN, 100.0, "Differs"),
        (INF, INF, 0.0, "Same"),
        (INF, -INF, 100.0, "Differs"),
        (INF, 1.0, 1e300, "Differs"),
        (None, 0.5, 1.0, "Missing"),
        (0.5, None, 1.0, "Missing"),
    ],
)
def test_metrics(first: float | None, rerun: float | None, tolerance: float, verdict: str) -> None:
    assert MetricRow("f1", first, rerun, tolerance).verdict == verdict


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_order_does_not_matter(first: float, rerun: float, tolerance: float) -> None:
    there, back = (MetricRow("f1", *pair, tolerance).verdict for pair in ((first, rerun), (rerun, first)))
    assert there == back


@pytest.mark.parametrize(
    ("path", "first", "rerun", "verdict"),
    [
        ("model.pkl", "a", "a", "Same"),
        ("model.pkl", "a", "b", "Differs"),
        ("MLmodel", "a", "b", "Expected"),
        ("MLmodel", "a", None, "Missing"),
        ("extra.txt", None, "a", "Missing"),
    ],
)
def test_files(path: str, first: str | None, rerun: str | None, verdict: str) -> None:
    assert FileRow(path, first, rerun).verdict == verdict


GOOD: dict[str, Any] = {
    "hashes": ("h", "h"),
    "metrics": ({"f1": 0.8, "system/cpu": 3.0}, {"f1": 0.8, "system/cpu": 9.0}),
    "files": ({"MLmodel": "a", "model.pkl": "b"}, {"MLmodel": "c", "model.pkl": "b"}),
    "tolerance": Tolerance(),
    "identical": True,
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"hashes": ("h", "i")}, ["reproducibility hash is not the same"]),
        ({"hashes": (None, None)}, ["reproducibility hash is not the same"]),
        ({"metrics": ({}, {})}, ["nothing to compare"]),
        ({"metrics": ({"system/cpu": 1.0}, {"system/cpu": 1.0})}, ["nothing to compare"]),
        ({"metrics": ({"f1": 0.8, "auc": 1.0}, {"f1": 0.7})}, ["not the same metrics: auc, f1"]),
        ({"files": ({"model.pkl": "a"}, {"model.pkl": "b"})}, ["not the same files: model.pkl"]),
        ({"files": ({"model.pkl": "a"}, {"model.pkl": "b"}), "identical": False}, []),
        ({"files": ({}, {})}, ["no model was logged"]),
        ({"files": ({}, {}), "identical": False}, []),
    ],
)
def test_what_does_not_hold(change: dict[str, Any], said: list[str]) -> None:
    arguments = {**GOOD, **change}
    found = compare(
        arguments["hashes"],
        arguments["metrics"],
        arguments["files"],
        arguments["tolerance"],
        identical=arguments["identical"],
    )
    assert len(found.failures) == len(said)
    assert all(part in failure for part, failure in zip(said, found.failures, strict=True))


def test_a_tolerance_of_nothing() -> None:
    with pytest.raises(Invalid, match="tolerance for loss, but no such metric"):
        compare(("h", "h"), ({"f1": 1}, {"f1": 1}), ({}, {}), Tolerance(0.0, {"loss": 1.0}), identical=False)


def test_tolerances_on_the_command_line() -> None:
    told = _parser().parse_args(["churn", "--tolerance", "0.1", "--tolerance", "f1=0.02"])
    assert dict(told.tolerance) == {"": 0.1, "f1": 0.02}


@pytest.mark.parametrize("text", ["-1", "f1=nan", "inf", "f1", "f1="])
def test_tolerances_that_are_none(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        _parser().parse_args(["churn", f"--tolerance={text}"])
    assert "--tolerance" in capsys.readouterr().err
