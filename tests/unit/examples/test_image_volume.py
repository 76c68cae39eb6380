"""The example of an image volume is a whole one: its pods mount the image that it names, at the path that it names."""

from __future__ import annotations

from pathlib import Path

import yaml
from rollmodel.api.modeldeployment import ModelDeploymentSpec
from rollmodel.plan.deployment.objects.revision import wanted
from rollmodel.plan.deployment.observed import PinnedModel

from tests.support.simulation.rollouts import DEFAULTS

EXAMPLE = Path(__file__).parents[3] / "examples" / "image-volume.yaml"


def test_its_pods_mount_the_image() -> None:
    spec = ModelDeploymentSpec.model_validate(yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))["spec"])
    assert spec.model.uri is not None
    assert spec.model.digest is not None
    pinned = PinnedModel(spec.model.uri, spec.model.digest)
    pod = wanted("churn", spec, pinned, DEFAULTS).template["spec"]
    reference, _, path = spec.model.uri.removeprefix("oci://").rpartition("/")
    assert {"name": "model", "image": {"reference": reference, "pullPolicy": "IfNotPresent"}} in pod["volumes"]
    [mount] = [one for one in pod["containers"][0]["volumeMounts"] if one["name"] == "model"]
    assert (mount["subPath"], mount["readOnly"]) == (path, True)
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
