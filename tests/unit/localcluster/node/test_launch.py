"""Whose paths are mapped: those of the container's spec, never those that the image has from this machine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from localcluster.kubeapi import Object
from localcluster.node.containers.images import Image
from localcluster.node.containers.launch import Launch, prepare
from localcluster.node.pods.folders import PodFolder


async def nothing(resource: str, name: str) -> Object | None:
    raise AssertionError(f"nobody asked for {resource} {name}")


async def launch(tmp_path: Path, **container: object) -> Launch:
    image = Image("train", entrypoint=("{python}", "-m"), cmd=("train",), env={"HOME_OF_PYTHON": "{python}"})
    mount = {"name": "scratch", "mountPath": "/scratch"}
    pod = {"metadata": {"name": "p"}, "spec": {}, "status": {"podIP": "10.244.0.1"}}
    spec: Object = {"name": "main", "volumeMounts": [mount], **container}
    return await prepare(pod, spec, image, PodFolder(tmp_path, "uid"), nothing)


async def test_a_checkout_below_a_mounted_path_still_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/scratch/checkout/.venv/bin/python")
    started = await launch(
        tmp_path, args=["train", "--scratch=/scratch/work"], env=[{"name": "SCRATCH", "value": "/scratch"}]
    )
    scratch = str(tmp_path / "uid" / "volumes" / "scratch")
    assert started.argv == ["/scratch/checkout/.venv/bin/python", "-m", "train", f"--scratch={scratch}/work"]
    assert started.env["SCRATCH"] == scratch
    assert started.env["HOME_OF_PYTHON"] == "/scratch/checkout/.venv/bin/python"
