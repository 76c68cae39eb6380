"""The chart's output over a matrix of values, compared with the schemas of Kubernetes and of our own kinds."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from charts.__main__ import CHART, REPOSITORY
from localcluster import Cluster
from localcluster.binaries import locate
from tests.cluster.charts.conftest import Helm
from tests.cluster.charts.rendering.matrix import MATRIX
from tests.cluster.conftest import WaitUntil, serve_kinds
from tests.support.binaries import needs_binaries
from tests.support.openapi_schemas import LOCATION, write_schemas
from tests.support.yaml_text import from_yaml

pytestmark = [pytest.mark.cluster, pytest.mark.slow]  # Helm may have to be built

#: The Prometheus operator is not installed, and its definitions are not at hand.
UNKNOWN = "PodMonitor,ServiceMonitor,PrometheusRule"
OURS = "rollmodel.dev/v1alpha1/ModelDeployment"


class Kubeconform:
    """kubeconform with a folder of schemas."""

    def __init__(self, binary: Path, schemas: Path) -> None:
        self._command = [str(binary), "-strict", "-output", "json", "-skip", UNKNOWN]
        self._command += ["-schema-location", f"{schemas}/{LOCATION}"]

    def complaints(self, *files: Path, expected: int) -> list[str]:
        """What is wrong. Fails unless so many objects, or more, have been looked at."""
        command = [*self._command, "-summary", *map(str, files)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        answer = json.loads(done.stdout)
        assert answer["summary"]["valid"] + answer["summary"]["invalid"] >= expected, done.stdout
        return [
            f"{Path(one['filename']).name} {one['kind']} {one['name']}: {one['msg']}" for one in answer["resources"]
        ]


@pytest.fixture(scope="module")
def kubeconform(
    bare: Cluster, wait_until: WaitUntil, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kubeconform]:
    """With the schemas of an API server that serves our kinds."""
    with needs_binaries(os.environ):
        binary = locate(["kubeconform"])["kubeconform"]
    schemas, crds = tmp_path_factory.mktemp("schemas"), serve_kinds(bare)
    # What the API server tells of CRDs it tells a moment after it serves them.
    wait_until(lambda: OURS in write_schemas(json.loads(bare.kubectl("get", "--raw", "/openapi/v2")), schemas))
    yield Kubeconform(binary, schemas)
    bare.kubectl("delete", "-f", str(crds))


def test_every_rendering_fits_the_schemas(helm: Helm, kubeconform: Kubeconform, tmp_path: Path) -> None:
    for name, values in MATRIX.items():
        command = ("template", "rollmodel", str(CHART), "--namespace", "rollmodel-system")
        (tmp_path / f"{name}.yaml").write_text(helm(*command, values=values))
    assert kubeconform.complaints(*tmp_path.iterdir(), expected=8 * len(MATRIX)) == []


def test_kustomize_and_the_examples_fit_them_too(kubeconform: Kubeconform) -> None:
    files = from_yaml((REPOSITORY / "kustomization.yaml").read_text())["resources"]
    paths = [*(REPOSITORY / file for file in files), REPOSITORY / "config" / "examples" / "connection-secrets.yaml"]
    assert kubeconform.complaints(*paths, REPOSITORY / "examples" / "quickstart.yaml", expected=13) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"replicas": "one"}, "got string, want integer"),
        ({"replica": 1}, "additional properties 'replica' not allowed"),
        ({"selector": None}, "missing property 'selector'"),
    ],
)
def test_a_wrong_object_is_found(
    helm: Helm, kubeconform: Kubeconform, tmp_path: Path, change: dict[str, Any], complaint: str
) -> None:
    (deployment,) = (one for one in helm.render() if one["kind"] == "Deployment")
    spec = {key: value for key, value in {**deployment["spec"], **change}.items() if value is not None}
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump({**deployment, "spec": spec}))
    (found,) = kubeconform.complaints(tmp_path / "wrong.yaml", expected=1)
    assert complaint in found


def test_a_wrong_object_of_ours_is_found(kubeconform: Kubeconform, tmp_path: Path) -> None:
    manifest = {"apiVersion": "rollmodel.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": "churn"}}
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump({**manifest, "spec": {"model": {"rgistry": {}}}}))
    (found,) = kubeconform.complaints(tmp_path / "wrong.yaml", expected=1)
    assert "additional properties 'rgistry' not allowed" in found
