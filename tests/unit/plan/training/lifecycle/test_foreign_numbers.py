"""Numbers from elsewhere that status cannot hold are cut: they must not stop a training."""

from __future__ import annotations

from datetime import timedelta

from rollmodel.api.trainingjob import Attempts
from rollmodel.plan.training.lifecycle.attempts import spent
from rollmodel.plan.training.observed import MetricPoint, TrackedRun
from rollmodel.plan.training.progress import progress

from tests.support.simulation.training_specs import START, spec


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
