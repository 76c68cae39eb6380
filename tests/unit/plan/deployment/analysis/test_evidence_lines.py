"""Estimates are only given where what they take for granted may be true."""

from __future__ import annotations

from itertools import groupby

import pytest
from rollmodel.evidence.core.types import MetricReport
from rollmodel.evidence.core.words import rounded
from rollmodel.plan.deployment.analysis.evidence_lines import evidence_line

from tests.support.simulation.past import let_serve
from tests.support.simulation.rollouts import TICK, Cluster, spec


@pytest.mark.parametrize(
    ("report", "until"),
    [
        ({"seconds_to_safe": 52.0}, "about 52 s until proven safe if it is as good as stable"),
        ({"seconds_to_safe": 52.0, "seconds_to_harm": 8.0}, "about 8 s until proven harmful if it goes on like this"),
        ({"learning": (12, 30)}, "learning what is normal, window 12 of 30; harm is judged from then on"),
        (
            {"learning": (12, 30), "guard": "Watching"},
            "learning what is normal, window 12 of 30; until then only a glaring fault is found",
        ),
        ({"seconds_to_safe": 204.0}, "about 3.4 min until proven safe if it is as good as stable"),
        ({"seconds_to_safe": 720.0}, "about 12 min until proven safe if it is as good as stable"),
        ({}, None),
    ],
)
def test_until_the_decision(report: dict[str, object], until: str | None) -> None:
    line = evidence_line(MetricReport("errors", "Undecided", **report))  # type: ignore[arg-type]
    assert line.until_decision == until


@pytest.mark.parametrize("verdict", ["Harmful", "ProvenSafe", "Breached"])
def test_no_time_until_what_has_come(verdict: str) -> None:
    assert evidence_line(MetricReport("errors", verdict, seconds_to_safe=9.0)).until_decision is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("number", "text"), [(0.9123, "0.91"), (50.2, "50"), (141.0, "140"), (14_100.0, "14000"), (1e9, "1e+09")]
)
def test_numbers_have_no_exponent(number: float, text: str) -> None:
    assert rounded(number) == text


@pytest.fixture(scope="module")
def failing() -> list[str]:
    """What was said until decision at each tick of a candidate that fails 30 %, without a past to learn from."""
    cluster = Cluster(spec(), rate=100)
    cluster.behave("1", bad=0.001)
    let_serve(cluster)
    cluster.try_version(bad=0.3)
    said: list[str] = []

    def over() -> bool:
        said.extend(line.get("untilDecision", "") for line in cluster.status.get("evidence", ()))
        return cluster.arm("candidate") is None

    assert cluster.run(1200, over)
    assert "untilDecision" not in cluster.status["evidence"][0]  # it has ended
    return said


def test_a_failing_candidate_is_never_said_to_be_nearly_safe(failing: list[str]) -> None:
    assert any(text.startswith("learning what is normal, window 3 of 30") for text in failing)
    assert not [text for text in failing if "safe" in text]


def test_a_failing_candidate_is_gone_within_ten_windows(failing: list[str]) -> None:
    numbers = [int(text.split("window ")[1].split()[0]) for text in failing if "window" in text]
    assert 4 <= max(numbers) < 10


def test_an_estimate_does_not_stand_still() -> None:
    """It counts down with the windows of a version that is as good as stable, and there is one for each."""
    cluster = Cluster(spec(), rate=20)
    cluster.behave("1", bad=0.05)
    cluster.run(1900)
    cluster.try_version(bad=0.05)
    said: list[str] = []

    def over() -> bool:
        said.extend(line["untilDecision"] for line in cluster.status.get("evidence", ()) if "untilDecision" in line)
        return bool(said) and "untilDecision" not in cluster.status["evidence"][0]

    assert cluster.run(1200, over)
    assert max(len(list(same)) for _, same in groupby(said)) * TICK <= 30
    assert "min until proven safe" in said[0]
    assert " s until proven safe" in said[-1]
