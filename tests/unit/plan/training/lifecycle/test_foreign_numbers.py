"""Numbers from elsewhere that status cannot hold are cut: they must not stop a training."""

from __future__ import annotations

import json
import math
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from rollmodel.api.trainingjob import Attempts, Progress
from rollmodel.plan.training.lifecycle.attempts import spent
from rollmodel.plan.training.observed import MetricPoint, TrackedRun
from rollmodel.plan.training.progress import TOTAL_STEPS_TAG, progress

from tests.support.simulation.trainings.specs import START, spec


def test_a_step_may_be_the_time_in_nanoseconds() -> None:
    point = MetricPoint(0.9, 1_800_000_000_000_000_000, START.timestamp() + 60)
    told = progress(TrackedRun("r", "1", "RUNNING", START.timestamp(), metrics={"auc": point}), START)
    assert told is not None
    assert told.step == 2**53


def test_thousands_of_gpus_may_run_for_weeks() -> None:
    resources = {"limits": {"nvidia.com/gpu": "8000"}}
    many = spec(template={"image": f"r/churn@sha256:{'1' * 64}", "resources": resources})
    seconds = spent(many, Attempts(), START, START + timedelta(days=4))
    assert seconds == 2**31 - 1
    assert Attempts.model_validate({"gpuSeconds": seconds}).gpu_seconds == seconds


NUMBERS = st.one_of(
    st.floats(), st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([1e308, -0.0, math.nan, math.inf])
)


@given(
    points=st.dictionaries(
        st.text(max_size=300),
        st.builds(MetricPoint, NUMBERS, st.integers(-(2**63), 2**63 - 1), st.floats(0, 4e9)),
        max_size=25,
    ),
    total=st.one_of(st.text(max_size=20), st.integers(0, 10**20).map(str)),
    started=st.floats(0, 4e9),
)
def test_any_metrics_of_a_run_fit_into_status(points: dict[str, MetricPoint], total: str, started: float) -> None:
    told = progress(TrackedRun("r", "1", "RUNNING", started, tags={TOTAL_STEPS_TAG: total}, metrics=points), START)
    assert (told is None) == (not points)
    if told is not None:
        wire = json.loads(json.dumps(told.to_wire(), allow_nan=False))
        assert Progress.model_validate(wire) == told
