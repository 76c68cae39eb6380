import base64
from pathlib import Path
from typing import Any

import pytest

from localcluster.node.containers.environment import ConfigError
from localcluster.node.pods.volumes import Origins, write_volume

POD = {"metadata": {"name": "p", "namespace": "ns", "labels": {"a": "b"}}, "spec": {}, "status": {}}
OBJECTS = {
    ("configmaps", "files"): {"data": {"a.txt": "A"}, "binaryData": {"b.bin": base64.b64encode(b"\xff").decode()}},
    ("secrets", "key"): {"data": {"tls.key": base64.b64encode(b"K").decode()}},
}


async def lookup(resource: Any, name: str) -> Any:
    return OBJECTS.get((resource, name))


async def token(projection: Any) -> Any:
    return f"token for {projection.get('audience', 'the API server')}"


def origins(root: Path, volume: Any = None) -> Origins:
    async def claimed(name: str) -> Any:
        return {"spec": volume} if name == "data" and volume else None

    return Origins(lookup, token, claimed, root)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ({"emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}, {}),
        ({"configMap": {"name": "files"}}, {"a.txt": b"A", "b.bin": b"\xff"}),
        ({"configMap": {"name": "files", "items": [{"key": "a.txt", "path": "x/y"}]}}, {"x/y": b"A"}),
        ({"configMap": {"name": "none", "optional": True}}, {}),
        ({"secret": {"secretName": "key"}}, {"tls.key": b"K"}),
        ({"downwardAPI": {"items": [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}}]}}, {"l": b'a="b"'}),
        (
            {
                "projected": {
                    "sources": [
                        {"serviceAccountToken": {"path": "token"}},
                        {"secret": {"name": "key"}},
                        {"configMap": {"name": "files", "items": [{"key": "a.txt", "path": "a"}]}},
                    ]
                }
            },
            {"token": b"token for the API server", "tls.key": b"K", "a": b"A"},
        ),
    ],
)
async def test_volumes_become_files(tmp_path: Path, volume: Any, expected: Any) -> None:
    await write_volume(POD, {"name": "v", **volume}, tmp_path, origins(tmp_path))
    assert contents(tmp_path) == expected


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ({"configMap": {"name": "none"}}, 'configmap "none" not found'),
        ({"secret": {"secretName": "key", "items": [{"key": "x", "path": "x"}]}}, "non-existent secret key: x"),
        ({"hostPath": {"path": "/etc"}}, "hostPath"),
        ({"image": {"reference": "registry.example.com/m:1"}}, "failed to pull image"),
        ({"image": {"reference": "../.."}}, "failed to pull image"),
        ({"persistentVolumeClaim": {"claimName": "c"}}, 'persistentvolumeclaim "c" not found, or not bound'),
    ],
)
async def test_volumes_that_cannot_be_had(tmp_path: Path, volume: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        await write_volume(POD, {"name": "v", **volume}, tmp_path, origins(tmp_path))


CLAIM = {"name": "v", "persistentVolumeClaim": {"claimName": "data", "readOnly": True}}


@pytest.mark.parametrize("kind", ["hostPath", "local"])
async def test_a_claim_is_the_folder_of_its_volume(tmp_path: Path, kind: str) -> None:
    disk, folder = tmp_path / "disks/a", tmp_path / "pods/v"
    disk.mkdir(parents=True)
    (disk / "file").write_text("x")
    folder.mkdir(parents=True)
    for _ in range(2):  # a node that starts again writes volumes again
        await write_volume(POD, CLAIM, folder, origins(tmp_path / "disks", {kind: {"path": str(disk)}}))
    (folder / "new").write_text("y")
    assert contents(disk) == {"file": b"x", "new": b"y"}


async def test_an_image_is_a_folder_of_images(tmp_path: Path) -> None:
    reference, folder = "registry.example.com/m@sha256:7", tmp_path / "pods/v"
    image = tmp_path / "images" / reference
    image.mkdir(parents=True)
    (image / "file").write_text("x")
    folder.mkdir(parents=True)
    for _ in range(2):
        await write_volume(POD, {"name": "v", "image": {"reference": reference}}, folder, origins(tmp_path))
    assert contents(folder.resolve()) == {"file": b"x"}


async def test_a_folder_is_made_where_the_volume_says_so(tmp_path: Path) -> None:
    disk, folder = tmp_path / "disks/a", tmp_path / "v"
    folder.mkdir()
    source = {"hostPath": {"path": str(disk), "type": "DirectoryOrCreate"}}
    await write_volume(POD, CLAIM, folder, origins(tmp_path / "disks", source))
    assert folder.resolve() == disk.resolve()


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ({"hostPath": {"path": "/etc"}}, "not within the local cluster's folder"),
        ({"hostPath": {"path": "{root}/../other", "type": "DirectoryOrCreate"}}, "not within"),
        ({"local": {"path": "{root}/none"}}, "is not a directory"),
        ({"csi": {"driver": "x"}}, "only PersistentVolumes of kind hostPath and local"),
    ],
)
async def test_persistent_volumes_that_cannot_be_had(tmp_path: Path, volume: Any, message: str) -> None:
    root = tmp_path / "disks"
    root.mkdir()
    for source in volume.values():
        source["path"] = source.get("path", "").format(root=root)
    with pytest.raises(ConfigError, match=message):
        await write_volume(POD, CLAIM, tmp_path / "v", origins(root, volume))
    assert contents(tmp_path) == {}
