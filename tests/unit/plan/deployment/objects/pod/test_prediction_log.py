"""The prediction log in the pod: a variable that the server understands, a volume, a login; and nothing without it."""

from __future__ import annotations

from typing import Any

import pytest
from rollmodel.plan.deployment.objects import revision as revisions
from rollmodel.plan.deployment.objects.pod import prediction_log
from rollmodel.serving.predictions.config import VARIABLE, LogConfig, configured

from tests.support.simulation.rollouts import DEFAULTS, model, spec


def revision(**log: Any) -> revisions.Revision:
    return revisions.wanted("churn", spec(runtime={"predictionLog": log, "workers": 2}), model("7"), DEFAULTS)


def container(**log: Any) -> dict[str, Any]:
    found: dict[str, Any] = revision(**log).template["spec"]["containers"][0]
    return found


def config(**log: Any) -> LogConfig:
    env = {one["name"]: one.get("value", "") for one in container(**log)["env"]}
    found = configured(env)
    assert found is not None
    return found


def test_both_sides_have_the_same_name_for_the_variable() -> None:
    assert prediction_log.VARIABLE == VARIABLE


def test_a_claim() -> None:
    asked = {"uri": "pvc://logs/models/all", "sampleRatio": "0.1", "excludeColumns": ["zip", "$(HOME)"]}
    found = config(**asked)
    assert found.to == "/mnt/predictions/models/all"
    assert (found.model, found.revision) == ("churn", revision(**asked).id)
    assert found.sample_ratio == 0.1
    assert found.exclude == ("zip", "$$(HOME)")  # Kubernetes makes $( of it
    assert found.max_total_bytes == 0
    assert {"name": "prediction-log", "mountPath": "/mnt/predictions"} in container(**asked)["volumeMounts"]
    volumes = revision(**asked).template["spec"]["volumes"]
    assert {"name": "prediction-log", "persistentVolumeClaim": {"claimName": "logs"}} in volumes


def test_a_bucket_with_a_login() -> None:
    asked = {"uri": "s3://logs/all", "connectionRef": {"name": "minio"}, "format": "Parquet"}
    found = container(**asked)
    assert (config(**asked).to, config(**asked).format) == ("s3://logs/all", "Parquet")
    assert not any(one["name"] == "prediction-log" for one in found["volumeMounts"])
    keys = {one["name"] for one in found["env"] if "valueFrom" in one}
    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} <= keys


def test_a_volume_of_the_pod_is_bounded() -> None:
    assert config().to == "/mnt/predictions"
    assert config().max_total_bytes == 256 * 2**20  # each of two workers
    assert {"name": "prediction-log", "emptyDir": {}} in revision().template["spec"]["volumes"]


@pytest.mark.parametrize("runtime", [{}, {"preset": "Custom", "image": "x"}])
def test_without_a_log_the_pod_is_as_before(runtime: dict[str, Any]) -> None:
    template = revisions.wanted("churn", spec(runtime=runtime), model("7"), DEFAULTS).template
    assert "prediction" not in str(template)
    assert VARIABLE not in str(template)


def test_a_log_makes_a_revision() -> None:
    ids = {revisions.wanted("churn", spec(), model("7"), DEFAULTS).id, revision().id, revision(sampleRatio="0.5").id}
    assert len(ids) == 3
