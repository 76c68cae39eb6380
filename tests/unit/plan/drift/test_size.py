"""Status stays below 10 kB, whatever is watched and drifts; what decisions rest on goes last."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rollmodel.api.driftpolicy import DriftPolicyStatus
from rollmodel.plan.drift.status.size import LARGEST_BYTES, bounded

TIME = "2026-01-01T14:00:00Z"


def signal(number: int, verdict: str, name: int, message: int) -> dict[str, Any]:
    numbers = {"psi": "1.8788", "correctedPsi": "1.8709", "log10P": "-62.4", "minDetectablePsi": "0.0478"}
    return {
        "name": f"{number:03d}{'f' * name}",
        "kind": "EstimatedPerformance",
        "windowSeconds": 7776000,
        "verdict": verdict,
        "severity": "Moderate",
        "samples": 10**9,
        "dispersion": "12.34",
        "since": TIME,
        "looks": 6,
        "message": "m" * message,
        **numbers,
    }


def retrain(number: int, trigger: int, message: int) -> dict[str, Any]:
    return {
        "episode": str(1000 - number),
        "trigger": "f" * trigger,
        "revision": "0123456789",
        "trainingJob": "t" * 40,
        "model": "m" * 60,
        "outcome": "Ineffective",
        "promotedRevision": "0123456789",
        "time": TIME,
        "dataSince": TIME,
        "labelledRows": 10**9,
        "message": "m" * message,
    }


def condition(number: int, message: int) -> dict[str, Any]:
    state = {"type": f"PerformanceDegraded{number}", "status": "Unknown", "reason": "OtherPolicyTrains"}
    return {**state, "message": "m" * message, "lastTransitionTime": TIME, "observedGeneration": 7}


lengths = st.integers(0, 256)
statuses = st.builds(
    lambda moving, quiet, retrains, conditions, name, message, learnt: DriftPolicyStatus.model_validate(
        {
            "observedGeneration": 7,
            "conditions": [condition(number, 16 * message) for number in range(conditions)],
            "profile": {"revision": "0123456789", "digest": f"sha256:{'0' * 64}", "rows": 10**9},
            "watchedSince": TIME,
            "learnt": {"windows": 1000, "falseAlarms": 9, "time": TIME, "dispersion": ",".join(["1.23"] * learnt)},
            "episode": {"number": 1000, "startTime": TIME, "trigger": "f" * name},
            "budget": {"spent": "0.012345", "remaining": "0.037655", "periodStartTime": TIME},
            "signals": [
                signal(number, "Drifted" if number < moving else "Stable", name, message)
                for number in range(min(20, moving + quiet))
            ],
            "retrains": [retrain(number, name, message) for number in range(retrains)],
        }
    ),
    moving=st.integers(0, 20),
    quiet=st.integers(0, 5),
    retrains=st.integers(0, 20),
    conditions=st.integers(0, 9),
    name=lengths,
    message=lengths,
    learnt=st.integers(1, 301),
)


def size(status: DriftPolicyStatus) -> int:
    return len(json.dumps(status.to_wire()).encode())


@settings(max_examples=40)
@given(statuses)
def test_it_is_never_larger_and_what_is_there_stays_the_same(status: DriftPolicyStatus) -> None:
    found = bounded(status)
    assert size(found) <= LARGEST_BYTES
    assert bounded(found) == found, "the next pass changes nothing"
    assert found.signals[:1] == status.signals[:1] or status.signals[0].verdict == "Stable"
    assert found.retrains[:3] == status.retrains[:3]
    if size(status) <= LARGEST_BYTES:
        assert found == status


@pytest.mark.parametrize(("drifted", "kept"), [(3, 3), (20, 20)])
def test_ordinary_names_lose_no_signal_that_moves(drifted: int, kept: int) -> None:
    given_ = {
        "signals": [signal(number, "Drifted" if number < drifted else "Stable", 30, 0) for number in range(20)],
        "retrains": [retrain(number, 30, 40) for number in range(20)],
        "conditions": [condition(number, 200) for number in range(8)],
    }
    found = bounded(DriftPolicyStatus.model_validate(given_))
    assert sum(one.verdict == "Drifted" for one in found.signals) == kept
    assert size(found) <= LARGEST_BYTES
