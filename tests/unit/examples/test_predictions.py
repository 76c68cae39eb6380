"""The example of predictions and labels holds together: its Job counts what its pods log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rollmodel.api.driftpolicy import DriftPolicySpec
from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.cli.lint.command import main as lint
from rollmodel.plan.deployment.objects.pod.prediction_log import log_environment
from rollmodel.plan.drift.evaluation.watches import unsupported
from rollmodel.serving.predictions.config import configured
from rollmodel.serving.predictions.count_log.command import _parser

from tests.support.yaml_text import all_from_yaml

FILE = Path(__file__).parents[3] / "examples" / "predictions-and-labels.yaml"


@pytest.fixture
def objects() -> dict[str, dict[str, Any]]:
    return {one["kind"]: one for one in all_from_yaml(FILE.read_text(encoding="utf-8"))}


def test_nothing_is_wrong_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert lint([str(FILE)]) == 0, capsys.readouterr().out


def test_the_job_counts_what_the_pods_log(objects: dict[str, dict[str, Any]]) -> None:
    pod = objects["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert container["args"][0] == "count-log"
    asked = _parser().parse_args(container["args"][1:])
    log = ModelDeploymentSpec.model_validate(objects["ModelDeployment"]["spec"]).runtime.prediction_log
    config = configured({one["name"]: one["value"] for one in log_environment(log, "churn", "r1", 1)})
    assert config is not None
    claim = pod["volumes"][0]["persistentVolumeClaim"]["claimName"]
    assert log is not None
    assert log.uri == f"pvc://{claim}/log"
    assert asked.log == f"/data/{config.to.removeprefix('/mnt/predictions/')}/{config.model}"
    policy = DriftPolicySpec.model_validate(objects["DriftPolicy"]["spec"])
    assert policy.source.counts is not None
    assert asked.step == policy.source.counts.step_seconds
    assert asked.out == f"configmap/{policy.source.counts.config_map_ref.name}"
    assert not unsupported(policy)


def test_the_job_may_write_one_object(objects: dict[str, dict[str, Any]]) -> None:
    [rule] = objects["Role"]["rules"]
    assert rule["resourceNames"] == [objects["ConfigMap"]["metadata"]["name"]]
    assert rule["verbs"] == ["patch"]
