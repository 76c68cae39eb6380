"""The login of a Pod at the API server, as a kubeconfig in its home."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from localcluster.node.pods.folders import PodFolder
from localcluster.node.pods.login import write_login

TOKEN: dict[str, Any] = {"serviceAccountToken": {"path": "token"}}


def pod(*sources: dict[str, Any]) -> dict[str, Any]:
    volumes = [{"name": "tmp", "emptyDir": {}}, {"name": "access", "projected": {"sources": list(sources)}}]
    return {"metadata": {"namespace": "team"}, "spec": {"volumes": volumes}}


@pytest.fixture
def folder(tmp_path: Path) -> PodFolder:
    folder = PodFolder(tmp_path, "uid")
    for name in ("token", "ca.crt"):
        (folder.volume("access") / name).write_text(name)
    return folder


def test_it_is_that_of_the_service_account(folder: PodFolder) -> None:
    write_login(pod({"configMap": {"name": "kube-root-ca.crt"}}, TOKEN), folder, "https://127.0.0.1:6443")
    config = yaml.safe_load((folder.path / ".kube" / "config").read_text())
    (user,), (cluster,), (context,) = config["users"], config["clusters"], config["contexts"]
    assert Path(user["user"]["tokenFile"]).read_text() == "token"
    assert Path(cluster["cluster"]["certificate-authority"]).read_text() == "ca.crt"
    assert cluster["cluster"]["server"] == "https://127.0.0.1:6443"
    assert context["context"] == {"cluster": cluster["name"], "user": user["name"], "namespace": "team"}
    assert config["current-context"] == context["name"]


@pytest.mark.parametrize("sources", [(), ({"configMap": {"name": "kube-root-ca.crt"}},)])
def test_a_pod_without_a_token_has_none(folder: PodFolder, sources: tuple[dict[str, Any], ...]) -> None:
    write_login(pod(*sources), folder, "https://127.0.0.1:6443")
    assert not (folder.path / ".kube").exists()


def test_a_token_for_somebody_else_has_no_authority_beside_it_and_is_none(folder: PodFolder) -> None:
    (folder.volume("access") / "ca.crt").unlink()
    write_login(pod(TOKEN), folder, "https://127.0.0.1:6443")
    assert not (folder.path / ".kube").exists()
