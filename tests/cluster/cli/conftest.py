"""The commands for people, as they run them: against the API server of the local cluster, with a kubeconfig."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client
from rollmodel.__main__ import main

from localcluster import Cluster
from tests.cluster.conftest import start
from tests.support.apiserver import Api

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def api(custom_objects: client.CustomObjectsApi, namespace: str) -> Api:
    return Api(custom_objects, namespace)


@pytest.fixture
def run(cluster: Cluster, namespace: str, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command; gives exit code, output and errors. ``user``: whose kubeconfig; ``place``: which namespace."""
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def call(*arguments: str, user: Path = cluster.kubeconfig, place: str = namespace) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([*arguments, "-n", place, "--kubeconfig", str(user)])
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def reader(cluster: Cluster, namespace: str) -> Path:
    """The kubeconfig of somebody who may read our kinds in this namespace, and nothing else anywhere."""
    rules = [{"apiGroups": ["rollmodel.dev"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]
    role = {"kind": "Role", "metadata": {"name": "reader"}, "rules": rules}
    binding = {
        "kind": "RoleBinding",
        "metadata": {"name": "reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "reader"}],
    }
    for manifest in (role, binding):
        text = json.dumps({"apiVersion": "rbac.authorization.k8s.io/v1", **manifest})
        cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=text)
    return cluster.kubeconfig_for("reader")


@pytest.fixture
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster]:
    """A cluster where our kinds are not installed."""
    with start(request, tmp_path) as started:
        yield started
