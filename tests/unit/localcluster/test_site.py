"""The directory of a cluster: never anybody else's, and its kubeconfigs stand alone."""

from base64 import b64decode
from pathlib import Path

import pytest
import yaml

from localcluster.errors import LocalClusterError, NotRunningError
from localcluster.pki import Authority
from localcluster.site import Site


def create(root: Path, images: Path | None = None) -> Site:
    return Site.create(root, audit=True, scrape_interval="2s", images=images)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    site = create(tmp_path / "new", Path("images.yaml"))
    site.ports["etcd"] = 20_000
    site.binaries["etcd"] = "/bin/etcd"
    site.save()
    assert Site.load(tmp_path / "new") == site
    assert site.address("etcd") == "127.0.0.1:20000"
    assert site.images == str(Path.cwd() / "images.yaml")
    assert site.root.stat().st_mode & 0o777 == 0o700


def test_an_earlier_cluster_is_removed(tmp_path: Path) -> None:
    earlier = create(tmp_path)
    (earlier.folder("etcd") / "wal").touch()
    later = create(tmp_path)
    assert later.id != earlier.id
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cluster.json", "logs", "pki", "users"]


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(LocalClusterError, match="give an empty directory"):
        create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_no_cluster(tmp_path: Path) -> None:
    with pytest.raises(NotRunningError, match="no cluster in"):
        Site.load(tmp_path)


def test_a_kubeconfig_stands_alone(tmp_path: Path) -> None:
    site = create(tmp_path)
    site.ports["kube-apiserver"] = 20_001
    Authority.create("ca").save(site.pki, "ca")
    path = site.kubeconfig_for("team:jane", ("readers",))
    assert path == tmp_path / "users" / "team-jane.kubeconfig"
    assert path.stat().st_mode & 0o777 == 0o600
    config = yaml.safe_load(path.read_text())
    [cluster], [user] = config["clusters"], config["users"]
    assert cluster["cluster"]["server"] == site.api_server
    assert b64decode(cluster["cluster"]["certificate-authority-data"]) == (site.pki / "ca.crt").read_bytes()
    assert b64decode(user["user"]["client-key-data"]).startswith(b"-----BEGIN PRIVATE KEY-----")
    assert config["contexts"][0]["context"] == {"cluster": cluster["name"], "user": "team:jane"}
