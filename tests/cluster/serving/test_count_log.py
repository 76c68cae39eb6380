"""The Job's way to the ConfigMap, with the rights of the example and no others."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from rollmodel.errors import Forbidden, NotFound
from rollmodel.serving.predictions.count_log.config_map import write_config_map

from localcluster import Cluster
from tests.support.yaml_text import all_from_yaml

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

EXAMPLE = Path(__file__).parents[3] / "examples" / "predictions-and-labels.yaml"
WANTED = {"ConfigMap", "ServiceAccount", "Role", "RoleBinding"}


def test_the_job_writes_its_one_config_map(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    for manifest in all_from_yaml(EXAMPLE.read_text(encoding="utf-8")):
        if manifest["kind"] in WANTED:
            manifest["subjects"] = [{**one, "namespace": namespace} for one in manifest.get("subjects", [])]
            given = {key: value for key, value in manifest.items() if value}
            cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(given))
    cluster.kubectl("create", "configmap", "other", "-n", namespace)
    [server] = yaml.safe_load(cluster.kubeconfig.read_text(encoding="utf-8"))["clusters"]
    authority = server["cluster"].get("certificate-authority-data")
    certificate = (
        base64.b64decode(authority) if authority else Path(server["cluster"]["certificate-authority"]).read_bytes()
    )
    (tmp_path / "ca.crt").write_bytes(certificate)
    (tmp_path / "namespace").write_text(namespace, encoding="utf-8")
    (tmp_path / "token").write_text(cluster.kubectl("create", "token", "count-log", "-n", namespace), encoding="utf-8")
    address = urlsplit(server["cluster"]["server"])
    env = {"KUBERNETES_SERVICE_HOST": address.hostname or "", "KUBERNETES_SERVICE_PORT": str(address.port)}

    write_config_map("churn-counts", {"r1": b"one", "r2": b"two"}, account=tmp_path, env=env)
    write_config_map("churn-counts", {"r2": b"three"}, account=tmp_path, env=env)
    text = cluster.kubectl("get", "configmap", "churn-counts", "-n", namespace, "-o", "json")
    assert json.loads(text)["binaryData"] == {"r2.json.gz": base64.b64encode(b"three").decode()}

    with pytest.raises(Forbidden, match="may not patch the ConfigMap 'other'"):
        write_config_map("other", {"r1": b"one"}, account=tmp_path, env=env)
    cluster.kubectl("delete", "configmap", "churn-counts", "-n", namespace)
    with pytest.raises(NotFound, match="create an empty one"):
        write_config_map("churn-counts", {"r1": b"one"}, account=tmp_path, env=env)
