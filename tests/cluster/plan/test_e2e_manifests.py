"""The API server accepts what the end-to-end tests would install on a kind cluster, but for kinds of other projects."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcluster import Cluster

pytestmark = pytest.mark.cluster
KIND = Path(__file__).parents[2] / "e2e" / "kind"


@pytest.mark.parametrize("part", ["mlflow", "prometheus"])
def test_the_parts_of_the_kind_cluster_are_accepted(cluster: Cluster, part: str) -> None:
    if "namespace/e2e" not in cluster.kubectl("get", "namespaces", "-o", "name").split():  # others may contain it
        cluster.kubectl("create", "namespace", "e2e")
    manifest = (KIND / f"{part}.yaml").read_text().replace("${SERVER_IMAGE}", "localhost/rollmodel/server:dev")
    accepted = cluster.kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", stdin=manifest)
    assert accepted.count("serverside-applied") == manifest.count("\nkind: ") + manifest.startswith("kind: ")
