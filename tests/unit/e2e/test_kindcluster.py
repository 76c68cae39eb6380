"""The kind cluster of the end-to-end tests, without Docker: which commands, in which order, and what is left over."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from rollmodel.settings import Settings

from tests.e2e import kindcluster

HOST = "172.18.0.2"


class Machine:
    """Records commands; fails at the first that contains ``fails``."""

    def __init__(self, fails: str | None = None) -> None:
        self.commands: list[str] = []
        self._fails = fails

    def run(self, *command: str | Path, stdin: str | None = None) -> str:
        line = " ".join(map(str, command))
        self.commands.append(line)
        if self._fails is not None and self._fails in line:
            raise subprocess.CalledProcessError(1, line)
        return HOST if "jsonpath" in line else "kind: Namespace"

    def position(self, words: str) -> int:
        return next(number for number, line in enumerate(self.commands) if words in line)


@pytest.fixture(autouse=True)
def _no_binaries(monkeypatch: pytest.MonkeyPatch) -> None:
    def locate(names: Iterable[str]) -> dict[str, Path]:
        return {name: Path("/bin") / name for name in names}

    monkeypatch.setattr(kindcluster, "locate", locate)


def test_the_cluster_is_filled_before_it_is_used_and_deleted_after(tmp_path: Path) -> None:
    machine = Machine()
    with kindcluster.kind_cluster(tmp_path, machine.run) as made:
        assert made.mlflow_url == f"http://{HOST}:30500"
        assert made.gateway_url == f"http://{HOST}:30080"
        assert not any("delete cluster" in line for line in machine.commands)
    order = [
        "create cluster",
        "docker build",
        "load docker-image",
        "apply --server-side -k",
        "create configmap rollmodel",
        "rollout restart",
        "rollout status",
        "delete",
    ]
    positions = [machine.position(words) for words in order]
    assert positions == sorted(positions)


@pytest.mark.parametrize("step", ["create cluster", "docker build", "load docker-image", "-k", "wait"])
def test_whatever_fails_nothing_is_left(tmp_path: Path, step: str) -> None:
    machine = Machine(fails=step)
    with pytest.raises(subprocess.CalledProcessError), kindcluster.kind_cluster(tmp_path, machine.run):
        pytest.fail("the cluster is not ready")
    assert "delete cluster" in machine.commands[-1]


def test_every_image_of_the_installation_is_built() -> None:
    used = {Settings.model_fields[f"{target}_image"].default for target in ("operator", "server")}
    assert set(kindcluster.IMAGES.values()) == used
    assert kindcluster.IMAGES["operator"] in (kindcluster.ROOT / "config" / "deployment.yaml").read_text()


def test_without_docker_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert kindcluster.docker_problem() == "there is no docker command"
