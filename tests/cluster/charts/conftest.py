"""The real Helm, and a cluster of its own for releases: they bring the CRDs along, which other tests have installed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from charts.__main__ import CHART
from localcluster import Cluster
from localcluster.binaries import locate
from tests.cluster.conftest import start
from tests.support.binaries import needs_binaries
from tests.support.yaml_text import all_from_yaml

Object = dict[str, Any]

#: What the operator's pod needs to run on the local node: the code of this tree.
HERE = {"extraEnv": [{"name": "PYTHONPATH", "value": f"{CHART.parents[1]}/operator:{CHART.parents[1]}"}]}


class Helm:
    """Helm with a home of its own; ``kubeconfig`` says who asks, and which cluster."""

    def __init__(self, binary: Path, home: Path, kubeconfig: Path | None = None) -> None:
        self.binary, self._home, self._kubeconfig = binary, home, kubeconfig

    def as_user(self, kubeconfig: Path) -> Helm:
        """The same for somebody on a cluster."""
        return Helm(self.binary, self._home, kubeconfig)

    def run(self, *arguments: str, values: Mapping[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command; ``values`` are given as a file."""
        homes = {f"HELM_{name}_HOME": str(self._home / name) for name in ("CACHE", "CONFIG", "DATA")}
        homes["HOME"] = str(self._home)  # where it keeps what API servers tell of themselves
        environment = {"PATH": os.environ["PATH"], "KUBECONFIG": str(self._kubeconfig or os.devnull), **homes}
        command = [str(self.binary), *arguments]
        if values is not None:
            command += ["--values", "-"]
        return subprocess.run(
            command,
            input=yaml.safe_dump(dict(values or {})),
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def __call__(self, *arguments: str, values: Mapping[str, Any] | None = None) -> str:
        """The output of a command that must succeed."""
        done = self.run(*arguments, values=values)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refusal(self, *arguments: str, values: Mapping[str, Any] | None = None) -> str:
        """The message of a command that must fail."""
        done = self.run(*arguments, values=values)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def render(self, values: Mapping[str, Any] | None = None, *options: str, name: str = "rollmodel") -> list[Object]:
        """The objects that a release would have, its tests included."""
        namespace = ("--namespace", "rollmodel-system")
        output = self("template", name, str(CHART), *namespace, *options, values=values or {})
        return [document for document in all_from_yaml(output) if document]


@pytest.fixture(scope="package")
def helm(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Helm:
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    with needs_binaries(os.environ), capture.global_and_fixture_disabled():
        return Helm(locate(["helm"])["helm"], tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="package")
def bare(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster with a node, and nothing of ours installed."""
    with start(request, tmp_path_factory.mktemp("bare"), parts=["node"]) as started:
        yield started
