"""What can be wrong with a cluster, a login or a name: every command says what to do, and ends with 1."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from localcluster import Cluster
from localcluster.network import LOOPBACK, free_port
from tests.cluster.cli.conftest import Run
from tests.support.apiserver import Api, spec_of

pytestmark = pytest.mark.cluster

COMMANDS = ["explain", "promote", "retry"]
ANY_KIND = ["get", "describe", "watch", "logs"]


def refused(answer: tuple[int, str, str], command: str) -> str:
    """The one line of a command that could not do its work."""
    code, out, err = answer
    assert (code, out) == (1, "")
    assert err.startswith(f"rollmodel {command}: ")
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize("command", COMMANDS + ANY_KIND)
def test_no_such_object(command: str, api: Api, run: Run) -> None:
    message = refused(run(command, "nobody-has-this"), command)
    assert "ModelDeployment 'nobody-has-this' in namespace" in message
    assert f"`rollmodel get -n {api.namespace}` lists what is there" in message


@pytest.mark.parametrize("command", COMMANDS + ANY_KIND)
def test_the_wrong_namespace(command: str, api: Api, run: Run) -> None:
    name = f"only-in-{api.namespace}"
    api.create("ModelDeployment", spec_of("ModelDeployment"), name)
    message = refused(run(command, name, place="default"), command)
    assert f"there is one in {api.namespace} (-n {api.namespace})" in message


def test_no_such_namespace(api: Api, run: Run) -> None:
    message = refused(run("explain", "nobody-has-this", place="nowhere"), "explain")
    assert "namespace 'nowhere': there is no such namespace" in message


@pytest.mark.parametrize("command", COMMANDS + ANY_KIND)
def test_no_rights(command: str, cluster: Cluster, api: Api, run: Run) -> None:
    api.create("ModelDeployment", spec_of("ModelDeployment"))
    message = refused(run(command, "churn", user=cluster.kubeconfig_for("nobody")), command)
    assert re.search(r'User "nobody" cannot get resource "(modeldeployments|trainingjobs)"', message)
    assert "grant it with a Role" in message


def test_who_may_not_look_elsewhere_gets_the_simple_answer(reader: Path, api: Api, run: Run) -> None:
    message = refused(run("explain", "churn", user=reader), "explain")
    assert f"`rollmodel get -n {api.namespace}` lists what is there" in message


def test_kinds_that_are_not_installed(bare: Cluster, run: Run) -> None:
    for command in (*COMMANDS, *ANY_KIND):
        message = refused(run(command, "churn", user=bare.kubeconfig, place="default"), command)
        assert "does not know the kind" in message
        assert "`kubectl apply --server-side -f crds/`" in message


def _changed(cluster: Cluster, path: Path, **cluster_fields: str) -> Path:
    """A kubeconfig like the administrator's with other fields of the cluster."""
    config = yaml.safe_load(cluster.kubeconfig.read_text(encoding="utf-8"))
    config["clusters"][0]["cluster"] |= cluster_fields
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


@pytest.mark.parametrize("command", COMMANDS + ANY_KIND)
def test_nobody_answers(command: str, cluster: Cluster, tmp_path: Path, run: Run) -> None:
    address = f"{LOOPBACK}:{free_port()}"
    other = _changed(cluster, tmp_path / "kubeconfig", server=f"https://{address}")
    message = refused(run(command, "churn", user=other), command)
    assert f"did not answer: ClientConnectorError at {address}" in message
    assert "is the cluster up" in message


def test_a_login_that_is_not_known(cluster: Cluster, tmp_path: Path, run: Run) -> None:
    config = yaml.safe_load(cluster.kubeconfig.read_text(encoding="utf-8"))
    config["users"][0]["user"] = {"token": "expired"}
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    message = refused(run("explain", "churn", user=path), "explain")
    assert "does not know this login" in message
    assert "expired" not in message


@pytest.mark.parametrize("text", [None, "", "{", "kind: Config\nclusters: 3\n", "- 1\n"])
def test_a_kubeconfig_that_is_none(text: str | None, tmp_path: Path, run: Run) -> None:
    path = tmp_path / "kubeconfig"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    assert "Set KUBECONFIG to one." in refused(run("explain", "churn", user=path), "explain")
