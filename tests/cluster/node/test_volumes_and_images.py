"""What a container finds on its disk: volumes that outlive it, and the files of its image."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.pods import Kube, Wait, shell

pytestmark = pytest.mark.cluster


def claim(kube: Kube, path: Path) -> None:
    """A PersistentVolume below the cluster's folder, and a claim ``data`` that only it can satisfy."""
    common: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
    volume = {
        **common,
        "capacity": {"storage": "1Gi"},
        "hostPath": {"path": str(path), "type": "DirectoryOrCreate"},
        "claimRef": {"name": "data", "namespace": kube.namespace},
        "persistentVolumeReclaimPolicy": "Retain",
    }
    name = f"{kube.namespace}-data"
    kube.create({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": volume})
    wish = {**common, "resources": {"requests": {"storage": "1Gi"}}, "volumeName": name}
    kube.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": wish})


def run(kube: Kube, wait_until: Wait, name: str, container: dict[str, Any], **spec: Any) -> None:
    """Run a Pod to its good end."""
    kube.pod(name, container, restartPolicy="Never", **spec)
    wait_until(lambda: kube.status(name).get("phase") == "Succeeded")


def test_a_claim_outlives_its_pods(kube: Kube, wait_until: Wait) -> None:
    disk = kube.cluster.directory / "volumes" / kube.namespace
    claim(kube, disk)
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    data: dict[str, Any] = {"env": [{"name": "FILE", "value": "/mnt/data/file"}]}
    data["volumeMounts"] = [{"name": "data", "mountPath": "/mnt/data", "subPath": "run"}]
    for number, script in enumerate(('echo kept > "$FILE"', 'cat "$FILE"')):
        run(kube, wait_until, f"pod-{number}", shell(script, **data), volumes=volumes)
    assert kube.run("logs", "pod-1") == "kept\n"
    folder = kube.folder("pod-0")
    kube.run("delete", "pod", "pod-0")
    wait_until(lambda: not folder.exists())
    assert (disk / "run/file").read_text() == "kept\n"
    kube.cluster.kubectl("delete", "pv", f"{kube.namespace}-data", "--wait=false")


def test_an_input_on_a_claim_is_hashed_where_it_is(kube: Kube, wait_until: Wait) -> None:
    disk = kube.cluster.directory / "volumes" / kube.namespace
    disk.mkdir(parents=True)
    (disk / "train.csv").write_text("1,2\n")
    claim(kube, disk)
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data", "readOnly": True}}]
    command = ["input", "--name", "train", "--uri", "pvc://data/train.csv", "--mounted=/mnt/inputs/train"]
    read: dict[str, Any] = {"name": "input-train", "image": "localhost/rollmodel/operator:1", "args": command}
    read["volumeMounts"] = [{"name": "data", "mountPath": "/mnt/inputs/train", "readOnly": True}]
    run(kube, wait_until, "read", shell("true"), initContainers=[read], volumes=volumes)
    [status] = kube.status("read")["initContainerStatuses"]
    # sha256sum train.csv | sha256sum
    digest = "sha256:8599cb64b599378533b2a86163102abbc7515391c42021bc58850a29a6dfef85"
    assert status["state"]["terminated"]["message"] == (
        f'{{"name": "train", "uri": "pvc://data/train.csv", "version": null, "digest": "{digest}"}}\n'
    )
    kube.cluster.kubectl("delete", "pv", f"{kube.namespace}-data", "--wait=false")


def test_an_image_brings_files_of_the_repository(kube: Kube, wait_until: Wait) -> None:
    look = ["python", "-c", "import os; print(*sorted(os.listdir('examples/training')))"]
    image = "localhost/rollmodel/examples-training:1"
    run(kube, wait_until, "files", {"name": "main", "image": image, "command": look})
    assert "train.py" in kube.run("logs", "files").split()


def test_shared_memory_and_the_id_of_the_image(kube: Kube, wait_until: Wait) -> None:
    volumes = [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}}]
    shared: dict[str, Any] = {"env": [{"name": "SHM", "value": "/dev/shm/x"}]}  # noqa: S108  as containers name it
    shared["volumeMounts"] = [{"name": "shm", "mountPath": "/dev/shm"}]  # noqa: S108
    for name in ("one", "two"):
        run(kube, wait_until, name, shell('echo x > "$SHM"', **shared), volumes=volumes)
    ids = {kube.container(name)["imageID"] for name in ("one", "two")}
    assert len(ids) == 1
    assert re.fullmatch(r"localcluster/busybox@sha256:[0-9a-f]{64}", ids.pop())
    assert (kube.folder("one") / "volumes/shm/x").read_text() == "x\n"
