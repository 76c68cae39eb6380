"""Numbers as people read them."""

from __future__ import annotations

import pytest
from rollmodel.evidence.core.words import evidence, ratio, rounded


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (6.26e-06, "below 0.001"),
        (0.00701, "0.00701"),
        (0.246, "0.246"),
        (138.4, "138"),
        (999.9, "1,000"),
        (3941.0, "3,940"),
        (123_456.0, "123,000"),
        (1.2e26, "over a million"),
    ],
)
def test_evidence_has_no_exponent(value: float, text: str) -> None:
    assert evidence(value) == text


def test_a_ratio_has_no_exponent() -> None:
    assert [rounded(x) for x in (0.914, 50.0, 140.0)] == ["0.91", "50", "140"]
    told = [ratio(x) for x in (0.00016, 0.0, 2.5e-5, 140.0, 999_000.0, 2.3e6)]
    assert told == ["0.00016", "below 0.0001", "below 0.0001", "140", "1000000", "over a million"]
