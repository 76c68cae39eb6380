"""The files that Envoy reads. That Envoy accepts them is seen in tests/cluster/gateway."""

import json
from pathlib import Path
from typing import Any

from localcluster.gateway.xds import XdsFiles


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def test_the_version_is_that_of_the_content(tmp_path: Path) -> None:
    files = XdsFiles(tmp_path)
    first = files.write_clusters(["a", "b"])
    assert files.write_clusters(["b", "a"]) == first
    assert read(tmp_path / "clusters.json")["version_info"] == first
    assert files.write_clusters(["a"]) != first


def test_each_cluster_has_a_file_of_endpoints(tmp_path: Path) -> None:
    files = XdsFiles(tmp_path)
    files.write_clusters(["ns_a_80"])
    files.write_endpoints("ns_a_80", frozenset({("127.244.0.2", 8080), ("127.244.0.1", 8080)}))
    [cluster] = read(tmp_path / "clusters.json")["resources"]
    path = Path(cluster["eds_cluster_config"]["eds_config"]["path_config_source"]["path"])
    [assignment] = read(path)["resources"]
    endpoints = assignment["endpoints"][0]["lb_endpoints"]
    found = [item["endpoint"]["address"]["socket_address"]["address"] for item in endpoints]
    assert (assignment["cluster_name"], found) == ("ns_a_80", ["127.244.0.1", "127.244.0.2"])
    files.remove_endpoints("ns_a_80")
    assert not path.exists()


def test_files_are_moved_into_place(tmp_path: Path) -> None:
    files = XdsFiles(tmp_path)
    files.write_routes([])
    before = (tmp_path / "routes.json").stat().st_ino
    files.write_routes([{"name": "any", "domains": ["*"], "routes": []}])
    assert (tmp_path / "routes.json").stat().st_ino != before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["endpoints", "routes.json"]
