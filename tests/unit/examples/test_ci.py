"""The workflow for users: each step runs as it stands, and fails where it should."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml
from rollmodel.__main__ import main

from examples.ci import data, expect, regression

REPOSITORY = Path(__file__).parents[3]
FOLDER = REPOSITORY / "examples" / "ci"
WORKFLOW = yaml.safe_load((FOLDER / "workflow.yaml").read_text())
STEPS = {step["name"]: step["run"] for step in WORKFLOW["jobs"]["check"]["steps"] if "run" in step}


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in STEPS if name != "Install"])
def test_a_step_runs_as_it_stands(name: str, tmp_path: Path) -> None:
    environment = {**os.environ, **WORKFLOW["env"], "RUNNER_TEMP": str(tmp_path)}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[name]]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert any(words in done.stdout for words in ("nothing wrong", "all as expected", "no worse"))


def test_what_steps_need_is_named_in_the_workflow() -> None:
    for name in ("POLICY", "COUNTS", "SCORED", "SCRIPTS"):
        assert (REPOSITORY / WORKFLOW["env"][name]).exists()
    manifests = [str(REPOSITORY / path) for path in WORKFLOW["env"]["MANIFESTS"].split()]
    assert main(["lint", "--strict", *manifests]) == 0
    assert WORKFLOW["permissions"] == {"contents": "read"}


def test_a_policy_that_decides_otherwise_is_told() -> None:
    found = {
        "a": {"verdict": "Promote", "seconds": 10, "reason": "ProvenSafe"},
        "b": {"verdict": "RollBack", "seconds": 700, "reason": "Harmful"},
        "c": {"verdict": "RollBack", "seconds": 1, "reason": "Harmful"},
    }
    wanted = {
        "a": {"verdict": "RollBack"},
        "b": {"verdict": "RollBack", "withinSeconds": 600},
        "d": {"verdict": "Promote"},
    }
    assert list(expect.differences(found, wanted)) == [
        "c: nobody said what to expect",
        "d: was not replayed",
        "a: Promote instead of RollBack: ProvenSafe",
        "b: RollBack after 700 s, which is more than 600",
    ]


def test_verdicts_that_are_as_expected_pass(tmp_path: Path) -> None:
    (tmp_path / "verdicts").write_text(json.dumps({"rollout": "a", "verdict": "Promote", "seconds": 1, "reason": ""}))
    (tmp_path / "expected").write_text(json.dumps({"a": {"verdict": "Promote"}}))
    assert expect.main([str(tmp_path / "verdicts"), str(tmp_path / "expected")]) == 0


@pytest.mark.parametrize(
    ("row", "complaint"), [("a,1,stable,p,1,2", "more requests failed"), ("a,1,other,p,2,1", "isin")]
)
def test_data_that_is_not_as_it_should_be_is_told(
    row: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["rollout,time,arm,pod,total,bad", *["a,1,stable,p,2,1"] * data.LEAST_ROWS]
    (tmp_path / "good.csv").write_text("\n".join(rows))
    assert data.main([str(tmp_path / "good.csv")]) == 0
    (tmp_path / "few.csv").write_text("\n".join(rows[:3]))
    assert data.main([str(tmp_path / "few.csv")]) == 1
    (tmp_path / "bad.csv").write_text("\n".join([*rows, row]))
    assert data.main([str(tmp_path / "bad.csv")]) == 1
    assert complaint in capsys.readouterr().out


def scored(*rows: tuple[int, str]) -> str:
    """So many rows of each kind, as a file."""
    return "\n".join(
        ["truth,stable,candidate,stable_ms,candidate_ms", *(row for number, row in rows for _ in range(number))]
    )


EQUAL = (300, "1,1,1,3,3")


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([EQUAL, (10, "1,1,0,3,3"), (10, "1,0,1,3,3")], None),
        ([EQUAL, (100, "1,0,1,3,3")], None),  # better
        ([EQUAL, (15, "1,1,0,3,3"), (2, "1,0,1,3,3")], "wrong where the old one was right: 15 rows"),
        ([EQUAL, (12, "1,1,0,3,3"), (4, "1,0,1,3,3")], "the other way round: 4"),  # proves little, and is too much
        ([EQUAL, (20, "1,1,1,3,4")], "takes 4.0 ms or more, before 3.0 ms"),
        ([EQUAL, (10, "1,1,1,3,40")], None),  # less than a twentieth
        ([(50, "1,1,1,3,3")], "at least 200 are needed"),
    ],
)
def test_a_model_that_is_worse_is_told(
    rows: list[tuple[int, str]], complaint: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scored.csv").write_text(scored(*rows))
    assert regression.main([str(tmp_path / "scored.csv")]) == (complaint is not None)
    assert (complaint or "no worse") in capsys.readouterr().out
